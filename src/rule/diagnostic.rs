//! What is wrong with a rule, where, and how to repair it.

use std::fmt;
use std::sync::Arc;

use super::ast::{Place, Pos};
use crate::limits;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The document is refused.
    Error,
    /// The document loads; it may not do what its author meant.
    Warning,
    /// The document does what it says; it could be better.
    Info,
}

impl Severity {
    /// `error`, `warning` or `info`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable kebab-case name, one of [`CODES`].
    pub code: &'static str,
    /// Where.
    pub place: Place,
    /// Characters to underline from `place`, 0 if unknown.
    pub length: u32,
    /// What is wrong.
    pub message: String,
    /// The repair.
    pub help: Option<String>,
    /// Title of the rule, or its id where it has no title.
    pub subject: Option<String>,
}

impl Diagnostic {
    /// A finding without a repair and a subject.
    pub(super) fn new(
        severity: Severity,
        code: &'static str,
        file: &Arc<str>,
        mark: Mark,
        message: impl Into<String>,
    ) -> Diagnostic {
        debug_assert!(CODES.contains(&code), "unlisted diagnostic code {code}");
        Diagnostic {
            severity,
            code,
            place: Place { file: Arc::clone(file), pos: mark.pos },
            length: mark.length,
            message: message.into(),
            help: None,
            subject: None,
        }
    }

    /// A finding at a place, without a repair and a subject.
    pub fn at(
        severity: Severity,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
    ) -> Diagnostic {
        let mark = Mark { pos: place.pos, length: 0 };
        Diagnostic::new(severity, code, &place.file, mark, message)
    }

    /// Adds the repair.
    pub(super) fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.severity.as_str(), self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// A place in the file at hand and how many characters it spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    pub pos: Pos,
    pub length: u32,
}

/// Collects what is found in one document.
pub(super) struct Report {
    file: Arc<str>,
    /// Put into every finding once known.
    pub subject: Option<String>,
    found: Vec<Diagnostic>,
    errors: usize,
    /// Where findings beyond the cap go.
    surplus: Diagnostic,
    surplus_count: usize,
}

impl Report {
    pub fn new(file: &Arc<str>) -> Report {
        let surplus =
            Diagnostic::new(Severity::Error, "too-many-problems", file, Mark::default(), "");
        Report {
            file: Arc::clone(file),
            subject: None,
            found: Vec::new(),
            errors: 0,
            surplus,
            surplus_count: 0,
        }
    }

    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// Errors so far.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// Whether looking for further problems is pointless.
    pub fn is_full(&self) -> bool {
        self.surplus_count > 0
    }

    pub fn error(
        &mut self,
        code: &'static str,
        mark: Mark,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.errors += 1;
        self.add(Severity::Error, code, mark, message.into())
    }

    pub fn warn(
        &mut self,
        code: &'static str,
        mark: Mark,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Warning, code, mark, message.into())
    }

    pub fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        mark: Mark,
        message: String,
    ) -> &mut Diagnostic {
        if self.found.len() < limits::DIAGNOSTICS {
            self.found.push(Diagnostic::new(severity, code, &self.file, mark, message));
            let last = self.found.len() - 1;
            return &mut self.found[last];
        }
        if self.surplus_count == 0 {
            self.surplus.place.pos = mark.pos;
        }
        self.surplus_count += 1;
        &mut self.surplus
    }

    /// Appends everything found, in reading order.
    pub fn finish(mut self, diagnostics: &mut Vec<Diagnostic>) {
        self.found.sort_by_key(|diagnostic| diagnostic.place.pos);
        if self.surplus_count > 0 {
            let severity = if self.errors > 0 { Severity::Error } else { Severity::Warning };
            self.surplus.severity = severity;
            self.surplus.message =
                format!("{} more problems in this document are not shown", self.surplus_count);
            self.surplus.help = Some("repair the first ones and check again".to_owned());
            self.found.push(self.surplus);
        }
        for mut diagnostic in self.found {
            diagnostic.subject.clone_from(&self.subject);
            diagnostics.push(diagnostic);
        }
    }
}

/// The known name that `name` most likely stands for. Differences of case come first, then the
/// fewest edits.
pub fn similar<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    if length == 0 || length > limits::SUGGESTION_CHARS {
        return None;
    }
    let folded = name.to_lowercase();
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        if candidate == name || candidate.len() > 4 * limits::SUGGESTION_CHARS {
            continue;
        }
        let lower = candidate.to_lowercase();
        let distance =
            if lower == folded { 0 } else { strsim::damerau_levenshtein(&folded, &lower) };
        // A third of the name may be wrong: `gtt` suggests `gt`, `x` suggests nothing.
        if distance * 3 <= length.max(3) && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `: did you mean `x`?`, or nothing.
pub fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(": did you mean `{name}`?"))
}

/// Shortens what is quoted in a message and keeps control characters out of it.
pub fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    let mut short = String::from("`");
    for (count, character) in text.chars().enumerate() {
        if count == MOST {
            short.push('…');
            break;
        }
        if character.is_control() {
            short.extend(character.escape_default());
        } else {
            short.push(character);
        }
    }
    short.push('`');
    short
}

/// Every code that a [`Diagnostic`] may carry, sorted. A code is never renamed or reused.
pub const CODES: &[&str] = &[
    "action-repeat",
    "action-reset",
    "action-unknown",
    "all-single-value",
    "attack-renamed",
    "attack-tag",
    "attack-unknown",
    "bad-date",
    "bad-level",
    "bad-logsource",
    "bad-related",
    "bad-status",
    "bad-tag",
    "base64-wildcard",
    "base64offset-alone",
    "base64offset-short",
    "cidr-host-bits",
    "cidr-invalid",
    "condition-aggregation",
    "condition-case",
    "condition-limit",
    "condition-pattern",
    "condition-syntax",
    "condition-type",
    "contains-everything",
    "contains-short",
    "correlation-alias",
    "correlation-alias-unused",
    "correlation-ambiguous",
    "correlation-condition",
    "correlation-cycle",
    "correlation-field",
    "correlation-field-unused",
    "correlation-fields",
    "correlation-generate",
    "correlation-key",
    "correlation-never",
    "correlation-no-group",
    "correlation-not-map",
    "correlation-rules",
    "correlation-single-event",
    "correlation-threshold",
    "correlation-timespan",
    "correlation-type",
    "correlation-unknown-field",
    "correlation-unresolved",
    "detection-not-map",
    "document-kind",
    "document-not-map",
    "duplicate-id",
    "duplicate-key",
    "duplicate-name",
    "duplicate-title",
    "empty-field",
    "empty-keyword",
    "empty-modifier",
    "empty-search",
    "empty-value-list",
    "exists-value",
    "expand-without-placeholder",
    "fieldref-name",
    "file-not-utf8",
    "file-too-large",
    "file-unreadable",
    "filter-any-directory",
    "filter-any-name",
    "filter-case",
    "filter-condition-list",
    "filter-dot-dot",
    "filter-logsource",
    "filter-never-holds",
    "filter-no-rule",
    "filter-part-never-holds",
    "filter-path-style",
    "filter-rules",
    "filter-silences",
    "filter-unknown-rule",
    "filter-wide",
    "filter-wildcard",
    "filter-without-not",
    "flag-without-re",
    "id-not-uuid",
    "matches-empty-event",
    "metadata-type",
    "missing-author",
    "missing-date",
    "missing-id",
    "missing-level",
    "misspelt-field",
    "modifier-conflict",
    "modifier-needs-field",
    "modifier-order",
    "modifier-repeated",
    "nested-list",
    "nested-value",
    "no-condition",
    "no-detection",
    "no-document",
    "no-logsource",
    "no-rule-files",
    "no-selection",
    "no-title",
    "null-in-list",
    "null-keyword",
    "null-with-modifier",
    "number-with-exponent",
    "placeholder-empty",
    "placeholder-unresolved",
    "re-position",
    "regex-case",
    "regex-gap",
    "regex-invalid",
    "regex-open-end",
    "regex-plain",
    "regex-size",
    "regex-unsupported",
    "related-loaded",
    "related-self",
    "rule-never-holds",
    "search-name",
    "selector-matches-nothing",
    "selector-too-few",
    "source-cycle",
    "source-decoder",
    "source-duplicate",
    "source-empty",
    "source-key",
    "source-mapping",
    "source-missing",
    "source-name",
    "source-not-map",
    "source-path",
    "source-value",
    "template-limit",
    "time-part-range",
    "timeframe-ignored",
    "title-long",
    "too-many-problems",
    "too-many-searches",
    "unknown-field",
    "unknown-identifier",
    "unknown-modifier",
    "utf16-alone",
    "value-not-finite",
    "value-not-number",
    "value-not-text",
    "value-too-long",
    "wildcard-escaped",
    "yaml-alias",
    "yaml-alias-bomb",
    "yaml-depth",
    "yaml-key",
    "yaml-merge-key",
    "yaml-nodes",
    "yaml-syntax",
    "yaml-tag",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_kebab_case() {
        assert!(CODES.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(CODES.iter().all(|code| {
            code.bytes().all(|b| b == b'-' || b.is_ascii_lowercase() || b.is_ascii_digit())
        }));
    }

    #[test]
    fn suggestions_prefer_case_then_fewest_edits() {
        let known = ["contains", "cased", "cidr", "re", "gt", "gte"];
        assert_eq!(similar("contians", known), Some("contains"));
        assert_eq!(similar("Contains", known), Some("contains"));
        assert_eq!(similar("gtt", known), Some("gt"));
        assert_eq!(similar("x", known), None);
        assert_eq!(similar("something", known), None);
        assert_eq!(similar(&"c".repeat(10_000), known), None);
    }

    #[test]
    fn quoted_text_is_short_and_printable() {
        assert_eq!(quoted("a\u{1b}[31m\n"), "`a\\u{1b}[31m\\n`");
        assert_eq!(quoted(&"x".repeat(1000)).chars().count(), 63);
    }

    #[test]
    fn a_full_report_counts_the_rest() {
        let file: Arc<str> = "f".into();
        let mut report = Report::new(&file);
        for _ in 0..limits::DIAGNOSTICS + 5 {
            report.error("no-title", Mark::default(), "x").help("y");
        }
        assert!(report.is_full());
        let mut diagnostics = Vec::new();
        report.finish(&mut diagnostics);
        assert_eq!(diagnostics.len(), limits::DIAGNOSTICS + 1);
        assert!(diagnostics.last().expect("one").message.starts_with("5 more"));
    }
}
