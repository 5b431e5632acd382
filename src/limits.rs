//! Every cap in one place, with the reason for each number.

/// Largest compiled rule file, in bytes. All of SigmaHQ is below 10 MB; a million indicators
/// fit as well. Stops a wrong path (a disk image) from being read whole.
pub const MAX_FILE: usize = 256 << 20;

/// Nesting of a regular expression. Every published rule stays below 10.
pub const MAX_REGEX_NESTING: u32 = 64;

/// Memory of one regular expression's NFA, in bytes. `.{1000,}` with Unicode takes 1.5 MB.
pub const MAX_REGEX_NFA: usize = 8 << 20;

/// Size of a DFA that is stored in the file, in bytes: it should stay in the second-level cache.
pub const MAX_REGEX_DFA: usize = 64 << 10;
