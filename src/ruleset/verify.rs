//! The one gate: every invariant that matching relies on is checked here, for tables from the
//! compiler and from a file alike.

use super::debug::Debug;
use super::hash::{CLASSES, FILTER_WORDS, KEY_LENGTHS, NIBBLES, STRIDES, is_marker};
use super::tables::*;
use crate::limits;

/// Which table is wrong and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The table.
    pub table: &'static str,
    /// What does not hold.
    pub message: &'static str,
}

type Check = Result<(), Invalid>;

fn ensure(holds: bool, table: &'static str, message: &'static str) -> Check {
    if holds { Ok(()) } else { Err(Invalid { table, message }) }
}

fn text_in(text: Text, pool: usize, table: &'static str) -> Check {
    let end = u64::from(text.start) + u64::from(text.len);
    ensure(end <= pool as u64, table, "a text ends beyond its pool")
}

/// Checks everything. One pass over each table.
pub fn verify(t: &Tables) -> Check {
    texts(t)?;
    ensure(t.fields.len() <= limits::FIELDS, "fields", "too many fields")?;
    let fields = t.fields.len() as u32;
    t.keys.verify(fields, t.containers).map_err(|message| Invalid { table: "keys", message })?;
    t.sources
        .verify(fields, t.containers, t.logsources.len() as u32)
        .map_err(|message| Invalid { table: "sources", message })?;
    predicates(t)?;
    index(t)?;
    lists(t)?;
    program(&t.program, t, "program")?;
    for rule in &t.rules {
        target(rule.program, t.program.len(), "rules")?;
        ensure(
            (rule.logsource as usize) < t.logsources.len(),
            "rules",
            "a log source does not exist",
        )?;
        ensure(rule.level <= 5, "rules", "a level is above 5")?;
    }
    if let Some(indicators) = &t.indicators {
        const TABLE: &str = "indicators";
        indicators.verify(t).map_err(|message| Invalid { table: TABLE, message })?;
    }
    Ok(())
}

/// Texts of a pool. The pool is UTF-8 as a whole, so that the time does not depend on how often
/// its parts are named.
struct TextPool<'a>(&'a str);

impl TextPool<'_> {
    fn new<'a>(pool: &'a [u8], table: &'static str) -> Result<TextPool<'a>, Invalid> {
        let invalid = |_| Invalid { table, message: "a text is not UTF-8" };
        std::str::from_utf8(pool).map(TextPool).map_err(invalid)
    }

    fn has(&self, texts: &[Text], table: &'static str) -> Check {
        for text in texts {
            text_in(*text, self.0.len(), table)?;
            let (start, end) = (text.start as usize, (text.start + text.len) as usize);
            let whole = self.0.is_char_boundary(start) && self.0.is_char_boundary(end);
            ensure(whole, table, "a text is cut inside a character")?;
        }
        Ok(())
    }
}

fn texts(t: &Tables) -> Check {
    let pool = TextPool::new(&t.texts, "texts")?;
    pool.has(&t.fields, "fields")?;
    pool.has(&t.correlations, "correlations")?;
    for l in &t.logsources {
        pool.has(&[l.product, l.category, l.service, l.path], "logsources")?;
    }
    for r in &t.rules {
        pool.has(&[r.id, r.title, r.author, r.license, r.tags], "rules")?;
    }
    for regex in &t.regexes.list {
        pool.has(&[regex.source], "regexes")?;
    }
    t.regexes.verify().map_err(|message| Invalid { table: "regexes", message })
}

fn predicates(t: &Tables) -> Check {
    const TABLE: &str = "predicates";
    let fields = t.fields.len();
    ensure(t.predicates.len() < NONE as usize / 4, TABLE, "too many predicates")?;
    for p in &t.predicates {
        ensure((p.field as usize) <= fields, TABLE, "a field does not exist")?;
        ensure(p.flags < 8, TABLE, "an unknown flag")?;
        let (a, b) = (p.a as usize, p.b as usize);
        match p.kind {
            kind::EQUALS | kind::PREFIX | kind::SUFFIX | kind::CONTAINS => {
                text_in(Text { start: p.a, len: p.b }, t.needles.len(), TABLE)?;
            }
            kind::GLOB => ensure(
                a.checked_add(b).is_some_and(|end| end <= t.tokens.len()) && b > 0,
                TABLE,
                "tokens do not exist",
            )?,
            kind::REGEX => ensure(a < t.regexes.len(), TABLE, "a regex does not exist")?,
            kind::CIDR => ensure(a < t.networks.len(), TABLE, "a network does not exist")?,
            kind::COMPARE => ensure(
                p.a < comparison::COUNT && b < t.numbers.len(),
                TABLE,
                "a comparison does not exist",
            )?,
            kind::FIELD_REF => ensure(
                a < fields && p.b < reference_mode::COUNT && (p.field as usize) < fields,
                TABLE,
                "a field reference does not exist",
            )?,
            kind::TIME_PART => ensure(
                (p.a & 0xFF) < time_part::COUNT
                    && (p.a >> 8) < comparison::COUNT
                    && b < t.numbers.len(),
                TABLE,
                "a time part does not exist",
            )?,
            kind::NULL | kind::EXISTS => {
                ensure((p.field as usize) < fields, TABLE, "a keyword cannot be absent")?;
            }
            kind::ANY_TEXT => {}
            _ => ensure(false, TABLE, "an unknown kind")?,
        }
        let is_address = p.kind == kind::CIDR && (p.field as usize) < fields;
        ensure(
            p.flags & flag::INDEXED == 0 || p.kind <= kind::GLOB || is_address,
            TABLE,
            "a kind that cannot be indexed",
        )?;
    }
    for token in &t.tokens {
        ensure(token.kind < token::COUNT, "tokens", "an unknown kind")?;
        if token.kind == token::LITERAL {
            ensure(token.b > 0, "tokens", "an empty literal")?;
            text_in(Text { start: token.a, len: token.b }, t.needles.len(), "tokens")?;
        }
    }
    for network in &t.networks {
        ensure(network.version == 4 || network.version == 6, "networks", "an unknown version")?;
        let (first, last) = (network.first as u128, network.last as u128);
        let inner = first ^ last;
        ensure(
            inner & inner.wrapping_add(1) == 0
                && first & inner == 0
                && (network.version == 6 || last <= u32::MAX.into()),
            "networks",
            "no first bits in common",
        )?;
    }
    Ok(())
}

/// `size` elements of a pool from `table.start`.
fn table_in(table: Table, pool: usize, name: &'static str) -> Check {
    if table.is_empty() {
        return Ok(());
    }
    let size = u64::from(table.mask) + 1;
    ensure(size.is_power_of_two(), name, "a size is not a power of two")?;
    ensure(u64::from(table.start) + size <= pool as u64, name, "a table ends beyond its pool")
}

fn index(t: &Tables) -> Check {
    const TABLE: &str = "indexes";
    ensure(t.indexes.len() == t.fields.len() + 1, TABLE, "not one index per field")?;
    // Tables that shared slots or entries could make a short file take long to check.
    let mut left = Left { slots: t.slots.len(), entries: t.entries.len(), nested: t.nested.len() };
    for (field, index) in t.indexes.iter().enumerate() {
        let grams = [&index.ascii, &index.other];
        left.check(t, field, index.anchored)?;
        left.check(t, field, index.marked.literals)?;
        for (table, filter) in
            [(index.anchored, index.anchored_filter), (index.marked.literals, index.marked.filter)]
        {
            table_in(filter, t.filters.len(), TABLE)?;
            ensure(filter.is_empty() == table.is_empty(), TABLE, "a filter without its table")?;
        }
        ensure(
            index.marked.is_empty() || is_marker(index.marked.marker),
            TABLE,
            "an unknown marker",
        )?;
        // Records are searched for keywords by grams.
        ensure(index.marked.is_empty() || field < t.fields.len(), TABLE, "keywords with a marker")?;
        for g in grams {
            left.check(t, field, g.grams)?;
            left.check(t, field, g.shorts)?;
            table_in(g.filter, t.filters.len(), TABLE)?;
            for (table, size) in [(g.short_classes, CLASSES), (g.short_nibbles, NIBBLES)] {
                table_in(table, t.filters.len(), TABLE)?;
                ensure(
                    table.is_empty() == g.shorts.is_empty()
                        && (g.shorts.is_empty() || table.mask as usize == size - 1),
                    TABLE,
                    "not one class for each byte",
                )?;
            }
            ensure(g.filter.is_empty() == g.grams.is_empty(), TABLE, "a filter without its table")?;
            if !g.grams.is_empty() {
                let words = g.filter.mask as usize + 1;
                ensure(FILTER_WORDS.contains(&words), TABLE, "a filter of no known size")?;
                ensure(STRIDES.contains(&g.stride), TABLE, "an unknown stride")?;
            }
        }
        for (version, list) in [(4, index.v4), (6, index.v6)] {
            left.networks(t, field, version, list)?;
        }
        let known = KEY_LENGTHS.into_iter().fold(0, |known, len| known | 1 << len);
        ensure(
            (index.prefix_lengths | index.suffix_lengths) & !known == 0,
            TABLE,
            "an unknown key length",
        )?;
    }
    // Each network in the lists is another one, so that these are all.
    let is_looked_up = |p: &&Predicate| p.kind == kind::CIDR && p.flags & flag::INDEXED != 0;
    let networks = t.predicates.iter().filter(is_looked_up).count();
    ensure(
        left.nested == 0 && t.nested.len() == networks,
        "networks",
        "not every indexed one can be found",
    )
}

/// Slots, entries and networks that no table had yet.
struct Left {
    slots: usize,
    entries: usize,
    nested: usize,
}

impl Left {
    /// Checks a table of slots of a field, and what they name.
    fn check(&mut self, t: &Tables, field: usize, table: Table) -> Check {
        const TABLE: &str = "indexes";
        table_in(table, t.slots.len(), TABLE)?;
        if table.is_empty() {
            return Ok(());
        }
        let slots = &t.slots[table.start as usize..][..table.mask as usize + 1];
        let shared = Invalid { table: TABLE, message: "tables share slots or entries" };
        self.slots = self.slots.checked_sub(slots.len()).ok_or(shared.clone())?;
        let entry = |predicate: u32| {
            let predicate = t
                .predicates
                .get(predicate as usize)
                .ok_or(Invalid { table: TABLE, message: "a predicate does not exist" })?;
            ensure(
                predicate.field as usize == field && predicate.flags & flag::INDEXED != 0,
                TABLE,
                "a predicate of another field, or one that is not indexed",
            )
        };
        let mut ends = false;
        for slot in slots {
            if slot.is_empty() {
                ends = true;
            } else if let Some(single) = slot.single() {
                entry(single.predicate)?;
            } else {
                let several = t.entries.get(slot.first as usize..slot.check as usize);
                let missing = Invalid { table: TABLE, message: "an entry does not exist" };
                let several = several.ok_or(missing)?;
                self.entries = self.entries.checked_sub(several.len()).ok_or(shared.clone())?;
                several.iter().try_for_each(|several| entry(several.predicate))?;
            }
        }
        ensure(ends, TABLE, "a table without an empty slot")
    }

    /// Checks the networks of a field and version: their order, and which lies in which.
    fn networks(&mut self, t: &Tables, field: usize, version: u8, part: Part) -> Check {
        const TABLE: &str = "networks";
        let end = u64::from(part.start) + u64::from(part.len);
        ensure(end <= t.nested.len() as u64, TABLE, "a list ends beyond its pool")?;
        let list = part.of(&t.nested);
        let shared = Invalid { table: TABLE, message: "lists share networks" };
        self.nested = self.nested.checked_sub(list.len()).ok_or(shared)?;
        let network_of = |nested: &Nested| {
            let predicate = t.predicates.get(nested.predicate as usize).filter(|predicate| {
                predicate.kind == kind::CIDR
                    && predicate.field as usize == field
                    && predicate.flags & flag::INDEXED != 0
            });
            predicate
                .and_then(|predicate| t.networks.get(predicate.a as usize))
                .filter(|network| network.version == version && network.first == nested.first)
                .ok_or(Invalid { table: TABLE, message: "a predicate of another network" })
        };
        let mut before: Option<&Network> = None;
        for (at, nested) in list.iter().enumerate() {
            let network = network_of(nested)?;
            // Of networks with the same first address, the larger has the larger last one.
            let order = |network: &Network| (network.first as u128, !(network.last as u128));
            ensure(
                before.is_none_or(|before| order(before) < order(network)),
                TABLE,
                "networks are out of order",
            )?;
            before = Some(network);
            // What the one before lies in, and this does not, no later one lies in: the steps of all
            // are no more than there are networks, twice.
            let mut outer = at.checked_sub(1);
            while let Some(candidate) = outer.and_then(|outer| list.get(outer)) {
                if network_of(candidate)?.has(network) {
                    break;
                }
                outer = candidate.outer().filter(|next| Some(*next) < outer);
            }
            ensure(nested.outer() == outer, TABLE, "a network lies in another one")?;
        }
        Ok(())
    }
}

fn lists(t: &Tables) -> Check {
    let owners = t.predicates.len();
    ensure(t.groups as usize <= t.linked.len(), "links", "more groups than members")?;
    ensure(t.links.len() == owners + 1, "links", "not one for each predicate")?;
    let within = |from: u32, to: u32, bound: usize| {
        let list = t.linked.get(from as usize..to as usize);
        let list = list.ok_or(Invalid { table: "links", message: "lists overlap" })?;
        ensure(list.iter().all(|id| (*id as usize) < bound), "links", "an id does not exist")
    };
    for [own, next] in t.links.array_windows() {
        within(own.groups, own.rules, t.groups as usize)?;
        within(own.rules, next.groups, t.rules.len())?;
    }
    let (first, last) = (t.links.first(), t.links.last());
    ensure(
        first.is_some_and(|links| links.groups == 0)
            && last.is_some_and(|links| links.groups as usize == t.linked.len()),
        "links",
        "lists do not cover the table",
    )?;
    let waiting = (&t.waiting_starts[..], &t.waiting_rules[..]);
    ranges(waiting.0, waiting.1, t.fields.len(), t.rules.len(), "waiting rules")?;
    ensure(
        t.open_rules.iter().all(|&rule| (rule as usize) < t.rules.len()),
        "open rules",
        "a rule does not exist",
    )
}

/// Prefix sums into a list of ids below `bound`.
fn ranges(starts: &[u32], list: &[u32], owners: usize, bound: usize, table: &'static str) -> Check {
    ensure(starts.len() == owners + 1, table, "not one list for each")?;
    ensure(
        starts.first() == Some(&0) && starts.last().map(|&e| e as usize) == Some(list.len()),
        table,
        "lists do not cover the table",
    )?;
    ensure(starts.is_sorted(), table, "lists overlap")?;
    ensure(list.iter().all(|&id| (id as usize) < bound), table, "an id does not exist")
}

fn target(target: u32, len: usize, table: &'static str) -> Check {
    ensure(
        (target as usize) < len || target == op::ACCEPT || target == op::REJECT,
        table,
        "a target does not exist",
    )
}

fn program(program: &[Instruction], t: &Tables, table: &'static str) -> Check {
    ensure(program.len() < op::REJECT as usize, table, "too long")?;
    for (at, i) in program.iter().enumerate() {
        ensure(i.op < op::COUNT_OF_OPS, table, "an unknown operation")?;
        for next in [i.yes, i.no] {
            target(next, program.len(), table)?;
            ensure(next as usize > at, table, "a jump backwards")?;
        }
        match i.op {
            op::INDEXED => ensure(
                t.predicates.get(i.a as usize).is_some_and(|p| p.flags & flag::INDEXED != 0),
                table,
                "an indexed predicate does not exist",
            )?,
            op::LAZY => {
                ensure((i.a as usize) < t.predicates.len(), table, "a predicate does not exist")?;
            }
            op::GROUP => ensure(i.a < t.groups, table, "a group does not exist")?,
            _ => {}
        }
    }
    Ok(())
}

/// Checks what explanations rely on, when one is asked for.
pub fn debug(d: &Debug, t: &Tables) -> Check {
    const TABLE: &str = "debug";
    let pool = TextPool::new(&d.texts, TABLE)?;
    let optional = |len: usize| len == 0 || len == t.rules.len();
    ensure(optional(d.conditions.len()) && optional(d.places.len()), TABLE, "not one per rule")?;
    pool.has(&d.conditions, TABLE)?;
    pool.has(&d.places, TABLE)?;
    let within = |first: u32, count: u32, len: usize| {
        ensure(u64::from(first) + u64::from(count) <= len as u64, TABLE, "a part does not exist")
    };
    for s in &d.selections {
        pool.has(&[s.name], TABLE)?;
        ensure((s.rule as usize) < t.rules.len(), TABLE, "a rule does not exist")?;
        target(s.program, d.program.len(), TABLE)?;
        within(s.items, s.item_count, d.items.len())?;
    }
    ensure(d.selections.is_sorted_by_key(|s| s.rule), TABLE, "selections are out of order")?;
    for i in &d.items {
        pool.has(&[i.key], TABLE)?;
        target(i.program, d.program.len(), TABLE)?;
        within(i.values, i.value_count, d.values.len())?;
    }
    for v in &d.values {
        pool.has(&[v.text], TABLE)?;
        target(v.program, d.program.len(), TABLE)?;
        within(v.predicates, v.predicate_count, d.predicates.len())?;
    }
    ensure(
        d.predicates.iter().all(|&p| (p as usize) < t.predicates.len()),
        TABLE,
        "a predicate does not exist",
    )?;
    program(&d.program, t, TABLE)
}
