//! The members of msgpack maps that nearly all members are like.

use super::keys::{Key, ROOT};
use super::msgpack::Walker;
use super::slots::NONE;
use super::target::Frame;
use super::value::Value;
use super::window::{WINDOW, window};

impl Walker<'_> {
    /// Reads members of an object as long as they are plain: how many are left, and where the first
    /// of these begins. Plain is a key of up to 31 bytes with a string of up to 65535, an integer,
    /// a boolean or nil, for a field without a value. What is anything else, or damaged, is left
    /// to the general loop.
    ///
    /// PERF: nearly all members are plain. What they need stays in registers here.
    #[inline(never)]
    pub fn members(&mut self, frame: &Frame, at: usize) -> (u32, usize) {
        let data = self.data;
        let node = frame.target.child;
        let mut remaining = frame.remaining;
        let mut at = at;
        let mut tail = None;
        while remaining > 0 {
            let window = window(data, at, &mut tail);
            let key_len = window[0] ^ 0xa0;
            if key_len > 31 {
                break;
            }
            let value = 1 + usize::from(key_len);
            let head = window[value];
            let (start, len) = match head {
                0xa0..=0xbf => (value + 1, usize::from(head & 31)),
                0xd9 => (value + 2, usize::from(window[value + 1])),
                0xda => {
                    let len = [window[value + 1], window[value + 2]];
                    (value + 3, usize::from(u16::from_be_bytes(len)))
                }
                _ => {
                    let Some((plain, used)) = plain_scalar(window, value) else { break };
                    let end = at + value + used;
                    if end > data.len() {
                        break;
                    }
                    let field = self.field(node, window, key_len);
                    let value = plain.unwrap_or(frame.null());
                    if !self.slots.push_first(field, value, node == ROOT) {
                        break;
                    }
                    if plain.is_some() {
                        self.slots.push_leaf(value);
                    }
                    at = end;
                    remaining -= 1;
                    continue;
                }
            };
            let start = at + start;
            let end = start + len;
            // Everything that was used ends before here, so nothing of it was behind the data.
            if end > data.len() {
                break;
            }
            let field = self.field(node, window, key_len);
            let value = Value::Str(self.span(start, end));
            if !self.slots.push_first(field, value, node == ROOT) {
                break;
            }
            self.slots.push_leaf(value);
            at = end;
            remaining -= 1;
        }
        (remaining, at)
    }

    /// The field that takes the value of the key of so many bytes behind the first of the window.
    #[inline(always)]
    fn field(&self, node: u32, window: &[u8; WINDOW], key_len: u8) -> u32 {
        if node == NONE {
            return NONE;
        }
        let key = Key::in_window::<1>(window, key_len.into());
        match self.keys.find(node, &key, &window[1..=usize::from(key_len & 31)]) {
            Some(entry) => entry.field,
            None => NONE,
        }
    }
}

/// The integer, boolean or nil (`None`) at `at`, which is at most 32, and how many bytes it has;
/// `None` for everything else.
#[inline(always)]
fn plain_scalar(window: &[u8; WINDOW], at: usize) -> Option<(Option<Value>, usize)> {
    let head = window[at];
    // Of integers with bytes behind the head, their number is two to the power of its lowest two
    // bits; read as eight bytes they stand at the top.
    let bytes = *window[at + 1..].first_chunk()?;
    let (width, unused) = (1 << (head & 3), 64 - (8 << (head & 3)));
    Some(match head {
        0x00..=0x7f => (Some(Value::Int(head.into())), 1),
        0xe0..=0xff => (Some(Value::Int((head as i8).into())), 1),
        0xcc..=0xcf => {
            let value = (u64::from_be_bytes(bytes) >> unused).try_into().ok()?;
            (Some(Value::Int(value)), 1 + width)
        }
        0xd0..=0xd3 => (Some(Value::Int(i64::from_be_bytes(bytes) >> unused)), 1 + width),
        0xc2 | 0xc3 => (Some(Value::Bool(head == 0xc3)), 1),
        0xc0 => (None, 1),
        _ => return None,
    })
}
