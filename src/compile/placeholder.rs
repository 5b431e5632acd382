//! `expand`: `%name%` stands for values that the user supplies.

use crate::limits;
use crate::rule::ast::Placeholders;

/// A piece of a value.
enum Part<'a> {
    Text(String),
    /// One of these.
    Values(&'a [String]),
}

/// All texts that `text` stands for: every combination of its placeholders' values. `\%` is a
/// plain percent sign.
///
/// # Errors
/// If a placeholder has no value, or the combinations are too many or too long.
pub fn expand(text: &str, placeholders: &Placeholders) -> Result<Vec<String>, String> {
    let parts = parts(text, placeholders)?;
    let (mut count, mut longest) = (1usize, 0usize);
    for part in &parts {
        match part {
            Part::Text(text) => longest += text.len(),
            Part::Values(values) => {
                count = count.saturating_mul(values.len());
                longest += values.iter().map(String::len).max().unwrap_or(0);
            }
        }
    }
    if count > limits::EXPANSIONS {
        let most = limits::EXPANSIONS;
        return Err(format!(
            "more than {most} combinations of placeholders: use fewer in one value"
        ));
    }
    if count.saturating_mul(longest) > limits::EXPANSION_BYTES {
        let most = limits::EXPANSION_BYTES;
        return Err(format!(
            "more than {most} bytes in the combinations of placeholders: use fewer in one value"
        ));
    }
    let mut texts = vec![String::new()];
    for part in &parts {
        match part {
            Part::Text(text) => texts.iter_mut().for_each(|t| t.push_str(text)),
            Part::Values(values) => {
                texts = texts
                    .iter()
                    .flat_map(|t| values.iter().map(move |value| format!("{t}{value}")))
                    .collect();
            }
        }
    }
    Ok(texts)
}

fn parts<'a>(text: &str, placeholders: &'a Placeholders) -> Result<Vec<Part<'a>>, String> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix(r"\%") {
            plain.push('%');
            rest = after;
        } else if let Some(after) = rest.strip_prefix(r"\\") {
            plain.push_str(r"\\");
            rest = after;
        } else if let Some((name, after)) = placeholder(rest) {
            let values = placeholders.get(name).filter(|v| !v.is_empty()).ok_or_else(|| {
                format!("placeholder `%{name}%` has no value: give `--placeholder {name}=FILE`")
            })?;
            parts.extend([Part::Text(std::mem::take(&mut plain)), Part::Values(values)]);
            rest = after;
        } else {
            plain.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    parts.push(Part::Text(plain));
    Ok(parts)
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

    #[test]
    fn combinations_are_bounded_before_they_are_made() {
        let many: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        let values = Placeholders::from([("a".to_owned(), many)]);
        let refused = |text: &str, what: &str| {
            let error = expand(text, &values).err().unwrap_or_default();
            assert!(error.contains(what) && error.contains("use fewer"), "{error}");
        };
        refused("%a%%a%", "100000 combinations");
        refused(&"%a%".repeat(40), "100000 combinations");
        refused(&format!("%a%{}", "x".repeat(20_000)), "16777216 bytes");
        assert_eq!(expand(r"%a%\%a%", &values).map(|texts| texts.len()), Ok(1000));
    }
}
