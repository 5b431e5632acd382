//! Plain lists: one value per line, comments behind `#`.

use super::report::Count;
use super::value::{self, parse, parse_by_shape};
use super::{About, Feed, FeedError, Indicator, Reading, defang};
use crate::limits::INDICATOR_LINE_BYTES;
use std::sync::Arc;

/// Reads a list.
pub fn read(bytes: &[u8], reading: Reading, feed: &mut Feed) -> Result<(), FeedError> {
    let about = Arc::new(About::default());
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let report = &mut feed.report;
        if line.len() > INDICATOR_LINE_BYTES {
            let len = line.len();
            report.add(Count::Bad, number, "", format!("the line has {len} bytes"));
            continue;
        }
        let Ok(line) = std::str::from_utf8(line) else {
            report.add(Count::Bad, number, "", "the line is not UTF-8");
            continue;
        };
        let written = without_comment(line);
        if written.is_empty() {
            continue;
        }
        let (text, is_repaired) = defang::repair(written);
        let parsed = match reading.of {
            Some(of) => parse(of, &text),
            None => parse_by_shape(&text),
        };
        match parsed {
            Ok(value) => {
                if is_repaired {
                    let message =
                        format!("`{}` is read as `{}`", value::short(written), value::short(&text));
                    report.add(Count::Repaired, number, "", message);
                }
                feed.indicators.push(Indicator { value, about: Arc::clone(&about) });
            }
            Err(message) => report.add(Count::Bad, number, "", message),
        }
    }
    Ok(())
}

/// The line without its comment, which begins at its start or behind white space: a `#` of a URL is
/// none.
fn without_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with('#') {
        return "";
    }
    let comment =
        line.char_indices().find(|(at, c)| *c == '#' && line[..*at].ends_with(char::is_whitespace));
    comment.map_or(line, |(at, _)| line[..at].trim_end())
}
