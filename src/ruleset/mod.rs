//! The compiled rule set. (API skeleton: bodies follow.)

/// Why bytes are not a rule set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError { pub kind: LoadErrorKind, pub offset: Option<u64>, pub message: String }
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadErrorKind { NotSgt, UnsupportedVersion, Truncated, Corrupt, TooLarge }

pub struct RuleSet {}
#[derive(Debug, Clone, Copy)]
pub struct RuleInfo<'a> { pub id: &'a str, pub title: &'a str, pub author: &'a str, pub license: &'a str, /** 0 none, 1..=5 */ pub level: u8, /** comma separated */ pub tags: &'a str, /** product/category/service */ pub logsource: &'a str }
impl RuleSet {
    pub fn from_bytes(bytes: &[u8]) -> Result<RuleSet, LoadError> { todo!() }
    pub fn rule_count(&self) -> u32 { todo!() }
    pub fn rule(&self, index: u32) -> Option<RuleInfo<'_>> { todo!() }
    /// SHA-256 identity, 64 hex digits.
    pub fn identity(&self) -> &str { todo!() }
    pub fn format_version(&self) -> u32 { todo!() }
    pub fn skipped_rules(&self) -> u32 { todo!() }
    pub fn regex_count(&self) -> u32 { todo!() }
    pub fn resident_bytes(&self) -> u64 { todo!() }
}
