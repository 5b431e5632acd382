//! One predicate on one value, or on a field: the meaning that the index only speeds up.

use super::vector::Vectors;
use super::{glob, time};
use crate::event::address;
use crate::event::fold::{fold_into, is_ascii_caseless, is_boundary};
use crate::event::number::{Number, NumberText};
use crate::event::value::Value;
use crate::ruleset::RuleSet;
use crate::ruleset::regexes::RegexCache;
use crate::ruleset::tables::{NumberRecord, Predicate, comparison, flag, kind, reference_mode};
use crate::source::{EventView, SqlCode};
use std::cmp::Ordering;
use std::net::IpAddr;

/// A text that predicates are evaluated on. It is folded when a predicate first needs it.
pub struct Subject<'a> {
    original: &'a [u8],
    folded: Folded<'a>,
    /// Set when the text of a buffer was folded.
    was_folded: bool,
}

enum Folded<'a> {
    /// The text is ASCII and was not folded yet.
    Later(&'a mut Vec<u8>),
    /// The folded text.
    Known(&'a [u8]),
}

impl<'a> Subject<'a> {
    /// A text and memory for its folded form.
    pub fn new(original: &'a [u8], buffer: &'a mut Vec<u8>) -> Subject<'a> {
        if original.is_ascii() {
            return Subject::ascii(original, buffer);
        }
        buffer.clear();
        fold_into(original, buffer);
        Subject { original, folded: Folded::Known(buffer), was_folded: true }
    }

    /// A text that is known to be ASCII, and memory for its folded form.
    fn ascii(original: &'a [u8], buffer: &'a mut Vec<u8>) -> Subject<'a> {
        Subject { original, folded: Folded::Later(buffer), was_folded: false }
    }

    /// The text that is compared without regard to case: folded, or ASCII that need not be. Only
    /// [`is_ascii_caseless`] may compare it.
    #[inline]
    pub fn caseless(&self) -> &'a [u8] {
        match &self.folded {
            Folded::Later(_) => self.original,
            Folded::Known(folded) => folded,
        }
    }

    /// The folded text.
    fn folded(&mut self) -> &'a [u8] {
        let empty = Folded::Known(&[]);
        let folded: &'a [u8] = match std::mem::replace(&mut self.folded, empty) {
            Folded::Known(folded) => folded,
            Folded::Later(buffer) => {
                buffer.clear();
                fold_into(self.original, buffer);
                self.was_folded = true;
                buffer
            }
        };
        self.folded = Folded::Known(folded);
        folded
    }
}

/// Memory for evaluating predicates, part of the scratch.
#[derive(Default)]
pub struct Work {
    /// The folded value.
    pub folded: Vec<u8>,
    /// The text of the event that was found to be ASCII last: rules ask several things of one.
    ascii: Option<Value>,
    /// Of which text of the event `folded` is the folded form.
    folded_of: Option<Value>,
    /// The text that was read as an address last, and the address, if it is one.
    address_of: Option<Value>,
    address: Option<IpAddr>,
    other: Vec<u8>,
    other_folded: Vec<u8>,
    /// Text of a value that the record does not hold as text.
    pub text: TextBuffer,
    /// For regular expressions.
    pub regex: RegexCache,
    /// By which instructions texts are looked at.
    pub vectors: Vectors,
}

/// Where the text of a value is written that the record does not hold as text.
#[derive(Default)]
pub struct TextBuffer {
    number: NumberText,
    code: SqlCode,
}

/// What looking up a text takes.
pub struct Means<'a> {
    /// Memory for the folded text.
    pub folded: &'a mut Vec<u8>,
    /// For regular expressions.
    pub regex: &'a mut RegexCache,
    /// By which instructions texts are looked at.
    pub vectors: Vectors,
}

impl Work {
    /// Memory that is empty.
    pub fn new(vectors: Vectors) -> Work {
        Work { vectors, ..Work::default() }
    }

    /// Forgets the event before: its spans say nothing about the next one's texts.
    #[inline]
    pub fn begin(&mut self) {
        (self.ascii, self.folded_of, self.address_of) = (None, None, None);
    }

    /// What looking up a text takes, and where texts are written that records do not hold.
    #[inline]
    pub fn means(&mut self) -> (Means<'_>, &mut TextBuffer) {
        let Work { folded, regex, vectors, text, .. } = self;
        (Means { folded, regex, vectors: *vectors }, text)
    }
}

/// The text of a value, if it has one.
#[inline]
pub fn text<'a>(
    value: Value,
    view: &EventView<'a>,
    TextBuffer { number, code }: &'a mut TextBuffer,
) -> Option<&'a [u8]> {
    match value {
        Value::Str(span) | Value::BigNumber(span) => Some(view.bytes(span)),
        Value::SqlCode(span) => Some(code.of(view.bytes(span))),
        Value::Bool(true) => Some(b"true"),
        Value::Bool(false) => Some(b"false"),
        Value::Int(int) => Some(number.int(int.into())),
        Value::Uint(int) => Some(number.int(int.into())),
        Value::Float(float) => number.float(float),
        Value::Null | Value::NullElement | Value::Object | Value::EmptyArray | Value::Opaque => {
            None
        }
    }
}

/// A text predicate on a text.
#[inline]
pub fn on_text(
    rules: &RuleSet,
    predicate: &Predicate,
    subject: &mut Subject<'_>,
    regex: &mut RegexCache,
) -> bool {
    let tables = rules.tables();
    let original = subject.original;
    let ragged = predicate.flags & flag::RAGGED != 0;
    let cased = predicate.flags & flag::CASED != 0;
    let needle = || &tables.needles[predicate.a as usize..(predicate.a + predicate.b) as usize];
    if !cased && !ragged {
        // What most predicates are, without folding the text.
        let text = subject.caseless();
        let len = predicate.b as usize;
        match predicate.kind {
            kind::EQUALS => return is_ascii_caseless(text, needle()),
            kind::PREFIX => {
                return text.get(..len).is_some_and(|text| is_ascii_caseless(text, needle()));
            }
            kind::SUFFIX => {
                let tail = text.len().checked_sub(len).map(|from| &text[from..]);
                return tail.is_some_and(|text| is_ascii_caseless(text, needle()));
            }
            kind::CONTAINS if text.len() < len => return false,
            // PERF: memory is written and read again for a folded text; a few bytes are found sooner.
            kind::CONTAINS if len <= 3 => return contains_short(text, needle()),
            _ => {}
        }
    }
    let mut text = || if cased { original } else { subject.folded() };
    match predicate.kind {
        kind::EQUALS => text() == needle(),
        kind::PREFIX => {
            let (text, needle) = (text(), needle());
            text.starts_with(needle) && (!ragged || is_boundary(text, needle.len()))
        }
        kind::SUFFIX => {
            let (text, needle) = (text(), needle());
            text.ends_with(needle) && (!ragged || is_boundary(text, text.len() - needle.len()))
        }
        kind::CONTAINS if ragged => contains_ragged(text(), needle()),
        kind::CONTAINS => contains(text(), needle()),
        kind::GLOB => {
            let tokens = &tables.tokens[predicate.a as usize..(predicate.a + predicate.b) as usize];
            glob::matches(tables, tokens, text(), ragged)
        }
        kind::ANY_TEXT => true,
        kind::REGEX => rules.regexes().is_match(predicate.a, original, regex),
        kind::TIME_PART => time::part(original, predicate.a & 0xFF).is_some_and(|part| {
            let bound = number(&tables.numbers[predicate.b as usize]);
            holds(predicate.a >> 8, Number::Int(part.into()).compare(bound))
        }),
        _ => false,
    }
}

/// Whether the needle, which has few bytes and is folded, occurs without regard to ASCII case.
fn contains_short(text: &[u8], needle: &[u8]) -> bool {
    let [first, rest @ ..] = needle else { return true };
    let follows = |at: usize| {
        text.get(at + 1..at + 1 + rest.len()).is_some_and(|here| here.eq_ignore_ascii_case(rest))
    };
    if first.is_ascii_lowercase() {
        memchr::memchr2_iter(*first, first.to_ascii_uppercase(), text).any(follows)
    } else {
        memchr::memchr_iter(*first, text).any(follows)
    }
}

/// Whether the needle occurs.
fn contains(text: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(text, needle).is_some()
}

/// Whether the needle occurs with characters beginning at both of its ends. Occurrences may
/// overlap, so every one is looked at.
fn contains_ragged(text: &[u8], needle: &[u8]) -> bool {
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| memchr::memmem::find(rest, needle)) {
        let at = from + found;
        if is_boundary(text, at) && is_boundary(text, at + needle.len()) {
            return true;
        }
        from = at + 1;
    }
    false
}

/// The number of a table entry.
pub fn number(record: &NumberRecord) -> Number {
    if record.is_float != 0 {
        Number::Float(f64::from_bits(record.bits as u64))
    } else {
        Number::Int(record.bits)
    }
}

fn holds(comparison: u32, order: Ordering) -> bool {
    match comparison {
        comparison::GT => order == Ordering::Greater,
        comparison::GTE => order != Ordering::Less,
        comparison::LT => order == Ordering::Less,
        comparison::LTE => order != Ordering::Greater,
        _ => order == Ordering::Equal,
    }
}

/// The number that a value is, or that its plain decimal text gives.
fn value_number(value: Value, view: &EventView<'_>, code: &mut SqlCode) -> Option<Number> {
    match value {
        Value::Int(int) => Some(Number::Int(int.into())),
        Value::Uint(int) => Some(Number::Int(int.into())),
        Value::Float(float) if float.is_finite() => Some(Number::Float(float)),
        Value::Str(span) => Number::parse(view.bytes(span)),
        Value::SqlCode(span) => Number::parse(code.of(view.bytes(span))),
        Value::BigNumber(span) => big_number(view.bytes(span)),
        _ => None,
    }
}

/// A JSON number beyond 64 bits: exact if 128 bits hold it, else the nearest float; one beyond
/// the floats still compares as larger than any.
fn big_number(text: &[u8]) -> Option<Number> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(int) = text.parse::<i128>() {
        return Some(Number::Int(int));
    }
    text.parse::<f64>().ok().filter(|f| !f.is_nan()).map(Number::Float)
}

/// A predicate on everything its field has.
pub fn on_event(rules: &RuleSet, id: u32, view: &EventView<'_>, work: &mut Work) -> bool {
    let tables = rules.tables();
    let predicate = &tables.predicates[id as usize];
    if predicate.field as usize == tables.fields.len() {
        return view.leaves().iter().any(|&leaf| on_value(rules, predicate, leaf, view, work));
    }
    match predicate.kind {
        kind::NULL => {
            let mut values = view.values(predicate.field);
            matches!((values.next(), values.next()), (None, _) | (Some(Value::Null), None))
        }
        kind::EXISTS => view.is_present(predicate.field),
        _ => {
            view.values(predicate.field).any(|value| on_value(rules, predicate, value, view, work))
        }
    }
}

/// A predicate on one value.
pub fn on_value(
    rules: &RuleSet,
    predicate: &Predicate,
    value: Value,
    view: &EventView<'_>,
    work: &mut Work,
) -> bool {
    match predicate.kind {
        kind::COMPARE => value_number(value, view, &mut work.text.code).is_some_and(|found| {
            let bound = number(&rules.tables().numbers[predicate.b as usize]);
            holds(predicate.a, found.compare(bound))
        }),
        kind::FIELD_REF => {
            view.values(predicate.a).any(|other| refers(predicate, value, other, view, work))
        }
        kind::TIME_PART if !matches!(value, Value::Str(_) | Value::SqlCode(_)) => false,
        kind::CIDR => {
            // Networks come in lists: the text is read once.
            if work.address_of != Some(value) {
                work.address = text(value, view, &mut work.text).and_then(address::parse);
                work.address_of = Some(value);
            }
            let network = &rules.tables().networks[predicate.a as usize];
            work.address.is_some_and(|address| network.contains(address))
        }
        _ => {
            let Some(text) = text(value, view, &mut work.text) else { return false };
            let stored = matches!(value, Value::Str(_) | Value::SqlCode(_)).then_some(value);
            let mut subject = if stored.is_none() {
                work.folded_of = None;
                Subject::new(text, &mut work.folded)
            } else if work.folded_of == stored {
                Subject { original: text, folded: Folded::Known(&work.folded), was_folded: false }
            } else if work.ascii == stored || text.is_ascii() {
                work.ascii = stored;
                Subject::ascii(text, &mut work.folded)
            } else {
                Subject::new(text, &mut work.folded)
            };
            let holds = on_text(rules, predicate, &mut subject, &mut work.regex);
            if subject.was_folded {
                work.folded_of = stored;
            }
            holds
        }
    }
}

/// Whether a value compares with a value of the other field.
fn refers(
    predicate: &Predicate,
    value: Value,
    other: Value,
    view: &EventView<'_>,
    work: &mut Work,
) -> bool {
    // Numbers with equal canonical texts are equal numbers, so texts are all that is compared.
    let fill = |value, out: &mut Vec<u8>, buffer: &mut TextBuffer| {
        out.clear();
        let Some(text) = text(value, view, buffer) else { return false };
        if predicate.flags & flag::CASED != 0 {
            out.extend_from_slice(text);
        } else {
            fold_into(text, out);
        }
        true
    };
    if !fill(value, &mut work.other, &mut work.text)
        || !fill(other, &mut work.other_folded, &mut work.text)
    {
        return false;
    }
    let (text, needle) = (&work.other[..], &work.other_folded[..]);
    match predicate.b {
        reference_mode::PREFIX => text.starts_with(needle) && is_boundary(text, needle.len()),
        reference_mode::SUFFIX => {
            text.ends_with(needle) && is_boundary(text, text.len() - needle.len())
        }
        reference_mode::CONTAINS => needle.is_empty() || contains_ragged(text, needle),
        _ => text == needle,
    }
}
