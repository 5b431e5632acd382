//! Which values the modifiers of an item allow.
//!
//! Only whether a value is legal: what it means is decided by the compiler and, independently, by
//! the reference evaluator.

use std::net::IpAddr;

use ipnet::IpNet;

use super::ast::Scalar;
use super::diagnostic::{Mark, Report, did_you_mean, quoted, similar};
use super::document::Context;
use super::item::Used;
use super::modifier::Family;
use super::regex_check::{self, Flags};
use super::yaml::{Node, Text};
use crate::limits;

/// What the modifiers of one item ask of its values.
pub(super) struct Check<'u> {
    used: &'u [Used],
    /// Where `all` stands.
    pub all: Option<Mark>,
}

impl<'u> Check<'u> {
    pub fn new(used: &'u [Used]) -> Check<'u> {
        let all = used.iter().find(|used| used.modifier.family == Family::All);
        Check { used, all: all.map(|used| used.mark) }
    }

    fn name(&self, family: Family) -> Option<&'static str> {
        self.used.iter().find(|used| used.modifier.family == family).map(|used| used.modifier.name)
    }

    fn has(&self, family: Family) -> bool {
        self.name(family).is_some()
    }

    /// The first modifier that is about values, not about the item as a whole.
    fn value_modifier(&self) -> Option<&'static str> {
        self.used
            .iter()
            .find(|used| !matches!(used.modifier.family, Family::All | Family::Neq))
            .map(|used| used.modifier.name)
    }

    /// Whether an empty list makes no sense.
    pub fn needs_values(&self) -> bool {
        self.value_modifier().is_some()
    }

    /// How many values there may be.
    pub fn count(&self, count: usize, node: &Node<'_>, report: &mut Report) {
        if self.has(Family::Exists) && count != 1 {
            report
                .error("exists-value", node.mark, "`exists` takes one value, not a list")
                .help("write `true` or `false`");
        }
    }

    /// Reports what is wrong with one value.
    pub fn value(
        &self,
        value: &Scalar,
        text: &Text<'_>,
        mark: Mark,
        context: &Context<'_>,
        report: &mut Report,
    ) {
        if *value == Scalar::Null {
            if let Some(name) = self.value_modifier() {
                report
                    .error("null-with-modifier", mark, format!("null has no text for `{name}`"))
                    .help("write `field: null` without modifiers, or quote the word: 'null'");
            }
            return;
        }
        if self.has(Family::Exists) {
            if !matches!(value, Scalar::Bool(_)) {
                report
                    .error(
                        "exists-value",
                        mark,
                        format!("`exists` takes true or false, not {}", quoted(&text.text)),
                    )
                    .help("write `true` or `false` without quotes");
            }
            return;
        }
        if let Some(name) = self.name(Family::Comparison).or(self.name(Family::TimePart)) {
            self.number(name, value, text, mark, report);
            return;
        }
        if text.text.len() > limits::VALUE_BYTES {
            let message = format!("a value has at most {} bytes", limits::VALUE_BYTES);
            report
                .error("value-too-long", mark, message)
                .help("shorten it: a part that is as rare finds the same events");
            return;
        }
        // `expand` and the position modifiers take any scalar; the others take text.
        let Scalar::Str(string) = value else {
            self.not_text(text, mark, report);
            return;
        };
        if self.has(Family::Expand) {
            placeholders(string, text, mark, context, report);
        }
        if self.has(Family::Regex) {
            self.regex(string, text, mark, report);
        } else if self.has(Family::Cidr) {
            network(string, mark, report);
        } else if self.has(Family::FieldReference) {
            field_reference(string, mark, report);
        } else if let Some(name) = self.name(Family::Base64)
            && let Some(offset) = wildcard(string)
        {
            let message = format!("a wildcard cannot be encoded with `{name}`");
            report
                .error("base64-wildcard", text.mark_within(mark, offset, 1), message)
                .help("write a literal one as `\\*` or `\\?`");
        }
    }

    fn not_text(&self, text: &Text<'_>, mark: Mark, report: &mut Report) {
        let textual = [
            Family::Regex,
            Family::Cidr,
            Family::FieldReference,
            Family::Base64,
            Family::Utf16,
            Family::Windash,
        ];
        if let Some(name) = textual.into_iter().find_map(|family| self.name(family)) {
            report
                .error(
                    "value-not-text",
                    mark,
                    format!("`{name}` takes text, not {}", quoted(&text.text)),
                )
                .help(format!("quote it: '{}'", text.text));
        }
    }

    fn number(
        &self,
        name: &'static str,
        value: &Scalar,
        text: &Text<'_>,
        mark: Mark,
        report: &mut Report,
    ) {
        if !matches!(value, Scalar::Int(_) | Scalar::BigInt(_) | Scalar::Float(_)) {
            report
                .error(
                    "value-not-number",
                    mark,
                    format!("`{name}` takes a number, not {}", quoted(&text.text)),
                )
                .help("write a number without quotes");
            return;
        }
        let range = match self.name(Family::TimePart) {
            Some("minute") => 0..=59,
            Some("hour") => 0..=23,
            Some("day") => 1..=31,
            Some("week") => 1..=53,
            Some("month") => 1..=12,
            _ => return,
        };
        let inside = matches!(value, Scalar::Int(number) if range.contains(number));
        if !inside && !self.has(Family::Comparison) {
            let (least, most) = (range.start(), range.end());
            report
                .warn("time-part-range", mark, format!("`{name}` is never {}", text.text))
                .help(format!("it is a whole number from {least} to {most}"));
        }
    }

    fn regex(&self, pattern: &str, text: &Text<'_>, mark: Mark, report: &mut Report) {
        let has = |canonical| self.used.iter().any(|used| used.modifier.canonical == canonical);
        let flags =
            Flags { ignore_case: has("i"), multi_line: has("m"), dot_matches_newline: has("s") };
        let expanded;
        let pattern = if self.has(Family::Expand) {
            expanded = without_placeholders(pattern);
            &expanded
        } else {
            pattern
        };
        if let Err(fault) = regex_check::check(pattern, flags) {
            let mark = if self.has(Family::Expand) {
                mark
            } else {
                text.mark_within(mark, fault.offset, fault.length)
            };
            report.error(fault.code, mark, fault.message).help(fault.help);
        }
    }
}

/// The offset in characters of the first `*` or `?` that no backslash makes literal.
fn wildcard(text: &str) -> Option<usize> {
    let mut characters = text.chars().enumerate().peekable();
    while let Some((offset, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next_if(|(_, next)| matches!(next, '*' | '?' | '\\'));
            }
            '*' | '?' => return Some(offset),
            _ => {}
        }
    }
    None
}

fn field_reference(name: &str, mark: Mark, report: &mut Report) {
    if name.is_empty() {
        report
            .error("fieldref-name", mark, "`fieldref` needs the name of a field")
            .help("write the name of the other field");
    } else if name.contains(['*', '?']) {
        report
            .error(
                "fieldref-name",
                mark,
                format!("{} is not a field name: it has a wildcard", quoted(name)),
            )
            .help("write the name of one field in full");
    }
}

fn network(text: &str, mark: Mark, report: &mut Report) {
    if text.parse::<IpAddr>().is_ok() {
        return;
    }
    match text.parse::<IpNet>() {
        Ok(network) if network.addr() == network.network() => {}
        Ok(network) => {
            let message = format!("{} has bits set behind its prefix", quoted(text));
            report
                .error("cidr-host-bits", mark, message)
                .help(format!("write the network as `{}`", network.trunc()));
        }
        Err(_) => {
            report
                .error("cidr-invalid", mark, format!("{} is not a network", quoted(text)))
                .help("write an address and a prefix length, such as `10.0.0.0/8` or `fe80::/10`");
        }
    }
}

/// `%name%` with a name of letters, digits and `_`; `\%` is literal.
struct Placeholder<'t> {
    name: &'t str,
    /// Byte range, percent signs included.
    range: std::ops::Range<usize>,
}

fn find_placeholders(text: &str) -> Vec<Placeholder<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find('%') {
        let start = from + at;
        from = start + 1;
        // Read from left to right, `\\` is a backslash and `\%` a percent sign.
        let backslashes = text[..start].bytes().rev().take_while(|&byte| byte == b'\\').count();
        if backslashes % 2 == 1 {
            continue;
        }
        let rest = &text[start + 1..];
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if length > 0 && rest[length..].starts_with('%') {
            let end = start + length + 2;
            found.push(Placeholder { name: &rest[..length], range: start..end });
            from = end;
        }
    }
    found
}

fn placeholders(
    string: &str,
    text: &Text<'_>,
    mark: Mark,
    context: &Context<'_>,
    report: &mut Report,
) {
    let found = find_placeholders(string);
    if found.is_empty() && !string.contains('%') {
        report
            .warn("expand-without-placeholder", mark, "`expand` without a `%name%` has no effect")
            .help("remove `expand`, or write the placeholder");
    }
    for Placeholder { name, range } in found {
        let offset = string[..range.start].chars().count();
        let length = string[range].chars().count();
        let mark = text.mark_within(mark, offset, length);
        match context.placeholders.get(name) {
            Some(values) if !values.is_empty() => {}
            Some(_) => {
                report
                    .error(
                        "placeholder-empty",
                        mark,
                        format!("the placeholder %{name}% has no values"),
                    )
                    .help(format!(
                        "put at least one line into the file given with `--placeholder {name}=FILE`"
                    ));
            }
            None => {
                let known = context.placeholders.keys().map(String::as_str);
                let suggestion = did_you_mean(similar(name, known));
                report
                    .error(
                        "placeholder-unresolved",
                        mark,
                        format!("the placeholder %{name}% has no value{suggestion}"),
                    )
                    .help(format!(
                        "give its values with `--placeholder {name}=FILE`, one per line"
                    ));
            }
        }
    }
}

/// The expression with a plain letter in place of each placeholder.
fn without_placeholders(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut from = 0;
    for placeholder in find_placeholders(pattern) {
        text.push_str(&pattern[from..placeholder.range.start]);
        text.push('x');
        from = placeholder.range.end;
    }
    text.push_str(&pattern[from..]);
    text.replace("\\%", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_found_behind_escapes() {
        for (text, expected) in [
            ("abc", None),
            ("a*", Some(1)),
            (r"a\*", None),
            (r"a\\*", Some(3)),
            (r"a\\\*", None),
            (r"\x?", Some(2)),
            (r"é\?*", Some(3)),
            ("\\", None),
        ] {
            assert_eq!(wildcard(text), expected, "{text}");
        }
    }

    #[test]
    fn placeholders_are_names_between_percent_signs() {
        let names = |text| -> Vec<&str> {
            find_placeholders(text).into_iter().map(|found| found.name).collect()
        };
        assert_eq!(names("%a%%b_1%"), ["a", "b_1"]);
        assert_eq!(names(r"\%a\% 100% %b%"), ["b"]);
        assert!(names("%%").is_empty() && names("%a b%").is_empty() && names("%a").is_empty());
        assert_eq!(without_placeholders(r"^%a%\\\%b$"), r"^x\\%b$");
    }
}
