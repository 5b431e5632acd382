//! Messages of the Fluentd Forward protocol, and the records inside them.
//!
//! | mode | message |
//! |---|---|
//! | Message | `[tag, time, record, option?]` |
//! | Forward | `[tag, [[time, record], ...], option?]` |
//! | PackedForward | `[tag, bin or str of concatenated entries, option?]` |
//! | CompressedPackedForward | the same with the option `compressed`: not examined |
//!
//! An entry may also be `[[time, metadata], record]`, which Fluent Bit sends to its own kind.

use super::chunk::{Records, time_seconds};
use super::malformed::{Malformed, MalformedKind};
use super::msgpack::{Token, skip, token};
use std::ops::Range;

/// How a message carries its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// One record; its body map.
    Message {
        /// The bytes of the time.
        time: Range<usize>,
        /// The bytes of the body.
        body: Range<usize>,
    },
    /// An array of entries.
    Forward {
        /// The header of the array: it holds the number of entries.
        header: Range<usize>,
        /// The bytes of all entries, behind the header of the array.
        entries: Range<usize>,
        /// How many there are.
        count: u32,
    },
    /// Entries inside a string.
    PackedForward {
        /// The header of the string: it holds the length, which changes with the entries.
        header: Range<usize>,
        /// The bytes of the string.
        entries: Range<usize>,
    },
    /// Compressed entries. They are passed on unexamined.
    CompressedPackedForward,
}

/// One message. Offsets count from the beginning of the slice that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The bytes of the message.
    pub span: Range<usize>,
    /// The bytes of its tag.
    pub tag: Range<usize>,
    /// How it carries its records.
    pub mode: Mode,
    /// The option's `size`, which repeats the number of records: its bytes and its value.
    pub size: Option<(Range<usize>, u64)>,
}

impl Message {
    /// Reads the message that begins at `at`. More bytes may follow it.
    pub fn read(data: &[u8], at: usize) -> Result<Message, Malformed> {
        let bad = |at| Malformed::new(MalformedKind::BadEntry, at);
        let start = at;
        let (Token::Array(count @ 2..=4), at) = token(data, start)? else { return Err(bad(start)) };
        let (Token::Str { start: tag, len }, at) = token(data, at)? else { return Err(bad(at)) };
        let (second, next) = token(data, at)?;
        let (mode, used, option) = match second {
            Token::Array(items) => {
                let end = skip(data, at)?;
                (Mode::Forward { header: at..next, entries: next..end, count: items }, 2, end)
            }
            Token::Str { start, len } => {
                let entries = start..start + len;
                (Mode::PackedForward { header: at..start, entries }, 2, next)
            }
            time if count > 2 && time_seconds(data, time).is_some() => {
                let (Token::Map(_), _) = token(data, next)? else { return Err(bad(next)) };
                let end = skip(data, next)?;
                (Mode::Message { time: at..next, body: next..end }, 3, end)
            }
            _ => return Err(bad(at)),
        };
        let mut end = option;
        for _ in used..count {
            end = skip(data, end)?;
        }
        if count > used + 1 {
            return Err(bad(start));
        }
        let option =
            if count > used { read_option(data, option)? } else { MessageOption::default() };
        let mode = match mode {
            Mode::PackedForward { .. } if option.compressed => Mode::CompressedPackedForward,
            mode => mode,
        };
        Ok(Message { span: start..end, tag: tag..tag + len, mode, size: option.size })
    }

    /// The bytes of the time of a message of Message mode.
    pub fn time(&self) -> Option<Range<usize>> {
        match &self.mode {
            Mode::Message { time, .. } => Some(time.clone()),
            _ => None,
        }
    }

    /// The records of a Forward or PackedForward message in `data`, from which it was read; none
    /// for the other modes, whose body (if any) is in [`Mode::Message`].
    pub fn records<'a>(&self, data: &'a [u8]) -> Records<'a> {
        let (entries, count) = match &self.mode {
            Mode::Forward { entries, count, .. } => (entries.clone(), Some(*count)),
            Mode::PackedForward { entries, .. } => (entries.clone(), None),
            Mode::Message { .. } | Mode::CompressedPackedForward => (0..0, None),
        };
        Records::entries(data.get(..entries.end).unwrap_or_default(), entries.start, count)
    }
}

/// What matters of the option map.
#[derive(Default)]
struct MessageOption {
    compressed: bool,
    size: Option<(Range<usize>, u64)>,
}

fn read_option(data: &[u8], option: usize) -> Result<MessageOption, Malformed> {
    let mut found = MessageOption::default();
    let (Token::Map(pairs), mut at) = token(data, option)? else { return Ok(found) };
    for _ in 0..pairs {
        let value = skip(data, at)?;
        let end = skip(data, value)?;
        if let Token::Str { start, len } = token(data, at)?.0 {
            match (data.get(start..start + len), token(data, value)?.0) {
                (Some(b"compressed"), Token::Str { start, len }) => {
                    // Fluentd writes `text` for no compression; gzip and zstd are in use.
                    found.compressed = data.get(start..start + len) != Some(b"text");
                }
                (Some(b"size"), Token::Int(size)) => {
                    found.size = u64::try_from(size).ok().map(|size| (value..end, size));
                }
                _ => {}
            }
        }
        at = end;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::chunk::RecordKind;
    use super::*;

    const ENTRY: &[u8] = b"\x92\xce\x65\x53\xf1\x00\x81\xa1a\x01";
    const EVENT_TIME: &[u8] = b"\x92\xd7\0\xff\xff\xff\xff\0\0\0\0\x81\xa1a\x01";

    fn bodies(data: &[u8]) -> Vec<Vec<u8>> {
        let message = Message::read(data, 0).unwrap();
        assert_eq!(message.span, 0..data.len());
        assert_eq!(&data[message.tag.clone()], b"t");
        message
            .records(data)
            .map(|record| {
                assert_eq!(record.kind, RecordKind::Record);
                data[record.body_start..record.end].to_vec()
            })
            .collect()
    }

    #[test]
    fn all_modes() {
        let body = b"\x81\xa1a\x01".to_vec();
        let entries = [ENTRY, EVENT_TIME].concat();
        let options: [&[u8]; 3] = [b"", b"\xc0", b"\x81\xa4size\x02"];
        for option in options {
            let long = u8::from(!option.is_empty());
            let forward = [&[0x92 + long], b"\xa1t\x92".as_slice(), &entries, option].concat();
            assert_eq!(bodies(&forward), [body.clone(), body.clone()]);
            let length = entries.len() as u8;
            for header in [
                vec![0xc4, length],
                vec![0xc5, 0, length],
                vec![0xc6, 0, 0, 0, length],
                vec![0xd9, length],
                vec![0xa0 + length],
            ] {
                let packed =
                    [&[0x92 + long], b"\xa1t".as_slice(), &header, &entries, option].concat();
                assert_eq!(bodies(&packed), [body.clone(), body.clone()]);
                let Mode::PackedForward { header: found, .. } =
                    Message::read(&packed, 0).unwrap().mode
                else {
                    panic!("not packed")
                };
                assert_eq!(&packed[found], &header);
            }
            let single = [&[0x93 + long], b"\xa1t\x05".as_slice(), &body, option].concat();
            let message = Message::read(&single, 0).unwrap();
            assert_eq!(message.span, 0..single.len());
            assert_eq!(message.mode, Mode::Message { time: 3..4, body: 4..8 });
            let size = (option.len() > 1).then_some((14..15, 2));
            assert_eq!(message.size, size);
            assert_eq!(message.records(&single).next(), None);
        }
    }

    #[test]
    fn compressed_entries_are_named_as_such() {
        let gzip = b"\x93\xa1t\xc4\x03\x1f\x8b\x08\x82\xa4size\x02\xaacompressed\xa4gzip";
        let message = Message::read(gzip, 0).unwrap();
        assert_eq!(message.mode, Mode::CompressedPackedForward);
        assert_eq!(message.span.end, gzip.len());
        let text = b"\x93\xa1t\xc4\x00\x81\xaacompressed\xa4text";
        assert!(matches!(Message::read(text, 0).unwrap().mode, Mode::PackedForward { .. }));
    }

    #[test]
    fn a_record_never_reaches_beyond_its_string() {
        // The string ends inside the entry; the option continues it.
        let data = b"\x93\xa1t\xc4\x04\x92\x05\x81\xa1\x80";
        let message = Message::read(data, 0).unwrap();
        let records: Vec<_> = message.records(data).collect();
        assert_eq!(records.len(), 1);
        assert_eq!((records[0].start, records[0].end), (5, 9));
        assert!(matches!(records[0].kind, RecordKind::Malformed(_)));
    }

    #[test]
    fn other_messages_are_refused() {
        let refused: [&[u8]; 8] = [
            b"\x92\xa4HELO\x80",
            b"\x91\xa1t",
            b"\x93\x01\x05\x80",
            b"\x93\xa1t\x05\x90",
            b"\x92\xa1t\x05",
            b"\x94\xa1t\x90\x80\x80",
            b"\x80",
            b"\xc0",
        ];
        for data in refused {
            let error = Message::read(data, 0).unwrap_err();
            assert_eq!(error.kind, MalformedKind::BadEntry, "{data:02x?}");
        }
    }

    #[test]
    fn every_truncation_and_flip_is_harmless() {
        let entries = [ENTRY, EVENT_TIME].concat();
        let forward = [b"\x93\xa1t\x92".as_slice(), &entries, b"\x81\xa4size\x02"].concat();
        let packed = [b"\x93\xa1t\xc4\x19".as_slice(), &entries, b"\x81\xa4size\x02"].concat();
        assert_eq!(packed[4] as usize, entries.len());
        for data in [forward, packed] {
            for end in 0..data.len() {
                let error = Message::read(&data[..end], 0).unwrap_err();
                assert_eq!(error.kind, MalformedKind::Truncated);
                for value in 0..=255 {
                    let mut damaged = data.clone();
                    damaged[end] = value;
                    let Ok(message) = Message::read(&damaged, 0) else { continue };
                    for record in message.records(&damaged) {
                        assert!(record.start <= record.body_start);
                        assert!(record.body_start <= record.end);
                        assert!(record.end <= message.span.end);
                    }
                }
            }
        }
    }
}
