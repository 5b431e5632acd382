//! Every cap of matching and tagging in one table, with the reason for each number.

/// Containers inside each other, the record itself included. Real logs stay below 20; the walkers
/// keep one frame for each level, so the cap bounds their memory. A deeper record is passed on
/// unexamined and counted.
pub const MAX_DEPTH: usize = 64;

/// Bytes of the tag that one record gets, keys included. Log Analytics and most intakes cut or
/// refuse records of a few hundred KiB, so the tag must stay a small part of that.
pub const MAX_TAG_BYTES: usize = 16 * 1024;
