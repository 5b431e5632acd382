//! Detection items: what the modifiers make of the values, and whether an event has it.

use super::date::Part;
use super::encode::{self, Utf16};
use super::event::Value;
use super::expression::{Expression, Flags};
use super::field::{self, Found};
use super::network::Network;
use super::number::Number;
use super::pattern::{self, Token};
use super::placeholder;
use super::text::{self, Character};
use crate::rule::ast::{self, Placeholders, Scalar};
use std::cmp::Ordering;

/// A detection item, ready to be tested.
#[derive(Debug)]
pub struct Item {
    field: Option<String>,
    /// `all`: every value, not one.
    all: bool,
    /// `neq`: the whole item is negated.
    negated: bool,
    /// `cased`.
    cased: bool,
    values: Vec<Test>,
}

/// What one value of a rule asks for.
#[derive(Debug)]
enum Test {
    /// `null`
    Null,
    /// `exists`
    Exists(bool),
    /// A number without string modifiers.
    Equals(Number),
    /// Strings: one of the patterns (several after `expand` or `base64offset`). Folded unless
    /// the item is cased.
    Like(Vec<Vec<Token>>),
    /// `re`
    Search(Vec<Expression>),
    /// `cidr`
    Within(Vec<Network>),
    /// `gt` and so on
    Compare(Relation, Number),
    /// `hour` and so on
    Date(Part, Relation, Number),
    /// `fieldref`, with what may stand before and behind the other field's text.
    SameAs { fields: Vec<String>, open_left: bool, open_right: bool },
}

/// How a number must relate to the rule's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Relation {
    fn from_modifier(name: &str) -> Option<Relation> {
        Some(match name {
            "gt" => Relation::Greater,
            "gte" => Relation::GreaterOrEqual,
            "lt" => Relation::Less,
            "lte" => Relation::LessOrEqual,
            _ => return None,
        })
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Relation::Equal => order.is_eq(),
            Relation::Greater => order.is_gt(),
            Relation::GreaterOrEqual => order.is_ge(),
            Relation::Less => order.is_lt(),
            Relation::LessOrEqual => order.is_le(),
        }
    }
}

/// A modifier that turns patterns into other patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Contains,
    StartsWith,
    EndsWith,
    Windash,
    Utf16(Utf16),
    Base64,
    Base64Offset,
}

/// What decides the kind of test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Search,
    Within,
    Exists,
    SameAs,
}

/// The modifiers of an item, sorted by what they concern.
struct Modifiers {
    kind: Kind,
    steps: Vec<Step>,
    flags: Flags,
    relation: Option<Relation>,
    part: Option<Part>,
    all: bool,
    negated: bool,
    cased: bool,
    expand: bool,
}

impl Modifiers {
    fn new(names: impl Iterator<Item = impl AsRef<str>>) -> Result<Modifiers, String> {
        let mut modifiers = Modifiers {
            kind: Kind::Plain,
            steps: Vec::new(),
            flags: Flags::default(),
            relation: None,
            part: None,
            all: false,
            negated: false,
            cased: false,
            expand: false,
        };
        for name in names {
            let name = name.as_ref();
            let (mut kind, mut step) = (None, None);
            match name {
                "all" => modifiers.all = true,
                "neq" => modifiers.negated = true,
                "cased" => modifiers.cased = true,
                "expand" => modifiers.expand = true,
                "i" | "ignorecase" => modifiers.flags.ignore_case = true,
                "m" | "multiline" => modifiers.flags.multi_line = true,
                "s" | "dotall" => modifiers.flags.dot_all = true,
                "re" => kind = Some(Kind::Search),
                "cidr" => kind = Some(Kind::Within),
                "exists" => kind = Some(Kind::Exists),
                "fieldref" => kind = Some(Kind::SameAs),
                "contains" => step = Some(Step::Contains),
                "startswith" => step = Some(Step::StartsWith),
                "endswith" => step = Some(Step::EndsWith),
                "windash" => step = Some(Step::Windash),
                "wide" | "utf16le" => step = Some(Step::Utf16(Utf16::LittleEndian)),
                "utf16be" => step = Some(Step::Utf16(Utf16::BigEndian)),
                "utf16" => step = Some(Step::Utf16(Utf16::Marked)),
                "base64" => step = Some(Step::Base64),
                "base64offset" => step = Some(Step::Base64Offset),
                _ => match (Relation::from_modifier(name), Part::from_modifier(name)) {
                    (Some(relation), _) => modifiers.relation = Some(relation),
                    (_, Some(part)) => modifiers.part = Some(part),
                    (None, None) => return Err(format!("unknown modifier `{name}`")),
                },
            }
            modifiers.kind = kind.unwrap_or(modifiers.kind);
            modifiers.steps.extend(step);
        }
        Ok(modifiers)
    }
}

impl Item {
    /// Prepares an item of a rule.
    pub fn new(item: &ast::Item, placeholders: &Placeholders) -> Result<Item, String> {
        let modifiers = Modifiers::new(item.modifiers.iter().map(|name| &name.value))?;
        let keyword = item.field.is_none();
        let mut values = Vec::new();
        for value in &item.values {
            values.push(test(&value.value, &modifiers, keyword, placeholders)?);
        }
        if values.is_empty() {
            // `field: []` asks for the same as `field: null`.
            values.push(Test::Null);
        }
        if keyword
            && values
                .iter()
                .any(|value| matches!(value, Test::Null | Test::Exists(_) | Test::SameAs { .. }))
        {
            return Err("null, exists and fieldref need a field".to_owned());
        }
        Ok(Item {
            field: item.field.clone(),
            all: modifiers.all,
            negated: modifiers.negated,
            cased: modifiers.cased,
            values,
        })
    }

    /// Whether the event has what the item asks for.
    pub fn holds(&self, event: &Value) -> bool {
        let found = match &self.field {
            Some(name) => field::field(event, name),
            None => field::leaves(event),
        };
        let texts: Vec<Vec<Character>> =
            found.values.iter().map(|value| self.characters(value)).collect();
        let mut results = self.values.iter().map(|test| self.test(test, event, &found, &texts));
        let holds = if self.all { results.all(|held| held) } else { results.any(|held| held) };
        holds != self.negated
    }

    fn test(
        &self,
        test: &Test,
        event: &Value,
        found: &Found<'_>,
        texts: &[Vec<Character>],
    ) -> bool {
        let any = |holds: &dyn Fn(&Value) -> bool| found.values.iter().any(|value| holds(value));
        let any_text = |holds: &dyn Fn(&[u8]) -> bool| {
            found.values.iter().any(|value| value.text().is_some_and(|text| holds(&text)))
        };
        match test {
            Test::Null => found.is_null,
            Test::Exists(expected) => found.present == *expected,
            Test::Equals(number) => any(&|value| equals(number, value)),
            Test::Like(patterns) => found.values.iter().zip(texts).any(|(value, characters)| {
                value.text().is_some()
                    && patterns.iter().any(|pattern| pattern::matches(pattern, characters))
            }),
            Test::Search(regexes) => {
                any_text(&|text| regexes.iter().any(|regex| regex.is_match(text)))
            }
            Test::Within(networks) => {
                any_text(&|text| networks.iter().any(|network| network.contains(text)))
            }
            Test::Compare(relation, number) => any(&|value| {
                let order = match value {
                    Value::Number(theirs) => Some(theirs.compare(number)),
                    Value::String(text) => {
                        Number::from_plain_decimal(text).map(|theirs| theirs.compare(number))
                    }
                    _ => None,
                };
                order.is_some_and(|order| relation.holds(order))
            }),
            Test::Date(part, relation, number) => any(&|value| {
                let Value::String(text) = value else { return false };
                let number_of_event = part.of(text).map(Number::Int);
                number_of_event.is_some_and(|theirs| relation.holds(theirs.compare(number)))
            }),
            Test::SameAs { fields, open_left, open_right } => fields.iter().any(|name| {
                let others = field::field(event, name);
                any(&|value| {
                    others
                        .values
                        .iter()
                        .any(|other| self.same(value, other, *open_left, *open_right))
                })
            }),
        }
    }

    /// Whether a value equals another field's value, or has it at the open ends.
    fn same(&self, value: &Value, other: &Value, open_left: bool, open_right: bool) -> bool {
        if let (Value::Number(a), Value::Number(b), false, false) =
            (value, other, open_left, open_right)
        {
            return a.equals(b);
        }
        if value.text().is_none() || other.text().is_none() {
            return false;
        }
        let star = |open: bool| if open { vec![Token::Many] } else { Vec::new() };
        let literal = self.characters(other).into_iter().map(Token::Literal).collect();
        let pattern = [star(open_left), literal, star(open_right)].concat();
        pattern::matches(&pattern, &self.characters(value))
    }

    /// The characters that patterns of this item see; none of a value without text.
    fn characters(&self, value: &Value) -> Vec<Character> {
        let characters = value.text().map_or(Vec::new(), |text| text::characters(&text));
        if self.cased { characters } else { text::folded(&characters) }
    }
}

/// A rule's number without string modifiers: numbers compare as numbers, texts as texts.
fn equals(number: &Number, value: &Value) -> bool {
    match value {
        Value::Number(theirs) => number.equals(theirs),
        Value::String(text) => number.text().as_bytes() == text,
        _ => false,
    }
}

/// Makes a test of one value of a rule.
fn test(
    value: &Scalar,
    modifiers: &Modifiers,
    keyword: bool,
    placeholders: &Placeholders,
) -> Result<Test, String> {
    let relation = modifiers.relation.unwrap_or(Relation::Equal);
    if let Some(part) = modifiers.part {
        let number = number(value).ok_or("a part of a date needs a number")?;
        return Ok(Test::Date(part, relation, number));
    }
    if modifiers.relation.is_some() {
        let number = number(value).ok_or("a comparison needs a number")?;
        return Ok(Test::Compare(relation, number));
    }
    // Only strings hold placeholders; every other value is one piece of text.
    let spellings = match value {
        Scalar::Str(text) if modifiers.expand => placeholder::expand(text, placeholders)?,
        _ => rule_text(value).into_iter().map(|text| vec![text]).collect(),
    };
    let raw = || spellings.iter().map(|pieces| pieces.concat());
    match modifiers.kind {
        Kind::Exists => match value {
            Scalar::Bool(expected) => Ok(Test::Exists(*expected)),
            _ => Err("exists needs true or false".to_owned()),
        },
        _ if *value == Scalar::Null => {
            if modifiers.kind == Kind::Plain && modifiers.steps.is_empty() {
                Ok(Test::Null)
            } else {
                Err("null has no text to modify".to_owned())
            }
        }
        Kind::Search => {
            let regexes = raw().map(|text| Expression::new(&text, modifiers.flags));
            Ok(Test::Search(regexes.collect::<Result<_, _>>()?))
        }
        Kind::Within => {
            Ok(Test::Within(raw().map(|text| Network::parse(&text)).collect::<Result<_, _>>()?))
        }
        Kind::SameAs => Ok(Test::SameAs {
            fields: raw().collect(),
            open_left: has_any(&modifiers.steps, &[Step::Contains, Step::EndsWith]),
            open_right: has_any(&modifiers.steps, &[Step::Contains, Step::StartsWith]),
        }),
        Kind::Plain => match number(value) {
            Some(number) if modifiers.steps.is_empty() && !keyword => Ok(Test::Equals(number)),
            _ => Ok(Test::Like(patterns(&spellings, modifiers, keyword)?)),
        },
    }
}

fn number(value: &Scalar) -> Option<Number> {
    match value {
        Scalar::Int(int) => Some(Number::Int(*int)),
        Scalar::BigInt(text) => Some(Number::Text(text.clone())),
        Scalar::Float(float) => Some(Number::Float(*float)),
        Scalar::Null | Scalar::Bool(_) | Scalar::Str(_) => None,
    }
}

fn rule_text(value: &Scalar) -> Option<String> {
    match value {
        Scalar::Null => None,
        Scalar::Bool(value) => Some(value.to_string()),
        Scalar::Str(text) => Some(text.clone()),
        Scalar::Int(_) | Scalar::BigInt(_) | Scalar::Float(_) => {
            number(value).map(|number| number.text())
        }
    }
}

/// The patterns that a text stands for, after all string modifiers in the order written.
fn patterns(
    spellings: &[placeholder::Pieces],
    modifiers: &Modifiers,
    keyword: bool,
) -> Result<Vec<Vec<Token>>, String> {
    let mut patterns: Vec<Vec<Token>> = spellings
        .iter()
        .map(|pieces| pieces.iter().flat_map(|piece| pattern::parse(piece)).collect())
        .collect();
    for step in &modifiers.steps {
        let mut next = Vec::new();
        for pattern in &patterns {
            next.extend(apply(*step, pattern)?);
        }
        patterns = next;
    }
    // A keyword is looked for anywhere in a leaf unless it is anchored there.
    if keyword && !has_any(&modifiers.steps, &[Step::StartsWith, Step::EndsWith]) {
        patterns = patterns.iter().map(|pattern| open(pattern, true, true)).collect();
    }
    if !modifiers.cased {
        patterns = patterns.iter().map(|pattern| pattern::folded(pattern)).collect();
    }
    Ok(patterns)
}

fn has_any(steps: &[Step], wanted: &[Step]) -> bool {
    steps.iter().any(|step| wanted.contains(step))
}

fn apply(step: Step, pattern: &[Token]) -> Result<Vec<Vec<Token>>, String> {
    match step {
        Step::Contains => Ok(vec![open(pattern, true, true)]),
        Step::StartsWith => Ok(vec![open(pattern, false, true)]),
        Step::EndsWith => Ok(vec![open(pattern, true, false)]),
        Step::Windash => {
            let mut marked = pattern.to_vec();
            pattern::mark_flag_dashes(&mut marked);
            Ok(vec![marked])
        }
        Step::Utf16(encoding) => {
            pattern::spell_out_dashes(pattern).iter().map(|one| utf16(encoding, one)).collect()
        }
        Step::Base64 => pattern::spell_out_dashes(pattern)
            .iter()
            .map(|one| Ok(pattern::literals(encode::base64(&literal_bytes(one)?).as_bytes())))
            .collect(),
        Step::Base64Offset => {
            let mut patterns = Vec::new();
            for one in pattern::spell_out_dashes(pattern) {
                let offsets = encode::base64_offsets(&literal_bytes(&one)?);
                patterns.extend(offsets.map(|text| pattern::literals(text.as_bytes())));
            }
            Ok(patterns)
        }
    }
}

/// Adds a `*` at the ends. One that is there already makes no difference.
fn open(pattern: &[Token], left: bool, right: bool) -> Vec<Token> {
    let star = |open: bool| if open { &[Token::Many][..] } else { &[] };
    [star(left), pattern, star(right)].concat()
}

/// The pattern of the encoded text. Wildcards keep their meaning; between them the encoded bytes
/// are read as characters again.
fn utf16(encoding: Utf16, pattern: &[Token]) -> Result<Vec<Token>, String> {
    let mut encoded = Vec::new();
    let mut run = encoding.mark().to_vec();
    for token in pattern {
        match token {
            Token::Literal(Character::Scalar(scalar)) => run.extend(encoding.encode(*scalar)),
            Token::Literal(Character::Invalid(_)) => {
                return Err("bytes cannot be encoded as UTF-16 again".to_owned());
            }
            Token::One | Token::Many | Token::Dash => {
                encoded.extend(pattern::literals(&run));
                encoded.push(*token);
                run.clear();
            }
        }
    }
    encoded.extend(pattern::literals(&run));
    Ok(encoded)
}

fn literal_bytes(pattern: &[Token]) -> Result<Vec<u8>, String> {
    let characters: Option<Vec<Character>> = pattern
        .iter()
        .map(|token| match token {
            Token::Literal(character) => Some(*character),
            _ => None,
        })
        .collect();
    let characters = characters.ok_or("a value with wildcards cannot be encoded")?;
    Ok(text::bytes(&characters))
}
