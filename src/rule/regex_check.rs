//! Whether a regular expression can be used: Rust syntax on bytes, bounded in size.

use regex_syntax::ast::ErrorKind as AstError;
use regex_syntax::hir::{Hir, HirKind};
use regex_syntax::{Error, ParserBuilder};

use crate::limits;

/// The flags `i`, `m` and `s`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub ignore_case: bool,
    pub multi_line: bool,
    pub dot_matches_newline: bool,
}

/// What is wrong with a regular expression; offset and length count its characters.
#[derive(Debug)]
pub(super) struct Fault {
    pub code: &'static str,
    pub offset: usize,
    pub length: usize,
    pub message: String,
    pub help: String,
}

/// Parses the expression and bounds what it costs to build.
pub(super) fn check(pattern: &str, flags: Flags) -> Result<(), Fault> {
    let too_large = |what: String| Fault {
        code: "regex-size",
        offset: 0,
        length: pattern.chars().count(),
        message: format!("the regular expression {what}"),
        help: "shorten it, or lower its repetition counts".to_owned(),
    };
    if pattern.len() > limits::REGEX_BYTES {
        return Err(too_large(format!("is longer than {} bytes", limits::REGEX_BYTES)));
    }
    let hir = ParserBuilder::new()
        .utf8(false)
        .nest_limit(limits::REGEX_DEPTH)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multi_line)
        .dot_matches_new_line(flags.dot_matches_newline)
        .build()
        .parse(pattern)
        .map_err(|error| fault(pattern, &error))?;
    let size = size(&hir);
    if size > limits::REGEX_SIZE {
        return Err(too_large(format!(
            "has size {size} with its repetitions multiplied out, more than {}",
            limits::REGEX_SIZE
        )));
    }
    Ok(())
}

/// Literal bytes and class ranges, counted repetitions multiplied out. Recursion is bounded by
/// the parser's nesting limit.
fn size(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(regex_syntax::hir::Class::Unicode(class)) => 1 + class.ranges().len() as u64,
        HirKind::Class(regex_syntax::hir::Class::Bytes(class)) => 1 + class.ranges().len() as u64,
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1);
            size(&repetition.sub).saturating_mul(u64::from(times))
        }
        HirKind::Capture(capture) => 1 + size(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(size).fold(1, u64::saturating_add)
        }
    }
}

fn fault(pattern: &str, error: &Error) -> Fault {
    let (kind, span, text) = match error {
        Error::Parse(error) => (Some(error.kind()), Some(error.span()), error.kind().to_string()),
        Error::Translate(error) => (None, Some(error.span()), error.kind().to_string()),
        other => (None, None, other.to_string()),
    };
    let (start, end) = span.map_or((0, 0), |span| (span.start.offset, span.end.offset));
    let characters = |to: usize| pattern.get(..to).map_or(0, |text| text.chars().count());
    let rest = pattern.get(start..).unwrap_or_default();
    let (code, what, help) = describe(kind, rest);
    Fault {
        code,
        offset: characters(start),
        length: characters(end).saturating_sub(characters(start)).max(1),
        message: match what {
            Some(what) => format!("{what} are not supported in regular expressions"),
            None => format!("not a valid regular expression: {text}"),
        },
        help: help.to_owned(),
    }
}

/// Names the construct where it is one that other engines have.
fn describe(
    kind: Option<&AstError>,
    rest: &str,
) -> (&'static str, Option<&'static str>, &'static str) {
    const UNSUPPORTED: &str = "regex-unsupported";
    const INVALID: &str = "regex-invalid";
    match kind {
        Some(AstError::UnsupportedLookAround) => (
            UNSUPPORTED,
            Some("look-ahead and look-behind"),
            "move the exclusion to a second selection and join them with `and not`",
        ),
        Some(AstError::UnsupportedBackreference) => (
            UNSUPPORTED,
            Some("back-references"),
            "write out what the group may match, or match less exactly",
        ),
        _ if rest.starts_with("(?>") || rest.starts_with('>') => {
            (UNSUPPORTED, Some("atomic groups"), "write `(?:...)`: matching never backtracks")
        }
        Some(AstError::FlagUnrecognized) if rest.starts_with('(') => {
            (UNSUPPORTED, Some("conditional groups"), "write the alternatives out with `|`")
        }
        _ if rest.starts_with("\\Z") => (UNSUPPORTED, Some("`\\Z` anchors"), "write `\\z`"),
        _ if rest.starts_with("\\K") || rest.starts_with("\\G") => {
            (UNSUPPORTED, Some("`\\K` and `\\G`"), "remove it")
        }
        Some(AstError::GroupUnclosed | AstError::GroupUnopened) => {
            (INVALID, None, "balance the parentheses, or write a literal one as `\\(` or `\\)`")
        }
        Some(AstError::ClassUnclosed) => {
            (INVALID, None, "close the class with `]`, or write a literal bracket as `\\[`")
        }
        Some(AstError::RepetitionMissing) => {
            (INVALID, None, "write a literal `*`, `+` or `?` with a backslash before it")
        }
        Some(AstError::EscapeUnrecognized | AstError::ClassEscapeInvalid) => {
            (INVALID, None, "write a literal backslash as `\\\\`")
        }
        Some(AstError::NestLimitExceeded(_)) => ("regex-size", None, "nest fewer groups"),
        _ => (INVALID, None, "use the syntax of Rust's `regex` crate"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault_of(pattern: &str) -> Fault {
        check(pattern, Flags::default()).expect_err(pattern)
    }

    #[test]
    fn ordinary_expressions_pass() {
        for pattern in [
            r"^(foo|bar)baz$",
            r"\s\w{1,64}-k\d+?",
            "(?i)abc(?:d)",
            "[^/]{100,}$",
            "(.){200,}",
            r"(?s-u:.)\xff",
            "É",
            "",
        ] {
            let flags = Flags { ignore_case: true, multi_line: true, dot_matches_newline: true };
            assert!(check(pattern, Flags::default()).is_ok(), "{pattern}");
            assert!(check(pattern, flags).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn unsupported_constructs_are_named() {
        for (pattern, word, offset) in [
            ("a(?=b)", "look-ahead", 1),
            ("a(?<!b)", "look-behind", 1),
            (r"(a)\1", "back-references", 3),
            ("é(?>a)", "atomic", 3),
            (r"a\Z", "\\Z", 1),
        ] {
            let fault = fault_of(pattern);
            assert_eq!(fault.code, "regex-unsupported", "{pattern}: {fault:?}");
            assert!(fault.message.contains(word), "{pattern}: {}", fault.message);
            assert_eq!(fault.offset, offset, "{pattern}: {fault:?}");
        }
    }

    #[test]
    fn invalid_ones_are_placed() {
        for (pattern, offset) in [("a(", 1), ("[", 0), ("*a", 0), (r"é\q", 1), ("a)", 1)] {
            let fault = fault_of(pattern);
            assert_eq!((fault.code, fault.offset), ("regex-invalid", offset), "{pattern}");
        }
    }

    #[test]
    fn size_and_nesting_are_bounded() {
        assert_eq!(fault_of("((a{1000}){1000}){1000}").code, "regex-size");
        assert_eq!(fault_of(&"a".repeat(limits::REGEX_BYTES + 1)).code, "regex-size");
        let nested = format!("{}a{}", "(".repeat(1000), ")".repeat(1000));
        assert_eq!(fault_of(&nested).code, "regex-size");
    }
}
