//! Feeds of indicators: files of STIX 2.1, of MISP's CSV and plain lists, read into one set.
//!
//! ```text
//! file --stix, csv, list--> indicators and what was left out --emit--> tables of a rule set
//! ```
//! Enter at [`read`] for one file, then [`Set::new`]. What is wrong with one indicator concerns no
//! other: the good ones are read and the others are counted and named, up to a number. Whether an
//! indicator is valid is decided here, at the time the caller gives, so that one rule set always
//! matches the same.

mod csv;
mod defang;
pub(crate) mod emit;
pub mod fields;
mod list;
mod report;
mod stix;
mod tags;
pub mod value;

pub use report::{Count, Problem, Report};

use crate::limits;
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use std::fmt;
use std::sync::Arc;
use value::{Type, Value};

/// What a feed says about an indicator, beside its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct About {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Tags: tactics and techniques of ATT&CK, labels.
    pub tags: Vec<String>,
    /// Until when it is valid, in seconds since 1970.
    pub valid_until: Option<i64>,
    /// How sure the feed is, 0 to 100.
    pub confidence: Option<u8>,
}

/// A value and what a feed says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    /// The value.
    pub value: Value,
    /// What is said about it; equal things are shared.
    pub about: Arc<About>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON of STIX 2: a bundle, an envelope of TAXII, or one indicator.
    Stix,
    /// CSV with a header, as MISP exports it.
    Csv,
    /// One value per line.
    List,
}

impl Format {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Stix => "stix",
            Format::Csv => "csv",
            Format::List => "list",
        }
    }
}

/// How files are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// What the values of plain lists are, if not told from their shape.
    pub of: Option<Type>,
    /// The time for which indicators must be valid, in seconds since 1970.
    pub at: i64,
}

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Feed {
    /// Its name: part of the ids and titles as which its indicators are reported.
    pub name: String,
    /// What it is.
    pub format: Format,
    /// Its valid indicators, equal ones more than once.
    pub indicators: Vec<Indicator>,
    /// What became of the others.
    pub report: Report,
}

/// Why a file cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedError(pub String);

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FeedError {}

/// Reads the bytes of a file. The name is made of letters, digits, `.`, `-` and `_`.
///
/// # Errors
/// If it is no feed as a whole, or too large.
pub fn read(name: &str, bytes: &[u8], reading: Reading) -> Result<Feed, FeedError> {
    if bytes.len() > limits::INDICATOR_FILE_BYTES {
        let (len, most) = (bytes.len(), limits::INDICATOR_FILE_BYTES);
        return Err(FeedError(format!("{len} bytes, the limit is {most}: split the file")));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let format = format_of(bytes);
    let mut feed =
        Feed { name: plain_name(name), format, indicators: Vec::new(), report: Report::default() };
    match format {
        Format::Stix => stix::read(bytes, reading, &mut feed)?,
        Format::Csv => csv::read(bytes, reading, &mut feed)?,
        Format::List => list::read(bytes, reading, &mut feed)?,
    }
    Ok(feed)
}

/// The name that a feed has by default: that of its file.
pub fn plain_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = name.chars().take(64).map(|c| if plain(c) { c } else { '_' }).collect();
    if name.is_empty() { "feed".to_owned() } else { name }
}

fn format_of(bytes: &[u8]) -> Format {
    let text = bytes.trim_ascii_start();
    if text.starts_with(b"{") || text.starts_with(b"[{") || text == b"[]" {
        return Format::Stix;
    }
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    match lines.next() {
        Some(header) if csv::is_header(header) => Format::Csv,
        _ => Format::List,
    }
}

/// Seconds since 1970 of a time in one of the forms that feeds use: RFC 3339, the same without a
/// zone, a date, or seconds. Times without a zone are in UTC.
///
/// # Errors
/// If it is none of these.
pub fn time(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.timestamp());
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, form) {
            return Ok(time.and_utc().timestamp());
        }
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp());
    }
    // Years are no seconds.
    match text.parse::<i64>() {
        Ok(seconds) if text.len() >= 9 => Ok(seconds),
        _ => {
            Err(format!("`{}` is no time: write it as in 2027-01-31T00:00:00Z", value::short(text)))
        }
    }
}

/// The indicators of several feeds, for one rule set.
#[derive(Debug, Clone, Default)]
pub struct Set {
    feeds: Vec<Feed>,
    level: u8,
}

impl Set {
    /// A set of feeds, which report at a level: 0 none, 1 informational to 5 critical.
    ///
    /// # Errors
    /// If two feeds have one name, or there are more feeds or indicators than the limits allow.
    pub fn new(mut feeds: Vec<Feed>, level: u8) -> Result<Set, FeedError> {
        feeds.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(pair) = feeds.windows(2).find(|pair| pair[0].name == pair[1].name) {
            let name = &pair[0].name;
            return Err(FeedError(format!(
                "two feeds are called `{name}`: give one of them another name, as in \
                 `--indicators other={name}`"
            )));
        }
        if feeds.len() > limits::INDICATOR_FEEDS {
            let (len, most) = (feeds.len(), limits::INDICATOR_FEEDS);
            return Err(FeedError(format!("{len} feeds, the limit is {most}: put some together")));
        }
        let set = Set { feeds, level };
        let (distinct, most) = (set.distinct(), limits::INDICATORS);
        if distinct > most {
            return Err(FeedError(format!("{distinct} indicators, the limit is {most}")));
        }
        Ok(set)
    }

    /// The feeds by name.
    pub fn feeds(&self) -> &[Feed] {
        &self.feeds
    }

    /// The level at which they report.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Whether there is no indicator.
    pub fn is_empty(&self) -> bool {
        self.feeds.iter().all(|feed| feed.indicators.is_empty())
    }

    /// Number of different values.
    pub fn distinct(&self) -> usize {
        let mut values: Vec<&Value> =
            self.feeds.iter().flat_map(|feed| &feed.indicators).map(|i| &i.value).collect();
        values.sort_unstable();
        values.dedup();
        values.len()
    }
}
