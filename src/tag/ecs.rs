//! The ecs shape: `rule.*`, `threat.technique.id` and `event.kind`, merged into what is there, and
//! the mark.
//!
//! Scalars of the record are kept, so a record may bring a `rule.id` or a `rule.level` of its own,
//! which would then stand in a tagged record as if they were ours. What is certainly ours stands in
//! the mark: one key of the record that is written on every match and never shared.

use super::content::{Columns, TextList};
use super::encode::Encoder;
use super::splice::{Body, Kind, Member, Splices};
use crate::event::Malformed;

/// What the tag says, beside the columns.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub level: &'a [u8],
    pub ruleset: &'a [u8],
    pub truncated: u32,
    /// The key of the mark.
    pub mark: &'a [u8],
}

/// What the merge ran into.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Conflicts {
    /// Values replaced by ours.
    pub replaced: u32,
    /// Values of ours left out because a scalar is in their place.
    pub omitted: u32,
}

const RULE_KEYS: [&[u8]; 7] =
    [b"id", b"name", b"author", b"license", b"ruleset", b"level", b"truncated"];
const RULE: usize = 0;
const THREAT: usize = 1;
const EVENT: usize = 2;
const GROUPS: [&[u8]; 3] = [b"rule", b"threat", b"event"];

/// What the record has under one key.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// The last map: of equal keys most readers take the last.
    map: Option<usize>,
    /// Something that is neither a map nor null.
    taken: bool,
}

impl Place {
    fn see(&mut self, member: &Member<'_>) {
        match member.kind {
            Kind::Map => self.map = Some(member.value),
            Kind::Null => {}
            Kind::Array | Kind::Scalar => self.taken = true,
        }
    }

    /// Whether a map of our own has to be added (in the place of a null).
    fn is_free(&self) -> bool {
        self.map.is_none() && !self.taken
    }
}

/// Which members of the rule group are to be written.
type Wanted = [bool; RULE_KEYS.len()];

struct Merge<'a, 'b> {
    body: Body<'a>,
    splices: &'b mut Splices,
    columns: &'b Columns,
    facts: Facts<'b>,
    conflicts: Conflicts,
}

/// Adds the edits of the ecs shape for the record at `at`.
pub(super) fn merge(
    body: Body<'_>,
    at: usize,
    splices: &mut Splices,
    columns: &Columns,
    facts: Facts<'_>,
) -> Result<Conflicts, Malformed> {
    let conflicts = Conflicts::default();
    let mut merge = Merge { body, splices, columns, facts, conflicts };
    merge.record(at)?;
    Ok(merge.conflicts)
}

impl Merge<'_, '_> {
    fn record(&mut self, at: usize) -> Result<(), Malformed> {
        let mut places = [Place::default(); GROUPS.len()];
        let mut rule = wanted(self.columns, self.facts);
        let mut technique = !self.columns.techniques.is_empty();
        let mut kind = true;
        let mut omitted = 0;
        // A dotted name of the record itself is in the way as well.
        self.body.members(at, &mut self.splices.decoded, |member| match member.key {
            Some(b"event.kind") => kind = false,
            Some(b"threat.technique.id") => omitted += u32::from(std::mem::take(&mut technique)),
            Some(key) => {
                if let Some(group) = GROUPS.iter().position(|group| *group == key) {
                    places[group].see(member);
                } else if let Some(leaf) = key.strip_prefix(b"rule.").and_then(rule_key) {
                    omitted += u32::from(std::mem::take(&mut rule[leaf]));
                }
            }
            None => {}
        })?;
        self.conflicts.omitted += omitted;
        let wanted = [rule.contains(&true), technique, kind];

        for (group, place) in places.iter().enumerate() {
            if let (Some(map), true) = (place.map, wanted[group]) {
                match group {
                    RULE => self.rule_map(map, rule)?,
                    THREAT => self.threat_map(map)?,
                    _ => self.event_map(map)?,
                }
            } else if place.taken && wanted[group] {
                self.conflicts.omitted += match group {
                    RULE => rule.iter().filter(|wanted| **wanted).count() as u32,
                    _ => 1,
                };
            }
        }

        let added = [RULE, THREAT, EVENT].map(|group| wanted[group] && places[group].is_free());
        let mark = has_mark(self.facts.mark);
        if !mark && !added.contains(&true) {
            return Ok(());
        }
        let mut replaced = 0;
        let edit = self.splices.remove_members(&self.body, at, |member| {
            let ours = mark && member.key == Some(self.facts.mark)
                || GROUPS.iter().zip(added).any(|(key, added)| added && member.key == Some(key));
            replaced += u32::from(ours);
            ours
        })?;
        self.conflicts.replaced += replaced;
        let from = self.splices.buffer.len();
        let first = edit.kept == 0;
        let mut out = Encoder { out: &mut self.splices.buffer, format: self.body.format };
        write_groups(&mut out, first, self.columns, self.facts, &rule, added);
        let mut count = added.iter().filter(|added| **added).count() as u32;
        if mark {
            write_mark(&mut out, first && count == 0, self.columns, self.facts);
            count += 1;
        }
        self.splices.add_members(&self.body, &edit, count, from);
        Ok(())
    }

    fn rule_map(&mut self, at: usize, mut rule: Wanted) -> Result<(), Malformed> {
        let mut omitted = 0;
        self.body.members(at, &mut self.splices.decoded, |member| {
            if let (Some(leaf), Kind::Scalar) = (member.key.and_then(rule_key), member.kind) {
                omitted += u32::from(std::mem::take(&mut rule[leaf]));
            }
        })?;
        self.conflicts.omitted += omitted;
        let count = rule.iter().filter(|wanted| **wanted).count() as u32;
        if count == 0 {
            return Ok(());
        }
        let mut replaced = 0;
        let edit = self.splices.remove_members(&self.body, at, |member| {
            let ours = member.key.and_then(rule_key).is_some_and(|leaf| rule[leaf]);
            replaced += u32::from(ours);
            ours
        })?;
        self.conflicts.replaced += replaced;
        let from = self.splices.buffer.len();
        let mut out = Encoder { out: &mut self.splices.buffer, format: self.body.format };
        write_rule(&mut out, edit.kept == 0, self.columns, self.facts, &rule);
        self.splices.add_members(&self.body, &edit, count, from);
        Ok(())
    }

    fn threat_map(&mut self, at: usize) -> Result<(), Malformed> {
        let mut place = Place::default();
        self.body.members(at, &mut self.splices.decoded, |member| {
            if member.key == Some(b"technique") {
                place.see(member);
            }
        })?;
        if let Some(map) = place.map {
            return self.technique_map(map);
        }
        if place.taken {
            self.conflicts.omitted += 1;
            return Ok(());
        }
        let columns = self.columns;
        self.add_one(at, b"technique", |out, first| {
            write_technique(out, first, &columns.techniques);
        })
    }

    fn technique_map(&mut self, at: usize) -> Result<(), Malformed> {
        let mut scalar = false;
        self.body.members(at, &mut self.splices.decoded, |member| {
            scalar |= member.key == Some(b"id") && member.kind == Kind::Scalar;
        })?;
        if scalar {
            self.conflicts.omitted += 1;
            return Ok(());
        }
        let columns = self.columns;
        self.add_one(at, b"id", |out, first| write_ids(out, first, &columns.techniques))
    }

    fn event_map(&mut self, at: usize) -> Result<(), Malformed> {
        let mut present = false;
        self.body.members(at, &mut self.splices.decoded, |member| {
            present |= member.key == Some(b"kind");
        })?;
        if present {
            return Ok(());
        }
        self.add_one(at, b"kind", write_kind)
    }

    /// Puts one member in the place of those named `key`.
    fn add_one(
        &mut self,
        at: usize,
        key: &[u8],
        write: impl FnOnce(&mut Encoder<'_>, bool),
    ) -> Result<(), Malformed> {
        let mut replaced = 0;
        let edit = self.splices.remove_members(&self.body, at, |member| {
            let ours = member.key == Some(key);
            replaced += u32::from(ours);
            ours
        })?;
        self.conflicts.replaced += replaced;
        let from = self.splices.buffer.len();
        let mut out = Encoder { out: &mut self.splices.buffer, format: self.body.format };
        write(&mut out, edit.kept == 0);
        self.splices.add_members(&self.body, &edit, 1, from);
        Ok(())
    }
}

/// The members of the rule group that there is something to say for.
fn wanted(columns: &Columns, facts: Facts<'_>) -> Wanted {
    [
        true,
        true,
        !columns.authors.is_empty(),
        !columns.licenses.is_empty(),
        true,
        !facts.level.is_empty(),
        facts.truncated > 0,
    ]
}

/// Writes all that a record without any of the maps gets.
pub(super) fn write_all(out: &mut Encoder<'_>, columns: &Columns, facts: Facts<'_>) {
    let technique = !columns.techniques.is_empty();
    let rule = wanted(columns, facts);
    write_groups(out, false, columns, facts, &rule, [true, technique, true]);
    write_mark(out, false, columns, facts);
}

/// Whether a mark may have that key: the groups are shared with others.
pub(super) fn has_mark(key: &[u8]) -> bool {
    !GROUPS.contains(&key)
}

fn write_mark(out: &mut Encoder<'_>, first: bool, columns: &Columns, facts: Facts<'_>) {
    out.member(first, facts.mark);
    let Facts { level, ruleset, truncated, .. } = facts;
    let found = !columns.indicators.is_empty();
    let members =
        2 + [!level.is_empty(), found, truncated > 0].map(usize::from).iter().sum::<usize>();
    out.begin_map(members);
    if !level.is_empty() {
        out.member(true, b"level");
        out.string(level);
    }
    out.member(level.is_empty(), b"ruleset");
    out.string(ruleset);
    out.member(false, b"ids");
    columns.ids.write(out);
    if found {
        out.member(false, b"indicators");
        columns.indicators.write_encoded(out);
    }
    if truncated > 0 {
        out.member(false, b"truncated");
        out.number(truncated);
    }
    out.end_map();
}

fn write_groups(
    out: &mut Encoder<'_>,
    mut first: bool,
    columns: &Columns,
    facts: Facts<'_>,
    rule: &Wanted,
    groups: [bool; GROUPS.len()],
) {
    for group in [RULE, THREAT, EVENT] {
        if !groups[group] {
            continue;
        }
        out.member(std::mem::take(&mut first), GROUPS[group]);
        match group {
            RULE => {
                out.begin_map(rule.iter().filter(|wanted| **wanted).count());
                write_rule(out, true, columns, facts, rule);
            }
            THREAT => {
                out.begin_map(1);
                write_technique(out, true, &columns.techniques);
            }
            _ => {
                out.begin_map(1);
                write_kind(out, true);
            }
        }
        out.end_map();
    }
}

fn rule_key(key: &[u8]) -> Option<usize> {
    RULE_KEYS.iter().position(|name| *name == key)
}

fn write_rule(
    out: &mut Encoder<'_>,
    mut first: bool,
    columns: &Columns,
    facts: Facts<'_>,
    wanted: &Wanted,
) {
    for (key, _) in RULE_KEYS.iter().zip(wanted).filter(|(_, wanted)| **wanted) {
        out.member(std::mem::take(&mut first), key);
        match *key {
            b"id" => columns.ids.write(out),
            b"name" => columns.titles.write(out),
            b"author" => columns.authors.write(out),
            b"license" => columns.licenses.write(out),
            b"ruleset" => out.string(facts.ruleset),
            b"level" => out.string(facts.level),
            _ => out.number(facts.truncated),
        }
    }
}

fn write_technique(out: &mut Encoder<'_>, first: bool, techniques: &TextList) {
    out.member(first, b"technique");
    out.begin_map(1);
    write_ids(out, true, techniques);
    out.end_map();
}

fn write_ids(out: &mut Encoder<'_>, first: bool, techniques: &TextList) {
    out.member(first, b"id");
    techniques.write(out);
}

fn write_kind(out: &mut Encoder<'_>, first: bool) {
    out.member(first, b"kind");
    out.string(b"alert");
}
