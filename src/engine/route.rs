//! Log sources: which rules an event may concern.

use crate::ruleset::RuleSet;

/// The rules' log sources that are compatible with those of an event: one bit each. Remembered
/// by the scratch, so that a set is worked out once.
#[derive(Default)]
pub struct Routes {
    known: Vec<(Vec<u32>, Vec<u64>)>,
    named: Vec<(Vec<u8>, Vec<u64>)>,
}

/// Most host-given log sources that are remembered; a host has a handful of tags.
const MAX_NAMED: usize = 256;

impl Routes {
    /// Log sources compatible with any of a source's.
    pub fn of_ids(&mut self, rules: &RuleSet, ids: &[u32]) -> &[u64] {
        let found = self.known.iter().position(|(known, _)| known == ids);
        let at = found.unwrap_or_else(|| {
            let mut bits = empty(rules);
            for &id in ids {
                add(rules, rules.logsource(id), &mut bits);
            }
            self.known.push((ids.to_vec(), bits));
            self.known.len() - 1
        });
        &self.known[at].1
    }

    /// Log sources compatible with `product/category/service`, parts of which may be empty.
    pub fn of_name(&mut self, rules: &RuleSet, name: &[u8]) -> &[u64] {
        let found = self.named.iter().position(|(known, _)| known == name);
        let at = found.unwrap_or_else(|| {
            if self.named.len() == MAX_NAMED {
                self.named.clear();
            }
            let mut bits = empty(rules);
            let text = String::from_utf8_lossy(name).to_lowercase();
            let mut parts = text.split('/').map(str::trim);
            let mut next = || parts.next().unwrap_or("");
            let parts = [next(), next(), next()];
            add(rules, parts, &mut bits);
            self.named.push((name.to_vec(), bits));
            self.named.len() - 1
        });
        &self.named[at].1
    }
}

fn empty(rules: &RuleSet) -> Vec<u64> {
    vec![0; rules.tables().logsources.len().div_ceil(64)]
}

/// A rule is skipped only where an attribute is set on both sides and differs.
fn add(rules: &RuleSet, event: [&str; 3], bits: &mut [u64]) {
    for id in 0..rules.tables().logsources.len() as u32 {
        let rule = rules.logsource(id);
        let compatible = rule
            .iter()
            .zip(event)
            .all(|(rule, event)| rule.is_empty() || event.is_empty() || *rule == event);
        if compatible {
            bits[id as usize / 64] |= 1 << (id % 64);
        }
    }
}
