//! Values that an item should match. A mistake here costs matches, never correctness: the
//! reference decides what matches.

use super::Rng;
use super::event::{Ev, State};
use super::item::{DATES, INTS, Item, Kind, NETWORKS, PATTERNS, PLACEHOLDER};
use super::mutate::{self, DASHES};
use super::rule::Val;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Entries of an event's top level that put the field of an item into a state, probably with a
/// match.
pub fn entries(rng: &mut Rng, item: &Item, state: State) -> Vec<(Vec<u8>, Ev)> {
    let key = item.slot.as_bytes().to_vec();
    let value = |rng: &mut Rng| {
        let scalar = [State::String, State::Number, State::Bool, State::NonAscii, State::Invalid];
        let state = match item.kind {
            Kind::Time | Kind::Network => State::String,
            // Nothing but what has no text lacks the empty text.
            Kind::Empty if rng.chance(50) => return Ev::Null,
            _ if compares(item) => *rng.pick(&scalar[..2]),
            _ => *rng.pick(&scalar),
        };
        scalar_value(rng, item, state)
    };
    let mut entries = match state {
        State::Missing => Vec::new(),
        State::Null => vec![(key, Ev::Null)],
        State::Object => {
            let inner = value(rng);
            vec![(key, if rng.chance(90) { wrapped(inner) } else { Ev::Ext })]
        }
        State::Duplicate => {
            let noise = *rng.pick(&[State::String, State::Number, State::Bool]);
            let mut pair = [
                value(rng),
                if rng.chance(if item.kind == Kind::Empty { 80 } else { 30 }) {
                    Ev::Null
                } else {
                    noise_value(rng, noise)
                },
            ];
            if rng.chance(50) {
                pair.reverse();
            }
            pair.into_iter().map(|value| (key.clone(), value)).collect()
        }
        State::Array => vec![(key, array(rng, item))],
        State::Nested => {
            let inner = if rng.chance(20) {
                array(rng, item)
            } else if item.kind == Kind::Null && rng.chance(60) {
                Ev::Null
            } else {
                value(rng)
            };
            match item.slot.split_once('.') {
                Some((head, rest)) => {
                    let mut inner = nested(rng, rest, inner);
                    if rng.chance(20) {
                        inner = Ev::Array(vec![Ev::Int(1), inner, Ev::Object(Vec::new())]);
                    }
                    vec![(head.as_bytes().to_vec(), inner)]
                }
                None => vec![(key, wrapped(inner))],
            }
        }
        _ => vec![(key, scalar_value(rng, item, state))],
    };
    if rng.chance(50) && state != State::Missing {
        let at = rng.below(entries.len());
        for _ in 0..6 {
            let changed = mutate::value(rng, &entries[at].1);
            let mut candidate = entries.clone();
            candidate[at].1 = changed;
            if Ev::Object(candidate.clone()).state_of(&item.slot) == state {
                entries = candidate;
                break;
            }
        }
    }
    if let (Kind::Field, [Val::Str(other)]) = (item.kind, &item.values[..]) {
        let own = entries.first().map_or(Ev::Null, |(_, value)| value.clone());
        if rng.chance(90) {
            entries.push((other.as_bytes().to_vec(), referred(rng, item, own)));
        }
    }
    entries
}

fn wrapped(value: Ev) -> Ev {
    Ev::Object(vec![(b"inner".to_vec(), value)])
}

fn nested(rng: &mut Rng, path: &str, value: Ev) -> Ev {
    let (head, rest) = path.split_once('.').map_or((path, None), |(h, r)| (h, Some(r)));
    let value = match rest {
        Some(rest) => nested(rng, rest, value),
        None => value,
    };
    let mut entries = vec![(head.as_bytes().to_vec(), value)];
    if rng.chance(20) {
        entries.insert(0, (b"other".to_vec(), Ev::Int(1)));
    }
    Ev::Object(entries)
}

fn array(rng: &mut Rng, item: &Item) -> Ev {
    let scalar = [State::String, State::String, State::Number, State::NonAscii, State::Invalid];
    let mut elements = Vec::new();
    let count = if item.has("all") { item.values.len() } else { 1 };
    for index in 0..count {
        let state = *rng.pick(&scalar);
        elements.push(one_value(rng, item, index, state));
    }
    match rng.below(6) {
        0 => elements.push(Ev::Null),
        1 => elements.insert(0, Ev::text("noise")),
        2 => elements = vec![Ev::Array(elements), Ev::Bool(true)],
        3 if rng.chance(30) => elements.clear(),
        4 => elements.push(Ev::Object(vec![(b"a".to_vec(), Ev::Int(1))])),
        _ => {}
    }
    Ev::Array(elements)
}

/// What the other field of a `fieldref` is.
fn referred(rng: &mut Rng, item: &Item, own: Ev) -> Ev {
    match own {
        Ev::Str(mut bytes) => {
            if rng.chance(30) {
                mutate::flip_case(rng, &mut bytes);
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let cut = |from: usize, to: usize| -> Vec<u8> {
                text.chars().skip(from).take(to).collect::<String>().into_bytes()
            };
            match rng.below(3) {
                0 if item.has("startswith") => Ev::Str(cut(0, 2)),
                0 if item.has("endswith") => Ev::Str(cut(2, 1000)),
                0 if item.has("contains") => Ev::Str(cut(1, 3)),
                1 => mutate::value(rng, &Ev::Str(bytes)),
                _ => Ev::Str(bytes),
            }
        }
        Ev::Array(elements) if !elements.is_empty() => elements[0].clone(),
        Ev::Object(entries) if !entries.is_empty() => referred(rng, item, entries[0].1.clone()),
        other if rng.chance(60) => other,
        other => mutate::value(rng, &other),
    }
}

/// A value in a scalar state; tries to match and to be in the state.
fn scalar_value(rng: &mut Rng, item: &Item, state: State) -> Ev {
    for _ in 0..8 {
        let index = rng.below(item.values.len());
        let value = if item.has("all") && !compares(item) {
            all_values(rng, item, state)
        } else {
            one_value(rng, item, index, state)
        };
        let entries = Ev::Object(vec![(b"x".to_vec(), value.clone())]);
        if entries.state_of("x") == state {
            return value;
        }
    }
    noise_value(rng, state)
}

/// A value in a scalar state that has nothing to do with a rule.
fn noise_value(rng: &mut Rng, state: State) -> Ev {
    match state {
        State::Number => Ev::Int(*rng.pick(&INTS)),
        State::Bool => Ev::Bool(rng.chance(50)),
        State::NonAscii => Ev::text("ünrelated"),
        State::Invalid => Ev::Str(b"un\xffrelated".to_vec()),
        _ => {
            let texts = ["", "unrelated", " "];
            Ev::text(texts[rng.below(texts.len())])
        }
    }
}

/// A text with all values of an item in it.
fn all_values(rng: &mut Rng, item: &Item, state: State) -> Ev {
    // One value is often enough, as related values hold together.
    let texts: Vec<Vec<u8>> = if (item.exact() && item.kind != Kind::Regex) || rng.chance(40) {
        vec![value_text(rng, item, 0, state)]
    } else if item.has("startswith") {
        let index = rng.below(item.values.len());
        vec![value_text(rng, item, index, state)]
    } else {
        (0..item.values.len()).map(|index| value_text(rng, item, index, state)).collect()
    };
    typed(rng, texts.concat(), state)
}

fn one_value(rng: &mut Rng, item: &Item, index: usize, state: State) -> Ev {
    if let (Val::Number(text), true) =
        (&item.values[index], compares(item) && item.kind != Kind::Time)
    {
        let near = near_number(rng, text);
        return match state {
            State::Number => near,
            _ => match near {
                Ev::Int(value) => Ev::text(&value.to_string()),
                Ev::Float(value) => Ev::text(&format!("{value}")),
                other => other,
            },
        };
    }
    let text = value_text(rng, item, index, state);
    typed(rng, text, state)
}

fn compares(item: &Item) -> bool {
    ["gt", "gte", "lt", "lte"].iter().any(|name| item.has(name))
}

fn near_number(rng: &mut Rng, text: &str) -> Ev {
    match (text.parse::<i128>(), rng.below(4)) {
        (Ok(value), 0) => Ev::Float(value as f64 + 0.5),
        (Ok(value), _) => Ev::Int(value.saturating_add(rng.below(5) as i128 - 2)),
        (Err(_), way) => {
            let value: f64 = text.parse().expect("a number of a rule");
            match way {
                0 if value.abs() < 1e30 => Ev::Int(value as i128),
                1 => Ev::Float(value * 2.0 + 1.0),
                2 => Ev::Float(-value - 1.0),
                _ => Ev::Float(value),
            }
        }
    }
}

/// A text as the type that a state asks for.
pub fn typed(rng: &mut Rng, text: Vec<u8>, state: State) -> Ev {
    let as_str = std::str::from_utf8(&text).unwrap_or("");
    match state {
        State::Bool if as_str.eq_ignore_ascii_case("true") => Ev::Bool(true),
        State::Bool if as_str.eq_ignore_ascii_case("false") => Ev::Bool(false),
        State::Number => match (as_str.parse::<i128>(), as_str.parse::<f64>()) {
            (Ok(value), _) if value.to_string() == as_str => {
                if rng.chance(20) {
                    Ev::Float(value as f64)
                } else {
                    Ev::Int(value)
                }
            }
            (_, Ok(value)) if value.is_finite() => Ev::Float(value),
            _ => Ev::Str(text),
        },
        _ => Ev::Str(text),
    }
}

/// A text that matches one value, as it is written.
pub fn instance(rng: &mut Rng, item: &Item, index: usize, state: State) -> Vec<u8> {
    match (&item.values[index], item.kind) {
        (Val::Bool(value), _) => value.to_string().into_bytes(),
        (Val::Null, _) => b"null".to_vec(),
        (Val::Number(_), Kind::Time) => date(rng, &item.hints[index]),
        (Val::Number(text), _) => {
            let float = text.parse::<f64>().map(|value| format!("{value}"));
            let integral = text.parse::<i128>().is_ok();
            if integral { text.clone() } else { float.expect("a number of a rule") }.into_bytes()
        }
        (Val::Str(_), Kind::Network) => address(rng, &item.hints[index]),
        (Val::Str(_), Kind::Regex) => item.hints[index].clone().into_bytes(),
        (Val::Str(_), Kind::Field) => {
            let (way, number) = (rng.below(4), *rng.pick(&INTS));
            match (state, way) {
                (State::Number, _) | (_, 0) => number.to_string().into_bytes(),
                (State::Bool, _) => b"true".to_vec(),
                (State::NonAscii, _) => "Größe Σ".into(),
                (State::Invalid, _) => b"va\xfflue".to_vec(),
                _ => b"some Value".to_vec(),
            }
        }
        (Val::Str(_), Kind::Placeholder) if item.has("re") => {
            rng.pick(&PATTERNS).1.as_bytes().to_vec()
        }
        (Val::Str(text), _) => {
            let word = *rng.pick(&PLACEHOLDER);
            let text = text.replace("\\%", "%").replace("%words%", word);
            literal(rng, item, &text, state)
        }
    }
}

/// A text that matches one value, in other letters and among others where that goes.
fn value_text(rng: &mut Rng, item: &Item, index: usize, state: State) -> Vec<u8> {
    let mut text = instance(rng, item, index, state);
    let encoded = ["base64", "base64offset"].iter().any(|name| item.has(name));
    let exact_case = item.has("cased") || (encoded && rng.chance(60));
    if !exact_case && item.kind != Kind::Regex && rng.chance(40) {
        mutate::flip_case(rng, &mut text);
    }
    let (left, right) = open_ends(item);
    if left && rng.chance(70) {
        text.splice(0..0, filler(rng, state));
    }
    if right && rng.chance(70) {
        text.extend(filler(rng, state));
    }
    if state == State::NonAscii && text.is_ascii() && !item.has("cased") {
        text = mutate::foreign_letters(&text);
    }
    if state == State::Invalid && left && right && std::str::from_utf8(&text).is_ok() {
        text.push(0xff);
    }
    text
}

fn open_ends(item: &Item) -> (bool, bool) {
    let anywhere = item.has("contains")
        || (item.keyword && !item.has("startswith") && !item.has("endswith"))
        || (item.has("re") && item.kind == Kind::Placeholder)
        || (item.kind == Kind::Regex && item.hints.iter().all(|hint| !hint.is_empty()));
    (anywhere || item.has("endswith"), anywhere || item.has("startswith"))
}

fn filler(rng: &mut Rng, state: State) -> Vec<u8> {
    match state {
        State::Number => rng.below(100).to_string().into_bytes(),
        State::Bool => Vec::new(),
        State::NonAscii => {
            rng.pick(&["é", "Жx", " – ", "K", "\n日", "aé\u{301}"]).as_bytes().to_vec()
        }
        State::Invalid => {
            rng.pick(&[&b"\xff"[..], b"a\x80b", b"\xe2\x82", b"\xc3 ", b"\xf0\x9f\x98"]).to_vec()
        }
        _ => rng.pick(&["", "x", " ", "\n", "abc ", "\"q\"", "\\", "-"]).as_bytes().to_vec(),
    }
}

fn one_character(rng: &mut Rng, state: State) -> Vec<u8> {
    match state {
        State::Number => vec![b'0' + rng.below(10) as u8],
        State::Bool => vec![*rng.pick(b"trues")],
        State::NonAscii => rng.pick(&["é", "Ж", "😀", "K"]).as_bytes().to_vec(),
        State::Invalid => vec![*rng.pick(&[0xff, 0x80, 0xe2, 0xc3])],
        _ => vec![*rng.pick(b"x \nK9")],
    }
}

/// The characters of a rule text, wildcards as `None` (any number) and `Some(None)` (one).
fn tokens(text: &str) -> Vec<Option<Option<char>>> {
    let mut out = Vec::new();
    let mut scalars = text.chars().peekable();
    while let Some(scalar) = scalars.next() {
        out.push(match scalar {
            '*' => None,
            '?' => Some(None),
            '\\' => Some(Some(scalars.next_if(|c| "*?\\".contains(*c)).unwrap_or('\\'))),
            other => Some(Some(other)),
        });
    }
    out
}

/// The literal characters of a rule text.
pub fn literal_text(text: &str) -> String {
    tokens(text).into_iter().filter_map(Option::flatten).collect()
}

/// An instance of a pattern, encoded as the item's modifiers say.
fn literal(rng: &mut Rng, item: &Item, text: &str, state: State) -> Vec<u8> {
    let mut bytes = Vec::new();
    for token in tokens(text) {
        match token {
            None => bytes.extend(filler(rng, state)),
            Some(None) => bytes.extend(encode(item, one_character(rng, state))),
            Some(Some('-' | '/')) if item.has("windash") && rng.chance(40) => {
                bytes.extend((*rng.pick(&DASHES)).bytes());
            }
            Some(Some(scalar)) => {
                bytes.extend(encode(item, scalar.to_string().into_bytes()));
            }
        }
    }
    let bytes = if item.has("utf16") { [&b"\xff\xfe"[..], &bytes].concat() } else { bytes };
    if item.has("base64") {
        STANDARD.encode(bytes).into_bytes()
    } else if item.has("base64offset") {
        let shift = rng.below(3);
        let cut_end = [0, 3, 2][(bytes.len() + shift) % 3];
        let whole = STANDARD.encode([&b"  "[..shift], &bytes[..]].concat());
        if item.has("contains") && rng.chance(50) {
            let around = [&b"  "[..shift], &bytes[..], b"suffix"].concat();
            STANDARD.encode(around).into_bytes()
        } else {
            whole.as_bytes()[[0, 2, 3][shift]..whole.len() - cut_end].to_vec()
        }
    } else {
        bytes
    }
}

fn encode(item: &Item, text: Vec<u8>) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(&text) else { return text };
    let units = text.encode_utf16();
    if item.has("utf16be") {
        units.flat_map(u16::to_be_bytes).collect()
    } else if ["wide", "utf16le", "utf16"].iter().any(|name| item.has(name)) {
        units.flat_map(u16::to_le_bytes).collect()
    } else {
        text.as_bytes().to_vec()
    }
}

/// The date of a hint in one of its spellings, or another date.
fn date(rng: &mut Rng, hint: &str) -> Vec<u8> {
    let whole = if rng.chance(60) {
        hint.to_owned()
    } else {
        let ((year, month, day), _) = *rng.pick(&DATES);
        let (hour, minute) = (rng.below(24), rng.below(60));
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z")
    };
    match rng.below(8) {
        0 => whole[..10].to_owned(),
        1 => whole.replace('T', " "),
        2 => whole.replace('Z', "+02:00"),
        3 => whole.replace('Z', ".123456-1130"),
        4 => whole[..16].to_owned(),
        _ => whole,
    }
    .into_bytes()
}

fn address(rng: &mut Rng, hint: &str) -> Vec<u8> {
    const MISSES: [&str; 8] = [
        "192.168.8.0",
        "11.0.0.0",
        "010.1.2.3",
        "10.1.2.3:80",
        "10.1.2.3 ",
        "10.1.2",
        "fec0::1",
        "[::1]",
    ];
    match rng.below(5) {
        0 => rng.pick(&MISSES).as_bytes().to_vec(),
        1 => rng.pick(&NETWORKS).1.as_bytes().to_vec(),
        _ => hint.as_bytes().to_vec(),
    }
}
