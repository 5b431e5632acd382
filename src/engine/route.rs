//! Log sources: which rules an event may concern.
//!
//! An attribute of an event's log source is a name, empty (not known), or `-` (known to be none).

use crate::ruleset::RuleSet;

/// How log sources decide which rules an event meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogsourceMode {
    /// Rules that do not conflict with a log source of the event: no attribute is set on both
    /// sides and differs. An event of no known source meets every rule, and is counted.
    #[default]
    Auto,
    /// Rules whose every attribute is known to hold. An event of no known source meets none, and
    /// is counted.
    Strict,
    /// Every rule, whatever the event is.
    None,
}

/// What stands for "known to have none".
const NONE: &str = "-";

/// The rules' log sources that an event may concern: one bit each.
struct Route {
    bits: Vec<u64>,
    any: bool,
}

/// The rules' log sources that are compatible with those of an event. Remembered by the scratch,
/// so that a set is worked out once.
#[derive(Default)]
pub(crate) struct Routes {
    mode: LogsourceMode,
    known: Vec<(Vec<u32>, Route)>,
    named: Vec<(Vec<u8>, Route)>,
}

/// Most host-given log sources that are remembered; a host has a handful of tags.
const MAX_NAMED: usize = 256;

/// What an event may meet.
#[derive(Clone, Copy)]
pub(crate) enum Met<'a> {
    /// Every rule.
    All,
    /// Rules of the log sources whose bit is set.
    Of(&'a [u64]),
    /// None: the event need not be looked at.
    Nothing,
}

impl Met<'_> {
    /// Whether rules of that log source of the tables are among them.
    #[inline]
    pub fn admits(&self, logsource: u32) -> bool {
        match self {
            Met::All => true,
            Met::Of(bits) => bits[logsource as usize / 64] >> (logsource % 64) & 1 == 1,
            Met::Nothing => false,
        }
    }
}

impl Routes {
    pub fn new(mode: LogsourceMode) -> Routes {
        Routes { mode, ..Routes::default() }
    }

    /// What an event meets whose source says the log sources `ids` (none: it is not known), or
    /// for which the host says `product/category/service`.
    pub fn met(&mut self, rules: &RuleSet, named: &[u8], ids: &[u32]) -> Met<'_> {
        if self.mode == LogsourceMode::None {
            return Met::All;
        }
        if !named.is_empty() {
            return self.of_name(rules, named).met();
        }
        if !ids.is_empty() {
            return self.of_ids(rules, ids).met();
        }
        match self.mode {
            LogsourceMode::Strict => Met::Nothing,
            _ => Met::All,
        }
    }

    /// Whether an event without a log source of its own counts as unrouted.
    pub fn counts_unrouted(&self, named: &[u8]) -> bool {
        self.mode != LogsourceMode::None && named.is_empty()
    }

    fn of_ids(&mut self, rules: &RuleSet, ids: &[u32]) -> &Route {
        let found = self.known.iter().position(|(known, _)| known == ids);
        let at = found.unwrap_or_else(|| {
            let mut route = Route::new(rules);
            for &id in ids {
                route.add(self.mode, rules, rules.logsource(id));
            }
            self.known.push((ids.to_vec(), route));
            self.known.len() - 1
        });
        &self.known[at].1
    }

    fn of_name(&mut self, rules: &RuleSet, name: &[u8]) -> &Route {
        let found = self.named.iter().position(|(known, _)| known == name);
        let at = found.unwrap_or_else(|| {
            if self.named.len() == MAX_NAMED {
                self.named.clear();
            }
            let mut route = Route::new(rules);
            let text = String::from_utf8_lossy(name).to_lowercase();
            let mut parts = text.split('/').map(str::trim);
            let mut next = || parts.next().unwrap_or("");
            let parts = [next(), next(), next()];
            route.add(self.mode, rules, parts);
            self.named.push((name.to_vec(), route));
            self.named.len() - 1
        });
        &self.named[at].1
    }
}

impl Route {
    fn new(rules: &RuleSet) -> Route {
        Route { bits: vec![0; rules.tables().logsources.len().div_ceil(64)], any: false }
    }

    /// Adds the rules' log sources that are compatible with one of the event.
    fn add(&mut self, mode: LogsourceMode, rules: &RuleSet, event: [&str; 3]) {
        // The table holds the sources' log sources as well; only the rules' are worth a look.
        for rule in &rules.tables().rules {
            let id = rule.logsource;
            let own = rules.logsource(id);
            if own.iter().zip(event).all(|(rule, event)| fits(mode, rule, event)) {
                self.bits[id as usize / 64] |= 1 << (id % 64);
                self.any = true;
            }
        }
    }

    fn met(&self) -> Met<'_> {
        if self.any { Met::Of(&self.bits) } else { Met::Nothing }
    }
}

/// Whether an attribute of an event allows a rule that asks for one.
fn fits(mode: LogsourceMode, rule: &str, event: &str) -> bool {
    rule.is_empty()
        || (event.is_empty() && mode == LogsourceMode::Auto)
        || (event == rule && event != NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes() {
        use LogsourceMode::{Auto, Strict};
        for (rule, event, auto, strict) in [
            ("", "", true, true),
            ("", "mysql", true, true),
            ("", "-", true, true),
            ("mysql", "", true, false),
            ("mysql", "mysql", true, true),
            ("mysql", "linux", false, false),
            ("mysql", "-", false, false),
            ("-", "-", false, false),
        ] {
            assert_eq!(fits(Auto, rule, event), auto, "auto {rule:?} {event:?}");
            assert_eq!(fits(Strict, rule, event), strict, "strict {rule:?} {event:?}");
        }
    }
}
