//! CSV with a header, as MISP exports attributes and as collections of indicators are exchanged.
//!
//! `type` and `value` are needed; `uuid` or `id`, `comment` or `name`, `to_ids`, `valid_from`,
//! `valid_until` (or `expiration`), `confidence`, `kill_chain_phase` and `tags` are read where they are.

use super::report::Count;
use super::value::{Parsed, Type, parse, parse_by_shape, short};
use super::{About, Feed, FeedError, Indicator, Reading, defang, tags, time};
use crate::limits::INDICATOR_LINE_BYTES;
use ::csv::{ByteRecord, ReaderBuilder};
use std::sync::Arc;

/// The columns that are read, with all their names.
const COLUMNS: [&[&str]; 9] = [
    &["value", "indicator"],
    &["type", "indicator_type"],
    &["uuid", "id"],
    &["name", "comment", "description"],
    &["to_ids"],
    &["valid_from"],
    &["valid_until", "expiration", "expires"],
    &["confidence"],
    &["kill_chain_phase", "kill_chain_phases", "tags", "attribute_tag"],
];
const VALUE: usize = 0;
const TYPE: usize = 1;
const ID: usize = 2;
const NAME: usize = 3;
const TO_IDS: usize = 4;
const FROM: usize = 5;
const UNTIL: usize = 6;
const CONFIDENCE: usize = 7;
const TAGS: usize = 8;

/// Whether a line is the header of such a file.
pub fn is_header(line: &[u8]) -> bool {
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(line);
    let mut record = ByteRecord::new();
    if line.len() > INDICATOR_LINE_BYTES || !reader.read_byte_record(&mut record).unwrap_or(false) {
        return false;
    }
    let places = places(&record);
    record.len() > 1 && places[VALUE].is_some() && places[TYPE].is_some()
}

/// Where the columns are.
fn places(header: &ByteRecord) -> [Option<usize>; COLUMNS.len()] {
    COLUMNS.map(|names| {
        let of = |name: &str| {
            header.iter().position(|own| own.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
        };
        names.iter().find_map(|name| of(name))
    })
}

/// Types of MISP whose values are of one of ours. Those with `|` have two parts, of which the ones
/// with a type count.
const TYPES: [(&str, [Option<Type>; 2]); 38] = [
    ("ip", [Some(Type::Ip), None]),
    ("ipv4", [Some(Type::Ip), None]),
    ("ipv6", [Some(Type::Ip), None]),
    ("ipv4-addr", [Some(Type::Ip), None]),
    ("ipv6-addr", [Some(Type::Ip), None]),
    ("network", [Some(Type::Ip), None]),
    ("cidr", [Some(Type::Ip), None]),
    ("ip-src", [Some(Type::Ip), None]),
    ("ip-dst", [Some(Type::Ip), None]),
    ("ip-src|port", [Some(Type::Ip), None]),
    ("ip-dst|port", [Some(Type::Ip), None]),
    ("domain", [Some(Type::Domain), None]),
    ("domain-name", [Some(Type::Domain), None]),
    ("hostname", [Some(Type::Domain), None]),
    ("hostname|port", [Some(Type::Domain), None]),
    ("domain|ip", [Some(Type::Domain), Some(Type::Ip)]),
    ("url", [Some(Type::Url), None]),
    ("md5", [Some(Type::Hash), None]),
    ("sha1", [Some(Type::Hash), None]),
    ("sha256", [Some(Type::Hash), None]),
    ("sha512", [Some(Type::Hash), None]),
    ("hash", [Some(Type::Hash), None]),
    ("filename|md5", [None, Some(Type::Hash)]),
    ("filename|sha1", [None, Some(Type::Hash)]),
    ("filename|sha256", [None, Some(Type::Hash)]),
    ("filename|sha512", [None, Some(Type::Hash)]),
    ("malware-sample", [None, Some(Type::Hash)]),
    ("filename", [Some(Type::FileName), None]),
    ("file_name", [Some(Type::FileName), None]),
    ("file-name", [Some(Type::FileName), None]),
    ("email-attachment", [Some(Type::FileName), None]),
    ("email", [Some(Type::Email), None]),
    ("email-addr", [Some(Type::Email), None]),
    ("email-src", [Some(Type::Email), None]),
    ("email-dst", [Some(Type::Email), None]),
    ("email-reply-to", [Some(Type::Email), None]),
    ("target-email", [Some(Type::Email), None]),
    ("whois-registrant-email", [Some(Type::Email), None]),
];

/// A row with its columns.
struct Row<'a> {
    record: &'a ByteRecord,
    places: &'a [Option<usize>; COLUMNS.len()],
}

impl<'a> Row<'a> {
    /// The text of a column, empty if it is not there; `Err` if it is not UTF-8.
    fn text(&self, column: usize) -> Result<&'a str, String> {
        let bytes = self.places[column].and_then(|at| self.record.get(at)).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| "the row is not UTF-8".to_owned())?;
        Ok(text.trim())
    }
}

/// Reads a file.
pub fn read(bytes: &[u8], reading: Reading, feed: &mut Feed) -> Result<(), FeedError> {
    // A comment before the header is none of CSV's.
    let mut reader = ReaderBuilder::new().flexible(true).comment(Some(b'#')).from_reader(bytes);
    let header = reader.byte_headers().map_err(|error| FeedError(error.to_string()))?.clone();
    let places = places(&header);
    let mut record = ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) => return Err(FeedError(error.to_string())),
        }
        let line = record.position().map_or(0, ::csv::Position::line);
        if record.as_slice().len() > INDICATOR_LINE_BYTES {
            let len = record.as_slice().len();
            let message =
                format!("the row has {len} bytes: is a quote missing in it or before it?");
            feed.report.add(Count::Bad, line, "", message);
            continue;
        }
        let row = Row { record: &record, places: &places };
        if let Err(message) = self::row(&row, line, reading, feed) {
            feed.report.add(Count::Bad, line, "", message);
        }
    }
}

/// Reads one row; an error is what is wrong with it.
fn row(row: &Row<'_>, line: u64, reading: Reading, feed: &mut Feed) -> Result<(), String> {
    let (written, of) = (row.text(VALUE)?, row.text(TYPE)?);
    if written.is_empty() && of.is_empty() {
        return Err("there is no value".to_owned());
    }
    let to_ids = row.text(TO_IDS)?;
    if matches!(to_ids, "0" | "false" | "False" | "no") {
        feed.report.count(Count::NotForDetection);
        return Ok(());
    }
    if !is_valid((row.text(FROM)?, row.text(UNTIL)?), reading.at, feed)? {
        return Ok(());
    }
    let about = about(row)?;
    let (text, is_repaired) = defang::repair(written);
    let folded = of.to_ascii_lowercase();
    let known = TYPES.iter().find(|(name, _)| *name == folded);
    let values: Vec<Parsed> = match known {
        Some((name, types)) if name.contains('|') || *name == "malware-sample" => {
            let Some((first, second)) = text.split_once('|') else {
                return Err(format!("`{}` has not the two parts of {name}", short(&text)));
            };
            let widened = types.iter().flatten().count() == 1;
            if widened {
                let message = format!("only one part of `{}` is looked for", short(&text));
                feed.report.add(Count::Widened, line, "", message);
            }
            let parts = types.iter().zip([first, second]);
            parts.filter_map(|(of, text)| of.map(|of| parse(of, text))).collect()
        }
        Some((_, types)) => types.iter().flatten().map(|of| parse(*of, &text)).collect(),
        None if of.is_empty() => vec![parse_by_shape(&text)],
        None => {
            let message = format!("values of the type `{}` are not looked for", short(of));
            feed.report.add(Count::Unsupported, line, "", message);
            return Ok(());
        }
    };
    if is_repaired && values.iter().any(Result::is_ok) {
        let message = format!("`{}` is read as `{}`", short(written), short(&text));
        feed.report.add(Count::Repaired, line, "", message);
    }
    let mut wrong = Ok(());
    for value in values {
        match value {
            Ok(value) => feed.indicators.push(Indicator { value, about: Arc::clone(&about) }),
            Err(message) => wrong = Err(message),
        }
    }
    wrong
}

/// Whether a row's time is now; if not it is counted.
fn is_valid((from, until): (&str, &str), at: i64, feed: &mut Feed) -> Result<bool, String> {
    let count = if !from.is_empty() && time(from)? > at {
        Count::NotYetValid
    } else if !until.is_empty() && time(until)? <= at {
        Count::Expired
    } else {
        return Ok(true);
    };
    feed.report.count(count);
    Ok(false)
}

fn about(row: &Row<'_>) -> Result<Arc<About>, String> {
    let text = |column| row.text(column).map(|text| (!text.is_empty()).then(|| text.to_owned()));
    let until = row.text(UNTIL)?;
    let confidence = row.text(CONFIDENCE)?;
    let labels = row.text(TAGS)?.split([',', ';']);
    let tags = labels.filter_map(|label| {
        let technique = tags::of_technique(label.trim());
        technique.or_else(|| tags::of_phase("", label)).or_else(|| tags::plain(label))
    });
    Ok(Arc::new(About {
        id: text(ID)?,
        name: text(NAME)?,
        tags: tags::distinct(tags),
        valid_until: if until.is_empty() { None } else { Some(time(until)?) },
        confidence: match confidence {
            "" => None,
            text => Some(text.parse().ok().filter(|number| *number <= 100).ok_or_else(|| {
                format!("the confidence `{}` is no number from 0 to 100", short(text))
            })?),
        },
    }))
}
