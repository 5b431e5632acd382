//! Hostile events of any size, made of what the rules look for.

use super::literals::{Literals, Texts, shared_gram};
use crate::common::rng::Rng;
use crate::common::to_msgpack;
use serde_json::{Value, json};
use sigmatag::engine::Format;
use std::collections::BTreeSet;

/// A way to make hostile events.
pub struct Construction {
    pub name: String,
    pub format: Format,
    /// An event of about so many bytes, as JSON.
    pub build: Box<dyn Fn(usize) -> String>,
}

/// Where a text goes.
#[derive(Clone)]
pub enum Place {
    /// A field of an event that is otherwise short.
    Field(String),
    /// The statement of an Azure audit record.
    Statement,
}

impl Construction {
    /// A text in one place, in msgpack.
    fn text(name: impl Into<String>, place: &Place, pieces: impl Into<Vec<String>>) -> Self {
        let (place, pieces) = (place.clone(), shuffled(pieces.into()));
        Construction {
            name: name.into(),
            format: Format::Msgpack,
            build: Box::new(move |size| place.event(fill(&pieces, size)).to_string()),
        }
    }

    /// Text that is JSON.
    fn json(name: &str, build: impl Fn(usize) -> String + 'static) -> Self {
        Construction { name: name.to_owned(), format: Format::Json, build: Box::new(build) }
    }

    /// An event of about so many bytes in its form.
    pub fn event(&self, size: usize) -> Vec<u8> {
        let json = (self.build)(size);
        match self.format {
            Format::Msgpack => {
                to_msgpack(&serde_json::from_str(&json).expect("constructions make JSON"))
            }
            _ => json.into_bytes(),
        }
    }
}

impl Place {
    fn event(&self, text: String) -> Value {
        match self {
            Place::Field(name) => {
                let mut event = json!({
                    "EventID": 1,
                    "Channel": "Microsoft-Windows-Sysmon/Operational",
                });
                event[name] = json!(text);
                event
            }
            Place::Statement => {
                let mut record = crate::common::azure_record();
                record["properties"]["sql_text"] = json!(text);
                record
            }
        }
    }
}

/// In an order that has nothing to do with what they are: else larger events would have other
/// pieces than small ones, and not only more of them. One beyond ASCII comes first, if there is one:
/// texts of all sizes are folded then, or none.
fn shuffled(mut pieces: Vec<String>) -> Vec<String> {
    let mut rng = Rng::new(1);
    for last in (1..pieces.len()).rev() {
        pieces.swap(last, rng.below(last + 1));
    }
    if let Some(beyond) = pieces.iter().position(|piece| !piece.is_ascii()) {
        pieces.swap(0, beyond);
    }
    pieces
}

/// The pieces over and over, up to a size.
fn fill(pieces: &[String], size: usize) -> String {
    let mut text = String::with_capacity(size + 64);
    for piece in pieces.iter().cycle() {
        if text.len() >= size {
            break;
        }
        text += piece;
    }
    while text.len() > size {
        text.pop();
    }
    text
}

fn without_last(texts: &BTreeSet<String>) -> Vec<String> {
    let cut = |text: &String| text.char_indices().last().map(|(end, _)| text[..end].to_owned());
    texts.iter().filter_map(cut).filter(|text| !text.is_empty()).collect()
}

fn without_first(texts: &BTreeSet<String>) -> Vec<String> {
    let cut = |text: &String| text.chars().skip(1).collect::<String>();
    texts.iter().map(cut).filter(|text| !text.is_empty()).collect()
}

/// Texts that rules look for anywhere in one place, nearly and fully there.
pub fn near_misses(place: &Place, what: &str, texts: &BTreeSet<String>) -> Vec<Construction> {
    let mut all = vec![
        ("every literal without its last character", without_last(texts)),
        ("every literal without its first character", without_first(texts)),
        ("every literal in full", texts.iter().cloned().collect()),
    ];
    if let Some(longest) = texts.iter().max_by_key(|text| text.len()) {
        let prefix = without_last(&BTreeSet::from([longest.clone()]));
        all.push(("the longest literal without its last character, repeated", prefix));
    }
    let short: Vec<String> = texts.iter().filter(|text| text.len() <= 4).cloned().collect();
    all.push(("its shortest literals", short));
    let foreign: BTreeSet<String> = texts.iter().filter(|text| !text.is_ascii()).cloned().collect();
    all.push(("literals beyond ASCII without their last character", without_last(&foreign)));
    if let Some(gram) = shared_gram(texts) {
        let has = |text: &&String| text.to_ascii_lowercase().contains(&gram);
        let with: BTreeSet<String> = texts.iter().filter(has).cloned().collect();
        all.push(("every literal with the commonest four bytes, cut", without_last(&with)));
        all.push(("the commonest four bytes, repeated", vec![gram]));
    }
    // Literals of one character have nothing left when they are cut: no text to grow.
    all.retain(|(_, pieces)| !pieces.is_empty());
    let name = |how| format!("{what}: {how}");
    all.into_iter().map(|(how, pieces)| Construction::text(name(how), place, pieces)).collect()
}

/// Texts of one kind.
type Kind = fn(&Texts) -> &BTreeSet<String>;

/// Texts that rules look for at one end: the value is long and has them at the wrong place.
pub fn anchored(literals: &Literals) -> Vec<Construction> {
    let kinds: [(&str, Kind); 2] =
        [("ends", |texts| &texts.ends), ("beginnings", |texts| &texts.starts)];
    let mut all = Vec::new();
    for (kind, texts) in kinds {
        for field in literals.busiest(texts, 1) {
            let place = Place::Field(field.to_owned());
            let texts = texts(&literals.fields[field]);
            let name = format!("{field}: all {kind} that rules ask for");
            all.push(Construction::text(name, &place, texts.iter().cloned().collect::<Vec<_>>()));
            let name = format!("{field}: all {kind}, cut");
            all.push(Construction::text(name, &place, without_last(texts)));
        }
    }
    all
}

/// Expressions: their own letters in place of what they ask for.
pub fn expression(field: &str, expression: &str) -> Construction {
    let plain: String =
        expression.chars().filter(|letter| !"\\^$.|?*+()[]{}".contains(*letter)).collect();
    let piece = if plain.is_empty() { "a".to_owned() } else { plain };
    let shown: String = expression.chars().take(40).collect();
    Construction::text(
        format!("{field}: letters of the expression `{}`", shown.replace(['|', '`'], "¦")),
        &Place::Field(field.to_owned()),
        vec![piece],
    )
}

/// Monotonous texts in a field that many rules ask for.
pub fn monotonous(field: &str) -> Vec<Construction> {
    let place = Place::Field(field.to_owned());
    [
        ("one letter", "e"),
        ("blanks", " "),
        ("backslashes", "\\"),
        ("quotes", "\"'"),
        ("opening brackets", "({["),
        ("digits", "1.0.0.1 "),
        ("percent signs", "%%"),
        ("carets and commas", "^,;"),
        ("letters like those of base64", "JABzAD0ATgBlAHcA"),
        ("the Kelvin sign, which folds to k", "\u{212a}"),
        ("letters beyond ASCII", "é漢😀"),
    ]
    .map(|(name, piece)| {
        Construction::text(format!("{field}: {name}"), &place, vec![piece.to_owned()])
    })
    .into()
}

/// Keywords in a field that no rule knows.
pub fn keywords(literals: &Literals) -> Vec<Construction> {
    if literals.keywords.is_empty() {
        return Vec::new();
    }
    let place = Place::Field("there_is_no_such_field".to_owned());
    vec![
        Construction::text("keywords, each cut", &place, without_last(&literals.keywords)),
        Construction::text(
            "keywords in full",
            &place,
            literals.keywords.iter().cloned().collect::<Vec<_>>(),
        ),
    ]
}

/// Events that are hostile by their structure; `field` is one that many rules ask for.
pub fn structures(field: &str, texts: &BTreeSet<String>) -> Vec<Construction> {
    let near = shuffled(without_last(texts));
    let (again, listed) = (near.clone(), near);
    let (repeated, in_list, escaped, coded) =
        (field.to_owned(), field.to_owned(), field.to_owned(), field.to_owned());
    let members = |size: usize, member: &dyn Fn(usize) -> String| {
        let mut text = "{".to_owned();
        let mut number = 0;
        while text.len() < size {
            text += if number == 0 { "" } else { "," };
            text += &member(number);
            number += 1;
        }
        text + "}"
    };
    vec![
        Construction::json("many keys", move |size| members(size, &|n| format!("\"key{n}\":{n}"))),
        Construction::json("one field many times, its literals cut", move |size| {
            let text = |n: usize| Value::from(again[n % again.len()].as_str());
            members(size, &|n| format!("\"{repeated}\":{}", text(n)))
        }),
        Construction::json("one field with a list of its literals, cut", move |size| {
            let mut values = Vec::new();
            let mut length = 0;
            for text in listed.iter().cycle() {
                if length >= size {
                    break;
                }
                length += text.len() + 3;
                values.push(text.as_str());
            }
            json!({ in_list.as_str(): values }).to_string()
        }),
        Construction::json("lists in lists, side by side", move |size| {
            let tower = "[".repeat(50) + &"]".repeat(50);
            members(size, &|n| format!("\"k{n}\":{tower}"))
        }),
        Construction::json("maps in maps, side by side", move |size| {
            let tower = "{\"a\":".repeat(50) + "1" + &"}".repeat(50);
            members(size, &|n| format!("\"k{n}\":{tower}"))
        }),
        Construction::json("escaped backslashes", move |size| {
            format!("{{\"EventID\":1,\"{escaped}\":\"{}\"}}", "\\\\".repeat(size / 2))
        }),
        Construction::json("letters as escapes", move |size| {
            format!("{{\"EventID\":1,\"{coded}\":\"{}\"}}", "\\u0065".repeat(size / 6))
        }),
        Construction::json("a message that begins like JSON", move |size| {
            json!({ "message": "{\"a\":".repeat(size / 5) }).to_string()
        }),
        Construction::json("messages inside messages", |size| {
            let mut inner = json!({ "message": "x".repeat(size) });
            for _ in 0..5 {
                inner = json!({ "message": inner.to_string() });
            }
            inner.to_string()
        }),
        Construction::json("many messages that begin like JSON", move |size| {
            members(size, &|n| format!("\"m{n}\":\"{{\\\"a\\\":{{\""))
        }),
    ]
}

/// Statements, where normalising SQL is part of the work.
pub fn statements(literals: &Literals) -> Vec<Construction> {
    let all: BTreeSet<String> =
        literals.fields.values().flat_map(|texts| texts.contains.iter().cloned()).collect();
    let mut found = near_misses(&Place::Statement, "sql_text", &all);
    let pieces = [
        ("comments that open", "/*"),
        ("versioned comments", "/*!50000 a*/"),
        ("comments that open as versions", "/*!"),
        ("lines of comments", "-- a\n"),
        ("quotes", "'"),
        ("strings", "'a',"),
        ("strings with escapes", "'\\'',"),
        ("backslashes", "\\"),
        ("brackets", "("),
        ("blanks", " "),
        ("numbers", "0x61,1e5,"),
        ("semicolons", ";"),
        ("calls", "char(97,98),concat("),
        ("names in back quotes", "`a`.`b`,"),
        ("letters beyond ASCII", "é漢😀"),
    ];
    found.extend(pieces.map(|(name, piece)| {
        Construction::text(format!("sql_text: {name}"), &Place::Statement, vec![piece.to_owned()])
    }));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_grow_with_the_size_asked_for() {
        let texts: BTreeSet<String> = ["mimikatz", "sekurlsa::", "-ep"].map(str::to_owned).into();
        let place = Place::Field("CommandLine".to_owned());
        let mut all = near_misses(&place, "CommandLine", &texts);
        all.extend(structures("CommandLine", &texts));
        all.extend(monotonous("CommandLine"));
        all.push(expression("CommandLine", r"(?:\s|^)-e[nc]*\s"));
        assert!(all.len() > 25);
        for construction in all {
            for size in [1024, 4096] {
                let length = construction.event(size).len();
                assert!(
                    length > size / 2 && length < size * 2,
                    "{}: {length} instead of {size}",
                    construction.name
                );
            }
        }
    }

    #[test]
    fn pieces_are_cut_between_characters() {
        assert_eq!(fill(&["é".to_owned()], 5), "éé");
        assert_eq!(fill(&["ab".to_owned(), "c".to_owned()], 4), "abca");
    }
}
