//! The members of JSON objects that nearly all members are like.

use super::familiar::{Familiar, Known};
use super::json::{Walker, skip_space};
use super::json_scalar::{in_block, plain_string, short_number};
use super::keys::{KeyTable, ROOT};
use super::malformed::Malformed;
use super::target::{Frame, Target};
use super::value::{Span, Value};
use super::window::{WINDOW, window};

/// Where the members were left.
pub(super) enum Left {
    /// At the value of a member, which is no plain one.
    AtValue(Target),
    /// At a member that is no plain one.
    AtKey,
    /// Behind a value, and at no comma.
    Behind,
}

impl Walker<'_> {
    /// Reads members of an object as long as they are plain, of which the first begins at `at`.
    /// Plain is a name of up to 31 bytes without escapes, right before its colon, with a scalar
    /// for a field without a value.
    ///
    /// PERF: nearly all members are plain. What they need stays in registers here.
    #[inline(never)]
    pub fn members(&mut self, frame: &Frame, from: &mut usize) -> Result<Left, Malformed> {
        let data = self.data;
        let node = frame.target.child;
        let (store, base) = (self.store, self.base);
        let mut at = *from;
        let mut tail = None;
        let mut guess = self.slots.familiar.guess();
        let left = loop {
            let window = window(data, at, &mut tail);
            let (mut slots, familiar) = self.slots.parts(node == ROOT);
            let known = if let Some(known) = familiar.confirm(guess, window, node) {
                known
            } else if let Some(known) = unexpected(familiar, self.keys, window, node) {
                known
            } else {
                break Left::AtKey;
            };
            guess = known.next();
            let (field, entry) = (known.field, known.entry);
            // What was compared is no zero, so it is no padding: the value is inside or at the end.
            let mut value = at + known.len();
            if data.get(value) == Some(&b' ') {
                value += 1;
            }
            let head = data.get(value).copied();
            let mut end = None;
            if head == Some(b'"') {
                if let Some(quote) = plain_string(data, value + 1) {
                    let (start, len) = (base + value as u32 + 1, (quote - value - 1) as u32);
                    end = slots.push_str(field, Span { store, start, len }).then_some(quote + 1);
                }
            } else if let Some((number, digits)) = short_number(data, value) {
                let is_first = slots.push_scalar(field, Value::Int(number as i64));
                end = is_first.then_some(value + digits);
            }
            if let Some(end) = end {
                at = end;
            } else if let Some(b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') = head {
                let target = Target { field, literal: node == ROOT, ..Target::NOWHERE };
                at = self.scalar(frame, &target, value)?;
            } else {
                at = value;
                break Left::AtValue(Target::of_entry(self.keys, entry));
            }
            if data.get(at) != Some(&b',') {
                at = skip_space(data, at);
                if data.get(at) != Some(&b',') {
                    break Left::Behind;
                }
            }
            at = skip_space(data, at + 1);
        };
        *from = at;
        Ok(left)
    }
}

/// The member in the window, which is not the one that was guessed; `None` if its name is no plain
/// one.
#[inline(never)]
fn unexpected<'a>(
    familiar: &'a mut Familiar,
    keys: &KeyTable,
    window: &[u8; WINDOW],
    node: u32,
) -> Option<&'a Known> {
    if familiar.recall(window, node) {
        return familiar.last();
    }
    let [b'"', name @ ..] = window else { return None };
    let (first, behind) = name.split_first_chunk()?;
    let len = match in_block(first) {
        Some(len) => len,
        None => match in_block(behind.first_chunk()?)? {
            more @ ..16 => 16 + more,
            _ => return None,
        },
    };
    if window[len + 1] != b'"' || window[len + 2] != b':' {
        return None;
    }
    Some(familiar.meet(keys, node, window, len, len + 3))
}
