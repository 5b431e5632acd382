//! The events to match, all in memory.

use super::{EventFormat, msgpack};
use crate::explain::next;
use crate::failure::Failure;
use crate::input::{Form, Input, Unread};
use sigmatag::engine::{Format, MatchError};
use sigmatag::limits;

/// Records one behind the other, and what was left out.
pub struct Events {
    /// What the bytes are.
    pub format: Format,
    bytes: Vec<u8>,
    /// Where each record ends.
    ends: Vec<usize>,
    /// Records that are not what they should be.
    pub malformed: u64,
    /// Records beyond a limit.
    pub unexamined: u64,
    /// Records that msgpack cannot hold: strings that are not Unicode.
    pub unpacked: u64,
    /// Of the first record that was left out: where it is and why.
    pub first_left_out: Option<String>,
}

impl Events {
    /// Reads all inputs. Records that `examine` refuses (it gets JSON) are left out: they cost next
    /// to nothing and would make the figures better than they are.
    ///
    /// # Errors
    /// If one cannot be read, or there is no record in them that can be examined.
    pub fn read(
        inputs: &[Input],
        form: Form,
        format: EventFormat,
        mut examine: impl FnMut(&[u8]) -> Result<(), MatchError>,
    ) -> Result<Events, Failure> {
        let mut events = Events {
            format: format.format(),
            bytes: Vec::new(),
            ends: Vec::new(),
            malformed: 0,
            unexamined: 0,
            unpacked: 0,
            first_left_out: None,
        };
        for input in inputs {
            let mut records = input.open(form, limits::MAX_RECORD)?;
            while !records.is_done() {
                records.fill().map_err(|error| input.unreadable(&error))?;
                while let Some(record) = next(&mut records) {
                    let place = || records.place(input);
                    match record {
                        Ok(record) => events.add(&record, format, &mut examine, place),
                        Err(unread) => events.leave_out(&unread, place),
                    }
                }
            }
        }
        if events.ends.is_empty() {
            return Err(events.nothing());
        }
        Ok(events)
    }

    fn add(
        &mut self,
        record: &[u8],
        format: EventFormat,
        examine: impl FnOnce(&[u8]) -> Result<(), MatchError>,
        place: impl Fn() -> String,
    ) {
        if let Err(error) = examine(record) {
            return self.leave_out(&error.into(), place);
        }
        let start = self.bytes.len();
        match format {
            EventFormat::Json => self.bytes.extend_from_slice(record),
            EventFormat::Msgpack => {
                if let Err(error) = msgpack::write(record, &mut self.bytes) {
                    self.bytes.truncate(start);
                    self.unpacked += 1;
                    let why = || format!("{}: cannot be written as msgpack: {error}", place());
                    self.first_left_out.get_or_insert_with(why);
                    return;
                }
            }
        }
        self.ends.push(self.bytes.len());
    }

    fn leave_out(&mut self, unread: &Unread, place: impl Fn() -> String) {
        if unread.is_malformed {
            self.malformed += 1;
        } else {
            self.unexamined += 1;
        }
        self.first_left_out.get_or_insert_with(|| format!("{}: {}", place(), unread.reason));
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all records.
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// One record.
    fn get(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[number]]
    }

    /// All records.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|number| self.get(number))
    }

    /// Why nothing is measured.
    fn nothing(&self) -> Failure {
        let why = match &self.first_left_out {
            Some(first) => format!("no record can be examined; the first: {first}"),
            None => "there is no record in --events".to_owned(),
        };
        Failure::Unusable(format!("{why}: nothing was measured"))
    }
}
