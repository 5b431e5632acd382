//! Two descriptions of events of which never both hold.

use super::cases::Case;
use super::key;
use super::texts::{self, Accepted};
use crate::rule::ast::{Item, Scalar};

/// Cases with what their items accept, those left out of which nothing is known.
pub type Prepared<'a> = Vec<Vec<(&'a Item, Accepted)>>;

/// What the items of the cases accept.
pub fn prepare(cases: Vec<Case<'_>>) -> Prepared<'_> {
    let known = |item| Some((item, texts::accepted(item)?));
    cases.into_iter().map(|case| case.into_iter().filter_map(known).collect()).collect()
}

/// Two items about one field of which never both hold.
pub struct Clash<'a> {
    /// The item of the one.
    pub own: &'a Item,
    /// The item of the other, which is the rule's.
    pub rule: &'a Item,
}

impl Clash<'_> {
    /// Why it excludes nothing.
    pub fn text(&self) -> String {
        format!(
            "where `{}` of the rule holds, `{}` of {} does not",
            key(self.rule),
            key(self.own),
            values(self.own)
        )
    }

    /// What could be excluded.
    pub fn help(&self) -> String {
        format!(
            "the rule asks for `{}` of {}: exclude some of these, or remove the filter",
            key(self.rule),
            values(self.rule)
        )
    }
}

/// The first values of an item.
pub fn values(item: &Item) -> String {
    const SHOWN: usize = 8;
    let values = item.values.iter().take(SHOWN).map(|value| match &value.value {
        Scalar::Str(text) => format!("'{text}'"),
        Scalar::Int(number) => number.to_string(),
        _ => String::new(),
    });
    let more = if item.values.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", values.collect::<Vec<_>>().join(", "))
}

/// Whether no case of the one holds together with a case of the other: the first pair of items that
/// shows it.
pub fn between<'a>(own: &Prepared<'a>, rule: &Prepared<'a>) -> Option<Clash<'a>> {
    let mut first = None;
    for one in own {
        for other in rule {
            let clash = one.iter().find_map(|(item, accepted)| {
                let with = opposing(item, accepted, other)?;
                Some(Clash { own: item, rule: with })
            })?;
            first.get_or_insert(clash);
        }
    }
    first
}

/// Whether each case asks for two things of one field that never both hold: the first pair.
pub fn within<'a>(cases: &Prepared<'a>) -> Option<Clash<'a>> {
    let mut first = None;
    for case in cases {
        let clash = case.iter().enumerate().find_map(|(at, (item, accepted))| {
            let with = opposing(item, accepted, &case[..at])?;
            Some(Clash { own: item, rule: with })
        })?;
        first.get_or_insert(clash);
    }
    first
}

/// The item of a case that never holds where `item` does.
pub fn opposing<'a>(
    item: &Item,
    accepted: &Accepted,
    case: &[(&'a Item, Accepted)],
) -> Option<&'a Item> {
    let opposes = |(other, theirs): &&(&Item, Accepted)| {
        other.field == item.field && texts::exclude_each_other(accepted, theirs)
    };
    case.iter().find(opposes).map(|(other, _)| *other)
}
