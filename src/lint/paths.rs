//! Exclusions of paths that are wider than they look.

use super::cases;
use super::finding;
use super::texts::{self, Token};
use super::{all_items, key};
use crate::rule::ast::{Collection, Filter, Item, Scalar};
use crate::rule::diagnostic::{Diagnostic, Severity, quoted};

const SEPARATORS: [char; 2] = ['/', '\\'];

/// `filter-wide`, `filter-wildcard`.
pub fn lint(collection: &Collection, found: &mut Vec<Diagnostic>) {
    for filter in &collection.filters {
        wide(filter, found);
        for item in all_items(&filter.detection.searches) {
            wildcards(filter, item, found);
        }
    }
}

/// What a value says about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Everything below a directory.
    Directory,
    /// Files by name, wherever they are.
    Name,
}

fn names(item: &Item, text: &str) -> Option<Names> {
    let tokens = texts::parse(text);
    let is_separator = |token: &Token| matches!(token, Token::Char(c) if SEPARATORS.contains(c));
    let literal: Vec<&Token> = tokens.iter().filter(|token| **token != Token::Many).collect();
    let inside = literal.split_first().map_or(&[][..], |(_, rest)| rest);
    let is_open_behind =
        item.has("startswith") || item.has("contains") || tokens.last() == Some(&Token::Many);
    if is_open_behind && literal.last().is_some_and(|token| is_separator(token)) {
        return Some(Names::Directory);
    }
    let is_open_before =
        item.has("endswith") || item.has("contains") || tokens.first() == Some(&Token::Many);
    let has_name = !literal.is_empty() && !inside.iter().any(|token| is_separator(token));
    (is_open_before && has_name).then_some(Names::Name)
}

/// A directory or a name: either alone excludes.
fn wide(filter: &Filter, found: &mut Vec<Diagnostic>) {
    let Some(cases) = cases::failing(&filter.detection) else { return };
    let mut alone: Vec<(&Item, Names, &str, crate::rule::ast::Pos)> = Vec::new();
    for case in &cases {
        // With `all` or a second item, more than one thing must hold.
        let [item] = case[..] else { continue };
        if item.has("all") && item.values.len() > 1 {
            continue;
        }
        for value in &item.values {
            let Scalar::Str(text) = &value.value else { continue };
            let what = if item.has("re") { names_of_regex(text) } else { names(item, text) };
            alone.extend(what.map(|what| (item, what, text.as_str(), value.pos)));
        }
    }
    for (item, what, text, _) in &alone {
        if *what != Names::Directory {
            continue;
        }
        let name = alone
            .iter()
            .find(|(other, kind, ..)| *kind == Names::Name && other.field == item.field);
        if let Some((_, _, name, pos)) = name {
            let field = item.field.as_deref().unwrap_or("keywords");
            found.push(finding(
                Severity::Warning,
                "filter-wide",
                &filter.meta,
                *pos,
                format!(
                    "either is enough: everything below {} is excluded, and {} in any directory",
                    quoted(text),
                    quoted(name)
                ),
                format!(
                    "require both: put two lines about `{field}` into one selection, one for the \
                     directory and one for the name"
                ),
            ));
            return;
        }
    }
}

/// A regular expression without a separator, or with one at its beginning only, names files.
fn names_of_regex(source: &str) -> Option<Names> {
    let plain = source.trim_start_matches('/').trim_start_matches(r"\\");
    // In a class, `[^/]` keeps the name inside one directory.
    let outside = plain.replace("[^/]", "").replace(r"[^\\]", "");
    let is_anchored = source.starts_with('^');
    (!is_anchored && !outside.contains('/') && !outside.contains(r"\\")).then_some(Names::Name)
}

/// A `*` inside a path also stands for further directories.
fn wildcards(filter: &Filter, item: &Item, found: &mut Vec<Diagnostic>) {
    let compares_otherwise = ["re", "cidr", "fieldref", "base64", "base64offset", "expand"];
    if compares_otherwise.into_iter().any(|name| item.has(name)) {
        return;
    }
    for value in &item.values {
        let Scalar::Str(text) = &value.value else { continue };
        let tokens = texts::parse(text);
        let first = tokens.iter().position(|token| *token != Token::Many).unwrap_or(0);
        let last = tokens.iter().rposition(|token| *token != Token::Many).unwrap_or(0);
        let inner = &tokens[first.min(last)..last];
        let separator =
            SEPARATORS.into_iter().find(|separator| tokens.contains(&Token::Char(*separator)));
        let (true, Some(separator)) = (inner.contains(&Token::Many), separator) else { continue };
        let class = if separator == '/' { "[^/]*" } else { r"[^\\]*" };
        found.push(finding(
            Severity::Warning,
            "filter-wildcard",
            &filter.meta,
            value.pos,
            format!(
                "`*` in {} (`{}`) also stands for `{separator}`: files in deeper directories are \
                 excluded too",
                quoted(text),
                key(item)
            ),
            format!("use `re` with `{class}` in place of `*`, and `$` at the end"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regexes_that_name_files() {
        for (source, expected) in [
            (r"/backup_[^/]*\.sh$", Some(Names::Name)),
            (r"backup_\w+\.sh$", Some(Names::Name)),
            (r"^/var/backups/[^/]*\.sh$", None),
            (r"/var/backups/[^/]*\.sh$", None),
        ] {
            assert_eq!(names_of_regex(source), expected, "{source}");
        }
    }
}
