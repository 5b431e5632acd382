//! Texts that may hold events: which fields have them, and what stands in one.
//!
//! Most texts of most records are lines of something else, so the first byte decides what is looked
//! at more closely. A head of syslog is passed over, whatever follows.

use super::places::Shape;
use super::tables::{PayloadEncoding, SourceTables};
use super::{base64, csv, mariadb, nested, syslog};
use crate::event::keys::KeyTable;
use crate::event::slots::NONE;
use crate::event::{json, xml};

/// How many numbers of encodings there are, 0 included.
const ENCODINGS: usize = PayloadEncoding::ALL.len() + 1;

/// A field whose text may hold events.
pub(super) struct Text {
    /// The field.
    pub field: u32,
    /// The payload of each encoding by its number, or [`NONE`].
    payloads: [u32; ENCODINGS],
    /// Payloads whose text does not say what it is; the record does.
    pub told: Vec<u32>,
}

/// The fields of all sources whose text may hold events, each once.
pub(super) fn texts(tables: &SourceTables) -> Vec<Text> {
    let mut texts: Vec<Text> = Vec::new();
    for (number, payload) in (0..).zip(&tables.payloads) {
        let known = texts.iter().position(|text| text.field == payload.field);
        let at = known.unwrap_or_else(|| {
            let (field, payloads) = (payload.field, [NONE; ENCODINGS]);
            texts.push(Text { field, payloads, told: Vec::new() });
            texts.len() - 1
        });
        let text = &mut texts[at];
        match text.payloads.get_mut(usize::from(payload.encoding)) {
            _ if payload.when.count > 0 => text.told.push(number),
            Some(first @ &mut NONE) => *first = number,
            _ => {}
        }
    }
    texts
}

impl Text {
    /// What stands in a text, and where it begins; `None` if no event can be told in it.
    #[inline]
    pub fn find(&self, text: &[u8], keys: &KeyTable) -> Option<(Shape, usize)> {
        let start = json::skip_space(text, 0);
        let rest = text.get(start..)?;
        if let Some(shape) = self.shape(rest, keys) {
            return Some((shape, start));
        }
        // What heads of syslog begin with: `<14>`, a year, a month, a program that is known.
        let may_have_head = match rest.first()? {
            b'<' | b'm' | b'p' | b's' => true,
            b'A'..=b'S' => rest.get(3) == Some(&b' '),
            b'1' | b'2' => rest.get(4) == Some(&b'-'),
            _ => false,
        };
        if !may_have_head {
            return None;
        }
        let (shape, behind) = self.behind_head(rest, keys)?;
        Some((shape, start + behind))
    }

    fn behind_head(&self, text: &[u8], keys: &KeyTable) -> Option<(Shape, usize)> {
        let head = syslog::head(text)?;
        let start = json::skip_space(text, head.message);
        if let Some(shape) = self.shape(&text[start..], keys) {
            return Some((shape, start));
        }
        // The server's name may be behind a blank.
        let lines = self.payload(PayloadEncoding::MariadbAudit)?;
        (text[head.ident] == *syslog::MARIADB).then_some((Shape::Message(lines), head.message))
    }

    /// What stands in a text that begins right here.
    #[inline]
    fn shape(&self, text: &[u8], keys: &KeyTable) -> Option<Shape> {
        let payload = |encoding| self.payload(encoding);
        match text.first()? {
            b'{' | b'[' if nested::begins_like_json(text) => {
                payload(PayloadEncoding::Json).map(|_| Shape::Json)
            }
            // The lines of a file that is one array may begin with what ends the line before.
            b',' if nested::begins_like_json(&text[1..]) => {
                payload(PayloadEncoding::Json).map(|_| Shape::Json)
            }
            b'0'..=b'9' if mariadb::begins_like_line(text) => {
                payload(PayloadEncoding::MariadbAudit).map(Shape::Lines)
            }
            b'<' if xml::begins_like_record(text, keys) => {
                payload(PayloadEncoding::Xml).map(|_| Shape::Elements)
            }
            b'e' | b'W' if base64::begins_like_json(text) => {
                payload(PayloadEncoding::Base64Json).map(|_| Shape::Base64)
            }
            b'"' if csv::begins_like_record(text) => {
                payload(PayloadEncoding::PerconaCsv).map(Shape::Rows)
            }
            _ => None,
        }
    }

    /// What stands in a text if the record says that it is of this payload.
    pub fn told(encoding: PayloadEncoding, payload: u32) -> Shape {
        match encoding {
            PayloadEncoding::Json => Shape::Json,
            PayloadEncoding::MariadbAudit => Shape::Message(payload),
            PayloadEncoding::Xml => Shape::Elements,
            PayloadEncoding::PerconaCsv => Shape::Rows(payload),
            PayloadEncoding::Base64Json => Shape::Base64,
        }
    }

    fn payload(&self, encoding: PayloadEncoding) -> Option<u32> {
        Some(self.payloads[encoding as usize]).filter(|payload| *payload != NONE)
    }
}
