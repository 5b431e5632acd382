//! Rules that never report: disabled by the host, or below the lowest level.

use super::Options;
use crate::ruleset::RuleSet;

/// One bit for each rule of a rule set, and what became of the ids that were to be disabled.
/// Worked out once per generation, so that an event asks for one bit.
pub(crate) struct Silent {
    bits: Vec<u64>,
    /// Rules that were found and are disabled.
    pub disabled: u32,
    /// Different ids that no rule has.
    pub unknown: Vec<String>,
}

impl Silent {
    pub fn new(rules: &RuleSet, options: &Options) -> Silent {
        let count = rules.rule_count();
        let mut silent = Silent {
            bits: vec![0; (count as usize).div_ceil(64)],
            disabled: 0,
            unknown: Vec::new(),
        };
        let mut wanted: Vec<String> = options.disable_rules.iter().map(|id| folded(id)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut found = vec![false; wanted.len()];
        for (rule, table) in (0..count).zip(&rules.tables().rules) {
            let id = folded(rules.text(table.id));
            if let Ok(at) = wanted.binary_search(&id) {
                found[at] = true;
                silent.disabled += 1;
                silent.set(rule);
            }
            // A rule without a level always reports.
            if table.level != 0 && table.level < options.min_level {
                silent.set(rule);
            }
        }
        let found = found.into_iter().zip(wanted);
        silent.unknown = found.filter(|(found, _)| !found).map(|(_, id)| id).collect();
        silent
    }

    fn set(&mut self, rule: u32) {
        self.bits[rule as usize / 64] |= 1 << (rule % 64);
    }

    /// The bits, by rule.
    pub fn bits(&self) -> &[u64] {
        &self.bits
    }
}

/// The form in which ids are compared: UUIDs have no case, other ids do.
fn folded(id: &str) -> String {
    if is_uuid(id) { id.to_ascii_lowercase() } else { id.to_owned() }
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(id: &str) -> bool {
    let bytes = id.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uuids_are_compared_without_case() {
        let upper = "5A1F3F0E-8F5E-4F5B-9A3E-0D4F2D9B6C01";
        assert_eq!(folded(upper), upper.to_lowercase());
        for other in [
            "Rule-1",
            "5A1F3F0E-8F5E-4F5B-9A3E-0D4F2D9B6C0",
            "5A1F3F0E_8F5E-4F5B-9A3E-0D4F2D9B6C01",
        ] {
            assert_eq!(folded(other), other);
        }
    }
}
