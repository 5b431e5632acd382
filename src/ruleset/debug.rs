//! What explanations need: conditions, selections, items and values as the author wrote them, and
//! a program for each.
//!
//! It is most of what a rule file says and nothing that matching reads, so it is stored small
//! (variable-length integers, differences, each text once) and stays encoded until somebody asks.
//! Damage is found then.

use super::codec::{DecodeError, Reader};
use super::tables::{Instruction, Tables, Text, op};
use super::{format, verify};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A selection of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DebugSelection {
    /// Rule it belongs to.
    pub rule: u32,
    /// Its name (`filter/NAME` if it comes from a filter document).
    pub name: Text,
    /// Line in the rule's file.
    pub line: u32,
    /// Program of the whole selection.
    pub program: u32,
    /// First item. The items of selections follow one another.
    pub items: u32,
    /// Number of items.
    pub item_count: u32,
}

/// An item of a selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DebugItem {
    /// `field|modifier|...` as written.
    pub key: Text,
    /// Line in the rule's file.
    pub line: u32,
    /// Program of the item.
    pub program: u32,
    /// First value. The values of items follow one another.
    pub values: u32,
    /// Number of values.
    pub value_count: u32,
}

/// A value of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DebugValue {
    /// As written.
    pub text: Text,
    /// Program of the value.
    pub program: u32,
    /// First predicate. The predicates of values follow one another.
    pub predicates: u32,
    /// Number of predicates (expansions of one value).
    pub predicate_count: u32,
}

/// The decoded section; empty if the file was stripped of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Debug {
    /// Texts of this section.
    pub texts: Vec<u8>,
    /// Condition of each rule as written (several joined by ` | `).
    pub conditions: Vec<Text>,
    /// File and line of each rule, `file:line`.
    pub places: Vec<Text>,
    /// Selections, ordered by rule.
    pub selections: Vec<DebugSelection>,
    /// Items.
    pub items: Vec<DebugItem>,
    /// Values.
    pub values: Vec<DebugValue>,
    /// Predicates of values.
    pub predicates: Vec<u32>,
    /// Programs of selections, items and values.
    pub program: Vec<Instruction>,
}

impl Debug {
    /// One of its texts.
    pub fn text(&self, text: Text) -> &str {
        let bytes = &self.texts[text.start as usize..(text.start + text.len) as usize];
        // `verify` saw that it is UTF-8.
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

/// The section as it is in the file, and what it says once somebody asked.
#[derive(Default)]
pub struct DebugSection {
    encoded: Vec<u8>,
    decoded: OnceLock<Result<Debug, String>>,
}

impl DebugSection {
    /// A section's bytes, masked as they are in the file.
    pub fn new(encoded: Vec<u8>) -> DebugSection {
        DebugSection { encoded, decoded: OnceLock::new() }
    }

    /// What it says about the rules of `tables`; decoded at the first call.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn get(&self, tables: &Tables) -> Result<&Debug, &str> {
        let decoded = self.decoded.get_or_init(|| {
            if self.encoded.is_empty() {
                return Ok(Debug::default());
            }
            let mut encoded = self.encoded.clone();
            format::unmask_debug(&mut encoded);
            let debug = decode(&encoded).map_err(|e| {
                format!("byte {} of section `debug`: expected {}", e.offset, e.message)
            })?;
            verify::debug(&debug, tables)
                .map_err(|e| format!("table `{}`: {}", e.table, e.message))?;
            Ok(debug)
        });
        decoded.as_ref().map_err(String::as_str)
    }
}

/// Appends integers of seven bits a byte, the lowest first; the highest bit says that more follow.
struct Writer {
    out: Vec<u8>,
}

impl Writer {
    fn number(&mut self, mut number: u32) {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    /// The difference to the number before it in the same column; small ones of either sign are
    /// short.
    fn difference(&mut self, number: u32, before: &mut u32) {
        let difference = number.wrapping_sub(*before) as i32;
        self.number((difference << 1 ^ difference >> 31) as u32);
        *before = number;
    }
}

struct Source<'a> {
    reader: Reader<'a>,
    len: usize,
}

impl Source<'_> {
    fn number(&mut self) -> Result<u32, DecodeError> {
        let mut number = 0;
        for shift in (0..32).step_by(7) {
            let byte = self.reader.take(1)?[0];
            number |= u32::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.reader.error("a shorter integer"))
    }

    fn difference(&mut self, before: &mut u32) -> Result<u32, DecodeError> {
        let coded = self.number()?;
        *before = before.wrapping_add(coded >> 1 ^ (coded & 1).wrapping_neg());
        Ok(*before)
    }

    /// A number of elements of at least one byte each.
    fn count(&mut self) -> Result<usize, DecodeError> {
        let count = self.number()? as usize;
        if count > self.len { Err(self.reader.error("a smaller count")) } else { Ok(count) }
    }

    /// The index of a text.
    fn text(&mut self, texts: &[Text], before: &mut u32) -> Result<Text, DecodeError> {
        let index = self.difference(before)?;
        texts.get(index as usize).copied().ok_or_else(|| self.reader.error("a text that exists"))
    }
}

/// How an instruction's target is written.
mod target {
    pub const ACCEPT: u8 = 0;
    pub const REJECT: u8 = 1;
    /// The next instruction.
    pub const NEXT: u8 = 2;
    /// The distance follows.
    pub const FAR: u8 = 3;
}

/// The section of the file.
pub fn encode(debug: &Debug) -> Vec<u8> {
    let mut order: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let columns = debug.conditions.iter().chain(&debug.places).copied();
    let columns = columns.chain(debug.selections.iter().map(|s| s.name));
    let columns = columns.chain(debug.items.iter().map(|i| i.key));
    for text in columns.chain(debug.values.iter().map(|v| v.text)) {
        order.insert((text.start, text.len), 0);
    }
    let w = &mut Writer { out: Vec::new() };
    w.number(order.len() as u32);
    for (number, (&(_, len), index)) in order.iter_mut().enumerate() {
        *index = number as u32;
        w.number(len);
    }
    for &(start, len) in order.keys() {
        w.out.extend_from_slice(&debug.texts[start as usize..][..len as usize]);
    }
    let text = |text: Text| order[&(text.start, text.len)];
    for column in [&debug.conditions, &debug.places] {
        w.number(column.len() as u32);
        let mut before = 0;
        for &t in column {
            w.difference(text(t), &mut before);
        }
    }
    w.number(debug.selections.len() as u32);
    let [mut rule, mut name, mut line, mut program] = [0; 4];
    for s in &debug.selections {
        w.difference(s.rule, &mut rule);
        w.difference(text(s.name), &mut name);
        w.difference(s.line, &mut line);
        w.difference(s.program, &mut program);
        w.number(s.item_count);
    }
    w.number(debug.items.len() as u32);
    let [mut key, mut line, mut program] = [0; 3];
    for i in &debug.items {
        w.difference(text(i.key), &mut key);
        w.difference(i.line, &mut line);
        w.difference(i.program, &mut program);
        w.number(i.value_count);
    }
    w.number(debug.values.len() as u32);
    let [mut value, mut program] = [0; 2];
    for v in &debug.values {
        w.difference(text(v.text), &mut value);
        w.difference(v.program, &mut program);
        w.number(v.predicate_count);
    }
    w.number(debug.predicates.len() as u32);
    let mut before = 0;
    for &predicate in &debug.predicates {
        w.difference(predicate, &mut before);
    }
    w.number(debug.program.len() as u32);
    let mut operands = [0; op::COUNT_OF_OPS as usize];
    for (at, i) in debug.program.iter().enumerate() {
        let at = at as u32;
        let code = |to: u32| match to {
            op::ACCEPT => target::ACCEPT,
            op::REJECT => target::REJECT,
            to if to == at + 1 => target::NEXT,
            _ => target::FAR,
        };
        w.out.push(i.op as u8 | code(i.yes) << 4 | code(i.no) << 6);
        w.difference(i.a, &mut operands[i.op as usize]);
        for to in [i.yes, i.no] {
            if code(to) == target::FAR {
                w.number(to - at);
            }
        }
    }
    std::mem::take(&mut w.out)
}

/// Where a part begins that follows the one before. Counts are checked with everything else, by
/// `verify`.
fn part(first: &mut u32, count: u32) -> u32 {
    std::mem::replace(first, first.saturating_add(count))
}

fn decode(bytes: &[u8]) -> Result<Debug, DecodeError> {
    let r = &mut Source { reader: Reader::new(bytes), len: bytes.len() };
    let mut debug = Debug::default();
    let mut texts = Vec::new();
    let mut start = 0u32;
    for _ in 0..r.count()? {
        let len = r.number()?;
        texts.push(Text { start, len });
        start = start.checked_add(len).ok_or_else(|| r.reader.error("shorter texts"))?;
    }
    debug.texts = r.reader.take(start as usize)?.to_vec();
    for column in [&mut debug.conditions, &mut debug.places] {
        let mut before = 0;
        for _ in 0..r.count()? {
            column.push(r.text(&texts, &mut before)?);
        }
    }
    let mut first = 0;
    let [mut rule, mut name, mut line, mut program] = [0; 4];
    for _ in 0..r.count()? {
        let mut selection = DebugSelection {
            rule: r.difference(&mut rule)?,
            name: r.text(&texts, &mut name)?,
            line: r.difference(&mut line)?,
            program: r.difference(&mut program)?,
            items: 0,
            item_count: r.number()?,
        };
        selection.items = part(&mut first, selection.item_count);
        debug.selections.push(selection);
    }
    let mut first = 0;
    let [mut key, mut line, mut program] = [0; 3];
    for _ in 0..r.count()? {
        let mut item = DebugItem {
            key: r.text(&texts, &mut key)?,
            line: r.difference(&mut line)?,
            program: r.difference(&mut program)?,
            values: 0,
            value_count: r.number()?,
        };
        item.values = part(&mut first, item.value_count);
        debug.items.push(item);
    }
    let mut first = 0;
    let [mut value, mut program] = [0; 2];
    for _ in 0..r.count()? {
        let mut value = DebugValue {
            text: r.text(&texts, &mut value)?,
            program: r.difference(&mut program)?,
            predicates: 0,
            predicate_count: r.number()?,
        };
        value.predicates = part(&mut first, value.predicate_count);
        debug.values.push(value);
    }
    let mut before = 0;
    for _ in 0..r.count()? {
        debug.predicates.push(r.difference(&mut before)?);
    }
    let mut operands = [0; op::COUNT_OF_OPS as usize];
    for at in 0..r.count()? as u32 {
        let code = r.reader.take(1)?[0];
        let op = u32::from(code & 15);
        let Some(operand) = operands.get_mut(op as usize) else {
            return Err(r.reader.error("a known operation"));
        };
        let a = r.difference(operand)?;
        let mut to = |code: u8| {
            Ok(match code & 3 {
                target::ACCEPT => op::ACCEPT,
                target::REJECT => op::REJECT,
                target::NEXT => at + 1,
                _ => at.saturating_add(r.number()?),
            })
        };
        let (yes, no) = (to(code >> 4)?, to(code >> 6)?);
        debug.program.push(Instruction { op, a, yes, no });
    }
    std::mem::replace(&mut r.reader, Reader::new(&[])).finish()?;
    Ok(debug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let numbers = [0, 1, 127, 128, 300, 1 << 21, u32::MAX - 1, u32::MAX, 5];
        let mut w = Writer { out: Vec::new() };
        let mut before = 0;
        for number in numbers {
            w.number(number);
            w.difference(number, &mut before);
        }
        let mut source = Source { reader: Reader::new(&w.out), len: w.out.len() };
        before = 0;
        for number in numbers {
            assert_eq!(source.number(), Ok(number));
            assert_eq!(source.difference(&mut before), Ok(number));
        }
        assert!(source.reader.finish().is_ok());
        let endless = [0xFF; 9];
        let mut source = Source { reader: Reader::new(&endless), len: 9 };
        assert!(source.number().is_err());
    }

    #[test]
    fn a_section_comes_back() {
        let text = |start, len| Text { start, len };
        let debug = Debug {
            texts: b"conditionr.yml:3selkeyvalue".to_vec(),
            conditions: vec![text(0, 9)],
            places: vec![text(9, 7)],
            selections: vec![DebugSelection {
                rule: 0,
                name: text(16, 3),
                line: 4,
                program: 2,
                items: 0,
                item_count: 1,
            }],
            items: vec![DebugItem {
                key: text(19, 3),
                line: 5,
                program: op::ACCEPT,
                values: 0,
                value_count: 1,
            }],
            values: vec![DebugValue {
                text: text(22, 5),
                program: 0,
                predicates: 0,
                predicate_count: 2,
            }],
            predicates: vec![7, 3],
            program: vec![
                Instruction { op: op::INDEXED, a: 7, yes: op::ACCEPT, no: 1 },
                Instruction { op: op::LAZY, a: 3, yes: 4, no: op::REJECT },
            ],
        };
        let encoded = encode(&debug);
        assert_eq!(decode(&encoded), Ok(debug));
        for len in 0..encoded.len() {
            assert!(decode(&encoded[..len]).is_err(), "{len}");
        }
        assert_eq!(decode(&encode(&Debug::default())), Ok(Debug::default()));
    }
}
