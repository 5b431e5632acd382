//! Matching. (API skeleton: bodies follow.)

use std::sync::Arc;
use crate::ruleset::RuleSet;

/// What the bytes of an [`Event`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format { Json, Msgpack, FlbChunk, Forward }

/// Input of a match or tag call.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    pub format: Format,
    pub data: &'a [u8],
    pub time_ns: i64,
    pub tag: &'a [u8],
    /// "product/category/service"; empty: recognise.
    pub logsource: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit { pub record: u32, pub event: u32, pub rule: u32 }

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary { pub records: u64, pub events: u64, pub matched_records: u64, pub hits: u64, pub malformed: u64, pub unexamined: u64, pub unrouted: u64, pub tag_replaced: u64, pub tags_truncated: u64 }

#[derive(Debug, Clone)]
pub struct Options { /** 0 all, 1..5 */ pub min_level: u8, pub max_record: u32 }

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape { Nested, Flat, Ecs }
pub struct Tagging<'a> { pub shape: Shape, pub key: &'a [u8] }

/// Why a call could not do its work. Single-record formats only: inside a chunk bad records are counted, not errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchError { Malformed { offset: usize, message: &'static str }, Unexamined { message: &'static str }, PlanPending, NoPlan, OtherData, SmallBuffer { needed: usize } }

pub struct Engine { /* ArcSwap<RuleSet>, generation, options, atomic totals */ }
impl Engine {
    pub fn new(rules: Arc<RuleSet>, options: Options) -> Engine { todo!() }
    pub fn reload(&self, rules: Arc<RuleSet>) { todo!() }
    pub fn rules(&self) -> Arc<RuleSet> { todo!() }
    pub fn generation(&self) -> u32 { todo!() }
}

/// All mutable memory of matching; one per thread.
pub struct Scratch {}
impl Scratch {
    pub fn new(engine: &Engine) -> Scratch { todo!() }
    /// The rule set of the last call.
    pub fn rules(&self) -> &RuleSet { todo!() }
    pub fn generation(&self) -> u32 { todo!() }
    /// Hits of the last match or prepare, in record, event, rule order.
    pub fn hits(&self) -> &[Hit] { todo!() }
    /// Drops an old rule set while idle.
    pub fn release(&mut self, engine: &Engine) { todo!() }
    pub fn match_event(&mut self, engine: &Engine, event: &Event<'_>) -> Result<Summary, MatchError> { todo!() }
    /// Hit.record is the index into events. A malformed event is counted, not an error.
    pub fn match_batch(&mut self, engine: &Engine, events: &[Event<'_>]) -> Summary { todo!() }
    /// Evaluates once; Ok((0, _)) if nothing matched and nothing is to be written, else the exact output length; the plan then is pending.
    pub fn tag_prepare(&mut self, engine: &Engine, event: &Event<'_>, tagging: &Tagging<'_>) -> Result<(usize, Summary), MatchError> { todo!() }
    /// Writes the pending plan; data must be the bytes that prepare saw. Only success (or discard) ends the plan.
    pub fn tag_write(&mut self, data: &[u8], out: &mut [u8]) -> Result<usize, MatchError> { todo!() }
    pub fn tag_discard(&mut self) { todo!() }
    pub fn plan_pending(&self) -> bool { todo!() }
}
