//! Lines of a stream in bounded memory, each borrowed from the buffer it was read into.
//!
//! `BufRead::read_until` would copy every line, and keep a line of any length.

use std::io::{self, Read};

/// First size of the buffer; it grows to what the longest line within the limit needs.
const BUFFER: usize = 1 << 20;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A line without its line feed.
    Line {
        /// The bytes; a carriage return before the line feed is part of them.
        bytes: &'a [u8],
        /// Whether there was a line feed: the last line may lack it.
        ended: bool,
    },
    /// A part of a line over the limit, its line feed included.
    Part {
        /// The bytes.
        bytes: &'a [u8],
        /// Whether the line begins with them.
        first: bool,
    },
}

/// Cuts a stream into lines.
pub struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    /// No line feed lies between `start` and here.
    searched: usize,
    end: usize,
    limit: usize,
    at_end: bool,
    /// Inside a line over the limit.
    in_long_line: bool,
}

impl<R: Read> Lines<R> {
    /// Reads from `input`; lines of more than `limit` bytes come in parts.
    pub fn new(input: R, limit: usize) -> Lines<R> {
        Lines {
            input,
            buffer: vec![0; BUFFER],
            start: 0,
            searched: 0,
            end: 0,
            limit,
            at_end: false,
            in_long_line: false,
        }
    }

    /// The next piece that is complete without reading on; `None`: [`fill`](Lines::fill).
    pub fn buffered(&mut self) -> Option<Piece<'_>> {
        let unsearched = &self.buffer[self.searched..self.end];
        let feed = memchr::memchr(b'\n', unsearched).map(|at| self.searched + at);
        let start = self.start;
        match feed {
            Some(feed) => {
                self.start = feed + 1;
                self.searched = self.start;
                if std::mem::take(&mut self.in_long_line) {
                    return Some(Piece::Part { bytes: &self.buffer[start..=feed], first: false });
                }
                if feed - start > self.limit {
                    return Some(Piece::Part { bytes: &self.buffer[start..=feed], first: true });
                }
                Some(Piece::Line { bytes: &self.buffer[start..feed], ended: true })
            }
            None => {
                self.searched = self.end;
                let pending = self.end - start;
                let is_long = pending > self.limit || self.in_long_line;
                if pending == 0 || !(is_long || self.at_end) {
                    return None;
                }
                self.start = self.end;
                let bytes = &self.buffer[start..self.end];
                if is_long {
                    let first = !std::mem::replace(&mut self.in_long_line, true);
                    return Some(Piece::Part { bytes, first });
                }
                Some(Piece::Line { bytes, ended: false })
            }
        }
    }

    /// Reads on: the number of bytes, 0 at the end.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub fn fill(&mut self) -> io::Result<usize> {
        if self.at_end {
            return Ok(0);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.searched -= self.start;
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            // Not beyond what shows that the line is too long.
            let size = (self.buffer.len() * 2).min((self.limit + 1).max(BUFFER));
            self.buffer.resize(size.max(self.end + 1), 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(read) => {
                    self.end += read;
                    self.at_end = read == 0;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the end was reached and every piece was taken.
    pub fn is_done(&self) -> bool {
        self.at_end && self.start == self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the input in pieces of one size.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(out.len());
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    /// Lines as text; parts of a long line are joined and marked.
    fn read(input: &[u8], step: usize, limit: usize) -> Vec<String> {
        let mut lines = Lines::new(Slow(input, step), limit);
        let mut out: Vec<String> = Vec::new();
        let mut whole = Vec::new();
        loop {
            while let Some(piece) = lines.buffered() {
                match piece {
                    Piece::Line { bytes, ended } => {
                        whole.extend_from_slice(bytes);
                        whole.extend(ended.then_some(b'\n'));
                        let end = if ended { "" } else { "$" };
                        out.push(format!("{}{end}", String::from_utf8_lossy(bytes)));
                    }
                    Piece::Part { bytes, first } => {
                        whole.extend_from_slice(bytes);
                        if first {
                            out.push("long:".to_owned());
                        }
                        let text = String::from_utf8_lossy(bytes).into_owned();
                        out.last_mut().expect("a first part").push_str(&text);
                    }
                }
            }
            if lines.is_done() {
                break;
            }
            lines.fill().expect("reads");
        }
        assert_eq!(whole, input, "no byte may be lost");
        out
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let input = b"one\n\nthree\r\nlonger than ten\nshort\nlast one is long";
        let expected =
            ["one", "", "three\r", "long:longer than ten\n", "short", "long:last one is long"];
        for step in 1..input.len() + 1 {
            assert_eq!(read(input, step, 10), expected, "{step}");
        }
    }

    #[test]
    fn the_end_needs_no_line_feed() {
        assert_eq!(read(b"", 1, 10), Vec::<String>::new());
        assert_eq!(read(b"a", 1, 10), ["a$"]);
        assert_eq!(read(b"a\n", 1, 10), ["a"]);
        assert_eq!(read(b"\n\n", 2, 10), ["", ""]);
        assert_eq!(read(b"0123456789", 3, 10), ["0123456789$"]);
        assert_eq!(read(b"0123456789a", 3, 10), ["long:0123456789a"]);
    }

    #[test]
    fn the_buffer_grows_to_the_limit_and_no_further() {
        let limit = 3 * BUFFER;
        let mut input = vec![b'x'; limit];
        input.push(b'\n');
        input.extend(vec![b'y'; 5 * limit]);
        let mut lines = Lines::new(&input[..], limit);
        let (mut whole, mut parts) = (0, 0);
        loop {
            while let Some(piece) = lines.buffered() {
                match piece {
                    Piece::Line { bytes, .. } => whole = bytes.len(),
                    Piece::Part { bytes, .. } => parts += bytes.len(),
                }
            }
            if lines.is_done() {
                break;
            }
            lines.fill().expect("reads");
        }
        assert_eq!((whole, parts), (limit, 5 * limit));
        assert_eq!(lines.buffer.len(), limit + 1);
    }
}
