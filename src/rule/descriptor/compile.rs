//! Descriptors to the tables of [`crate::source`].

use std::collections::{BTreeSet, HashMap};

use super::{CanonicalField, Descriptor, FieldTest, TestGroup};
use crate::event::slots::NONE;
use crate::rule::ast::LogSource;
use crate::source::{
    ConditionSet, Derived, Field, Group, Lift, Logsource, Nested, Payload, PayloadEncoding,
    Positions, Range, Source, SourceTables, Test, Variant,
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
    /// The fields that rules reference, each once. Canonical and derived fields that no rule needs
    /// are left out, and only members with these names are lifted.
    pub referenced: &'a [String],
}

/// Compiles descriptors. Their order is that of recognition: a site's own come before the
/// built-in ones. The result passes `verify` for the counts that the ids imply, and depends on
/// nothing but the arguments.
pub fn compile_sources(descriptors: &[Descriptor], ids: &mut Ids<'_>) -> SourceTables {
    Compiler::new(descriptors, ids).tables
}

pub(super) struct Compiler<'a, 'b> {
    pub tables: SourceTables,
    /// Texts that are in the tables already.
    texts: HashMap<String, Range>,
    /// Conditions that are in the tables already.
    conditions: Vec<(Vec<TestGroup>, Range)>,
    /// Paths of objects that are opened to look for events, of all descriptors.
    containers: BTreeSet<&'a String>,
    /// The log sources of the descriptors, and their ids.
    pub logsources: Vec<(&'a LogSource, u32)>,
    pub ids: &'a mut Ids<'b>,
}

/// The conditions of one set, while a source is compiled.
#[derive(Default)]
struct Conditions {
    groups: Vec<Range>,
    fields: Vec<u32>,
}

impl<'a, 'b> Compiler<'a, 'b> {
    /// Compiles sources; more may be added to their tables.
    pub fn new(descriptors: &'a [Descriptor], ids: &'a mut Ids<'b>) -> Compiler<'a, 'b> {
        let mut compiler = Compiler {
            tables: SourceTables::default(),
            texts: HashMap::new(),
            conditions: Vec::new(),
            containers: descriptors.iter().flat_map(|descriptor| &descriptor.containers).collect(),
            logsources: Vec::new(),
            ids,
        };
        for descriptor in descriptors {
            compiler.source(descriptor);
        }
        compiler
    }

    fn source(&mut self, descriptor: &'a Descriptor) {
        let name = self.text(&descriptor.name);
        let when = self.groups(&descriptor.when);
        self.payloads(descriptor);
        let nested: Vec<Nested> = descriptor
            .json_strings
            .iter()
            .map(|path| Nested { field: (self.ids.field)(path), path: self.text(path) })
            .collect();
        let Wanted { by_rules, by_all } = Wanted::new(descriptor, self.ids.referenced);
        let (mut early, mut late) = (Conditions::default(), Conditions::default());
        let fields = self.named(&descriptor.fields, &by_all);
        let lifts: Vec<Lift> = descriptor
            .lifts
            .iter()
            .filter_map(|path| self.lift(path, descriptor, &by_all))
            .collect();
        let positions: Vec<Positions> = descriptor
            .positions
            .iter()
            .map(|item| {
                let field = (self.ids.field)(&item.path);
                let condition = self.condition(&item.when, &mut early);
                let names: Vec<u32> = item
                    .names
                    .iter()
                    .map(|name| match name {
                        Some(name) if by_all.contains(name.as_str()) => (self.ids.field)(name),
                        _ => NONE,
                    })
                    .collect();
                Positions { field, condition, names: append(&mut self.tables.paths, names) }
            })
            .collect();
        let mut variants = Vec::new();
        for item in &descriptor.variants {
            let fields = self.named(&item.fields, &by_rules);
            if fields.is_empty() {
                continue;
            }
            let condition = self.condition(&item.when, &mut late);
            let fields = append(&mut self.tables.fields, fields);
            variants.push(Variant { condition, fields });
        }
        let logsources: Vec<Logsource> = descriptor
            .logsources
            .iter()
            .map(|item| {
                let id = (self.ids.logsource)(&item.logsource);
                self.logsources.push((&item.logsource, id));
                Logsource {
                    id,
                    condition: self.condition(&item.when, &mut late),
                    otherwise: u8::from(item.otherwise),
                }
            })
            .collect();
        let derived = self.derived(descriptor, &by_rules);
        let source = Source {
            name,
            when,
            logsources: append(&mut self.tables.logsources, logsources),
            nested: append(&mut self.tables.nested, nested),
            fields: append(&mut self.tables.fields, fields),
            lifts: append(&mut self.tables.lifts, lifts),
            positions: append(&mut self.tables.positions, positions),
            variants: append(&mut self.tables.variants, variants),
            derived: append(&mut self.tables.derived, derived),
            early: self.condition_set(early),
            late: self.condition_set(late),
        };
        self.tables.sources.push(source);
    }

    fn payloads(&mut self, descriptor: &Descriptor) {
        for item in &descriptor.text_payloads {
            let path = self.inner_path(&item.path);
            let field = (self.ids.field)(path);
            let names = item.encoding.columns();
            let columns: Vec<u32> = names.iter().map(|name| (self.ids.field)(name)).collect();
            // Whose JSON a text is shows when it was read; a line belongs to whoever asks first.
            let source = match item.encoding {
                PayloadEncoding::Json | PayloadEncoding::Xml | PayloadEncoding::Base64Json => NONE,
                PayloadEncoding::MariadbAudit | PayloadEncoding::PerconaCsv => {
                    self.tables.sources.len() as u32
                }
            };
            let encoding = item.encoding as u8;
            let when = match &item.when[..] {
                [] => Range::default(),
                groups => self.groups(groups),
            };
            let is_known = |known: &Payload| {
                (known.field, known.encoding, known.when) == (field, encoding, when)
            };
            if !self.tables.payloads.iter().any(is_known) {
                let columns = append(&mut self.tables.paths, columns);
                self.tables.payloads.push(Payload { field, encoding, source, columns, when });
            }
        }
        for path in &descriptor.inherited {
            let field = (self.ids.field)(path);
            if !self.tables.inherited.contains(&field) {
                self.tables.inherited.push(field);
            }
        }
        for path in &descriptor.containers {
            let path = self.inner_path(path);
            let id = (self.ids.container)(path);
            if !self.tables.containers.contains(&id) {
                self.tables.containers.push(id);
            }
        }
    }

    /// The path of a place below the last object on the way that is opened itself: opened, it shows
    /// the place, and with the whole path an event there would be found twice.
    fn inner_path<'p>(&self, mut path: &'p str) -> &'p str {
        while let Some((dot, _)) = path
            .match_indices('.')
            .find(|(dot, _)| self.containers.iter().any(|c| **c == path[..*dot]))
        {
            path = &path[dot + 1..];
        }
        path
    }

    /// The canonical fields that something needs.
    fn named(&mut self, fields: &[CanonicalField], wanted: &BTreeSet<&str>) -> Vec<Field> {
        let mut named = Vec::new();
        for field in fields.iter().filter(|field| wanted.contains(field.name.as_str())) {
            let to = (self.ids.field)(&field.name);
            named.push(Field { to, paths: self.paths(&field.paths) });
        }
        named
    }

    /// The members of an object that something needs, unless `fields` says where they come from.
    fn lift(
        &mut self,
        path: &str,
        descriptor: &Descriptor,
        wanted: &BTreeSet<&str>,
    ) -> Option<Lift> {
        let named = |name: &str| descriptor.fields.iter().any(|field| field.name == name);
        let pairs: Vec<(u32, u32)> = wanted
            .iter()
            .filter(|name| !named(name))
            .map(|name| ((self.ids.field)(&format!("{path}.{name}")), (self.ids.field)(name)))
            .collect();
        let first = pairs.iter().map(|pair| pair.0).min()?;
        let last = pairs.iter().map(|pair| pair.0).max()?;
        let mut to = vec![NONE; (last - first) as usize + 1];
        for (from, target) in pairs {
            to[(from - first) as usize] = target;
        }
        Some(Lift { first, to: append(&mut self.tables.paths, to) })
    }

    fn derived(&mut self, descriptor: &Descriptor, wanted: &BTreeSet<&str>) -> Vec<Derived> {
        let mut derived = Vec::new();
        for field in descriptor.derived.iter().filter(|f| wanted.contains(f.name.as_str())) {
            let rows = field.table.iter().flat_map(|(key, result)| [key, result]);
            let table: Vec<Range> =
                rows.chain(&field.default).map(|text| self.text(text)).collect();
            derived.push(Derived {
                to: (self.ids.field)(&field.name),
                decoder: field.decoder as u8,
                paths: self.paths(&field.from),
                number: field.number,
                parameter: self.text(&field.text),
                table: append(&mut self.tables.values, table),
            });
        }
        derived
    }

    /// The number of a condition in a set; [`NONE`] if there is nothing to ask.
    fn condition(&mut self, groups: &[TestGroup], set: &mut Conditions) -> u32 {
        if groups.is_empty() {
            return NONE;
        }
        let range = self.groups(groups);
        let known = set.groups.iter().position(|other| *other == range);
        known.unwrap_or_else(|| {
            for test in groups.iter().flat_map(|group| group.all.iter().chain(&group.any)) {
                let field = (self.ids.field)(&test.path);
                if !set.fields.contains(&field) {
                    set.fields.push(field);
                }
            }
            set.groups.push(range);
            set.groups.len() - 1
        }) as u32
    }

    fn condition_set(&mut self, set: Conditions) -> ConditionSet {
        ConditionSet {
            fields: append(&mut self.tables.paths, set.fields),
            conditions: append(&mut self.tables.conditions, set.groups),
        }
    }

    /// Equal conditions share their groups, so that the runtime sees that they are equal.
    pub fn groups(&mut self, groups: &[TestGroup]) -> Range {
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

    pub fn paths(&mut self, paths: &[String]) -> Range {
        let ids: Vec<u32> = paths.iter().map(|path| (self.ids.field)(path)).collect();
        append(&mut self.tables.paths, ids)
    }

    pub fn text(&mut self, text: &str) -> Range {
        if let Some(range) = self.texts.get(text) {
            return *range;
        }
        let bytes = text.as_bytes().iter().copied();
        let range = append(&mut self.tables.text, bytes);
        self.texts.insert(text.to_owned(), range);
        range
    }
}

/// Which names of a descriptor something needs. All others are left out of the tables, and their
/// paths out of the key table unless something else looks at them.
struct Wanted<'a> {
    /// What rules name, and what is needed to compute it.
    by_rules: BTreeSet<&'a str>,
    /// These, and what conditions look at. Conditions are decided before variants and derived
    /// fields come to be, so they need no such field.
    by_all: BTreeSet<&'a str>,
}

impl<'a> Wanted<'a> {
    fn new(descriptor: &'a Descriptor, referenced: &'a [String]) -> Wanted<'a> {
        let mut by_rules: BTreeSet<&str> = referenced.iter().map(String::as_str).collect();
        // From the last: a derived field only reads those before it.
        for field in descriptor.derived.iter().rev() {
            if by_rules.contains(field.name.as_str()) {
                by_rules.extend(field.from.iter().map(String::as_str));
            }
        }
        for variant in descriptor.variants.iter().rev() {
            let named = variant.fields.iter().filter(|f| by_rules.contains(f.name.as_str()));
            let read: Vec<&str> =
                named.flat_map(|field| &field.paths).map(String::as_str).collect();
            by_rules.extend(read);
        }
        let mut by_all = by_rules.clone();
        let conditions = descriptor
            .positions
            .iter()
            .map(|item| &item.when)
            .chain(descriptor.variants.iter().map(|item| &item.when))
            .chain(descriptor.logsources.iter().map(|item| &item.when));
        let tests = conditions.flatten().flat_map(|group| group.all.iter().chain(&group.any));
        by_all.extend(tests.map(|test| test.path.as_str()));
        Wanted { by_rules, by_all }
    }
}

pub(super) fn append<T>(all: &mut Vec<T>, new: impl IntoIterator<Item = T>) -> Range {
    let first = all.len() as u32;
    all.extend(new);
    Range { first, count: all.len() as u32 - first }
}
