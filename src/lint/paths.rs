//! Exclusions of paths that are wider than they look.

use super::texts::{self, Token};
use super::{all_items, cases, ends, finding, key, regexes};
use crate::rule::ast::{Collection, Filter, Item, Pos, Scalar};
use crate::rule::diagnostic::{Diagnostic, Severity, quoted};

const SEPARATORS: [char; 2] = ['/', '\\'];

/// `filter-wide`, `filter-wildcard`, and those of [`ends`].
pub fn lint(collection: &Collection, found: &mut Vec<Diagnostic>) {
    for filter in &collection.filters {
        let before = found.len();
        wide(filter, found);
        ends::lint(filter, found.len() > before, found);
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
    let mut alone: Vec<(&Item, Names, String, Pos)> = Vec::new();
    for case in &cases {
        // With `all` or a second item, more than one thing must hold.
        let [item] = case[..] else { continue };
        if item.has("all") && item.values.len() > 1 {
            continue;
        }
        for value in &item.values {
            let Scalar::Str(text) = &value.value else { continue };
            let parts =
                if item.has("re") { regexes::alternatives(text) } else { vec![text.clone()] };
            for part in parts {
                let what = if item.has("re") { names_of_regex(&part) } else { names(item, &part) };
                alone.extend(what.map(|what| (item, what, part, value.pos)));
            }
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

/// Everything below a directory, or files by name wherever they are.
fn names_of_regex(source: &str) -> Option<Names> {
    // In a class, `[^/]` keeps the name inside one directory.
    let outside = source.replace("[^/]", "").replace(r"[^\\]", "");
    let open = outside.trim_end_matches(".*").trim_end_matches(".+");
    let is_separator = |text: &str| text.ends_with('/') || text.ends_with(r"\\");
    if is_separator(open) && !open.trim_matches(['^', '/', '\\']).is_empty() {
        return Some(Names::Directory);
    }
    let plain = outside.trim_start_matches('/').trim_start_matches(r"\\");
    let is_anchored = source.starts_with('^');
    (!is_anchored && !plain.contains('/') && !plain.contains(r"\\")).then_some(Names::Name)
}

/// A `*` inside a path also stands for further directories, and so does `.*`.
fn wildcards(filter: &Filter, item: &Item, found: &mut Vec<Diagnostic>) {
    let compares_otherwise = ["cidr", "fieldref", "base64", "base64offset", "expand"];
    if compares_otherwise.into_iter().any(|name| item.has(name)) {
        return;
    }
    for value in &item.values {
        let Scalar::Str(text) = &value.value else { continue };
        let crossing = if item.has("re") { of_regex(text) } else { of_text(text) };
        let Some((wildcard, separator)) = crossing else { continue };
        let class = if separator == '/' { "[^/]*" } else { r"[^\\]*" };
        let repair = if item.has("re") {
            format!("write `{class}` in its place, or better the characters that a name has")
        } else {
            format!("use `re` with `{class}` in place of `*`, and `$` at the end")
        };
        found.push(finding(
            Severity::Warning,
            "filter-wildcard",
            &filter.meta,
            value.pos,
            format!(
                "`{wildcard}` in {} (`{}`) also stands for `{separator}`: files in deeper \
                 directories are excluded too",
                quoted(text),
                key(item)
            ),
            repair,
        ));
    }
}

/// The wildcard inside a path and the separator that it stands for as well.
fn of_text(text: &str) -> Option<(String, char)> {
    let tokens = texts::parse(text);
    let first = tokens.iter().position(|token| *token != Token::Many)?;
    let last = tokens.iter().rposition(|token| *token != Token::Many)?;
    let separator =
        SEPARATORS.into_iter().find(|separator| tokens.contains(&Token::Char(*separator)))?;
    tokens[first..last].contains(&Token::Many).then(|| ("*".to_owned(), separator))
}

/// As [`of_text`]; an expression without a separator names files of either system.
fn of_regex(source: &str) -> Option<(String, char)> {
    let separator = if source.contains(r"\\") { '\\' } else { '/' };
    Some((regexes::inner_repetition(source, separator)?, separator))
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
            (r"^/var/backups/", Some(Names::Directory)),
            (r"^/var/backups/.*", Some(Names::Directory)),
            (r"^[A-Z]:\\backup\\", Some(Names::Directory)),
            (r"^/", None),
        ] {
            assert_eq!(names_of_regex(source), expected, "{source}");
        }
    }

    #[test]
    fn repetitions_that_cross_directories() {
        for (source, expected) in [
            (r"^/var/backups/.*\.sh$", Some((".*", '/'))),
            (r"^/var/backups/(backup_.+)\.sh$", Some((".+", '/'))),
            (r"^/var/backups/backup_[^.]*\.sh$", Some(("[^.]*", '/'))),
            (r"^/var/backups/backup_\S{1,9}\.sh$", Some((r"\S{1,9}", '/'))),
            (r"^/var/backups/backup_[^/]*\.sh$", None),
            (r"^/var/backups/([\w-]+/)*[\w-]+\.sh$", None),
            (r"^/var/backups/.*", None),
            (r".*\.sh$", None),
            (r"^C:\\backup\\[^/]+\.bat$", Some(("[^/]+", '\\'))),
            (r"^C:\\backup\\[^\\]+\.bat$", None),
            (r"^/tmp/a|^/tmp/.*\.sh$", Some((".*", '/'))),
        ] {
            let expected =
                expected.map(|(text, separator): (&str, char)| (text.to_owned(), separator));
            assert_eq!(of_regex(source), expected, "{source}");
        }
    }
}
