//! One connection: its lines through the rules.

use super::Server;
use crate::failure::say;
use crate::input::lines::{Lines, Piece};
use crate::input::text;
use sigmatag::engine::{Event, Format, MatchError, Scratch, Summary, Tagging};
use sigmatag::event::json;
use std::os::unix::net::UnixStream;

/// Lines are written when so many bytes wait, and before every wait for input.
const OUTPUT_BUFFER: usize = 256 << 10;

/// Serves until the other side, or the server, ends it.
pub fn serve(server: &Server, stream: &UnixStream) {
    let max_record = server.engine.options().max_record as usize;
    let mut lines = Lines::new(stream, max_record);
    let mut examiner = Examiner {
        server,
        scratch: Scratch::new(&server.engine),
        text: Vec::new(),
        tagged: Vec::new(),
        out: Vec::new(),
    };
    loop {
        let read = lines.fill();
        loop {
            match lines.buffered() {
                Some(Piece::Line { bytes, .. }) => examiner.line(bytes),
                Some(Piece::Part { first: true, .. }) => examiner.too_long(max_record),
                Some(Piece::Part { .. }) => {}
                None => break,
            }
            if examiner.out.len() >= OUTPUT_BUFFER && !examiner.flush(stream) {
                return;
            }
        }
        let written = examiner.flush(stream);
        match read {
            Ok(1..) if written => {}
            Ok(_) => return,
            Err(error) => {
                server.counts.broken.add(1);
                say(format_args!("warning: a connection broke: {error}"));
                return;
            }
        }
    }
}

struct Examiner<'a> {
    server: &'a Server,
    scratch: Scratch,
    /// A line of text as a record.
    text: Vec<u8>,
    tagged: Vec<u8>,
    /// Lines to write.
    out: Vec<u8>,
}

impl Examiner<'_> {
    /// Writes what waits; false: it cannot be written.
    fn flush(&mut self, stream: &UnixStream) -> bool {
        let written = self.out.is_empty() || self.server.write(stream, &self.out).is_ok();
        if !written {
            self.server.counts.broken.add(1);
        }
        self.out.clear();
        written
    }

    fn line(&mut self, line: &[u8]) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        self.server.counts.lines.add(1);
        if line.starts_with(b"{") {
            match self.record(line) {
                // It is matched as the text that it is, as in every host.
                Err(MatchError::Malformed { .. }) => self.server.counts.malformed.add(1),
                Err(error) => return self.unexamined(&error.to_string(), Some(line)),
                Ok(found) => return self.server.counts.malformed.add(found.malformed),
            }
        }
        let mut record = std::mem::take(&mut self.text);
        text::as_record(line, &mut record);
        if let Err(error) = self.record(&record) {
            self.unexamined(&error.to_string(), Some(line));
        }
        self.text = record;
    }

    fn too_long(&mut self, most: usize) {
        self.server.counts.lines.add(1);
        self.unexamined(&format!("not examined: a line of more than {most} bytes"), None);
    }

    fn unexamined(&mut self, why: &str, line: Option<&[u8]>) {
        self.server.counts.unexamined.add(1);
        self.out.extend_from_slice(b"{\"sigmatag_error\":\"");
        text::escape(why.as_bytes(), &mut self.out);
        if let Some(line) = line {
            self.out.extend_from_slice(b"\",\"log\":\"");
            text::escape(line, &mut self.out);
        }
        self.out.extend_from_slice(b"\"}\n");
    }

    /// Examines a record and writes what of it matches.
    fn record(&mut self, record: &[u8]) -> Result<Summary, MatchError> {
        let server = self.server;
        let event =
            Event { logsource: server.logsource.as_bytes(), ..Event::new(Format::Json, record) };
        let tagging = Tagging {
            shape: server.shape.shape(),
            split_records: server.split_records,
            ..Tagging::default()
        };
        let (needed, found) = self.scratch.tag_prepare(&server.engine, &event, &tagging)?;
        server.counts.unrouted.add(found.unrouted);
        server.counts.hits.add(found.hits);
        server.counts.matched.add(u64::from(found.hits > 0));
        server.counts.normalized.add(found.normalized_records);
        server.counts.unmapped.add(found.unmapped_events);
        let Some(needed) = needed else { return Ok(found) };
        if found.hits == 0 {
            self.scratch.tag_discard();
            return Ok(found);
        }
        if self.tagged.len() < needed {
            self.tagged.resize(needed, 0);
        }
        let written = match self.scratch.tag_write(record, &mut self.tagged) {
            Ok(written) => written,
            Err(error) => {
                self.scratch.tag_discard();
                return Err(error);
            }
        };
        if found.split_records > 0 {
            self.documents(written);
        } else {
            self.out.extend_from_slice(&self.tagged[..written]);
            self.out.push(b'\n');
        }
        Ok(found)
    }

    /// Writes the events of a split envelope that have matches.
    fn documents(&mut self, length: usize) {
        let mut rest = &self.tagged[..length];
        // In the order of events.
        let mut hits = self.scratch.hits().iter().peekable();
        for number in 0.. {
            let start = json::skip_space(rest, 0);
            // Our own bytes: each document is whole.
            let Ok(end) = json::skip_value(rest, start) else { return };
            let mut is_hit = false;
            while hits.next_if(|hit| hit.event <= number).is_some() {
                is_hit = true;
            }
            if is_hit {
                self.out.extend_from_slice(&rest[start..end]);
                self.out.push(b'\n');
            }
            rest = &rest[end..];
        }
    }
}
