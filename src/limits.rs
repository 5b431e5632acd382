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
/// Containers inside each other, the record itself included. Real logs stay below 20; the walkers
/// keep one frame for each level, so the cap bounds their memory. A deeper record is passed on
/// unexamined and counted.
pub const MAX_DEPTH: usize = 64;

/// Bytes of the tag that one record gets, keys included. Log Analytics and most intakes cut or
/// refuse records of a few hundred KiB, so the tag must stay a small part of that.
pub const MAX_TAG_BYTES: usize = 16 * 1024;
