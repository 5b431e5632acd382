//! Descriptors to the tables of [`crate::source`].

use std::collections::HashMap;

use super::{Descriptor, FieldTest, TestGroup};
use crate::rule::ast::LogSource;
use crate::source::{
    Derived, Field, Group, Logsource, Nested, Payload, PayloadEncoding, Range, Source,
    SourceTables, Test,
};

/// The numbering that the rule compiler owns.
pub struct Ids<'a> {
    /// The id of a field by its name or dotted path, allocated at first use. The names go to
    /// `KeyTable::build` as fields.
    pub field: &'a mut dyn FnMut(&str) -> u32,
    /// The id of a container by its dotted path, allocated at first use. The paths go to
    /// `KeyTable::build` as containers.
    pub container: &'a mut dyn FnMut(&str) -> u32,
    /// The id of a logsource, allocated at first use.
    pub logsource: &'a mut dyn FnMut(&LogSource) -> u32,
    /// Whether a rule references a field of that name. Canonical and derived fields that no rule
    /// needs are left out.
    pub needed: &'a dyn Fn(&str) -> bool,
}

/// Compiles descriptors. Their order is that of recognition: a site's own come before the
/// built-in ones. The result passes `verify` for the counts that the ids imply, and depends on
/// nothing but the arguments.
pub fn compile_sources(descriptors: &[Descriptor], ids: &mut Ids<'_>) -> SourceTables {
    let mut compiler = Compiler {
        tables: SourceTables::default(),
        texts: HashMap::new(),
        conditions: Vec::new(),
        ids,
    };
    for descriptor in descriptors {
        compiler.source(descriptor);
    }
    compiler.tables
}

struct Compiler<'a, 'b> {
    tables: SourceTables,
    /// Texts that are in the tables already.
    texts: HashMap<String, Range>,
    /// Conditions that are in the tables already.
    conditions: Vec<(Vec<TestGroup>, Range)>,
    ids: &'a mut Ids<'b>,
}

impl Compiler<'_, '_> {
    fn source(&mut self, descriptor: &Descriptor) {
        let name = self.text(&descriptor.name);
        let when = self.groups(&descriptor.when);
        let logsources: Vec<Logsource> = descriptor
            .logsources
            .iter()
            .map(|item| Logsource {
                id: (self.ids.logsource)(&item.logsource),
                when: self.groups(&item.when),
            })
            .collect();
        for path in &descriptor.text_payloads {
            let encoding = PayloadEncoding::Json as u8;
            let payload = Payload { field: (self.ids.field)(path), encoding };
            if !self.tables.payloads.contains(&payload) {
                self.tables.payloads.push(payload);
            }
        }
        for path in &descriptor.containers {
            let id = (self.ids.container)(path);
            if !self.tables.containers.contains(&id) {
                self.tables.containers.push(id);
            }
        }
        let nested: Vec<Nested> = descriptor
            .json_strings
            .iter()
            .map(|path| Nested { field: (self.ids.field)(path), path: self.text(path) })
            .collect();
        let (fields, derived) = self.fields(descriptor);
        let source = Source {
            name,
            when,
            logsources: append(&mut self.tables.logsources, logsources),
            nested: append(&mut self.tables.nested, nested),
            fields: append(&mut self.tables.fields, fields),
            derived: append(&mut self.tables.derived, derived),
        };
        self.tables.sources.push(source);
    }

    /// The canonical and derived fields that rules need, directly or through a derived field.
    fn fields(&mut self, descriptor: &Descriptor) -> (Vec<Field>, Vec<Derived>) {
        let mut wanted: Vec<&str> = Vec::new();
        // From the last: a derived field only reads those before it.
        let mut kept = vec![false; descriptor.derived.len()];
        for (index, field) in descriptor.derived.iter().enumerate().rev() {
            if (self.ids.needed)(&field.name) || wanted.contains(&field.name.as_str()) {
                kept[index] = true;
                wanted.extend(field.from.iter().map(String::as_str));
            }
        }
        let mut fields = Vec::new();
        for field in &descriptor.fields {
            if (self.ids.needed)(&field.name) || wanted.contains(&field.name.as_str()) {
                let to = (self.ids.field)(&field.name);
                fields.push(Field { to, paths: self.paths(&field.paths) });
            }
        }
        let mut derived = Vec::new();
        for (field, _) in descriptor.derived.iter().zip(kept).filter(|(_, kept)| *kept) {
            derived.push(Derived {
                to: (self.ids.field)(&field.name),
                decoder: field.decoder as u8,
                paths: self.paths(&field.from),
                number: field.number,
                parameter: self.text(&field.text),
            });
        }
        (fields, derived)
    }

    /// Equal conditions share their groups, so that the runtime sees that they are equal.
    fn groups(&mut self, groups: &[TestGroup]) -> Range {
        if let Some((_, known)) = self.conditions.iter().find(|(known, _)| known == groups) {
            return *known;
        }
        let range = self.new_groups(groups);
        self.conditions.push((groups.to_vec(), range));
        range
    }

    fn new_groups(&mut self, groups: &[TestGroup]) -> Range {
        let groups: Vec<Group> = groups
            .iter()
            .map(|group| Group { all: self.tests(&group.all), any: self.tests(&group.any) })
            .collect();
        append(&mut self.tables.groups, groups)
    }

    fn tests(&mut self, tests: &[FieldTest]) -> Range {
        let tests: Vec<Test> = tests
            .iter()
            .map(|test| {
                let values: Vec<Range> = test.values.iter().map(|value| self.text(value)).collect();
                Test {
                    field: (self.ids.field)(&test.path),
                    kind: test.kind as u8,
                    values: append(&mut self.tables.values, values),
                }
            })
            .collect();
        append(&mut self.tables.tests, tests)
    }

    fn paths(&mut self, paths: &[String]) -> Range {
        let ids: Vec<u32> = paths.iter().map(|path| (self.ids.field)(path)).collect();
        append(&mut self.tables.paths, ids)
    }

    fn text(&mut self, text: &str) -> Range {
        if let Some(range) = self.texts.get(text) {
            return *range;
        }
        let bytes = text.as_bytes().iter().copied();
        let range = append(&mut self.tables.text, bytes);
        self.texts.insert(text.to_owned(), range);
        range
    }
}

fn append<T>(all: &mut Vec<T>, new: impl IntoIterator<Item = T>) -> Range {
    let first = all.len() as u32;
    all.extend(new);
    Range { first, count: all.len() as u32 - first }
}
