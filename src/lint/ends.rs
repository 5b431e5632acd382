//! Exclusions of files that say only half of a path: where it begins, or how it ends.
//!
//! Who writes a file chooses its name, and mostly its folder too. An exclusion that leaves one of
//! them open is a place to write to.

use super::texts::{self, Token};
use super::{cases, finding, key};
use crate::rule::ast::{Filter, Item, Scalar};
use crate::rule::diagnostic::{Diagnostic, Severity, quoted};
use crate::rule::modifier::canonical;
use regex_syntax::hir::Look;

/// The field of files that are written.
const FILE: &str = "TargetFilename";

/// Fields that hold whole paths.
const PATHS: [&str; 6] =
    [FILE, "Image", "ParentImage", "ImageLoaded", "SourceImage", "TargetImage"];

/// `filter-any-directory`, `filter-any-name`, `filter-dot-dot`, unless the filter `is_wide`, of
/// which these follow; `filter-case`, `filter-path-style`.
pub fn lint(filter: &Filter, is_wide: bool, found: &mut Vec<Diagnostic>) {
    if !is_wide {
        open(filter, found);
    }
    if filter.logsource.product.as_deref() == Some("linux") {
        case(filter, found);
    }
    style(filter, found);
}

/// Paths of the other system: no value ever begins like that.
fn style(filter: &Filter, found: &mut Vec<Diagnostic>) {
    let (is_other, own, other): (fn(&[Token]) -> bool, _, _) =
        match filter.logsource.product.as_deref() {
            Some("windows") => (is_unix, "Windows", "`C:\\` or another drive"),
            Some("linux" | "macos") => (is_windows, "Unix", "`/`"),
            _ => return,
        };
    for item in super::all_items(&filter.detection.searches) {
        let is_path = item.field.as_deref().is_some_and(|field| PATHS.contains(&field));
        let Some(accepted) = is_path.then(|| texts::accepted(item)).flatten() else { continue };
        if let Some(value) = item.values.first()
            && accepted.patterns.iter().all(|pattern| is_other(pattern))
        {
            found.push(finding(
                Severity::Warning,
                "filter-path-style",
                &filter.meta,
                value.pos,
                format!("{} is no path of {own}: no file fits it", said(item)),
                format!("paths of {own} begin with {other}: write a filter for each platform"),
            ));
        }
    }
}

/// `/` and something behind it.
fn is_unix(pattern: &[Token]) -> bool {
    matches!(pattern, [Token::Char('/'), Token::Char(_), ..])
}

/// A drive, or a share.
fn is_windows(pattern: &[Token]) -> bool {
    matches!(
        pattern,
        [Token::Char(_) | Token::One, Token::Char(':'), Token::Char('\\'), ..]
            | [Token::Char('\\'), Token::Char('\\'), ..]
    )
}

/// What an item says about the ends of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ends {
    /// It says how the path begins.
    start: bool,
    /// It says how the path ends.
    end: bool,
    /// Nothing is open between the two.
    whole: bool,
}

impl Ends {
    fn both(self, other: Ends) -> Ends {
        Ends {
            start: self.start || other.start,
            end: self.end || other.end,
            whole: self.whole || other.whole,
        }
    }

    fn either(self, other: Ends) -> Ends {
        Ends {
            start: self.start && other.start,
            end: self.end && other.end,
            whole: self.whole && other.whole,
        }
    }
}

/// `None`: the item compares in another way.
fn ends(item: &Item) -> Option<Ends> {
    let names: Vec<&str> = item.modifiers.iter().map(|name| canonical(&name.value)).collect();
    let known = ["contains", "startswith", "endswith", "all", "cased", "re", "i", "s"];
    if item.values.is_empty() || !names.iter().all(|name| known.contains(name)) {
        return None;
    }
    let of_value = |value: &Scalar| -> Option<Ends> {
        let Scalar::Str(text) = value else { return None };
        if names.contains(&"re") {
            let hir = regex_syntax::ParserBuilder::new().utf8(false).build().parse(text).ok()?;
            let properties = hir.properties();
            let start = properties.look_set_prefix().contains(Look::Start);
            let end = properties.look_set_suffix().contains(Look::End);
            return Some(Ends { start, end, whole: start && end });
        }
        let tokens = texts::parse(text);
        let is_open = |token: Option<&Token>, opening: [&str; 2]| {
            token == Some(&Token::Many) || opening.iter().any(|name| names.contains(name))
        };
        let start = !is_open(tokens.first(), ["contains", "endswith"]);
        let end = !is_open(tokens.last(), ["contains", "startswith"]);
        Some(Ends { start, end, whole: start && end })
    };
    let each: Vec<Ends> =
        item.values.iter().map(|value| of_value(&value.value)).collect::<Option<_>>()?;
    let join = if names.contains(&"all") { Ends::both } else { Ends::either };
    each.into_iter().reduce(join)
}

fn open(filter: &Filter, found: &mut Vec<Diagnostic>) {
    let Some(cases) = cases::failing(&filter.detection) else { return };
    let mut seen: Vec<(*const Item, &str)> = Vec::new();
    for case in &cases {
        let items: Vec<&Item> =
            case.iter().copied().filter(|item| item.field.as_deref() == Some(FILE)).collect();
        let all: Option<Vec<Ends>> = items.iter().map(|item| ends(item)).collect();
        let Some(all) = all.and_then(|all| all.into_iter().reduce(Ends::both)) else { continue };
        let Some(item) = items.first() else { continue };
        let mut add = |severity, code, message: String, help: &str| {
            if !seen.contains(&(std::ptr::from_ref(*item), code)) {
                seen.push((std::ptr::from_ref(*item), code));
                found.push(finding(severity, code, &filter.meta, item.pos, message, help));
            }
        };
        let what = said(item);
        if !all.start {
            add(
                Severity::Warning,
                "filter-any-directory",
                format!("{what} is excluded in any directory: who writes a file chooses its name"),
                "say where as well: add `TargetFilename|startswith`, or begin the regular \
                 expression with `^` and the directory",
            );
        }
        if !all.end {
            add(
                Severity::Warning,
                "filter-any-name",
                format!("{what} is excluded whatever the name: scripts and libraries too"),
                "say which names as well: add `TargetFilename|endswith`, or end the regular \
                 expression with the extension and `$`",
            );
        }
        if all.start && all.end && !all.whole {
            add(
                Severity::Info,
                "filter-dot-dot",
                format!("between its ends {what} takes any directories, `..` among them"),
                "write one regular expression for the whole path, from `^` to `$`, with \
                 `[A-Za-z0-9_-]+` for what may vary",
            );
        }
    }
}

fn said(item: &Item) -> String {
    let first = item.values.first().and_then(|value| match &value.value {
        Scalar::Str(text) => Some(quoted(text)),
        _ => None,
    });
    format!("`{}` of {}", key(item), first.unwrap_or_default())
}

/// On Linux files whose names differ in case are different files.
fn case(filter: &Filter, found: &mut Vec<Diagnostic>) {
    for item in super::all_items(&filter.detection.searches) {
        let compares_otherwise = ["re", "cased", "cidr", "fieldref", "base64", "exists"];
        if item.field.as_deref() != Some(FILE)
            || compares_otherwise.into_iter().any(|name| item.has(name))
        {
            continue;
        }
        let has_letter = |value: &Scalar| matches!(value, Scalar::Str(text) if text.contains(char::is_alphabetic));
        let Some(value) = item.values.iter().find(|value| has_letter(&value.value)) else {
            continue;
        };
        found.push(finding(
            Severity::Info,
            "filter-case",
            &filter.meta,
            value.pos,
            format!("{} fits files as well whose names differ in case", said(item)),
            format!("write `{}|cased`", key(item)),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::ast::{Pos, Spanned};

    fn item(modifiers: &[&str], values: &[&str]) -> Item {
        let pos = Pos { line: 0, column: 0 };
        let spanned = |text: &&str| Spanned { value: (*text).to_owned(), pos };
        Item {
            field: Some(FILE.to_owned()),
            modifiers: modifiers.iter().map(spanned).collect(),
            values: values
                .iter()
                .map(|text| Spanned { value: Scalar::Str((*text).to_owned()), pos })
                .collect(),
            is_list: values.len() != 1,
            pos,
        }
    }

    #[test]
    fn ends_of_paths() {
        for (modifiers, values, expected) in [
            (&["startswith"][..], &["/tmp/"][..], [true, false, false]),
            (&["endswith"], &[".sh"], [false, true, false]),
            (&["contains"], &["/tmp/"], [false, false, false]),
            (&[], &["/tmp/x.sh"], [true, true, true]),
            (&[], &["*/x.sh"], [false, true, false]),
            (&["re"], &[r"^/tmp/[^/]+\.sh$"], [true, true, true]),
            (&["re"], &[r"^/tmp/|\.sh$"], [false, false, false]),
            (&["re"], &[r"/tmp/[^/]+\.sh$"], [false, true, false]),
            (&["re", "i"], &[r"^/tmp/[^/]+\.sh"], [true, false, false]),
            (&[], &["/tmp/x.sh", "*.py"], [false, true, false]),
            (&["re", "all"], &["^/tmp/", r"\.sh$"], [true, true, false]),
        ] {
            let [start, end, whole] = expected;
            let found = ends(&item(modifiers, values));
            assert_eq!(found, Some(Ends { start, end, whole }), "{modifiers:?} {values:?}");
        }
        assert_eq!(ends(&item(&["fieldref"], &["Image"])), None);
    }
}
