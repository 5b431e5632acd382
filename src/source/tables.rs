//! The compiled descriptors: flat vectors that refer to each other by ranges.

use super::decode::{AccountForm, Decoder, Quoting};
use crate::limits::SOURCE_ELEMENTS;

/// A run of elements of another vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Range {
    /// Index of the first element.
    pub first: u32,
    /// Number of elements.
    pub count: u32,
}

impl Range {
    /// The elements; none if the range does not fit, which `verify` rules out.
    #[inline]
    pub fn of<T>(self, all: &[T]) -> &[T] {
        let first = self.first as usize;
        all.get(first..first.saturating_add(self.count as usize)).unwrap_or(&[])
    }

    fn fits(self, len: usize) -> bool {
        u64::from(self.first) + u64::from(self.count) <= len as u64
    }
}

/// One source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Source {
    /// Its name, in `text`.
    pub name: Range,
    /// `groups` of which one must hold for an event to be of this source.
    pub when: Range,
    /// Its `logsources`.
    pub logsources: Range,
    /// Its `nested` texts.
    pub nested: Range,
    /// Its `fields`, in the order to apply them.
    pub fields: Range,
    /// Its `derived` fields, in the order to compute them.
    pub derived: Range,
}

/// A group of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Group {
    /// `tests` that all must hold.
    pub all: Range,
    /// `tests` of which one must hold, if there are any.
    pub any: Range,
}

/// A test of one field of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Test {
    /// The field.
    pub field: u32,
    /// A [`TestKind`] by its number.
    pub kind: u8,
    /// `values` of which one must fit; lower case.
    pub values: Range,
}

/// How a test compares. ASCII letters are compared without case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TestKind {
    /// The field has a value with exactly this text.
    Is = 1,
    /// The field has a value whose text contains this one.
    Contains = 2,
    /// The field is present; no values.
    Exists = 3,
}

impl TestKind {
    /// The kind with that number in a file.
    #[inline]
    pub fn from_number(number: u8) -> Option<TestKind> {
        match number {
            1 => Some(TestKind::Is),
            2 => Some(TestKind::Contains),
            3 => Some(TestKind::Exists),
            _ => None,
        }
    }
}

/// A logsource that a source's events belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Logsource {
    /// Its index in the rule set's table of logsources.
    pub id: u32,
    /// `groups` of which one must hold; none: every event of the source.
    pub when: Range,
}

/// A field whose text may hold events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Payload {
    /// The field.
    pub field: u32,
    /// A [`PayloadEncoding`] by its number.
    pub encoding: u8,
}

/// What the text of a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum PayloadEncoding {
    /// One or more JSON objects, or arrays of them.
    Json = 1,
}

impl PayloadEncoding {
    /// The encoding with that number in a file.
    #[inline]
    pub fn from_number(number: u8) -> Option<PayloadEncoding> {
        match number {
            1 => Some(PayloadEncoding::Json),
            _ => None,
        }
    }
}

/// An object of an event that may arrive as JSON text instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Nested {
    /// The field that holds the text.
    pub field: u32,
    /// Its dotted path, in `text`.
    pub path: Range,
}

/// A canonical field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Field {
    /// The canonical field.
    pub to: u32,
    /// The fields it is taken from, in `paths`, in the order of preference.
    pub paths: Range,
}

/// A derived field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Derived {
    /// The derived field.
    pub to: u32,
    /// A [`Decoder`] by its number.
    pub decoder: u8,
    /// The fields it is computed from, in `paths`, in the order of preference.
    pub paths: Range,
    /// The decoder's number (a limit in bytes, a [`Quoting`], an [`AccountForm`]).
    pub number: u32,
    /// The decoder's text, in `text`.
    pub parameter: Range,
}

/// All sources of a rule set. Immutable; shared by threads.
///
/// The members are public so that a file can hold them; tables whose members came from elsewhere
/// must pass [`verify`](SourceTables::verify) before they are used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceTables {
    /// The sources; the first that recognises an event has it.
    pub sources: Vec<Source>,
    /// Groups of tests.
    pub groups: Vec<Group>,
    /// Tests.
    pub tests: Vec<Test>,
    /// Values of tests, in `text`.
    pub values: Vec<Range>,
    /// Logsources of sources.
    pub logsources: Vec<Logsource>,
    /// Fields whose text may hold events, of all sources.
    pub payloads: Vec<Payload>,
    /// Container ids of objects and arrays that may be or hold events, of all sources.
    pub containers: Vec<u32>,
    /// Objects that may arrive as JSON text.
    pub nested: Vec<Nested>,
    /// Canonical fields.
    pub fields: Vec<Field>,
    /// Derived fields.
    pub derived: Vec<Derived>,
    /// Field ids.
    pub paths: Vec<u32>,
    /// The bytes of names, values and parameters.
    pub text: Vec<u8>,
}

impl SourceTables {
    /// Checks every reference: hostile members can then neither panic nor name a field, container
    /// or logsource that does not exist.
    pub fn verify(
        &self,
        field_count: u32,
        container_count: u32,
        logsource_count: u32,
    ) -> Result<(), &'static str> {
        let sizes = [
            self.sources.len(),
            self.groups.len(),
            self.tests.len(),
            self.values.len(),
            self.logsources.len(),
            self.payloads.len(),
            self.containers.len(),
            self.nested.len(),
            self.fields.len(),
            self.derived.len(),
            self.paths.len(),
            self.text.len(),
        ];
        if sizes.into_iter().any(|size| size > SOURCE_ELEMENTS) {
            return Err("sources: a table is too large");
        }
        let field = |id: u32| id < field_count;
        for source in &self.sources {
            let fits = source.name.fits(self.text.len())
                && source.when.fits(self.groups.len())
                && source.logsources.fits(self.logsources.len())
                && source.nested.fits(self.nested.len())
                && source.fields.fits(self.fields.len())
                && source.derived.fits(self.derived.len());
            if !fits {
                return Err("sources: a source refers outside its tables");
            }
            if std::str::from_utf8(source.name.of(&self.text)).is_err() {
                return Err("sources: a name is not UTF-8");
            }
        }
        for group in &self.groups {
            if !group.all.fits(self.tests.len()) || !group.any.fits(self.tests.len()) {
                return Err("sources: a group refers outside the tests");
            }
        }
        for test in &self.tests {
            if !field(test.field) || TestKind::from_number(test.kind).is_none() {
                return Err("sources: a test of an unknown field or kind");
            }
            if !test.values.fits(self.values.len()) {
                return Err("sources: a test refers outside the values");
            }
        }
        if self.values.iter().any(|value| !value.fits(self.text.len())) {
            return Err("sources: a value refers outside the text");
        }
        for logsource in &self.logsources {
            if logsource.id >= logsource_count || !logsource.when.fits(self.groups.len()) {
                return Err("sources: an unknown logsource or condition");
            }
        }
        for payload in &self.payloads {
            if !field(payload.field) || PayloadEncoding::from_number(payload.encoding).is_none() {
                return Err("sources: a payload of an unknown field or encoding");
            }
        }
        if self.containers.iter().any(|id| *id >= container_count) {
            return Err("sources: an unknown container");
        }
        for nested in &self.nested {
            if !field(nested.field) || !nested.path.fits(self.text.len()) {
                return Err("sources: a nested text of an unknown field or path");
            }
        }
        for canonical in &self.fields {
            if !field(canonical.to) || !canonical.paths.fits(self.paths.len()) {
                return Err("sources: a canonical field refers outside its tables");
            }
        }
        for derived in &self.derived {
            if !field(derived.to)
                || !derived.paths.fits(self.paths.len())
                || !derived.parameter.fits(self.text.len())
            {
                return Err("sources: a derived field refers outside its tables");
            }
            match Decoder::from_number(derived.decoder) {
                None => return Err("sources: an unknown decoder"),
                Some(Decoder::SqlNorm) if Quoting::from_number(derived.number).is_none() => {
                    return Err("sources: an unknown quoting");
                }
                Some(Decoder::MysqlUser | Decoder::MysqlHost | Decoder::MysqlIp)
                    if AccountForm::from_number(derived.number).is_none() =>
                {
                    return Err("sources: an unknown form of account");
                }
                Some(_) => {}
            }
        }
        if !self.paths.iter().all(|id| field(*id)) {
            return Err("sources: an unknown field");
        }
        Ok(())
    }

    /// The name of a source; empty if there is no such source.
    pub fn name(&self, source: u32) -> &str {
        let name = self.sources.get(source as usize).map(|source| source.name.of(&self.text));
        name.and_then(|name| std::str::from_utf8(name).ok()).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables with one element of everything, valid for two fields, one container, one logsource.
    fn valid() -> SourceTables {
        let one = Range { first: 0, count: 1 };
        SourceTables {
            sources: vec![Source {
                name: one,
                when: one,
                logsources: one,
                nested: one,
                fields: one,
                derived: one,
            }],
            groups: vec![Group { all: one, any: Range::default() }],
            tests: vec![Test { field: 0, kind: 1, values: one }],
            values: vec![one],
            logsources: vec![Logsource { id: 0, when: one }],
            payloads: vec![Payload { field: 1, encoding: 1 }],
            containers: vec![0],
            nested: vec![Nested { field: 1, path: one }],
            fields: vec![Field { to: 1, paths: one }],
            derived: vec![Derived { to: 1, decoder: 1, paths: one, number: 0, parameter: one }],
            paths: vec![0],
            text: b"x".to_vec(),
        }
    }

    #[test]
    fn every_reference_is_checked() {
        assert_eq!(valid().verify(2, 1, 1), Ok(()));
        assert_eq!(valid().name(0), "x");
        assert_eq!(valid().name(1), "");
        let far = Range { first: u32::MAX, count: u32::MAX };
        let spoil: Vec<fn(&mut SourceTables, Range)> = vec![
            |t, far| t.sources[0].name = far,
            |t, far| t.sources[0].when = far,
            |t, far| t.sources[0].logsources = far,
            |t, far| t.sources[0].nested = far,
            |t, far| t.sources[0].fields = far,
            |t, far| t.sources[0].derived = far,
            |t, _| t.text[0] = 0xff,
            |t, far| t.groups[0].all = far,
            |t, far| t.groups[0].any = far,
            |t, _| t.tests[0].field = 2,
            |t, _| t.tests[0].kind = 0,
            |t, far| t.tests[0].values = far,
            |t, far| t.values[0] = far,
            |t, _| t.logsources[0].id = 1,
            |t, far| t.logsources[0].when = far,
            |t, _| t.payloads[0].field = 2,
            |t, _| t.payloads[0].encoding = 0,
            |t, _| t.containers[0] = 1,
            |t, _| t.nested[0].field = 2,
            |t, far| t.nested[0].path = far,
            |t, _| t.fields[0].to = 2,
            |t, far| t.fields[0].paths = far,
            |t, _| t.derived[0].to = 2,
            |t, _| t.derived[0].decoder = 99,
            |t, _| t.derived[0].number = 9,
            |t, _| (t.derived[0].decoder, t.derived[0].number) = (4, 9),
            |t, far| t.derived[0].paths = far,
            |t, far| t.derived[0].parameter = far,
            |t, _| t.paths[0] = 2,
            |t, _| t.text = vec![b'x'; SOURCE_ELEMENTS + 1],
        ];
        for (index, spoil) in spoil.into_iter().enumerate() {
            let mut tables = valid();
            spoil(&mut tables, far);
            assert!(tables.verify(2, 1, 1).is_err(), "case {index}");
        }
    }
}
