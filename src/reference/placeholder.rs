//! `expand`: `%name%` stands for values that the user supplies.

use crate::rule::ast::Placeholders;

/// A rule's text after expansion: the pieces between and in the placeholders, in order. They are
/// kept apart so that an escape never spans the border of two.
pub type Pieces = Vec<String>;

/// More combinations than this of one value are refused instead of tried.
const MAX_COMBINATIONS: usize = 100_000;

/// Every text that `template` stands for: one for each combination of its placeholders' values.
/// `\%` is a literal percent sign, as is one that no name and second percent sign follow.
pub fn expand(template: &str, placeholders: &Placeholders) -> Result<Vec<Pieces>, String> {
    let mut combinations: Vec<Pieces> = vec![Vec::new()];
    for part in split(template) {
        let choices = match part {
            Part::Text(text) => vec![text],
            Part::Placeholder(name) => placeholders
                .get(&name)
                .cloned()
                .ok_or_else(|| format!("placeholder `%{name}%` has no value"))?,
        };
        if combinations.len() * choices.len() > MAX_COMBINATIONS {
            return Err(format!("more than {MAX_COMBINATIONS} combinations of placeholders"));
        }
        combinations = combinations
            .iter()
            .flat_map(|start| {
                choices
                    .iter()
                    .map(move |choice| [&start[..], std::slice::from_ref(choice)].concat())
            })
            .collect();
    }
    Ok(combinations)
}

#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    Placeholder(String),
}

fn split(template: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(scalar) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix(r"\%") {
            text.push('%');
            rest = after;
        } else if let Some(after) = rest.strip_prefix(r"\\") {
            // An escaped backslash does not escape a percent sign behind it.
            text.push_str(r"\\");
            rest = after;
        } else if let Some((name, after)) = placeholder(rest) {
            parts.push(Part::Text(std::mem::take(&mut text)));
            parts.push(Part::Placeholder(name.to_owned()));
            rest = after;
        } else {
            text.push(scalar);
            rest = &rest[scalar.len_utf8()..];
        }
    }
    parts.push(Part::Text(text));
    parts
}

/// The name of the placeholder at the beginning, and what follows it.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('%')?.split_once('%')?;
    let is_name = |scalar: char| scalar.is_alphanumeric() || scalar == '_';
    (!name.is_empty() && name.chars().all(is_name)).then_some((name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placeholders() -> Placeholders {
        [("one", vec!["1"]), ("two", vec!["x*", r"y\"]), ("none", vec![])]
            .into_iter()
            .map(|(name, values)| {
                (name.to_owned(), values.into_iter().map(str::to_owned).collect())
            })
            .collect()
    }

    fn texts(template: &str) -> Vec<String> {
        expand(template, &placeholders()).unwrap().iter().map(|pieces| pieces.concat()).collect()
    }

    #[test]
    fn values_replace_names() {
        for (template, expected) in [
            ("plain", &["plain"][..]),
            ("%one%", &["1"]),
            ("a%one%b%one%c", &["a1b1c"]),
            ("%two%.exe", &["x*.exe", r"y\.exe"]),
            ("%two%-%two%", &["x*-x*", r"x*-y\", r"y\-x*", r"y\-y\"]),
            (r"\%one\%", &["%one%"]),
            (r"\%one%", &["%one%"]),
            (r"\\%one%", &[r"\\1"]),
            (r"C:\dir\*%one%", &[r"C:\dir\*1"]),
            ("100%", &["100%"]),
            ("5% of %one%", &["5% of 1"]),
            ("%%one%%", &["%1%"]),
            ("%a b%", &["%a b%"]),
            ("%none%", &[]),
        ] {
            assert_eq!(texts(template), expected, "{template}");
        }
    }

    #[test]
    fn a_name_without_value_is_an_error() {
        assert!(expand("a%three%", &placeholders()).unwrap_err().contains("`%three%`"));
        assert!(expand(&"%two%".repeat(40), &placeholders()).is_err());
    }
}
