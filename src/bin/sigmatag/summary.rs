//! What a run of `sigmatag tag` saw: totals, rules that matched, records that could not be examined.

use crate::failure::{count, say, thousands};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Value, json};
use sigmatag::engine::{Hit, Summary};
use sigmatag::ruleset::{LEVELS, RuleSet};
use std::cmp::Reverse;
use std::io::{IsTerminal, stderr};

/// Most records that are named one by one.
const NAMED: usize = 10;

/// How the summary is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// A table for people.
    Text,
    /// One line of JSON.
    Json,
    /// Nothing.
    None,
}

/// A record that passed without being examined.
struct Unread {
    place: String,
    reason: String,
}

/// Counts over all inputs.
pub struct Totals {
    records: u64,
    blank: u64,
    dropped: u64,
    malformed: u64,
    unexamined: u64,
    /// Characters of text that was not UTF-8.
    replaced: u64,
    sum: Summary,
    /// Matches by rule.
    by_rule: Vec<u64>,
    unread: Vec<Unread>,
    /// Which rules events of an unknown log source meet.
    pub unknown_meet: &'static str,
}

impl Totals {
    /// Counts for a rule set.
    pub fn new(rules: &RuleSet) -> Totals {
        Totals {
            records: 0,
            blank: 0,
            dropped: 0,
            malformed: 0,
            unexamined: 0,
            replaced: 0,
            sum: Summary::default(),
            by_rule: vec![0; rules.rule_count() as usize],
            unread: Vec::new(),
            unknown_meet: "every rule",
        }
    }

    /// A record that was examined.
    #[inline]
    pub fn examined(&mut self, found: &Summary, hits: &[Hit]) {
        self.records += 1;
        let sum = &mut self.sum;
        sum.events += found.events;
        sum.matched_records += found.matched_records;
        sum.hits += found.hits;
        sum.malformed += found.malformed;
        sum.unrouted += found.unrouted;
        sum.tag_replaced += found.tag_replaced;
        sum.tags_truncated += found.tags_truncated;
        sum.tags_omitted += found.tags_omitted;
        sum.split_records += found.split_records;
        sum.stripped_records += found.stripped_records;
        sum.normalized_records += found.normalized_records;
        sum.unmapped_events += found.unmapped_events;
        self.dropped += found.dropped_records;
        for hit in hits {
            self.by_rule[hit.rule as usize] += 1;
        }
    }

    /// Characters that were replaced in a record because the bytes are not UTF-8.
    #[inline]
    pub fn replaced(&mut self, characters: u64) {
        self.replaced += characters;
    }

    /// A line with nothing in it.
    pub fn blank(&mut self) {
        self.blank += 1;
    }

    /// A blank line that was left out.
    #[inline]
    pub fn dropped(&mut self) {
        self.dropped += 1;
    }

    /// A record that could not be examined.
    #[cold]
    pub fn unread(&mut self, place: String, unread: crate::input::Unread) {
        self.records += 1;
        if unread.is_malformed {
            self.malformed += 1;
        } else {
            self.unexamined += 1;
        }
        if self.unread.len() < NAMED {
            self.unread.push(Unread { place, reason: unread.reason });
        }
    }

    /// Rules that matched, the worst first.
    fn matched(&self) -> Vec<(u32, u64)> {
        let all = self.by_rule.iter().enumerate();
        all.filter(|(_, count)| **count > 0).map(|(rule, &count)| (rule as u32, count)).collect()
    }

    /// Prints the summary to standard error.
    pub fn print(&self, rules: &RuleSet, form: Form) {
        let mut matched = self.matched();
        let level = |rule: u32| rules.rule(rule).map_or(0, |info| info.level);
        matched.sort_by_key(|&(rule, count)| (Reverse(level(rule)), Reverse(count), rule));
        match form {
            Form::None => {}
            Form::Json => say(format_args!("{}", self.json(rules, &matched))),
            Form::Text => self.text(rules, &matched),
        }
    }

    fn by_level(&self, rules: &RuleSet, matched: &[(u32, u64)]) -> [u64; LEVELS.len()] {
        let mut counts = [0; LEVELS.len()];
        for &(rule, count) in matched {
            if let Some(info) = rules.rule(rule) {
                counts[info.level as usize] += count;
            }
        }
        counts
    }

    fn text(&self, rules: &RuleSet, matched: &[(u32, u64)]) {
        for unread in &self.unread {
            say(format_args!("{}: passed on unchanged: {}", unread.place, unread.reason));
        }
        let unread = self.malformed + self.unexamined;
        if unread > NAMED as u64 {
            let more = count(unread - NAMED as u64, "more record");
            say(format_args!("{more} passed on unchanged"));
        }
        if !matched.is_empty() {
            for line in table(rules, matched).lines() {
                say(format_args!("{}", line.trim_end()));
            }
            let levels = self.by_level(rules, matched);
            let named = levels.iter().enumerate().rev().filter(|(_, count)| **count > 0);
            let parts: Vec<String> = named
                .map(|(level, &count)| format!("{} {}", level_name(level as u8), thousands(count)))
                .collect();
            say(format_args!("by level: {}", parts.join(", ")));
        }
        let sum = &self.sum;
        let mut parts = vec![
            count(self.records, "record"),
            count(sum.events, "event"),
            format!("{} matched", count(sum.matched_records, "record")),
            format!("{} of {}", count(sum.hits, "match"), count(matched.len() as u64, "rule")),
        ];
        let optional = [
            (sum.split_records, "split"),
            (self.dropped, "left out"),
            (self.malformed, "malformed"),
            (self.unexamined, "unexamined"),
            (sum.malformed, "with malformed payloads"),
            (sum.tag_replaced, "replaced keys"),
            (sum.tags_truncated, "truncated tags"),
            (sum.tags_omitted, "values of tags omitted"),
            (sum.stripped_records, "stripped"),
            (sum.normalized_records, "normalized"),
            (sum.unmapped_events, "events without a document"),
            (self.replaced, "characters replaced that were not UTF-8"),
        ];
        let seen = optional.iter().filter(|(number, _)| *number > 0);
        parts.extend(seen.map(|(number, what)| format!("{} {what}", thousands(*number))));
        say(format_args!("{}", parts.join(", ")));
        if sum.unrouted > 0 {
            let events = count(sum.unrouted, "event");
            say(format_args!(
                "{events} of an unknown log source met {}; name it with --logsource, or \
                 describe it with --sources",
                self.unknown_meet
            ));
        }
    }

    fn json(&self, rules: &RuleSet, matched: &[(u32, u64)]) -> Value {
        let rule = |&(rule, count): &(u32, u64)| {
            let info = rules.rule(rule)?;
            Some(json!({
                "id": info.id,
                "title": info.title,
                "level": LEVELS.get(info.level as usize).filter(|level| !level.is_empty()),
                "matches": count,
            }))
        };
        let levels = self.by_level(rules, matched);
        let levels: serde_json::Map<String, Value> = levels
            .iter()
            .enumerate()
            .map(|(level, &count)| (level_name(level as u8).to_owned(), count.into()))
            .collect();
        let unread: Vec<Value> = self
            .unread
            .iter()
            .map(|unread| json!({ "place": unread.place, "reason": unread.reason }))
            .collect();
        json!({
            "records": self.records,
            "blank_lines": self.blank,
            "events": self.sum.events,
            "matched_records": self.sum.matched_records,
            "dropped_records": self.dropped,
            "matches": self.sum.hits,
            "malformed_records": self.malformed,
            "malformed_payloads": self.sum.malformed,
            "unexamined_records": self.unexamined,
            "unrouted_events": self.sum.unrouted,
            "replaced_characters": self.replaced,
            "tag_replaced": self.sum.tag_replaced,
            "tags_truncated": self.sum.tags_truncated,
            "tags_omitted": self.sum.tags_omitted,
            "split_records": self.sum.split_records,
            "stripped_records": self.sum.stripped_records,
            "normalized_records": self.sum.normalized_records,
            "unmapped_events": self.sum.unmapped_events,
            "levels": levels,
            "rules": matched.iter().filter_map(rule).collect::<Vec<_>>(),
            "first_unread": unread,
            "ruleset": rules.identity(),
        })
    }
}

/// The name of a level; rules may have none.
pub fn level_name(level: u8) -> &'static str {
    match LEVELS.get(level as usize) {
        None | Some(&"") => "none",
        Some(name) => name,
    }
}

fn table(rules: &RuleSet, matched: &[(u32, u64)]) -> Table {
    let mut table = plain_table(&["level", "matches", "rule", "id"], &[1]);
    for &(rule, count) in matched {
        let Some(info) = rules.rule(rule) else { continue };
        let count = thousands(count);
        table.add_row([
            level_name(info.level),
            &count,
            &printable(info.title),
            &printable(info.id),
        ]);
    }
    table
}

/// A table without lines that fits the terminal, if there is one. `numbers` are the columns to
/// align right.
pub fn plain_table(header: &[&str], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header.iter().copied());
    if stderr().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if numbers.contains(&at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A text of a rule without characters that would control a terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// What becomes of correlations; nothing if there are none.
pub fn inert(number: usize) -> String {
    if number == 0 {
        return String::new();
    }
    let (are, their) = if number == 1 { ("is", "its") } else { ("are", "their") };
    let number = count(number as u64, "correlation");
    format!(
        "{number} {are} valid and not evaluated yet: carried inert, {their} base rules report on \
         their own\n"
    )
}
