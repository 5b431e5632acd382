//! `expand`: `%name%` stands for values that the user supplies.

use crate::rule::ast::Placeholders;

/// Most texts that one value may expand to.
const MAX_EXPANSIONS: usize = 100_000;

/// All texts that `text` stands for: every combination of its placeholders' values. `\%` is a
/// plain percent sign.
///
/// # Errors
/// If a placeholder has no value, or there are too many combinations.
pub fn expand(text: &str, placeholders: &Placeholders) -> Result<Vec<String>, String> {
    let mut texts = vec![String::new()];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix(r"\%") {
            texts.iter_mut().for_each(|t| t.push('%'));
            rest = after;
            continue;
        }
        if let Some(after) = rest.strip_prefix(r"\\") {
            texts.iter_mut().for_each(|t| t.push_str(r"\\"));
            rest = after;
            continue;
        }
        if let Some((name, after)) = placeholder(rest) {
            let values = placeholders.get(name).filter(|v| !v.is_empty()).ok_or_else(|| {
                format!("placeholder `%{name}%` has no value: give `--placeholder {name}=FILE`")
            })?;
            if texts.len().saturating_mul(values.len()) > MAX_EXPANSIONS {
                return Err(format!("more than {MAX_EXPANSIONS} combinations of placeholders"));
            }
            texts = texts
                .iter()
                .flat_map(|t| values.iter().map(move |value| format!("{t}{value}")))
                .collect();
            rest = after;
            continue;
        }
        texts.iter_mut().for_each(|t| t.push(c));
        rest = &rest[c.len_utf8()..];
    }
    Ok(texts)
}

/// The name at the start of `text`, and what follows it.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('%')?.split_once('%')?;
    // As the front end reads them: `50%-60%` holds none.
    let legal = |c: char| c.is_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(legal)).then_some((name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_and_escapes() {
        let values = Placeholders::from([
            ("a".to_owned(), vec!["1".to_owned(), "2*".to_owned()]),
            ("b".to_owned(), vec!["x".to_owned(), "y".to_owned()]),
        ]);
        let expanded = expand(r"%a%-\%b%-%b%%", &values).unwrap_or_default();
        assert_eq!(expanded, ["1-%b%-x%", "1-%b%-y%", "2*-%b%-x%", "2*-%b%-y%"]);
        assert_eq!(expand(r"100\% of %", &values).unwrap_or_default(), ["100% of %"]);
        assert!(expand("%c%", &values).is_err_and(|e| e.contains("--placeholder c=FILE")));
    }
}
