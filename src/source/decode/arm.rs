//! Azure resource ids: `/subscriptions/ID/resourceGroups/NAME/providers/NAMESPACE/TYPE/NAME`.

use super::{Decoded, Rewrite};
use crate::event::fold::is_ascii_caseless;
use crate::event::value::Span;
use crate::event::word::{self, HIGHEST, ONES};

/// Most segments of an id that is remembered. Real ones have nine, or eleven.
const SEGMENTS: usize = 16;

/// The id that was looked at last: an event is asked for several segments of one.
#[derive(Default)]
pub(super) struct LastId {
    text: Option<Span>,
    /// Where each segment begins, and behind the last where one more would.
    starts: [u16; SEGMENTS + 1],
    segments: usize,
}

/// The segment after the first of the named ones (lower case, separated by `/`), in the text at
/// `span`.
///
/// Diagnostic settings write resource ids in upper case and other fields as the owner typed
/// them; Azure compares both without case, so the result is in lower case. A text that is no
/// path is taken to be the name itself, which lets a descriptor list plain fields before ids.
pub(super) fn decode(input: &[u8], span: Span, wanted: &[u8], last: &mut LastId) -> Decoded {
    if input.first() != Some(&b'/') {
        match look(input) {
            Look { slash: false, upper: false } => return Decoded::Same,
            Look { slash: false, .. } => return lowered(input, 0, input.len()),
            Look { slash: true, .. } => {}
        }
    }
    let found = if last.text == Some(span) || last.split(input, span) {
        last.behind(input, wanted)
    } else {
        walk(input, wanted)
    };
    found.map_or(Decoded::Missing, |(start, len)| lowered(input, start, len))
}

impl LastId {
    /// Finds the segments of an id; false if it has more than can be remembered.
    fn split(&mut self, input: &[u8], span: Span) -> bool {
        self.text = None;
        if input.len() >= u16::MAX.into() {
            return false;
        }
        let mut segments = 0;
        // Places are counted in more bits than they have: the one behind the last block may need them.
        for (at, bytes) in (0..).step_by(8).zip(input.chunks(8)) {
            let mut found = word::equal(word::load(bytes), b'/');
            while found != 0 {
                segments += 1;
                let Some(place) = self.starts.get_mut(segments) else { return false };
                let slash: usize = at + found.trailing_zeros() as usize / 8;
                *place = slash as u16 + 1;
                found &= found - 1;
            }
        }
        segments += 1;
        let Some(place) = self.starts.get_mut(segments) else { return false };
        *place = input.len() as u16 + 1;
        (self.text, self.segments) = (Some(span), segments);
        true
    }

    /// Start and length of the segment after the first of the named ones.
    fn behind(&self, input: &[u8], wanted: &[u8]) -> Option<(usize, usize)> {
        let (_, nexts) = self.starts.get(..=self.segments)?.split_first()?;
        // The last has none behind it.
        let mut first = nexts.len() - 1;
        let mut names = wanted;
        while !names.is_empty() {
            let (name, rest) = names.split_at(memchr::memchr(b'/', names).unwrap_or(names.len()));
            names = rest.get(1..).unwrap_or_default();
            if name.is_empty() {
                continue;
            }
            let mut start = 0;
            for (number, &next) in nexts[..first].iter().enumerate() {
                if usize::from(next - start) == name.len() + 1
                    && nexts[number + 1] > next + 1
                    && is_ascii_caseless(&input[start.into()..usize::from(next) - 1], name)
                {
                    first = number;
                    break;
                }
                start = next;
            }
        }
        let (start, next) = (*nexts.get(first)?, *nexts.get(first + 1)?);
        Some((start.into(), usize::from(next - start) - 1))
    }
}

/// [`LastId::behind`] of an id of any length.
fn walk(input: &[u8], wanted: &[u8]) -> Option<(usize, usize)> {
    let mut start = 0;
    let mut follows = false;
    for segment in input.split(|byte| *byte == b'/') {
        if follows && !segment.is_empty() {
            return Some((start, segment.len()));
        }
        follows = !segment.is_empty()
            && wanted.split(|byte| *byte == b'/').any(|name| is_ascii_caseless(segment, name));
        start += segment.len() + 1;
    }
    None
}

fn lowered(input: &[u8], start: usize, len: usize) -> Decoded {
    if look(&input[start..start + len]).upper {
        return Decoded::Rewrite { start, len, with: Rewrite::Lower };
    }
    Decoded::Part { start, len }
}

/// What a text has.
struct Look {
    slash: bool,
    /// A capital letter of ASCII.
    upper: bool,
}

/// PERF: eight bytes at a time; zeros behind the last are neither.
fn look(text: &[u8]) -> Look {
    let (mut slash, mut upper) = (0, 0);
    for bytes in text.chunks(8) {
        let word = word::load(bytes);
        let low = word & !HIGHEST;
        // Set from `A` on, not set from behind `Z` on, and ASCII.
        upper |= (low + ONES * (0x80 - b'A' as u64)) & !(low + ONES * (0x7f - b'Z' as u64)) & !word;
        slash |= word::equal(word, b'/');
    }
    Look { slash: slash != 0, upper: upper & HIGHEST != 0 }
}

#[cfg(test)]
mod tests {
    use super::super::tests::run;
    use super::super::{Decoder, Parameter};
    use super::*;
    use crate::event::value::Store;

    #[test]
    fn segments_are_named_without_case() {
        let id = "/SUBSCRIPTIONS/ABC-1/RESOURCEGROUPS/Rg-One/PROVIDERS/MICROSOFT.DBFORMYSQL/FLEXIBLESERVERS/DB-1";
        let table = [
            (id, "servers/flexibleservers", Some("db-1")),
            (id, "resourcegroups", Some("rg-one")),
            (id, "subscriptions", Some("abc-1")),
            (id, "vaults", None),
            ("/subscriptions/a/", "subscriptions", Some("a")),
            ("/subscriptions/", "subscriptions", None),
            ("/subscriptions//a", "subscriptions", None),
            ("a/subscriptions/a", "subscriptions", Some("a")),
            ("DB-1", "servers", Some("db-1")),
            ("db-1", "servers", Some("db-1")),
            ("", "servers", Some("")),
            ("///", "servers", None),
        ];
        for (input, segment, expected) in table {
            let parameter = Parameter { text: segment.as_bytes(), ..Parameter::default() };
            let name = run(Decoder::ArmName, input.as_bytes(), parameter);
            assert_eq!(name.as_deref(), expected.map(str::as_bytes), "{input} {segment}");
        }
    }

    #[test]
    fn remembered_ids_give_what_a_walk_gives() {
        // Every id of up to seven pieces, and some of many segments.
        let pieces = ["/", "a", "B", "ab"];
        let mut ids = vec![String::new()];
        for at in 0.. {
            if ids.len() > 20_000 {
                break;
            }
            ids.extend(pieces.map(|piece| format!("{}{piece}", ids[at])));
        }
        let many = |count: usize| format!("{}a/b", "/x".repeat(count));
        ids.extend((0..40).map(many));
        // Around the longest that is remembered.
        for length in (65_510..65_550).chain([70_000]) {
            ids.push(format!("/a/{}/b/c", "x".repeat(length - 7)));
        }
        let mut last = LastId::default();
        for (number, id) in ids.iter().enumerate() {
            let (input, start) = (id.as_bytes(), number as u32);
            let span = Span { store: Store::Input, start, len: id.len() as u32 };
            for wanted in ["a", "b", "ab", "b/a", "a/b/ab", "xa", "", "a//b"] {
                if last.text == Some(span) || last.split(input, span) {
                    let found = last.behind(input, wanted.as_bytes());
                    assert_eq!(found, walk(input, wanted.as_bytes()), "{id} {wanted}");
                } else {
                    assert!(id.len() > 32, "{id}");
                }
            }
        }
    }

    #[test]
    fn every_byte_is_told_in_every_place() {
        for (len, byte) in (1..=20).flat_map(|len| (0..=u8::MAX).map(move |byte| (len, byte))) {
            for at in 0..len {
                for around in [b'x', 0, 0xff, b'.', b'0', b'@', b'['] {
                    let mut text = vec![around; len];
                    text[at] = byte;
                    let Look { slash, upper } = look(&text);
                    assert_eq!(slash, text.contains(&b'/'), "{text:?}");
                    assert_eq!(upper, text.iter().any(u8::is_ascii_uppercase), "{text:?}");
                }
            }
        }
    }
}
