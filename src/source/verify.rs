//! The check that tables of sources pass before they are used.

use super::decode::{AccountForm, Decoder, Quoting};
use super::tables::{ConditionSet, PayloadEncoding, Range, Source, SourceTables, TestKind};
use crate::event::slots::NONE;
use crate::limits::{SOURCE_CONDITIONS, SOURCE_ELEMENTS, SOURCE_INHERITED};

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
            self.inherited.len(),
            self.nested.len(),
            self.fields.len(),
            self.lifts.len(),
            self.positions.len(),
            self.variants.len(),
            self.conditions.len(),
            self.derived.len(),
            self.paths.len(),
            self.text.len(),
        ];
        if sizes.into_iter().any(|size| size > SOURCE_ELEMENTS) {
            return Err("sources: a table is too large");
        }
        let field = |id: u32| id < field_count;
        // Fields that are read; those that are written may be left out.
        let reads = |paths: Range| {
            paths.fits(self.paths.len()) && paths.of(&self.paths).iter().all(|id| field(*id))
        };
        let writes = |paths: Range| {
            paths.fits(self.paths.len())
                && paths.of(&self.paths).iter().all(|id| field(*id) || *id == NONE)
        };
        for source in &self.sources {
            self.verify_conditions(source, &reads)?;
            let fits = source.name.fits(self.text.len())
                && source.when.fits(self.groups.len())
                && source.logsources.fits(self.logsources.len())
                && source.nested.fits(self.nested.len())
                && source.fields.fits(self.fields.len())
                && source.lifts.fits(self.lifts.len())
                && source.positions.fits(self.positions.len())
                && source.variants.fits(self.variants.len())
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
        if self.logsources.iter().any(|logsource| logsource.id >= logsource_count) {
            return Err("sources: an unknown logsource");
        }
        if self.conditions.iter().any(|groups| !groups.fits(self.groups.len())) {
            return Err("sources: a condition refers outside the groups");
        }
        for payload in &self.payloads {
            let Some(encoding) = PayloadEncoding::from_number(payload.encoding) else {
                return Err("sources: a payload of an unknown encoding");
            };
            let source = payload.source == NONE || (payload.source as usize) < self.sources.len();
            if !field(payload.field) || !source || !writes(payload.columns) {
                return Err("sources: a payload of an unknown field or source");
            }
            if !payload.when.fits(self.groups.len()) {
                return Err("sources: a payload refers outside the groups");
            }
            if payload.columns.count as usize != encoding.columns().len() {
                return Err("sources: a payload with a wrong number of columns");
            }
        }
        for lift in &self.lifts {
            let end = u64::from(lift.first) + u64::from(lift.to.count);
            if end > u64::from(field_count) || !writes(lift.to) {
                return Err("sources: a lift of an unknown field");
            }
        }
        for positions in &self.positions {
            if !field(positions.field) || !writes(positions.names) {
                return Err("sources: positions of an unknown field");
            }
        }
        if self.variants.iter().any(|variant| !variant.fields.fits(self.fields.len())) {
            return Err("sources: a variant refers outside its tables");
        }
        if self.containers.iter().any(|id| *id >= container_count) {
            return Err("sources: an unknown container");
        }
        if self.inherited.len() > SOURCE_INHERITED {
            return Err("sources: too many inherited fields");
        }
        if self.inherited.iter().any(|id| !field(*id)) {
            return Err("sources: an unknown field is inherited");
        }
        for nested in &self.nested {
            if !field(nested.field) || !nested.path.fits(self.text.len()) {
                return Err("sources: a nested text of an unknown field or path");
            }
        }
        for canonical in &self.fields {
            if !field(canonical.to) || !reads(canonical.paths) {
                return Err("sources: a canonical field refers outside its tables");
            }
        }
        if count_paths(self) > SOURCE_ELEMENTS as u64 {
            return Err("sources: too many paths");
        }
        for derived in &self.derived {
            if !field(derived.to)
                || !reads(derived.paths)
                || !derived.parameter.fits(self.text.len())
                || !derived.table.fits(self.values.len())
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
        Ok(())
    }

    /// Checks the conditions of a source, and that what it has names one of them.
    fn verify_conditions(
        &self,
        source: &Source,
        reads: &impl Fn(Range) -> bool,
    ) -> Result<(), &'static str> {
        for set in [source.early, source.late] {
            let fits = set.conditions.fits(self.conditions.len()) && reads(set.fields);
            if !fits || set.conditions.count as usize > SOURCE_CONDITIONS {
                return Err("sources: conditions refer outside their tables");
            }
        }
        let known = |condition: u32, set: ConditionSet| {
            condition == NONE || condition < set.conditions.count
        };
        let all_known = source
            .positions
            .of(&self.positions)
            .iter()
            .all(|positions| known(positions.condition, source.early))
            && source
                .variants
                .of(&self.variants)
                .iter()
                .all(|variant| known(variant.condition, source.late))
            && source
                .logsources
                .of(&self.logsources)
                .iter()
                .all(|logsource| known(logsource.condition, source.late));
        if all_known { Ok(()) } else { Err("sources: an unknown condition") }
    }
}

/// The paths of each field that a source may give its events, and the fields that members of objects
/// and elements of arrays may become.
fn paths<'a>(tables: &'a SourceTables, source: &'a Source) -> impl Iterator<Item = Range> + 'a {
    let lifts = source.lifts.of(&tables.lifts).iter().map(|lift| lift.to);
    let positions = source.positions.of(&tables.positions).iter().map(|item| item.names);
    let variants = source.variants.of(&tables.variants).iter().map(|variant| variant.fields);
    let fields = std::iter::once(source.fields).chain(variants);
    let fields = fields.flat_map(|fields| fields.of(&tables.fields)).map(|field| field.paths);
    let derived = source.derived.of(&tables.derived).iter().map(|derived| derived.paths);
    lifts.chain(positions).chain(fields).chain(derived)
}

/// How many paths the fields of all sources have together: an event may ask for each, and what is
/// needed for a destination is a copy of them. Sources that share ranges count them each.
fn count_paths(tables: &SourceTables) -> u64 {
    let all = tables.sources.iter().flat_map(|source| paths(tables, source));
    all.map(|paths| 1 + u64::from(paths.count))
        .try_fold(
            0,
            |sum, count| {
                if sum > SOURCE_ELEMENTS as u64 { Err(sum) } else { Ok(sum + count) }
            },
        )
        .unwrap_or_else(|sum| sum)
}

#[cfg(test)]
mod tests {
    use super::super::tables::{
        Derived, Field, Group, Lift, Logsource, Nested, Payload, Positions, Test, Variant,
    };
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
                lifts: one,
                positions: one,
                variants: one,
                derived: one,
                early: ConditionSet { fields: one, conditions: one },
                late: ConditionSet { fields: one, conditions: one },
            }],
            groups: vec![Group { all: one, any: Range::default() }],
            tests: vec![Test { field: 0, kind: 1, values: one }],
            values: vec![one],
            logsources: vec![Logsource { id: 0, condition: 0, otherwise: 0 }],
            payloads: vec![Payload {
                field: 1,
                encoding: 1,
                source: 0,
                columns: Range::default(),
                when: one,
            }],
            containers: vec![0],
            inherited: vec![1],
            nested: vec![Nested { field: 1, path: one }],
            fields: vec![Field { to: 1, paths: one }],
            lifts: vec![Lift { first: 1, to: one }],
            positions: vec![Positions { field: 1, condition: 0, names: one }],
            variants: vec![Variant { condition: 0, fields: one }],
            conditions: vec![one],
            derived: vec![Derived {
                to: 1,
                decoder: 1,
                paths: one,
                number: 0,
                parameter: one,
                table: one,
            }],
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
            |t, _| t.logsources[0].condition = 1,
            |t, far| t.sources[0].lifts = far,
            |t, far| t.sources[0].positions = far,
            |t, far| t.sources[0].variants = far,
            |t, far| t.sources[0].early.fields = far,
            |t, far| t.sources[0].early.conditions = far,
            |t, far| t.sources[0].late.fields = far,
            |t, far| t.sources[0].late.conditions = far,
            |t, _| t.payloads[0].field = 2,
            |t, _| t.payloads[0].encoding = 0,
            |t, _| t.payloads[0].encoding = 2,
            |t, _| t.payloads[0].source = 1,
            |t, far| t.payloads[0].when = far,
            |t, far| t.payloads[0].columns = far,
            |t, _| t.lifts[0].first = 2,
            |t, far| t.lifts[0].to = far,
            |t, _| t.positions[0].field = 2,
            |t, _| t.positions[0].condition = 1,
            |t, far| t.positions[0].names = far,
            |t, _| t.variants[0].condition = 1,
            |t, far| t.variants[0].fields = far,
            |t, far| t.conditions[0] = far,
            |t, far| t.derived[0].table = far,
            |t, _| t.containers[0] = 1,
            |t, _| t.inherited[0] = 2,
            |t, _| t.inherited = vec![0; SOURCE_INHERITED + 1],
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
            |t, _| {
                t.sources[0].fields.count = 1 << 19;
                t.fields = vec![t.fields[0]; 1 << 19];
                t.sources.push(t.sources[0]);
            },
            |t, _| {
                t.paths = vec![0; 1 << 15];
                t.positions[0].names.count = 1 << 15;
                t.sources = vec![t.sources[0]; 40];
            },
            |t, _| {
                t.paths = vec![NONE; 1 << 15];
                (t.lifts[0].first, t.lifts[0].to.count) = (0, 2);
                t.lifts = vec![t.lifts[0]; 1 << 15];
                t.sources[0].lifts.count = 1 << 15;
                t.sources = vec![t.sources[0]; 40];
            },
            |t, _| t.text = vec![b'x'; SOURCE_ELEMENTS + 1],
        ];
        for (index, spoil) in spoil.into_iter().enumerate() {
            let mut tables = valid();
            spoil(&mut tables, far);
            assert!(tables.verify(2, 1, 1).is_err(), "case {index}");
        }
    }
}
