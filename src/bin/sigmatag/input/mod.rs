//! Records of files in any form that logs are kept in.
//!
//! ```text
//! file --gzip, UTF-16--> bytes --detect--> lines | stream | packed --> Item
//! ```
//! Enter at [`Input::all`] and [`Input::open`]. What stays true: memory is bounded by the longest
//! record that is examined; bytes of JSON come out as they went in, in the same order; what is no
//! record comes out too, so that a caller can pass everything on.

mod detect;
pub mod lines;
mod packed;
mod stream;
pub mod text;
mod utf16;

use crate::failure::Failure;
use detect::{Detected, Peeked};
use lines::{Lines, Piece};
use packed::Packed;
use sigmatag::engine::MatchError;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use stream::Stream;
use text::LongLine;

/// What files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum InputFormat {
    /// Look at each file: JSON, msgpack, or lines of text. Also inside gzip.
    Auto,
    /// JSON: one object on a line, objects one after the other in any layout, or arrays of them.
    Json,
    /// Lines of text: each becomes the record `{"log":"..."}`, even if it is JSON.
    Lines,
    /// msgpack: records, or a chunk of Fluent Bit. Comes out as JSON lines.
    Msgpack,
}

/// How input is read.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Form {
    /// What the files are.
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    pub input_format: InputFormat,
}

/// A file that holds events, or standard input.
pub struct Input {
    /// Its name in messages.
    pub name: String,
    path: Option<PathBuf>,
    /// Size, if it is a file.
    pub size: u64,
}

impl Input {
    /// All inputs. What cannot be opened is an error before the first record is written.
    pub fn all(paths: &[PathBuf]) -> Result<Vec<Input>, Failure> {
        if paths.is_empty() {
            return Ok(vec![Input::standard()]);
        }
        paths
            .iter()
            .map(|path| {
                if path == Path::new("-") {
                    return Ok(Input::standard());
                }
                let fail = |error| Failure::file(path, "read", &error);
                let found = std::fs::metadata(path).map_err(fail)?;
                if found.is_dir() {
                    return Err(fail(io::Error::from(io::ErrorKind::IsADirectory)));
                }
                // Only a plain file: opening a pipe twice would lose its writer.
                if found.is_file() {
                    File::open(path).map_err(fail)?;
                }
                let name = path.to_string_lossy().into_owned();
                Ok(Input { name, path: Some(path.clone()), size: found.len() })
            })
            .collect()
    }

    fn standard() -> Input {
        Input { name: "<stdin>".to_owned(), path: None, size: 0 }
    }

    /// Opens it. Records of more than `limit` bytes come in parts.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(&self, form: Form, limit: usize) -> Result<Records, Failure> {
        let input: Box<dyn Read> = match &self.path {
            Some(path) => {
                Box::new(File::open(path).map_err(|error| Failure::file(path, "read", &error))?)
            }
            None => Box::new(io::stdin().lock()),
        };
        let is_json_file = self.path.as_deref().is_some_and(has_json_name);
        let detected = detect::detect(input, form.input_format, is_json_file)
            .map_err(|error| self.unreadable(&error))?;
        Ok(Records::new(detected, form.input_format, limit))
    }

    /// Reading failed.
    pub fn unreadable(&self, error: &io::Error) -> Failure {
        Failure::Unusable(format!("{}: cannot be read: {error}", self.name))
    }
}

/// Whether a file is JSON by its name, `audit.jsonl.gz` included.
fn has_json_name(path: &Path) -> bool {
    let is = |path: &Path, ends: &[&str]| {
        path.extension().is_some_and(|end| ends.iter().any(|known| end.eq_ignore_ascii_case(known)))
    };
    let packed = is(path, &["gz"]).then(|| path.with_extension(""));
    is(packed.as_deref().unwrap_or(path), &["jsonl", "ndjson", "json"])
}

/// What comes next in an input.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A record, one JSON text; nobody has looked whether it is well-formed.
    Record {
        /// Its bytes.
        bytes: &'a [u8],
        /// What follows it: a line feed where records are lines.
        end: &'static [u8],
        /// Characters that were replaced because the bytes are not UTF-8.
        replaced: u64,
    },
    /// A line without anything in it.
    Blank {
        /// White space.
        bytes: &'a [u8],
        /// Its line feed, if it has one.
        end: &'static [u8],
    },
    /// What stands around records that are not lines: brackets, commas, white space.
    Between(&'a [u8]),
    /// A record over the limit, in parts.
    Part {
        /// The bytes.
        bytes: &'a [u8],
        /// Whether the record begins with them.
        first: bool,
    },
    /// Bytes that are no record.
    Broken {
        /// The bytes.
        bytes: &'a [u8],
        /// Why.
        reason: &'static str,
    },
}

/// The records of one input.
pub struct Records {
    reader: Reader,
    /// A byte order mark that waits to come out.
    mark: Option<&'static [u8]>,
    /// Number of the line in which the last item began; of the record, where there are no lines.
    number: u64,
    /// Where a line of text becomes a record.
    record: Vec<u8>,
    long_line: LongLine,
}

enum Reader {
    /// One record on each line.
    JsonLines(Lines<Peeked>),
    /// Lines of text; with `true`, a line that is a JSON object stays one.
    TextLines(Lines<Peeked>, bool),
    Stream(Stream<Peeked>),
    Packed(Packed<Peeked>),
}

/// Why a record was not examined.
#[derive(Debug)]
pub struct Unread {
    /// Whether it is malformed; else it is beyond a limit.
    pub is_malformed: bool,
    /// For people.
    pub reason: String,
}

impl Unread {
    /// A record over the limit.
    pub fn too_large() -> Unread {
        let reason = "not examined: the record is larger than max_record".to_owned();
        Unread { is_malformed: false, reason }
    }

    /// Bytes that are no record.
    pub fn broken(reason: &str) -> Unread {
        Unread { is_malformed: true, reason: reason.to_owned() }
    }
}

impl From<MatchError> for Unread {
    fn from(error: MatchError) -> Unread {
        let is_malformed = matches!(error, MatchError::Malformed { .. });
        Unread { is_malformed, reason: error.to_string() }
    }
}

impl Records {
    fn new(detected: Detected, format: InputFormat, limit: usize) -> Records {
        let Detected { content, bytes, has_mark } = detected;
        let reader = match content {
            detect::Content::JsonLines => Reader::JsonLines(Lines::new(bytes, limit)),
            detect::Content::Text => {
                Reader::TextLines(Lines::new(bytes, limit), format == InputFormat::Auto)
            }
            detect::Content::Json => Reader::Stream(Stream::new(bytes, limit)),
            detect::Content::Msgpack => Reader::Packed(Packed::new(bytes)),
        };
        let keeps_mark = has_mark && !matches!(reader, Reader::TextLines(..));
        Records {
            reader,
            mark: keeps_mark.then_some(b"\xEF\xBB\xBF"),
            number: 0,
            record: Vec::new(),
            long_line: LongLine::default(),
        }
    }

    /// Where the last item is, for messages: `FILE:LINE`.
    pub fn place(&self, input: &Input) -> String {
        match &self.reader {
            Reader::Packed(_) => format!("{}: record {}", input.name, self.number),
            _ => format!("{}:{}", input.name, self.number),
        }
    }

    /// Whether records stand on lines of their own.
    pub fn are_lines(&self) -> bool {
        !matches!(self.reader, Reader::Stream(_))
    }

    /// Reads on: the number of bytes, 0 at the end.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub fn fill(&mut self) -> io::Result<usize> {
        match &mut self.reader {
            Reader::JsonLines(lines) | Reader::TextLines(lines, _) => lines.fill(),
            Reader::Stream(stream) => stream.fill(),
            Reader::Packed(packed) => packed.fill(),
        }
    }

    /// Whether the end was reached and every item was taken.
    pub fn is_done(&self) -> bool {
        match &self.reader {
            Reader::JsonLines(lines) => lines.is_done(),
            Reader::TextLines(lines, _) => lines.is_done() && !self.long_line.is_open(),
            Reader::Stream(stream) => stream.is_done(),
            Reader::Packed(packed) => packed.is_done(),
        }
    }

    /// The next item that is complete without reading on; `None`: [`fill`](Records::fill).
    pub fn buffered(&mut self) -> Option<Item<'_>> {
        if let Some(mark) = self.mark.take() {
            return Some(Item::Between(mark));
        }
        let Records { reader, number, record, long_line, .. } = self;
        match reader {
            Reader::JsonLines(lines) => Some(json_line(lines.buffered()?, number)),
            Reader::TextLines(lines, keeps_json) => {
                if lines.is_done() {
                    let closed = long_line.close(record);
                    return closed.then_some(Item::Part { bytes: record, first: false });
                }
                match lines.buffered()? {
                    Piece::Line { bytes, .. } => {
                        *number += 1;
                        Some(text_line(bytes, *keeps_json, record))
                    }
                    Piece::Part { bytes, first } => {
                        *number += u64::from(first);
                        long_line.part(bytes, first, record);
                        Some(Item::Part { bytes: record, first })
                    }
                }
            }
            Reader::Stream(stream) => stream.buffered(number),
            Reader::Packed(packed) => packed.buffered(number),
        }
    }
}

fn json_line<'a>(piece: Piece<'a>, number: &mut u64) -> Item<'a> {
    match piece {
        Piece::Line { bytes, ended } => {
            *number += 1;
            let end: &[u8] = if ended { b"\n" } else { b"" };
            if bytes.trim_ascii().is_empty() {
                Item::Blank { bytes, end }
            } else {
                Item::Record { bytes, end, replaced: 0 }
            }
        }
        Piece::Part { bytes, first } => {
            *number += u64::from(first);
            Item::Part { bytes, first }
        }
    }
}

fn text_line<'a>(line: &'a [u8], keeps_json: bool, record: &'a mut Vec<u8>) -> Item<'a> {
    let end = b"\n";
    if line.trim_ascii().is_empty() {
        return Item::Blank { bytes: b"", end };
    }
    if keeps_json && text::is_object(line) {
        return Item::Record { bytes: line, end, replaced: 0 };
    }
    let replaced = text::as_record(line.strip_suffix(b"\r").unwrap_or(line), record);
    Item::Record { bytes: record, end, replaced }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
