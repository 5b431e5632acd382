//! What is written for a record: it is tagged, stripped, split, left out, or stays as it is.

use super::examine::plan_error;
use super::normalize::Normalizer;
use super::{Hit, MatchError, Tagging};
use crate::event::forward::Message;
use crate::ruleset::RuleSet;
use crate::ruleset::indicators::IndicatorHit;
use crate::source::{Encoding, Split};
use crate::tag::encode::Format;
use crate::tag::plan::Plan;
use crate::tag::{FoundIndicators, Style, TagRule};
use std::ops::Range;

/// A record of the input.
#[derive(Clone)]
pub(super) struct Placed<'a> {
    /// All of it.
    pub whole: Range<usize>,
    /// What was walked: the body, behind the metadata if they are matched.
    pub walked: Range<usize>,
    /// The body: an object or map.
    pub body: Range<usize>,
    pub encoding: Encoding,
    /// Set if the record is a message of its own.
    pub message: Option<&'a Message>,
    /// Its number in the input.
    pub index: u32,
    /// Its fields are in the buffers already.
    pub read: bool,
}

impl Placed<'_> {
    /// Whether it is an entry: time and body, of which each new record has its own.
    fn is_framed(&self) -> bool {
        self.encoding == Encoding::Msgpack && self.message.is_none()
    }
}

/// What is known of a record that was examined.
#[derive(Clone, Copy)]
pub(super) struct Examined {
    /// Nothing in it was beyond reading.
    pub complete: bool,
    /// It holds no event of unknown log source.
    pub routed: bool,
}

/// What the parts of a tag are made of.
pub(super) struct Output<'a> {
    pub plan: &'a mut Plan,
    pub rules: &'a RuleSet,
    /// The indicators of the call, by record, event and rule.
    pub indicators: &'a [IndicatorHit],
    pub tagging: &'a Tagging<'a>,
    pub data: &'a [u8],
    /// Buffers for texts.
    pub text: &'a mut [Vec<u8>; 2],
    /// The documents that are written in place of the record's events.
    pub normalizer: Option<&'a mut Normalizer>,
}

impl Output<'_> {
    /// Plans a record that stays one: 1, or 0 if it is left out.
    pub fn whole(
        &mut self,
        record: &Placed<'_>,
        examined: Examined,
        hits: &[Hit],
    ) -> Result<u64, MatchError> {
        let drops = self.tagging.only_matching && examined.complete && examined.routed;
        if !(drops && hits.is_empty()) {
            let only = self.normalizer.as_ref().and_then(|normalizer| normalizer.only());
            if let Some(event) = only {
                self.plan.copy_until(record.body.start);
                self.document(record.encoding, event, hits)?;
                self.plan.seek(record.body.end);
                return Ok(1);
            }
            if let Some(normalizer) = &mut self.normalizer {
                normalizer.unmapped += u64::from(normalizer.events);
            }
        }
        if let (Some(first), Some(last)) = (hits.first(), hits.last()) {
            let several = first.event != last.event || last.event > 0;
            self.tag(record.encoding, record.body.clone(), hits, several)?;
            return Ok(1);
        }
        if drops {
            self.plan.remove(record.whole.clone()).map_err(plan_error)?;
            self.plan.count_removed(1);
            return Ok(0);
        }
        self.strip(record.encoding, record.body.clone())?;
        Ok(1)
    }

    /// Plans a record that becomes one for each of its events: how many are written.
    pub fn split(
        &mut self,
        record: &Placed<'_>,
        examined: Examined,
        hits: &[Hit],
        split: &Split<'_>,
    ) -> Result<u64, MatchError> {
        let drops = self.tagging.only_matching && examined.complete;
        let stays = |index: usize| {
            let routed = examined.routed || split.is_routed(index);
            !drops || !routed || hits.iter().any(|hit| hit.event as usize == index)
        };
        let left = (0..split.len()).filter(|index| stays(*index)).count() as u64;
        self.plan.count_split();
        self.plan.count_removed(split.len() as u64 - left);
        if left == 0 {
            self.plan.remove(record.whole.clone()).map_err(plan_error)?;
            return Ok(0);
        }
        let single = record.message.filter(|_| left > 1);
        match single {
            Some(message) => {
                self.plan.begin_single(self.data, message, left as u32).map_err(plan_error)?
            }
            None if record.is_framed() => self.plan.copy_until(record.whole.start),
            None => self.plan.copy_until(record.body.start),
        }
        let mut hits = hits;
        let mut is_first = true;
        for index in 0..split.len() {
            let count = hits.iter().take_while(|hit| hit.event as usize <= index).count();
            let (own, behind) = hits.split_at(count);
            hits = behind;
            if !stays(index) {
                continue;
            }
            self.begin_part(record, single, is_first);
            is_first = false;
            self.part(record, own, split, index)?;
        }
        match single {
            Some(message) => self.plan.end_single(message, left as u32),
            None => self.plan.seek(record.body.end),
        }
        Ok(left)
    }

    /// Writes what stands before the body of a record.
    fn begin_part(&mut self, record: &Placed<'_>, single: Option<&Message>, is_first: bool) {
        match single {
            Some(message) => {
                self.plan.put(b"\x92");
                self.plan.repeat(message.time().unwrap_or_default());
            }
            None if record.is_framed() => {
                self.plan.repeat(record.whole.start..record.body.start);
            }
            None if record.encoding == Encoding::Json && !is_first => self.plan.put(b"\n"),
            None => {}
        }
    }

    fn part(
        &mut self,
        record: &Placed<'_>,
        hits: &[Hit],
        split: &Split<'_>,
        index: usize,
    ) -> Result<(), MatchError> {
        let base = record.walked.start;
        let placed = |range: Range<usize>| range.start + base..range.end + base;
        let outline = split.outline(index);
        if let Some(normalizer) = &mut self.normalizer {
            if normalizer.document(index as u32).is_some() {
                return self.document(record.encoding, index as u32, hits);
            }
            normalizer.unmapped += 1;
        }
        let object = placed(outline.object);
        self.plan.seek(object.start);
        if let Some(literal) = outline.literal {
            let [text, spare] = &mut *self.text;
            split.write_text(index, text, spare);
            self.plan
                .replace_string(format(record.encoding), self.data, placed(literal), text)
                .map_err(plan_error)?;
        }
        if hits.is_empty() {
            self.strip(record.encoding, object.clone())?;
        } else {
            self.tag(record.encoding, object.clone(), hits, false)?;
        }
        self.plan.end_part(object.end);
        Ok(())
    }

    /// Plans the removal of a tag that came with a record.
    pub fn strip(&mut self, encoding: Encoding, body: Range<usize>) -> Result<(), MatchError> {
        if self.tagging.strip_foreign {
            let style = style(self.tagging, self.rules);
            self.plan.strip(format(encoding), self.data, body, &style).map_err(plan_error)?;
        }
        Ok(())
    }

    /// Plans the document of an event, with its tag.
    fn document(&mut self, encoding: Encoding, event: u32, hits: &[Hit]) -> Result<(), MatchError> {
        let Output { plan, rules, indicators, tagging, normalizer, .. } = self;
        let Some(normalizer) = normalizer else { return Ok(()) };
        normalizer.written += 1;
        let Some((document, tagged)) = normalizer.document(event) else { return Ok(()) };
        if hits.is_empty() {
            plan.put(document);
            return Ok(());
        }
        let style = style(tagging, rules);
        let entries = entries(rules, indicators, hits, false);
        tagged.begin();
        let body = 0..document.len();
        match encoding {
            Encoding::Json => tagged.tag_json(document, body, &style, entries),
            Encoding::Msgpack => tagged.tag_msgpack(document, body, &style, entries),
        }
        .and_then(|()| tagged.finish(document.len()))
        .and_then(|_| plan.put_plan(tagged, document))
        .map_err(plan_error)
    }

    /// Plans the tag of a record.
    fn tag(
        &mut self,
        encoding: Encoding,
        body: Range<usize>,
        hits: &[Hit],
        several: bool,
    ) -> Result<(), MatchError> {
        let rules = self.rules;
        let style = style(self.tagging, rules);
        let entries = entries(rules, self.indicators, hits, several);
        let planned = match encoding {
            Encoding::Json => self.plan.tag_json(self.data, body, &style, entries),
            Encoding::Msgpack => self.plan.tag_msgpack(self.data, body, &style, entries),
        };
        planned.map_err(plan_error)
    }
}

/// What a tag says of each hit; `several`: the record has more than one event.
fn entries<'a>(
    rules: &'a RuleSet,
    indicators: &'a [IndicatorHit],
    hits: &'a [Hit],
    several: bool,
) -> impl Iterator<Item = TagRule<'a>> + Clone {
    let set = rules.indicators();
    hits.iter().filter_map(move |hit| {
        let rule = rules.tables().rules.get(hit.rule as usize)?;
        Some(TagRule {
            id: rules.text_bytes(rule.id),
            title: rules.text_bytes(rule.title),
            author: rules.text_bytes(rule.author),
            license: rules.text_bytes(rule.license),
            level: rule.level,
            tags: rules.text_bytes(rule.tags),
            indicators: FoundIndicators { set, hits: of(indicators, hit) },
            event: several.then_some(hit.event),
        })
    })
}

/// The indicators that a hit is about.
fn of<'a>(all: &'a [IndicatorHit], hit: &Hit) -> &'a [IndicatorHit] {
    let place = |hit: &IndicatorHit| (hit.record, hit.event, hit.rule);
    let own = (hit.record, hit.event, hit.rule);
    let start = all.partition_point(|indicator| place(indicator) < own);
    let count = all[start..].iter().take_while(|indicator| place(indicator) == own).count();
    &all[start..start + count]
}

fn style<'a>(tagging: &Tagging<'a>, rules: &'a RuleSet) -> Style<'a> {
    Style { shape: tagging.shape, key: tagging.key, ruleset: &rules.identity().as_bytes()[..16] }
}

fn format(encoding: Encoding) -> Format {
    match encoding {
        Encoding::Json => Format::Json,
        Encoding::Msgpack => Format::Msgpack,
    }
}
