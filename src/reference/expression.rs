//! `re`: Rust's regexes on bytes, with one courtesy to PCRE: a `$` at the end also matches before
//! a final line break.

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::ast::{
    self, AssertionKind, Ast, Flag, GroupKind, RepetitionKind, RepetitionRange,
};
use std::ops::Range;

/// The modifiers `i`, `m` and `s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    /// `i`: ignore case.
    pub ignore_case: bool,
    /// `m`: `^` and `$` at line breaks.
    pub multi_line: bool,
    /// `s`: the dot matches line breaks.
    pub dot_all: bool,
}

/// A compiled regex.
#[derive(Debug, Clone)]
pub struct Expression {
    regex: Regex,
    /// Tried on a text without its final line break; `None` where no `$` asks for it.
    before_line_break: Option<Regex>,
}

const SIZE_LIMIT: usize = 64 << 20;

/// A class without members.
const NEVER: &str = "[a&&b]";

impl Expression {
    /// Compiles a pattern.
    pub fn new(pattern: &str, flags: Flags) -> Result<Expression, String> {
        let regex = build(pattern, flags)?;
        let ast = ParserBuilder::new().build().parse(pattern).map_err(|error| error.to_string())?;
        let mut ends = Ends { multi_line: flags.multi_line, ..Ends::default() };
        ends.scan(&ast, true);
        if !ends.lenient || ends.crlf_lines {
            return Ok(Expression { regex, before_line_break: None });
        }
        // A match that uses a lenient `$` before the final line break is a match of the text
        // without that line break, where `$` holds at the end. There every other part of the
        // pattern sees the same as in the full text, except for what holds only at the very end:
        // that must not hold.
        let mut strict = pattern.to_owned();
        for span in ends.strict.iter().rev() {
            strict.replace_range(span.clone(), NEVER);
        }
        Ok(Expression { regex, before_line_break: Some(build(&strict, flags)?) })
    }

    /// Whether the pattern is found anywhere in the text.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
            || match (&self.before_line_break, text.strip_suffix(b"\n")) {
                (Some(regex), Some(before)) => regex.is_match(before),
                _ => false,
            }
    }
}

fn build(pattern: &str, flags: Flags) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .unicode(true)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multi_line)
        .dot_matches_new_line(flags.dot_all)
        .size_limit(SIZE_LIMIT)
        .dfa_size_limit(SIZE_LIMIT)
        .build()
        .map_err(|error| error.to_string())
}

/// What a pattern says about the end of the text.
#[derive(Default)]
struct Ends {
    /// The flag in force at the place being scanned.
    multi_line: bool,
    /// The flag `R` in force at the place being scanned.
    crlf: bool,
    /// Some `$` also matches before a final line break.
    lenient: bool,
    /// Assertions that hold only at the very end, ascending.
    strict: Vec<Range<usize>>,
    /// Line anchors that treat `\r\n` as one: for them a text without its final `\n` is a
    /// different one, so such patterns keep Rust's meaning of `$`.
    crlf_lines: bool,
}

impl Ends {
    /// Scans a part of the pattern; `last` says that nothing behind it can consume a character.
    fn scan(&mut self, ast: &Ast, last: bool) {
        match ast {
            Ast::Assertion(assertion) => self.assertion(assertion, last),
            Ast::Flags(set) => self.set_flags(&set.flags),
            Ast::Repetition(repetition) => {
                let once = most(&repetition.op.kind).is_some_and(|times| times <= 1);
                self.scan(&repetition.ast, last && (once || !consumes(&repetition.ast)));
            }
            Ast::Group(group) => {
                // Flags set inside a group end with it.
                let outside = (self.multi_line, self.crlf);
                if let GroupKind::NonCapturing(flags) = &group.kind {
                    self.set_flags(flags);
                }
                self.scan(&group.ast, last);
                (self.multi_line, self.crlf) = outside;
            }
            Ast::Alternation(alternation) => {
                alternation.asts.iter().for_each(|branch| self.scan(branch, last));
            }
            Ast::Concat(concat) => {
                for (at, part) in concat.asts.iter().enumerate() {
                    let nothing_behind = !concat.asts[at + 1..].iter().any(consumes);
                    self.scan(part, last && nothing_behind);
                }
            }
            Ast::Empty(_)
            | Ast::Literal(_)
            | Ast::Dot(_)
            | Ast::ClassUnicode(_)
            | Ast::ClassPerl(_)
            | Ast::ClassBracketed(_) => {}
        }
    }

    fn assertion(&mut self, assertion: &ast::Assertion, last: bool) {
        let span = assertion.span.start.offset..assertion.span.end.offset;
        match assertion.kind {
            AssertionKind::StartLine | AssertionKind::EndLine if self.multi_line => {
                self.crlf_lines |= self.crlf;
            }
            AssertionKind::EndLine if last => self.lenient = true,
            AssertionKind::EndLine | AssertionKind::EndText => self.strict.push(span),
            _ => {}
        }
    }

    fn set_flags(&mut self, flags: &ast::Flags) {
        self.multi_line = flags.flag_state(Flag::MultiLine).unwrap_or(self.multi_line);
        self.crlf = flags.flag_state(Flag::CRLF).unwrap_or(self.crlf);
    }
}

/// How often a repetition can repeat at most; `None` for any number of times.
fn most(kind: &RepetitionKind) -> Option<u32> {
    match kind {
        RepetitionKind::ZeroOrOne => Some(1),
        RepetitionKind::ZeroOrMore | RepetitionKind::OneOrMore => None,
        RepetitionKind::Range(RepetitionRange::AtLeast(_)) => None,
        RepetitionKind::Range(RepetitionRange::Exactly(times)) => Some(*times),
        RepetitionKind::Range(RepetitionRange::Bounded(_, times)) => Some(*times),
    }
}

/// Whether this part of a pattern can consume a character.
fn consumes(ast: &Ast) -> bool {
    match ast {
        Ast::Empty(_) | Ast::Flags(_) | Ast::Assertion(_) => false,
        Ast::Literal(_)
        | Ast::Dot(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_) => true,
        Ast::Repetition(repetition) => {
            most(&repetition.op.kind) != Some(0) && consumes(&repetition.ast)
        }
        Ast::Group(group) => consumes(&group.ast),
        Ast::Alternation(alternation) => alternation.asts.iter().any(consumes),
        Ast::Concat(concat) => concat.asts.iter().any(consumes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> bool {
        Expression::new(pattern, Flags::default()).unwrap().is_match(text.as_bytes())
    }

    #[test]
    fn a_final_dollar_matches_before_a_final_line_break() {
        for pattern in [
            "a$",
            "^a$",
            "(a$)",
            "(?:x|a$)",
            "a$|x",
            "x|a$",
            "a$$",
            r"a$\b",
            "(?:a$){1}",
            "a$(?:)",
            "a$b{0}",
            "(?-m)a$",
            "(?m:x)|a$",
            "a(?:$|b)",
            "(?x) a $ # end",
            "a$(?i)",
            r"a\b$",
        ] {
            for (text, expected) in
                [("a", true), ("a\n", true), ("a\n\n", false), ("a\nb", false), ("a\r\n", false)]
            {
                assert_eq!(found(pattern, text), expected, "{pattern} on {text:?}");
            }
        }
        assert!(found("^$", "\n") && found("^$", "") && !found("^$", "\n\n"));
        assert!(found(r"^\s$", "\n") && found(r"a\s$", "a\n\n"));
    }

    #[test]
    fn other_ends_are_strict() {
        for pattern in [
            r"a\z",
            r"a$\z",
            "(?:a$)+b?",
            "a$b?",
            "(?:a$)*x?$x",
            r"a\z|b$",
            r"(a\z)|$b",
            r"a\z$",
            r"(?m)b$|a\z",
            "a$.?",
            "(?:a$)+",
            "(?:a$){1,2}",
        ] {
            assert!(!found(pattern, "a\n"), "{pattern}");
        }
        assert!(found("(?:a$)+", "a") && found(r"a\z|b$", "b\n"));
    }

    #[test]
    fn agrees_with_a_regex_that_spells_the_courtesy_out() {
        // All texts over three characters up to length 4, with `$` written as `(?:\n?\z)`, which
        // means the same wherever nothing follows it.
        let mut texts = vec![String::new()];
        for at in 0.. {
            if texts[at].len() == 4 {
                break;
            }
            for scalar in ['a', 'b', '\n'] {
                texts.push(format!("{}{scalar}", texts[at]));
            }
        }
        for pattern in [
            "a$", "^$", "^a*$", "^[^b]*$", "a$|b", r"a|\n$", r"\Aab?$", r"b\B$|a$", "(?m:^b)$",
            r"(a|b$)$", ".$", "(?s).$", r"a\z|b$",
        ] {
            let spelled = Regex::new(&pattern.replace('$', r"(?:\n?\z)")).unwrap();
            for text in &texts {
                let expected = spelled.is_match(text.as_bytes());
                assert_eq!(found(pattern, text), expected, "{pattern} on {text:?}");
            }
        }
    }

    #[test]
    fn flags() {
        let with = |pattern, flags: Flags, text: &str| {
            Expression::new(pattern, flags).unwrap().is_match(text.as_bytes())
        };
        let none = Flags::default();
        assert!(!with("é", none, "É") && with("é", Flags { ignore_case: true, ..none }, "É"));
        assert!(!with("a.b", none, "a\nb") && with("a.b", Flags { dot_all: true, ..none }, "a\nb"));
        let multi_line = Flags { multi_line: true, ..none };
        assert!(!with("a$", none, "a\nb") && with("a$", multi_line, "a\nb"));
        assert!(with("^b$", multi_line, "a\nb\nc"));
        assert!(with("(?-m)b$", multi_line, "a\nb\n") && !with("(?-m)a$", multi_line, "a\nb\n"));
    }

    #[test]
    fn bytes_that_are_not_utf8() {
        let dot = Expression::new("^a.b$", Flags::default()).unwrap();
        assert!(!dot.is_match(b"a\xffb"));
        assert!(Expression::new(r"(?-u:\xff)b$", Flags::default()).unwrap().is_match(b"a\xffb\n"));
        assert!(Expression::new("(?=a)", Flags::default()).is_err());
    }
}
