//! The tag writer: matches in, the same bytes with a tag out.
//!
//! A tag is spliced into the record: every byte that is not part of it is copied as it was. Enter
//! at [`plan::Plan`]: `begin`, one `tag_*` call for each record that matched, in order, `finish`
//! for the exact length, then `write` as often as wanted.
//!
//! ```text
//! rules --content--> encoded members --splice--> edits of the record --plan--> copy and own segments
//! ```
//!
//! Three shapes:
//! * nested: one key with the highest level, the rule set, and an entry for each rule, with the
//!   indicators that it found;
//! * flat: one top-level key for each column of a Log Analytics table;
//! * ecs: merged into the maps `rule`, `threat` and `event`; a scalar in the way is kept and the
//!   value omitted. Since whoever writes the record can put such values there, the tag also has a
//!   mark: one top-level key, ours alone, with the level, the rule set, the ids and the indicators.
//!
//! Nothing allocates once the buffers of the plan have grown to what the traffic needs.

mod arrange;
mod content;
mod ecs;
pub(crate) mod encode;
mod indicators;
pub mod plan;
mod splice;

pub use indicators::FoundIndicators;

use crate::ruleset::LEVELS;

/// What a tag says about one rule. Texts are UTF-8; all but the id may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagRule<'a> {
    /// The rule's id.
    pub id: &'a [u8],
    /// The rule's title.
    pub title: &'a [u8],
    /// The rule's author, which the Detection Rule License asks to carry along.
    pub author: &'a [u8],
    /// The rule's license.
    pub license: &'a [u8],
    /// 0 none, 1 informational to 5 critical.
    pub level: u8,
    /// Comma separated.
    pub tags: &'a [u8],
    /// Which event inside the record matched, if the record holds several.
    pub event: Option<u32>,
    /// The indicators that were found, if it is a rule of indicators.
    pub indicators: FoundIndicators<'a>,
}

/// How a tag looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Everything under one key.
    Nested,
    /// Columns `SigmaIds`, `SigmaTitles`, `SigmaLevel`, `SigmaTags`, `AttackTechniques`,
    /// `SigmaAuthors`, `SigmaRuleset`; `SigmaIndicators` only where indicators were found,
    /// `SigmaTruncated` only where entries were dropped.
    Flat,
    /// `rule.*`, `threat.technique.id` and `event.kind` of the Elastic Common Schema, and a mark.
    Ecs,
}

/// How tags are written.
#[derive(Debug, Clone, Copy)]
pub struct Style<'a> {
    /// The shape.
    pub shape: Shape,
    /// The key of the nested shape and of the mark of the ecs shape.
    pub key: &'a [u8],
    /// The first 16 hex digits of the rule set's identity.
    pub ruleset: &'a [u8],
}

/// The name of a level; empty for none.
pub fn level_name(level: u8) -> &'static [u8] {
    LEVELS.get(usize::from(level)).map_or(b"", |name| name.as_bytes())
}
