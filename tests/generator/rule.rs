//! Rules as data, and the YAML of them.

use super::item::Item;
use std::fmt::Write as _;

/// The log source of a rule that is not about log sources.
pub const LOGSOURCE: &str = "{product: test}";

/// A value of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Val {
    Str(String),
    /// Written as it is.
    Number(String),
    Bool(bool),
    Null,
}

/// What a name in `detection` stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    pub name: String,
    /// One map, or a list of maps.
    pub maps: Vec<Vec<Item>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub id: String,
    /// As it is written.
    pub logsource: &'static str,
    pub searches: Vec<Search>,
    /// Several are a list.
    pub conditions: Vec<String>,
    /// A filter that concerns this rule: its selection and condition.
    pub filter: Option<(Search, String)>,
    /// What the rule is counted as, if it is about conditions.
    pub shape: Option<&'static str>,
}

impl Rule {
    /// A rule that is one item.
    pub fn single(id: String, item: Item) -> Rule {
        Rule {
            id,
            logsource: LOGSOURCE,
            searches: vec![Search { name: "s".to_owned(), maps: vec![vec![item]] }],
            conditions: vec!["s".to_owned()],
            filter: None,
            shape: None,
        }
    }

    /// The rule's documents.
    pub fn yaml(&self) -> String {
        let mut out = String::new();
        let Rule { id, logsource, .. } = self;
        let _ = writeln!(out, "title: {id}\nid: {id}\nlogsource: {logsource}\ndetection:");
        for search in &self.searches {
            let _ = writeln!(out, "  {}: {}", search.name, maps(&search.maps));
        }
        let conditions: Vec<String> = self.conditions.iter().map(|text| quoted(text)).collect();
        let _ = match &conditions[..] {
            [one] => writeln!(out, "  condition: {one}"),
            several => writeln!(out, "  condition: [{}]", several.join(", ")),
        };
        if let Some((search, condition)) = &self.filter {
            let _ = writeln!(
                out,
                "---\ntitle: filter of {id}\nlogsource: {logsource}\nfilter:\n  rules: \
                 [{id}]\n  {}: {}\n  condition: {condition}",
                search.name,
                maps(&search.maps)
            );
        }
        out
    }
}

/// The documents of several rules.
pub fn stream(rules: &[Rule]) -> String {
    rules.iter().map(Rule::yaml).collect::<Vec<_>>().join("---\n")
}

fn maps(maps: &[Vec<Item>]) -> String {
    let texts: Vec<String> = maps.iter().map(|items| map(items)).collect();
    match &texts[..] {
        [one] => one.clone(),
        several => {
            // Keywords stand in the list themselves: a list in a list is refused.
            let inline = |text: &String| text.trim_matches(['[', ']']).to_owned();
            let texts: Vec<String> = maps
                .iter()
                .zip(several)
                .map(
                    |(items, text)| if plain_keywords(items) { inline(text) } else { text.clone() },
                )
                .collect();
            format!("[{}]", texts.join(", "))
        }
    }
}

fn plain_keywords(items: &[Item]) -> bool {
    matches!(items, [Item { keyword: true, chain: "", .. }])
}

fn map(items: &[Item]) -> String {
    // A map of one keyword item without modifiers is written as the list of its values.
    if plain_keywords(items) {
        let values: Vec<String> = items[0].values.iter().map(value).collect();
        return if let [one] = &values[..] {
            one.clone()
        } else {
            format!("[{}]", values.join(", "))
        };
    }
    let mut out = "{".to_owned();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        let field = if item.keyword { "" } else { &item.slot };
        let bar = if item.chain.is_empty() { "" } else { "|" };
        let values: Vec<String> = item.values.iter().map(value).collect();
        out.push_str(&quoted(&format!("{field}{bar}{}", item.chain)));
        out.push_str(": ");
        match &values[..] {
            [one] => out.push_str(one),
            several => {
                let _ = write!(out, "[{}]", several.join(", "));
            }
        }
    }
    out.push('}');
    out
}

fn value(value: &Val) -> String {
    match value {
        Val::Str(text) => quoted(text),
        Val::Number(text) => text.clone(),
        Val::Bool(value) => value.to_string(),
        Val::Null => "null".to_owned(),
    }
}

/// A double-quoted scalar.
fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for scalar in text.chars() {
        match scalar {
            '"' | '\\' => out.extend(['\\', scalar]),
            ' '..='~' => out.push(scalar),
            _ => {
                let _ = write!(out, "\\U{:08X}", u32::from(scalar));
            }
        }
    }
    out.push('"');
    out
}
