//! JSON records in any layout: pretty-printed, one behind the other, in arrays, also several
//! arrays. Each record is borrowed from the buffer it was read into; memory is bounded by the
//! longest record that is examined.
//!
//! Only the ends of records are found here: whether a record is well-formed is for the engine to
//! say. A record that breaks off ends where the next one clearly begins, so that one bad record
//! does not swallow the rest of the file.

use super::Item;
use std::io::{self, Read};

/// First size of the buffer.
const BUFFER: usize = 1 << 20;

/// Where the scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between records.
    Outside,
    /// In a record, so many brackets deep.
    Inside { depth: u32, is_string: bool, is_escaped: bool, before: u8 },
    /// In bytes that are no record, up to the end of the line.
    Garbage,
}

/// Cuts a stream into records.
pub struct Stream<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    /// Everything between `start` and here was looked at.
    scanned: usize,
    end: usize,
    limit: usize,
    at_end: bool,
    state: State,
    /// The record is over the limit and comes in parts.
    in_parts: bool,
    /// Line feeds before `start`.
    feeds: u64,
}

impl<R: Read> Stream<R> {
    /// Reads from `input`; records of more than `limit` bytes come in parts.
    pub fn new(input: R, limit: usize) -> Stream<R> {
        Stream {
            input,
            buffer: vec![0; BUFFER],
            start: 0,
            scanned: 0,
            end: 0,
            limit,
            at_end: false,
            state: State::Outside,
            in_parts: false,
            feeds: 0,
        }
    }

    /// Whether the end was reached and every item was taken.
    pub fn is_done(&self) -> bool {
        self.at_end && self.start == self.end
    }

    /// Reads on: the number of bytes, 0 at the end.
    pub fn fill(&mut self) -> io::Result<usize> {
        if self.at_end {
            return Ok(0);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.scanned -= self.start;
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
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

    /// The next item that is complete. `line` becomes the number of the line it begins in.
    pub fn buffered(&mut self, line: &mut u64) -> Option<Item<'_>> {
        if self.state == State::Outside {
            let between = self.outside();
            if between > self.start {
                let bytes = self.take(between);
                return Some(Item::Between(&self.buffer[bytes]));
            }
        }
        if self.start == self.end {
            return None;
        }
        if !self.in_parts {
            *line = self.feeds + 1;
        }
        match self.state {
            State::Outside => None,
            State::Garbage => self.garbage(),
            State::Inside { .. } => self.inside(),
        }
    }

    /// Where what stands between records ends; the state says what begins there.
    fn outside(&mut self) -> usize {
        for at in self.scanned..self.end {
            match self.buffer[at] {
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b'[' | b']' => {}
                b'{' => {
                    self.state = State::Inside {
                        depth: 0,
                        is_string: false,
                        is_escaped: false,
                        before: b'[',
                    };
                    self.scanned = at;
                    return at;
                }
                _ => {
                    self.state = State::Garbage;
                    self.scanned = at;
                    return at;
                }
            }
        }
        self.scanned = self.end;
        self.end
    }

    fn garbage(&mut self) -> Option<Item<'_>> {
        let found = memchr::memchr(b'\n', &self.buffer[self.scanned..self.end]);
        let stop = match found {
            Some(at) => self.scanned + at,
            None => {
                self.scanned = self.end;
                if !self.at_end && self.end - self.start <= self.limit {
                    return None;
                }
                self.end
            }
        };
        self.scanned = stop;
        if found.is_some() || self.at_end {
            self.state = State::Outside;
        }
        let bytes = self.take(stop);
        let reason = "neither an object nor an array of objects begins here";
        Some(Item::Broken { bytes: &self.buffer[bytes], reason })
    }

    fn inside(&mut self) -> Option<Item<'_>> {
        let end = self.scan();
        let over = self.scanned - self.start > self.limit || self.in_parts;
        match end {
            Some(_) if over => {
                let first = !std::mem::replace(&mut self.in_parts, false);
                let bytes = self.take(self.scanned);
                Some(Item::Part { bytes: &self.buffer[bytes], first })
            }
            Some(true) => {
                let bytes = self.take(self.scanned);
                Some(Item::Record { bytes: &self.buffer[bytes], end: b"", replaced: 0 })
            }
            Some(false) => {
                let bytes = self.take(self.scanned);
                let reason = "the record breaks off";
                Some(Item::Broken { bytes: &self.buffer[bytes], reason })
            }
            None if over => {
                let first = !std::mem::replace(&mut self.in_parts, true);
                let bytes = self.take(self.scanned);
                Some(Item::Part { bytes: &self.buffer[bytes], first })
            }
            None if self.at_end => {
                self.state = State::Outside;
                let bytes = self.take(self.end);
                let reason = "the file ends inside the record";
                Some(Item::Broken { bytes: &self.buffer[bytes], reason })
            }
            None => None,
        }
    }

    /// Looks for the end of the record; `Some(false)`: it broke off before `scanned`.
    fn scan(&mut self) -> Option<bool> {
        let State::Inside { mut depth, mut is_string, mut is_escaped, mut before } = self.state
        else {
            return None;
        };
        for at in self.scanned..self.end {
            let byte = self.buffer[at];
            if is_string {
                match byte {
                    _ if is_escaped => is_escaped = false,
                    b'\\' => is_escaped = true,
                    b'"' => is_string = false,
                    // A string cannot hold a line feed.
                    b'\n' => return self.ended(at, false),
                    _ => {}
                }
                before = b'"';
                continue;
            }
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => continue,
                b'"' => is_string = true,
                b'{' | b'[' if depth > 0 && !matches!(before, b'[' | b',' | b':') => {
                    return self.ended(at, false);
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        return self.ended(at + 1, true);
                    }
                }
                _ => {}
            }
            before = byte;
        }
        self.scanned = self.end;
        self.state = State::Inside { depth, is_string, is_escaped, before };
        None
    }

    fn ended(&mut self, at: usize, is_whole: bool) -> Option<bool> {
        self.scanned = at;
        self.state = State::Outside;
        Some(is_whole)
    }

    /// Takes the bytes up to `end`.
    fn take(&mut self, end: usize) -> std::ops::Range<usize> {
        let range = self.start..end;
        self.feeds += memchr::memchr_iter(b'\n', &self.buffer[range.clone()]).count() as u64;
        self.start = end;
        range
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

    /// What comes out: records in `<>`, broken bytes in `!!`, parts in `()`, the rest as it is;
    /// and the lines of records.
    fn cut(text: &str, size: usize, limit: usize) -> (String, Vec<u64>) {
        let mut stream = Stream::new(Slow(text.as_bytes(), size), limit);
        let (mut out, mut lines, mut line) = (String::new(), Vec::new(), 0);
        while !stream.is_done() {
            stream.fill().expect("memory");
            while let Some(item) = stream.buffered(&mut line) {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
                match item {
                    Item::Record { bytes, .. } => {
                        lines.push(line);
                        out += &format!("<{}>", text(bytes));
                    }
                    Item::Between(bytes) => out += &text(bytes),
                    Item::Broken { bytes, .. } => out += &format!("!{}!", text(bytes)),
                    Item::Part { bytes, .. } => out += &format!("({})", text(bytes)),
                    Item::Blank { .. } => panic!("no blank lines here"),
                }
            }
        }
        (out, lines)
    }

    #[test]
    fn every_layout_in_pieces_of_every_size() {
        for (text, expected, lines) in [
            (
                "{\n \"a\": 1\n}\n{\"b\":[{},{}]}",
                "<{\n \"a\": 1\n}>\n<{\"b\":[{},{}]}>",
                &[1, 4][..],
            ),
            ("[{\"a\":\"}]\"},\n{}]\n[{}]\n", "[<{\"a\":\"}]\"}>,\n<{}>]\n[<{}>]\n", &[1, 2, 3]),
            ("{\"a\":\"\\\"{\"}{}", "<{\"a\":\"\\\"{\"}><{}>", &[1, 1]),
            ("[\n{\"a\":[\n{\n}\n]}]", "[\n<{\"a\":[\n{\n}\n]}>]", &[2]),
            ("{\"a\":1\n{\"b\":2}\n", "!{\"a\":1\n!<{\"b\":2}>\n", &[2]),
            ("{\"a\":\"x\n{\"b\":2}\n", "!{\"a\":\"x!\n<{\"b\":2}>\n", &[2]),
            ("[{},oops,{}\n,{}]", "[<{}>,!oops,{}!\n,<{}>]", &[1, 2]),
            ("{\"a\":1", "!{\"a\":1!", &[]),
            ("{}}", "<{}>!}!", &[1]),
        ] {
            for size in 1..=text.len() {
                assert_eq!(cut(text, size, 1000), (expected.to_owned(), lines.to_vec()), "{size}");
            }
        }
    }

    #[test]
    fn long_records_come_in_parts_and_the_next_is_whole() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(50));
        let text = format!("[{long}, {{}}]");
        for size in 1..=text.len() {
            let (out, lines) = cut(&text, size, 20);
            assert_eq!(out.replace([')', '('], ""), format!("[{long}, <{{}}>]"), "{size}");
            assert_eq!(lines, [1]);
            assert!(out.contains('('));
        }
    }
}
