//! What a tag says about indicators.

use super::encode::Encoder;
use crate::ruleset::indicators::{Indicator, IndicatorHit, Indicators};

/// Most bytes of values, names and tags that one entry lists, but always one indicator: an entry must
/// not pass the cap of the whole tag.
const LISTED_BYTES: usize = 3000;

/// The indicators that a rule found in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundIndicators<'a> {
    /// The tables that the hits are of.
    pub set: Option<&'a Indicators>,
    /// What was found of the rule.
    pub hits: &'a [IndicatorHit],
}

impl<'a> FoundIndicators<'a> {
    /// Of a rule that is not about indicators.
    pub const NONE: FoundIndicators<'static> = FoundIndicators { set: None, hits: &[] };

    /// Those that are listed.
    pub(super) fn listed(&self) -> impl Iterator<Item = Indicator<'a>> + Clone + use<'a> {
        let FoundIndicators { set, hits } = *self;
        let all = hits.iter().filter_map(move |hit| set?.indicator(hit));
        all.scan(0, |before, indicator| {
            let is_listed = *before == 0 || *before + size(&indicator) <= LISTED_BYTES;
            *before += size(&indicator);
            is_listed.then_some(indicator)
        })
    }

    /// Whether more were found than are listed.
    pub(super) fn are_more(&self) -> bool {
        self.hits.iter().any(|hit| hit.more) || self.listed().count() < self.hits.len()
    }
}

fn size(indicator: &Indicator<'_>) -> usize {
    let value = indicator.value().as_bytes().len();
    value + indicator.name().len() + indicator.tags().len() + indicator.field().len() + 150
}

/// The tags of a comma separated list.
pub(super) fn tags(list: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|tag| !tag.is_empty())
}

/// Writes an indicator; what is not known of it is left out.
pub(super) fn write(out: &mut Encoder<'_>, indicator: &Indicator<'_>) {
    let (value, id, until) = (indicator.value(), indicator.id(), indicator.valid_until());
    let texts: [(&[u8], &[u8]); 5] = [
        (b"value", value.as_bytes()),
        (b"id", id.as_ref().map_or(b"", |id| id.as_bytes())),
        (b"name", indicator.name().as_bytes()),
        (b"valid_until", until.as_ref().map_or(b"", |until| until.as_bytes())),
        (b"field", indicator.field().as_bytes()),
    ];
    let list = tags(indicator.tags().as_bytes());
    let tag_count = list.clone().count();
    let members = 1
        + texts.iter().filter(|(_, text)| !text.is_empty()).count()
        + usize::from(tag_count > 0)
        + usize::from(indicator.confidence().is_some());
    out.begin_map(members);
    out.member(true, b"type");
    out.string(indicator.kind().as_bytes());
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        out.member(false, name);
        out.string(text);
    }
    if let Some(confidence) = indicator.confidence() {
        out.member(false, b"confidence");
        out.number(confidence.into());
    }
    if tag_count > 0 {
        out.member(false, b"tags");
        out.begin_array(tag_count);
        for (index, tag) in list.enumerate() {
            out.element(index == 0);
            out.string(tag);
        }
        out.end_array();
    }
    out.end_map();
}

/// Writes an element that says that not all are listed.
pub(super) fn write_more(out: &mut Encoder<'_>) {
    out.begin_map(1);
    out.member(true, b"more");
    out.boolean(true);
    out.end_map();
}
