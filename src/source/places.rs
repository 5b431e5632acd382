//! Places where events may be: runs of bytes that are read value by value.

use super::parts::Origin;
use super::{csv, mariadb};
use crate::event::value::Store;
use crate::event::{json, msgpack, xml};

/// Bytes that hold candidates one behind the other.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Where its bytes are.
    pub store: Store,
    /// The next byte.
    pub at: u32,
    /// The first byte behind.
    pub end: u32,
    /// How its values stand.
    pub shape: Shape,
    /// How many wrappers are around it.
    pub level: u8,
    /// Where its values come from.
    pub origin: Origin,
    /// First and number of the values that its objects inherit.
    pub inherited: (u32, u32),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// JSON values with white space between.
    Json,
    /// The elements of a JSON array behind its opening bracket; a cut may have left no other.
    JsonElements,
    /// So many msgpack values.
    Msgpack(u32),
    /// Lines of the payload of this number.
    Lines(u32),
    /// One line of the payload of this number, as it stands in a message of syslog.
    Message(u32),
    /// Rows of the payload of this number.
    Rows(u32),
    /// XML elements.
    Elements,
    /// JSON in base64. It is decoded before it becomes a place; one that is left cannot be.
    Base64,
}

/// The next value of a place.
pub(super) enum Step {
    End,
    /// An object or map begins at this offset of the place's store.
    Object(u32),
    /// An array whose elements are candidates.
    Array(Place),
    /// A log line begins at this offset and has so many bytes.
    Line(u32, u32),
    /// An XML element begins at this offset.
    Element(u32),
    /// Anything else is not an event.
    Other,
    Malformed,
}

impl Place {
    /// Whether an array has no elements: an envelope of none must not vanish. `data` is the bytes
    /// of the place's store.
    pub fn is_empty(self, data: &[u8]) -> bool {
        match self.shape {
            Shape::Msgpack(count) => count == 0,
            _ => data.get(json::skip_space(data, self.at as usize)) == Some(&b']'),
        }
    }

    /// The next value, and the place behind it; `None` if that was all. `data` is the bytes of the
    /// place's store.
    pub fn step(self, data: &[u8]) -> (Step, Option<Place>) {
        let place = self;
        let data = data.get(..place.end as usize).unwrap_or(data);
        let behind = |end: usize, shape| Some(Place { at: end as u32, shape, ..place });
        let line = |found: Option<std::ops::Range<usize>>| match found {
            None => (Step::End, None),
            Some(line) => {
                let step = Step::Line(line.start as u32, line.len() as u32);
                // One message is one line.
                let end = match place.shape {
                    Shape::Message(_) => place.end as usize,
                    _ => line.end,
                };
                (step, behind(end, place.shape))
            }
        };
        match place.shape {
            Shape::Json | Shape::JsonElements => {
                let is_list = place.shape == Shape::JsonElements;
                let mut at = json::skip_space(data, place.at as usize);
                // Also between and behind values: a file that is one array is read line by line.
                while data.get(at) == Some(&b',') {
                    at = json::skip_space(data, at + 1);
                }
                match data.get(at) {
                    None => (Step::End, None),
                    Some(b']') if is_list => (Step::End, None),
                    Some(b']') if json::skip_space(data, at + 1) == data.len() => (Step::End, None),
                    // Where the object ends is known once it was walked.
                    Some(b'{') => (Step::Object(at as u32), behind(at, place.shape)),
                    Some(b'[') => {
                        let end = json::skip_value(data, at);
                        let elements = Place {
                            at: at as u32 + 1,
                            end: end.as_ref().map_or(place.end, |end| *end as u32),
                            shape: Shape::JsonElements,
                            level: place.level + 1,
                            origin: place.origin.elements(),
                            ..place
                        };
                        // Of an array that is cut off, the elements before the cut still count.
                        (Step::Array(elements), end.ok().and_then(|end| behind(end, place.shape)))
                    }
                    Some(_) => match json::skip_value(data, at) {
                        Ok(end) => (Step::Other, behind(end, place.shape)),
                        Err(_) => (Step::Malformed, None),
                    },
                }
            }
            Shape::Lines(_) => line(mariadb::next_line(data, place.at as usize)),
            Shape::Rows(_) => line(csv::next_record(data, place.at as usize)),
            Shape::Message(_) if place.at < place.end => {
                let message = data.get(place.at as usize..).unwrap_or(&[]);
                let len = message.trim_ascii_end().len();
                line(Some(place.at as usize..place.at as usize + len))
            }
            Shape::Message(_) => (Step::End, None),
            Shape::Base64 => (Step::Malformed, None),
            Shape::Elements => {
                let at = xml::skip_prolog(data, place.at as usize);
                match data.get(at) {
                    None => (Step::End, None),
                    // Where the element ends is known once it was walked.
                    Some(b'<') => (Step::Element(at as u32), behind(at, place.shape)),
                    Some(_) => (Step::Malformed, None),
                }
            }
            Shape::Msgpack(0) => (Step::End, None),
            Shape::Msgpack(count) => {
                let at = place.at as usize;
                let (Ok((token, first)), Ok(end)) =
                    (msgpack::token(data, at), msgpack::skip(data, at))
                else {
                    return (Step::Malformed, None);
                };
                let step = match token {
                    msgpack::Token::Map(_) => Step::Object(place.at),
                    msgpack::Token::Array(items) => Step::Array(Place {
                        at: first as u32,
                        end: end as u32,
                        shape: Shape::Msgpack(items),
                        level: place.level + 1,
                        origin: place.origin.elements(),
                        ..place
                    }),
                    _ => Step::Other,
                };
                (step, behind(end, Shape::Msgpack(count - 1)))
            }
        }
    }
}
