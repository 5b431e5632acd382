//! Which texts an item accepts, as far as it takes to show that two items never accept the same.

use crate::rule::ast::{Item, Scalar};
use crate::rule::modifier::canonical;
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Hir, Look};

/// An element of a pattern. Letters are folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// This character.
    Char(char),
    /// `?`
    One,
    /// `*`
    Many,
}

/// A pattern that covers a whole text.
pub type Pattern = Vec<Token>;

/// What an item accepts: one of the patterns, or with `all` texts that fit all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The patterns.
    pub patterns: Vec<Pattern>,
    /// Whether all must fit.
    pub all: bool,
}

/// Reads a value's text: a backslash makes a wildcard or a backslash literal.
pub fn parse(text: &str) -> Pattern {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' => tokens.push(Token::Many),
            '?' => tokens.push(Token::One),
            '\\' => {
                let literal = rest.next_if(|next| matches!(next, '*' | '?' | '\\')).unwrap_or(c);
                tokens.push(Token::Char(literal));
            }
            _ => tokens.extend(c.to_lowercase().map(Token::Char)),
        }
    }
    tokens
}

/// What an item accepts; `None` where nothing is known: negated, encoded, compared in other ways.
pub fn accepted(item: &Item) -> Option<Accepted> {
    let names: Vec<&str> = item.modifiers.iter().map(|name| canonical(&name.value)).collect();
    let has = |name| names.contains(&name);
    let known = ["contains", "startswith", "endswith", "all", "cased", "re", "i", "s"];
    if item.field.is_none() || item.values.is_empty() || !names.iter().all(|n| known.contains(n)) {
        return None;
    }
    let mut patterns = Vec::new();
    for value in &item.values {
        let text = match &value.value {
            Scalar::Str(text) => text.clone(),
            Scalar::Int(number) => number.to_string(),
            _ => return None,
        };
        if has("re") {
            let found = of_regex(&text, has("i"))?;
            if has("all") && found.len() > 1 {
                return None;
            }
            patterns.extend(found);
            continue;
        }
        let mut pattern = parse(&text);
        if has("contains") || has("endswith") {
            pattern.insert(0, Token::Many);
        }
        if has("contains") || has("startswith") {
            pattern.push(Token::Many);
        }
        patterns.push(pattern);
    }
    Some(Accepted { patterns, all: has("all") })
}

/// What the texts that a regular expression is found in begin and end with; `None` if unknown.
fn of_regex(source: &str, ignore_case: bool) -> Option<Vec<Pattern>> {
    let mut builder = regex_syntax::ParserBuilder::new();
    let hir = builder.utf8(false).case_insensitive(ignore_case).build().parse(source).ok()?;
    let properties = hir.properties();
    let starts = if properties.look_set_prefix().contains(Look::Start) {
        ends_of(&hir, ExtractKind::Prefix)
    } else {
        None
    };
    let ends = if properties.look_set_suffix().contains(Look::End) {
        ends_of(&hir, ExtractKind::Suffix)
    } else {
        None
    };
    if starts.is_none() && ends.is_none() {
        return None;
    }
    let open = || vec![String::new()];
    let (starts, ends) = (starts.unwrap_or_else(open), ends.unwrap_or_else(open));
    let mut patterns = Vec::new();
    for start in &starts {
        for end in &ends {
            let chars = |text: &str| text.chars().map(Token::Char).collect::<Vec<_>>();
            patterns.push([chars(start), vec![Token::Many], chars(end)].concat());
        }
    }
    Some(patterns)
}

/// The literals that every match begins or ends with, folded.
fn ends_of(hir: &Hir, kind: ExtractKind) -> Option<Vec<String>> {
    let sequence = Extractor::new().kind(kind).extract(hir);
    let mut found: Vec<String> = sequence
        .literals()?
        .iter()
        .map(|literal| {
            let text = std::str::from_utf8(literal.as_bytes()).ok()?;
            // The long s, which an expression without case has for every s.
            Some(text.to_lowercase().replace('\u{17f}', "s"))
        })
        .collect::<Option<_>>()?;
    found.sort();
    found.dedup();
    (!found.is_empty()).then_some(found)
}

/// Whether no text is accepted by both.
pub fn exclude_each_other(a: &Accepted, b: &Accepted) -> bool {
    let never_with = |pattern: &Pattern, other: &Accepted| {
        let mut fits = other.patterns.iter().map(|other| disjoint(pattern, other));
        if other.all { fits.any(|disjoint| disjoint) } else { fits.all(|disjoint| disjoint) }
    };
    let mut each = a.patterns.iter().map(|pattern| never_with(pattern, b));
    if a.all { each.any(|never| never) } else { each.all(|never| never) }
}

/// Whether no text fits both patterns; `false` also where that is hard to say.
fn disjoint(a: &Pattern, b: &Pattern) -> bool {
    match (exact(a), exact(b)) {
        (true, _) => !fits(b, a),
        (_, true) => !fits(a, b),
        _ => {
            let begins = |p: &Pattern| -> Pattern {
                p.iter().copied().take_while(|token| *token != Token::Many).collect()
            };
            let ends = |p: &Pattern| -> Pattern {
                p.iter().rev().copied().take_while(|token| *token != Token::Many).collect()
            };
            clash(&begins(a), &begins(b)) || clash(&ends(a), &ends(b))
        }
    }
}

fn exact(pattern: &Pattern) -> bool {
    pattern.iter().all(|token| matches!(token, Token::Char(_)))
}

fn clash(a: &[Token], b: &[Token]) -> bool {
    a.iter().zip(b).any(|pair| matches!(pair, (Token::Char(a), Token::Char(b)) if a != b))
}

/// Whether a pattern fits a text, given as a pattern of characters only.
fn fits(pattern: &[Token], text: &[Token]) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut retry = None;
    loop {
        match pattern.get(token) {
            Some(Token::Many) => {
                token += 1;
                retry = Some((token, at));
                continue;
            }
            Some(expected)
                if at < text.len() && (*expected == Token::One || *expected == text[at]) =>
            {
                token += 1;
                at += 1;
                continue;
            }
            None if at == text.len() => return true,
            _ => {}
        }
        match retry {
            Some((behind, tried)) if tried < text.len() => {
                (token, at) = (behind, tried + 1);
                retry = Some((behind, tried + 1));
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regex(source: &str) -> Option<Accepted> {
        Some(Accepted { patterns: of_regex(source, false)?, all: false })
    }

    fn one(text: &str) -> Accepted {
        Accepted { patterns: vec![parse(text)], all: false }
    }

    #[test]
    fn disjoint_only_where_it_is_certain() {
        for (a, b, expected) in [
            ("*.exe", "*.sh", true),
            ("*.EXE", "*.exe", false),
            ("*.sh", "*h", false),
            ("/tmp/*", "/var/*", true),
            ("/tmp/*", "*.sh", false),
            ("/tmp/a.sh", "*.sh", false),
            ("/tmp/a.sh", "/tmp/*.py", true),
            ("a", "b", true),
            ("?.sh", "a.*", false),
            ("*a*", "*b*", false),
            (r"c:\\tmp\\*", r"c:\tmp\x", false),
        ] {
            assert_eq!(exclude_each_other(&one(a), &one(b)), expected, "{a} {b}");
            assert_eq!(exclude_each_other(&one(b), &one(a)), expected, "{b} {a}");
        }
    }

    #[test]
    fn regexes_have_ends_where_they_are_anchored() {
        let dead = |source: &str, other: &str| {
            regex(source).is_some_and(|accepted| exclude_each_other(&accepted, &one(other)))
        };
        assert!(dead(r"/backup_[^/]*\.sh$", "*.exe"));
        assert!(dead(r"/backup_[^/]*\.(sh|py)$", "*.exe"));
        assert!(!dead(r"/backup_[^/]*\.(sh|exe)$", "*.exe"));
        assert!(!dead(r"/backup_[^/]*\.sh", "*.exe"));
        assert!(dead("^/tmp/", "/var/*") && !dead("/tmp/", "/var/*"));
        assert!(dead(r"(?i)\.SH$", "*.exe") && !dead(r"(?i)\.EXE$", "*.exe"));
        assert!(!dead(r"\.sh$|x", "*.exe"));
        let caseless = Accepted { patterns: of_regex(r"\.ps1$", true).unwrap(), all: false };
        assert_eq!(caseless, one("*.ps1"));
        assert!(!dead("(?m)^/tmp/", "/var/*"));
    }

    #[test]
    fn all_means_every_pattern() {
        let all = Accepted { patterns: vec![parse("/tmp/*"), parse("*.sh")], all: true };
        assert!(exclude_each_other(&all, &one("*.exe")) && exclude_each_other(&one("*.exe"), &all));
        assert!(!exclude_each_other(&all, &one("*x.sh")));
    }
}
