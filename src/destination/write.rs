//! Writes documents.

use super::form::Form;
use super::original::{self, Original};
use super::steps::{Does, Prepared, Steps};
use super::tables::{Choice, Condition, Document, Normal};
use super::values;
use crate::event::number::NumberText;
use crate::event::slots::Slots;
use crate::event::value::Value;
use crate::limits::DOCUMENT_DEPTH;
use crate::source::{EventView, Range, Stores, holds};
use crate::tag::encode::{Encoder, Format};

/// Most elements of a list of different values; further ones are left out.
const DISTINCT: usize = 16;

/// An event to be written.
#[derive(Clone, Copy)]
pub struct Occurrence<'a> {
    /// Its fields. Only its own count: what the record around it has is of somebody else.
    pub view: EventView<'a>,
    /// Its log sources.
    pub logsources: &'a [u32],
    /// What it was read from.
    pub original: Original<'a>,
}

/// Memory for writing documents of one destination; one per thread.
pub struct Writer {
    destination: u32,
    number: NumberText,
    text: Vec<u8>,
}

/// An object that is being written.
#[derive(Clone, Copy, Default)]
struct Open {
    /// Where its key begins in the output.
    start: usize,
    /// Where its number of members is written.
    count_at: usize,
    members: u16,
}

impl Writer {
    /// For a destination, by its number.
    pub fn new(destination: u32) -> Writer {
        Writer { destination, number: NumberText::new(), text: Vec::with_capacity(4096) }
    }

    /// Appends the document of an event as JSON or msgpack; false, and nothing is appended, if the
    /// destination has none for it.
    pub(crate) fn write(
        &mut self,
        prepared: &Prepared,
        event: &Occurrence<'_>,
        format: Format,
        out: &mut Vec<u8>,
    ) -> bool {
        let normal = &prepared.normal;
        let tables = &normal.tables;
        let Some(destination) = tables.destinations.get(self.destination as usize) else {
            return false;
        };
        let mut pen = Pen {
            normal,
            lists: destination.lists != 0,
            own: event.view.inner.unwrap_or(event.view.outer),
            event,
            writer: self,
        };
        let documents = destination.documents;
        let is_for = |document: &Document| pen.holds(&document.condition);
        let Some(found) = documents.of(&tables.documents).iter().position(is_for) else {
            return false;
        };
        let number = documents.first as usize + found;
        let steps = prepared.steps(format);
        let out = &mut Encoder { out, format };
        match format {
            Format::Json => pen.document::<true>(number, steps, out),
            Format::Msgpack => pen.document::<false>(number, steps, out),
        }
    }
}

/// One document being written.
struct Pen<'a> {
    normal: &'a Normal,
    /// Whether members may have lists.
    lists: bool,
    own: &'a Slots,
    event: &'a Occurrence<'a>,
    writer: &'a mut Writer,
}

impl<'a> Pen<'a> {
    fn stores(&self) -> &'a Stores<'a> {
        &self.event.view.stores
    }

    #[inline]
    fn holds(&self, condition: &Condition) -> bool {
        // PERF: most choices have none.
        condition.is_none() || self.decide(condition)
    }

    fn decide(&self, condition: &Condition) -> bool {
        let sources = &self.normal.sources;
        let is_routed = || {
            let wanted = condition.logsources.of(&sources.paths);
            self.event.logsources.iter().any(|logsource| wanted.contains(logsource))
        };
        (condition.is_routed == 0 || is_routed())
            && (condition.groups.count == 0
                || holds(sources, condition.groups, self.own, self.stores()))
    }

    /// Writes a document; false, and nothing is written, if it would be empty.
    ///
    /// PERF: made for each format by itself.
    fn document<const IS_JSON: bool>(
        &mut self,
        number: usize,
        steps: &Steps,
        out: &mut Encoder<'_>,
    ) -> bool {
        // `verify` saw that they are not nested deeper.
        let mut outer = [Open::default(); DOCUMENT_DEPTH + 1];
        let mut depth = 0;
        let mut open = Open::default();
        for step in steps.of(number) {
            let start = out.out.len();
            // The first member of an object has no comma.
            let skip = u32::from(IS_JSON && open.members == 0);
            let first = step.key.first.saturating_add(skip);
            let key = Range { first, count: step.key.count.saturating_sub(skip) };
            match step.does {
                Does::Begin { most } => {
                    write_key(key, steps, out);
                    let count_at = begin::<IS_JSON>(most, out);
                    let Some(place) = outer.get_mut(depth) else { return false };
                    *place = std::mem::replace(&mut open, Open { start, count_at, members: 0 });
                    depth += 1;
                }
                Does::End => {
                    let is_member = end::<IS_JSON>(&open, out);
                    let Some(place) = outer.get(depth.wrapping_sub(1)) else { return false };
                    open = *place;
                    depth -= 1;
                    open.members += u16::from(is_member);
                }
                Does::Write { text, choices } => {
                    write_key(key, steps, out);
                    let is_member = self.text(text, out) || self.member(choices, out);
                    if !is_member {
                        out.out.truncate(start);
                    }
                    open.members += u16::from(is_member);
                }
            }
        }
        // The document itself is the only member of what is around it.
        open.members > 0
    }

    /// Writes the text of a field that has one text and no other value; false, and nothing is written,
    /// for any other.
    #[inline(always)]
    fn text(&self, field: u32, out: &mut Encoder<'_>) -> bool {
        let Some(Value::Str(span)) = self.own.only(field) else { return false };
        let (all, start, len) = (self.stores().of(span), span.start as usize, span.len as usize);
        if len > 0 {
            out.string_at(all, start, len);
        }
        len > 0
    }

    /// Writes the value of a member; false, and nothing is written, if no choice gives one.
    #[inline(never)]
    fn member(&mut self, choices: Range, out: &mut Encoder<'_>) -> bool {
        let choices = choices.of(&self.normal.tables.choices);
        choices.iter().any(|choice| self.holds(&choice.condition) && self.choice(choice, out))
    }

    fn choice(&mut self, choice: &Choice, out: &mut Encoder<'_>) -> bool {
        let Some(form) = Form::from_number(choice.form) else { return false };
        match form {
            Form::Original => self.original(out),
            Form::Constant => match choice.values.of(&self.normal.sources.values).first() {
                Some(value) => {
                    out.string(value.of(&self.normal.sources.text));
                    true
                }
                None => false,
            },
            Form::ConstantList => {
                let values = choice.values.of(&self.normal.sources.values);
                self.list(values.iter().map(|value| value.of(&self.normal.sources.text)), out);
                true
            }
            Form::ConstantNumber => {
                out.number(choice.number);
                true
            }
            Form::Distinct => self.distinct(choice, out),
            Form::Lookup => self.lookup(choice, out),
            _ => self.fields(choice, form, out),
        }
    }

    /// The first of the fields that has a value which fits.
    fn fields(&mut self, choice: &Choice, form: Form, out: &mut Encoder<'_>) -> bool {
        let stores = self.stores();
        for &field in choice.from.of(&self.normal.sources.paths) {
            if let Some(value) = self.own.only(field) {
                if values::write(form, value, stores, &mut self.writer.number, out) {
                    return true;
                }
            } else if self.lists && form.is_part() && self.several(field, form, out) {
                return true;
            }
        }
        false
    }

    /// Writes a field with several values as a list of those that fit.
    fn several(&mut self, field: u32, form: Form, out: &mut Encoder<'_>) -> bool {
        let stores = self.stores();
        let own = self.own;
        let number = &mut self.writer.number;
        let fits = |value, number: &mut NumberText| {
            values::text(value, stores, number).and_then(|text| values::part(form, text)).is_some()
        };
        let count = own.values(field).filter(|value| fits(*value, number)).count();
        if count == 0 {
            return false;
        }
        out.begin_array(count);
        let mut is_first = true;
        for value in own.values(field) {
            let text = values::text(value, stores, number);
            if let Some(part) = text.and_then(|text| values::part(form, text)) {
                out.element(std::mem::take(&mut is_first));
                values::string(form, part, out);
            }
        }
        out.end_array();
        true
    }

    /// Writes the different texts of all fields, sorted.
    fn distinct(&mut self, choice: &Choice, out: &mut Encoder<'_>) -> bool {
        let form = Form::from_number(choice.each).unwrap_or(Form::Text);
        let stores = self.stores();
        // PERF: mostly there is one field with one text.
        if let [field] = choice.from.of(&self.normal.sources.paths)
            && let Some(Value::Str(span)) = self.own.only(*field)
        {
            let text = stores.bytes(span);
            let part = values::part(form, text);
            part.into_iter().for_each(|part| self.list([part].into_iter(), out));
            return part.is_some();
        }
        let mut found: [&[u8]; DISTINCT] = [b""; DISTINCT];
        let mut count = 0;
        for &field in choice.from.of(&self.normal.sources.paths) {
            for value in self.own.values(field) {
                let Value::Str(span) = value else { continue };
                let Some(part) = values::part(form, stores.bytes(span)) else { continue };
                let Err(at) = found[..count].binary_search(&part) else { continue };
                if count < DISTINCT {
                    found.copy_within(at..count, at + 1);
                    found[at] = part;
                    count += 1;
                }
            }
        }
        if count > 0 {
            self.list(found[..count].iter().copied(), out);
        }
        count > 0
    }

    fn lookup(&mut self, choice: &Choice, out: &mut Encoder<'_>) -> bool {
        let stores = self.stores();
        let sources = &self.normal.sources;
        let rows = choice.values.of(&sources.values);
        for &field in choice.from.of(&sources.paths) {
            let Some(value) = self.own.only(field) else { continue };
            let number = &mut self.writer.number;
            let Some(text) = values::text(value, stores, number) else { continue };
            let result = rows.chunks(2).find_map(|row: &[Range]| match row {
                [key, result] => text.eq_ignore_ascii_case(key.of(&sources.text)).then_some(result),
                [default] => Some(default),
                _ => None,
            });
            if let Some(result) = result {
                out.string(result.of(&sources.text));
                return true;
            }
        }
        false
    }

    fn original(&mut self, out: &mut Encoder<'_>) -> bool {
        let text = match self.event.original {
            Original::Text(text) => text,
            Original::Msgpack(data) => {
                let Writer { number, text, .. } = &mut *self.writer;
                text.clear();
                if !original::json_text(data, number, text) {
                    return false;
                }
                text
            }
        };
        // Lengths of strings have 32 bits.
        let fits = u32::try_from(text.len()).is_ok() && !text.is_empty();
        if fits {
            out.string(text);
        }
        fits
    }

    fn list<'t>(&self, texts: impl ExactSizeIterator<Item = &'t [u8]>, out: &mut Encoder<'_>) {
        out.begin_array(texts.len());
        for (index, text) in texts.enumerate() {
            out.element(index == 0);
            out.string(text);
        }
        out.end_array();
    }
}

#[inline(always)]
fn write_key(key: Range, steps: &Steps, out: &mut Encoder<'_>) {
    out.raw_at(&steps.keys, key.first as usize, key.count as usize);
}

/// Begins an object of at most so many members: where its number of members will be written.
#[inline(always)]
fn begin<const IS_JSON: bool>(most: u32, out: &mut Encoder<'_>) -> usize {
    match (IS_JSON, most) {
        (true, _) => out.out.push(b'{'),
        (false, 0..=15) => out.out.push(0x80),
        (false, _) => out.out.extend_from_slice(&[0xde, 0, 0]),
    }
    out.out.len() - 1
}

/// Ends an object; false, and it is taken back, if it has no member.
#[inline(always)]
fn end<const IS_JSON: bool>(open: &Open, out: &mut Encoder<'_>) -> bool {
    if open.members == 0 {
        out.out.truncate(open.start);
        return false;
    }
    if IS_JSON {
        out.out.push(b'}');
        return true;
    }
    match out.out.get_mut(..=open.count_at).unwrap_or_default() {
        [.., head @ 0x80] => *head |= open.members as u8,
        [.., high, low] => [*high, *low] = open.members.to_be_bytes(),
        _ => {}
    }
    true
}
