//! A model of records with events, wrappers and envelopes, and of what splitting, dropping and
//! stripping make of them. It works on values and knows nothing of bytes.

use super::Rng;
use serde_json::{Map, Value, json};
use sigmatag::engine::Shape;

/// How records are written.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub shape: Shape,
    pub split: bool,
    pub only: bool,
    pub strip: bool,
}

/// The keys that are a tag's alone.
pub fn keys_of(shape: Shape) -> &'static [&'static str] {
    match shape {
        Shape::Nested | Shape::Ecs => &["sigma"],
        Shape::Flat => &[
            "SigmaIds",
            "SigmaTitles",
            "SigmaLevel",
            "SigmaTags",
            "AttackTechniques",
            "SigmaAuthors",
            "SigmaRuleset",
            "SigmaIndicators",
            "SigmaTruncated",
        ],
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of a known source, and the rule holds.
    Hit,
    /// Of a known source.
    Miss,
    /// Of no known source.
    Foreign,
}

/// A record, or an element of one.
#[derive(Debug, Clone)]
pub enum Node {
    Event(Value, Known),
    /// No object: an envelope that holds it cannot be split.
    Odd(Value),
    /// An envelope, and what else it holds.
    Native(Vec<Node>, Map<String, Value>),
    /// A wrapper around a text with these values, and what else it holds.
    Text(Form, Vec<Node>, Map<String, Value>),
}

/// What an event is; opaque outside of the model.
#[derive(Debug, Clone, Copy)]
pub struct Known(Kind);

#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// One value.
    One,
    /// An array of them.
    Array,
    /// One behind the other.
    Lines,
}

/// A record to be written.
#[derive(Debug, Clone)]
pub struct Expected {
    pub body: Value,
    pub hit: bool,
}

impl Node {
    pub fn random(rng: &mut Rng) -> Node {
        // Three wrappers are what is opened in every combination.
        let mut node = Node::any(rng, 3);
        while let Node::Odd(_) = node {
            node = Node::any(rng, 3);
        }
        node
    }

    fn any(rng: &mut Rng, depth: u32) -> Node {
        if depth == 0 || rng.below(5) < 2 {
            return Node::event(rng);
        }
        let mut extra = Map::new();
        extra.insert("topic".to_owned(), json!(rng.below(100)));
        plant(rng, &mut extra);
        let count = 1 + rng.below(3);
        match rng.below(5) {
            0 | 1 => {
                let mut items: Vec<Node> = (0..count).map(|_| Node::any(rng, depth - 1)).collect();
                if rng.below(8) == 0 {
                    let odd = [json!(7), json!("text"), json!(null)];
                    items.push(Node::Odd(odd[rng.below(3) as usize].clone()));
                }
                Node::Native(items, extra)
            }
            2 => Node::Text(Form::One, vec![Node::any(rng, depth - 1)], extra),
            3 => {
                let items = (0..count).map(|_| Node::any(rng, depth - 1)).collect();
                Node::Text(Form::Array, items, extra)
            }
            _ => {
                let items = (0..count + 1).map(|_| Node::any(rng, depth - 1)).collect();
                Node::Text(Form::Lines, items, extra)
            }
        }
    }

    fn event(rng: &mut Rng) -> Node {
        let texts = ["", "é \"quoted\" \\ \n\t", "\u{1}\u{7f} 😀", "plain"];
        let text = texts[rng.below(4) as usize];
        let mut members = Map::new();
        members.insert("n".to_owned(), json!(rng.below(1000)));
        members.insert(format!("a{text}"), json!(text));
        plant(rng, &mut members);
        let kind = [Kind::Hit, Kind::Miss, Kind::Foreign][rng.below(3) as usize];
        if kind != Kind::Foreign {
            members.insert("category".to_owned(), json!("MySqlAuditLogs"));
            let verb = if kind == Kind::Hit { "drop" } else { "show" };
            let statement = json!({"sql_text": format!("{verb} table {text}")});
            members.insert("properties".to_owned(), statement);
        }
        Node::Event(Value::Object(members), Known(kind))
    }

    pub fn value(&self) -> Value {
        match self {
            Node::Event(value, _) | Node::Odd(value) => value.clone(),
            Node::Native(items, extra) => {
                let items: Vec<Value> = items.iter().map(Node::value).collect();
                with(extra, "records", items.into())
            }
            Node::Text(form, items, extra) => {
                let values: Vec<Value> = items.iter().map(Node::value).collect();
                let text = match form {
                    Form::Array => Value::Array(values).to_string(),
                    Form::One => values[0].to_string(),
                    Form::Lines => {
                        let lines: Vec<String> = values.iter().map(Value::to_string).collect();
                        lines.join("\n") + "\n"
                    }
                };
                with(extra, "log", text.into())
            }
        }
    }

    fn leaves(&self, out: &mut Vec<Kind>) {
        match self {
            Node::Event(_, Known(kind)) => out.push(*kind),
            Node::Odd(_) => out.push(Kind::Foreign),
            Node::Native(items, _) | Node::Text(_, items, _) => {
                items.iter().for_each(|item| item.leaves(out));
            }
        }
    }

    fn has_odd(&self) -> bool {
        match self {
            Node::Event(..) => false,
            Node::Odd(_) => true,
            Node::Native(items, _) | Node::Text(_, items, _) => items.iter().any(Node::has_odd),
        }
    }

    /// The records that an envelope becomes; `None` if it is none.
    fn split(&self) -> Option<Vec<(Value, Kind)>> {
        let each = |items: &[Node]| -> Vec<(Value, Kind)> {
            items
                .iter()
                .flat_map(|item| item.split().unwrap_or_else(|| vec![item.only()]))
                .collect()
        };
        match self {
            Node::Event(..) | Node::Odd(_) => None,
            Node::Native(items, _) => Some(each(items)),
            Node::Text(form, items, extra) => {
                let inner = match form {
                    Form::One => items[0].split()?,
                    Form::Array | Form::Lines => each(items),
                };
                let wrap = |(value, kind): (Value, Kind)| {
                    (with(extra, "log", value.to_string().into()), kind)
                };
                Some(inner.into_iter().map(wrap).collect())
            }
        }
    }

    /// Itself, with the one event that it holds.
    fn only(&self) -> (Value, Kind) {
        let mut leaves = Vec::new();
        self.leaves(&mut leaves);
        assert_eq!(leaves.len(), 1);
        (self.value(), leaves[0])
    }
}

fn with(extra: &Map<String, Value>, key: &str, value: Value) -> Value {
    let mut members = extra.clone();
    members.insert(key.to_owned(), value);
    Value::Object(members)
}

/// Sometimes puts keys of a tag into a record, as somebody who wants to mislead would.
fn plant(rng: &mut Rng, members: &mut Map<String, Value>) {
    match rng.below(6) {
        0 => drop(members.insert("sigma".to_owned(), json!({"level": "low", "rules": []}))),
        1 => {
            members.insert("SigmaIds".to_owned(), json!(["planted"]));
            members.insert("SigmaTruncated".to_owned(), json!(3));
        }
        2 => drop(members.insert("sigma".to_owned(), json!("planted"))),
        _ => {}
    }
}

/// What is to be written for a record, whether it is split, and how many are left out.
pub fn expect(node: &Node, options: Options) -> (Vec<Expected>, bool, u64) {
    let parts = if options.split && !node.has_odd() { node.split() } else { None };
    let split = parts.is_some();
    let all: Vec<(Value, Vec<Kind>)> = match parts {
        Some(parts) => parts.into_iter().map(|(value, kind)| (value, vec![kind])).collect(),
        None => {
            let mut leaves = Vec::new();
            node.leaves(&mut leaves);
            vec![(node.value(), leaves)]
        }
    };
    let before = all.len();
    let keep = |(_, kinds): &(Value, Vec<Kind>)| {
        !options.only || kinds.is_empty() || kinds.iter().any(|kind| *kind != Kind::Miss)
    };
    let left: Vec<Expected> = all
        .into_iter()
        .filter(keep)
        .map(|(body, kinds)| Expected { body, hit: kinds.contains(&Kind::Hit) })
        .collect();
    let dropped = (before - left.len()) as u64;
    (left, split, dropped)
}
