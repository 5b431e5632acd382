//! The members of JSON objects that nearly all members are like.

use super::json::{Walker, skip_space};
use super::json_scalar::{in_block, plain_string, short_number};
use super::keys::{Key, ROOT};
use super::malformed::Malformed;
use super::slots::NONE;
use super::target::{Frame, Target};
use super::value::Value;
use super::window::window;

impl Walker<'_> {
    /// Reads members of an object as long as they are plain, of which the first begins at `at`: the
    /// offset where a member begins that is not, or (`true`) what is behind a value and no comma.
    /// Plain is a name of up to 31 bytes without escapes, right before its colon, with a scalar
    /// for a field without a value.
    ///
    /// PERF: nearly all members are plain. What they need stays in registers here.
    #[inline(never)]
    pub fn members(&mut self, frame: &Frame, at: usize) -> Result<(usize, bool), Malformed> {
        let data = self.data;
        let node = frame.target.child;
        let mut at = at;
        let mut tail = None;
        loop {
            let window = window(data, at, &mut tail);
            // What is compared below is no zero, so it is no padding.
            let [b'"', name @ ..] = window else { break };
            let Some((first, behind)) = name.split_first_chunk() else { break };
            let len = match in_block(first) {
                Some(len) => len,
                None => match behind.first_chunk().and_then(in_block) {
                    Some(more @ ..16) => 16 + more,
                    _ => break,
                },
            };
            if len > 31 || window[len + 1] != b'"' || window[len + 2] != b':' {
                break;
            }
            let mut value = len + 3;
            if window[value] == b' ' {
                value += 1;
            }
            let head = window[value];
            let key = Key::in_window::<1>(window, len as u32);
            let entry = match node {
                NONE => None,
                _ => self.keys.find(node, &key, &window[1..=len]),
            };
            let field = entry.map_or(NONE, |entry| entry.field);
            value += at;
            let mut plain = None;
            if head == b'"' {
                if let Some(end) = plain_string(data, value + 1) {
                    plain = Some((Value::Str(self.span(value + 1, end)), end + 1));
                }
            } else if let Some((number, digits)) = short_number(data, value) {
                plain = Some((Value::Int(number as i64), value + digits));
            }
            if let Some((scalar, end)) = plain {
                if !self.slots.push_first(field, scalar, node == ROOT) {
                    break;
                }
                self.slots.push_leaf(scalar);
                at = end;
            } else if !matches!(head, b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') {
                break;
            } else {
                let target = Target { field, literal: node == ROOT, ..Target::NOWHERE };
                at = self.scalar(frame, &target, value)?;
            }
            if data.get(at) != Some(&b',') {
                at = skip_space(data, at);
                if data.get(at) != Some(&b',') {
                    return Ok((at, true));
                }
            }
            at = skip_space(data, at + 1);
        }
        Ok((at, false))
    }
}
