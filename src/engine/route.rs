//! Log sources: which rules an event may concern.
//!
//! An attribute of an event's log source is a name, empty (not known), or `-` (known to be none).

use super::interest::Interest;
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

/// The rules that an event of some log sources may concern.
pub(crate) struct Route {
    /// One bit per rule.
    rules: Vec<u64>,
    any: bool,
    /// What these rules ask the index for.
    pub(super) interest: Interest,
}

/// The routes that events take. Remembered by the scratch, so that each is worked out once.
#[derive(Default)]
pub(crate) struct Routes {
    mode: LogsourceMode,
    all: Option<Route>,
    known: Vec<(Vec<u32>, Route)>,
    named: Vec<(Vec<u8>, Route)>,
}

/// Most routes of a kind that are remembered. A host has a handful of tags and some dozen kinds of
/// events; what is beyond that is worked out again rather than kept without bound.
const MAX_ROUTES: usize = 256;

impl Routes {
    pub fn new(mode: LogsourceMode) -> Routes {
        Routes { mode, ..Routes::default() }
    }

    /// The route of an event whose source says the log sources `ids` (none: it is not known), or
    /// for which the host says `product/category/service`. `None` if it meets no rule. `silent` has
    /// a bit per rule that never reports, the same in every call.
    pub fn met(
        &mut self,
        rules: &RuleSet,
        silent: &[u64],
        named: &[u8],
        ids: &[u32],
    ) -> Option<&Route> {
        let route = if self.mode == LogsourceMode::None {
            self.all(rules, silent)
        } else if !named.is_empty() {
            self.of_name(rules, silent, named)
        } else if !ids.is_empty() {
            self.of_ids(rules, silent, ids)
        } else if self.mode == LogsourceMode::Strict {
            return None;
        } else {
            self.all(rules, silent)
        };
        route.any.then_some(route)
    }

    /// Whether an event without a log source of its own counts as unrouted.
    pub fn counts_unrouted(&self, named: &[u8]) -> bool {
        self.mode != LogsourceMode::None && named.is_empty()
    }

    fn all(&mut self, rules: &RuleSet, silent: &[u64]) -> &Route {
        self.all.get_or_insert_with(|| Route::new(rules, silent, |_| true))
    }

    fn of_ids(&mut self, rules: &RuleSet, silent: &[u64], ids: &[u32]) -> &Route {
        let found = self.known.iter().position(|(known, _)| known == ids);
        let at = found.unwrap_or_else(|| {
            if self.known.len() == MAX_ROUTES {
                self.known.clear();
            }
            let events: Vec<[&str; 3]> = ids.iter().map(|id| rules.logsource(*id)).collect();
            let route = Route::compatible(self.mode, rules, silent, &events);
            self.known.push((ids.to_vec(), route));
            self.known.len() - 1
        });
        &self.known[at].1
    }

    fn of_name(&mut self, rules: &RuleSet, silent: &[u64], name: &[u8]) -> &Route {
        let found = self.named.iter().position(|(known, _)| known == name);
        let at = found.unwrap_or_else(|| {
            if self.named.len() == MAX_ROUTES {
                self.named.clear();
            }
            let text = String::from_utf8_lossy(name).to_lowercase();
            let mut parts = text.split('/').map(str::trim);
            let mut next = || parts.next().unwrap_or("");
            let parts = [next(), next(), next()];
            let route = Route::compatible(self.mode, rules, silent, &[parts]);
            self.named.push((name.to_vec(), route));
            self.named.len() - 1
        });
        &self.named[at].1
    }
}

impl Route {
    /// The rules whose log source is compatible with one of the event.
    fn compatible(
        mode: LogsourceMode,
        rules: &RuleSet,
        silent: &[u64],
        events: &[[&str; 3]],
    ) -> Route {
        Route::new(rules, silent, |logsource| {
            let own = rules.logsource(logsource);
            events
                .iter()
                .any(|event| own.iter().zip(event).all(|(rule, event)| fits(mode, rule, event)))
        })
    }

    fn new(rules: &RuleSet, silent: &[u64], admits: impl Fn(u32) -> bool) -> Route {
        let tables = rules.tables();
        let logsources: Vec<bool> = (0..tables.logsources.len() as u32).map(admits).collect();
        let mut bits = vec![0u64; tables.rules.len().div_ceil(64)];
        for (number, rule) in tables.rules.iter().enumerate() {
            bits[number / 64] |= u64::from(logsources[rule.logsource as usize]) << (number % 64);
        }
        for (bits, silent) in bits.iter_mut().zip(silent) {
            *bits &= !silent;
        }
        let admits = |rule: u32| bits[rule as usize / 64] >> (rule % 64) & 1 == 1;
        let interest = Interest::new(tables, admits);
        Route { any: bits.iter().any(|bits| *bits != 0), rules: bits, interest }
    }

    /// Whether a rule is among them.
    #[inline]
    pub fn admits(&self, rule: u32) -> bool {
        self.rules[rule as usize / 64] >> (rule % 64) & 1 == 1
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
