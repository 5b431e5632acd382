//! What C sees: plain structs of integers and pointers.
//!
//! No Rust enum and no `bool` crosses the boundary: any byte that C may write must be a valid
//! value here, and is checked afterwards.

use std::ffi::c_char;

use super::memory::Versioned;

/// Version of the functions and structs below. It grows when something is added; sigmatag_abi_version
/// tells which one the loaded library has.
pub const SIGMATAG_ABI_VERSION: u32 = 1;

/// Version of the release this header belongs to.
pub const SIGMATAG_VERSION_MAJOR: u32 = 0;
/// See SIGMATAG_VERSION_MAJOR.
pub const SIGMATAG_VERSION_MINOR: u32 = 1;
/// See SIGMATAG_VERSION_MAJOR.
pub const SIGMATAG_VERSION_PATCH: u32 = 0;
/// The version as one number that compares: 1.2.3 is 1002003.
pub const SIGMATAG_VERSION_NUMBER: u32 =
    SIGMATAG_VERSION_MAJOR * 1000000 + SIGMATAG_VERSION_MINOR * 1000 + SIGMATAG_VERSION_PATCH;

/// Format: one JSON object.
pub const SIGMATAG_JSON: i32 = 1;
/// Format: one msgpack map.
pub const SIGMATAG_MSGPACK: i32 = 2;
/// Format: a Fluent Bit chunk, that is concatenated records, legacy or v2.
pub const SIGMATAG_FLB_CHUNK: i32 = 3;
/// Format: a Fluentd Forward message (Message, Forward or PackedForward mode).
pub const SIGMATAG_FORWARD: i32 = 4;

/// Tag shape: one key holding a map with everything.
pub const SIGMATAG_NESTED: i32 = 0;
/// Tag shape: a few top-level columns (SigmaIds, SigmaTitles, SigmaLevel, ...).
pub const SIGMATAG_FLAT: i32 = 1;
/// Tag shape: Elastic Common Schema, merged into the maps that are there.
pub const SIGMATAG_ECS: i32 = 2;

/// sigmatag_tagging.flags: an envelope of events becomes one record for each event.
pub const SIGMATAG_SPLIT_RECORDS: u32 = 1;
/// sigmatag_tagging.flags: records that were examined in full and do not match are left out.
pub const SIGMATAG_ONLY_MATCHING: u32 = 2;
/// sigmatag_tagging.flags: keys of a tag that came with a record which does not match are removed.
pub const SIGMATAG_STRIP_FOREIGN: u32 = 4;

/// sigmatag_options.flags: the members of a record's metadata count as further top-level keys of
/// the record; of a key in both, all values count. Chunks and Forward messages have metadata in
/// records of the form [[time, metadata], body].
pub const SIGMATAG_MATCH_METADATA: u32 = 1;

/// Log sources: an event meets the rules that none of its log sources conflicts with; one of no
/// known source meets all rules and is counted as unrouted.
pub const SIGMATAG_LOGSOURCE_AUTO: i32 = 0;
/// Log sources: an event meets only rules of which every attribute is known to hold; one of no
/// known source meets none and is counted as unrouted.
pub const SIGMATAG_LOGSOURCE_STRICT: i32 = 1;
/// Log sources: every event meets every rule, and nothing is counted as unrouted.
pub const SIGMATAG_LOGSOURCE_NONE: i32 = 2;

/// Level of a rule that states none. As min_level: every rule.
pub const SIGMATAG_LEVEL_NONE: i32 = 0;
/// Level `informational`.
pub const SIGMATAG_LEVEL_INFORMATIONAL: i32 = 1;
/// Level `low`.
pub const SIGMATAG_LEVEL_LOW: i32 = 2;
/// Level `medium`.
pub const SIGMATAG_LEVEL_MEDIUM: i32 = 3;
/// Level `high`.
pub const SIGMATAG_LEVEL_HIGH: i32 = 4;
/// Level `critical`.
pub const SIGMATAG_LEVEL_CRITICAL: i32 = 5;

/// sigmatag_error.offset where no byte offset applies: UINT64_MAX.
pub const SIGMATAG_NO_OFFSET: u64 = u64::MAX;
/// The most events that one sigmatag_match_batch takes.
pub const SIGMATAG_MAX_BATCH: usize = 65536;
/// The highest sigmatag_options.max_record: 1 GiB.
pub const SIGMATAG_MAX_RECORD: u32 = 1073741824;

/// Why a call failed. The caller owns it. Written only if the call fails.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sigmatag_error {
    /// The caller sets sizeof(sigmatag_error).
    pub struct_size: u32,
    /// The status that the call returned.
    pub status: i32,
    /// Byte offset in the rule file where it applies, else SIGMATAG_NO_OFFSET.
    pub offset: u64,
    /// NUL-terminated UTF-8 without line breaks: the place, what is wrong, and the repair.
    pub message: [c_char; 512],
}

/// Options of an engine. All zero (but struct_size) means the defaults, and so does NULL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sigmatag_options {
    /// The caller sets sizeof(sigmatag_options).
    pub struct_size: u32,
    /// 0 or SIGMATAG_MATCH_METADATA.
    pub flags: u32,
    /// Rules below this SIGMATAG_LEVEL_ do not report. Rules without a level always do.
    pub min_level: i32,
    /// Records over this many bytes go unexamined; 0 is 4 MiB, the most is SIGMATAG_MAX_RECORD.
    pub max_record: u32,
    /// SIGMATAG_LOGSOURCE_AUTO, SIGMATAG_LOGSOURCE_STRICT or SIGMATAG_LOGSOURCE_NONE.
    pub logsource_mode: i32,
    /// Reserved: 0.
    pub reserved0: u32,
    /// Ids of rules that shall never report, as UTF-8, separated by commas or white space. UUIDs
    /// are compared without case. sigmatag_info says how many were found. NULL with 0: none.
    pub disable_rules: *const u8,
    /// Bytes of disable_rules.
    pub disable_rules_len: usize,
    /// The destination whose documents sigmatag_tag_prepare writes in place of records, by its name
    /// as UTF-8: "sekoia", "ecs", "asim". A document is of one event, so envelopes are split; an
    /// event that no document is for goes on as it came, and is counted. NULL with 0: none.
    pub normalize: *const u8,
    /// Bytes of normalize.
    pub normalize_len: usize,
    /// Reserved: 0.
    pub reserved: [u64; 2],
}

/// What to examine. All pointers are borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sigmatag_event {
    /// The caller sets sizeof(sigmatag_event).
    pub struct_size: u32,
    /// SIGMATAG_JSON, SIGMATAG_MSGPACK, SIGMATAG_FLB_CHUNK or SIGMATAG_FORWARD.
    pub format: i32,
    /// The bytes.
    pub data: *const u8,
    /// Number of bytes.
    pub len: usize,
    /// When it happened, nanoseconds since 1970 UTC; 0 is unknown. Chunks and Forward messages
    /// carry their own times.
    pub time_ns: i64,
    /// The host's routing tag ("mysql.audit"); NULL with 0 if there is none.
    pub tag: *const u8,
    /// Bytes of tag.
    pub tag_len: usize,
    /// What produced it, as "product/category/service"; both slashes are needed ("mysql//audit").
    /// An empty part is not known and conflicts with no rule; the part "-" is known to be none and
    /// conflicts with every rule that sets it. NULL with 0: recognise it from the event.
    pub logsource: *const u8,
    /// Bytes of logsource.
    pub logsource_len: usize,
}

/// One rule that matched one event. 16 bytes, for ever: it has no struct_size.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sigmatag_hit {
    /// Batch: index into the events given. Chunk and Forward: the record. Else 0.
    pub record: u32,
    /// The event inside the record, which may be an envelope of many. Else 0.
    pub event: u32,
    /// Index for sigmatag_rule_info with the same scratch.
    pub rule: u32,
    /// Generation of the rule set: it grows with every reload.
    pub generation: u32,
}

/// What one call saw of one source. 48 bytes, for ever: it has no struct_size.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sigmatag_source_counts {
    /// Index for sigmatag_source_info, in the rule set that the scratch holds.
    pub source: u32,
    /// Generation of the rule set.
    pub generation: u32,
    /// As in sigmatag_source_t.
    pub events: u64,
    /// As in sigmatag_source_t.
    pub broken_payload: u64,
    /// As in sigmatag_source_t.
    pub broken_nested: u64,
    /// As in sigmatag_source_t.
    pub broken_positions: u64,
    /// As in sigmatag_source_t.
    pub broken_line: u64,
}

/// What one call examined.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sigmatag_summary {
    /// The caller sets sizeof(sigmatag_summary).
    pub struct_size: u32,
    /// Generation of the rule set that was used.
    pub generation: u32,
    /// Records seen.
    pub records: u64,
    /// Events found in them.
    pub events: u64,
    /// Records with at least one hit.
    pub matched_records: u64,
    /// Hits.
    pub hits: u64,
    /// Records that are not what the format says: passed on, not matched. Also texts inside records
    /// that begin like JSON and are not: matched as the text they are.
    pub malformed: u64,
    /// Records over max_record or nested too deep: passed on, not matched.
    pub unexamined: u64,
    /// Events of no known source: see SIGMATAG_LOGSOURCE_AUTO.
    pub unrouted: u64,
    /// Records left out by SIGMATAG_ONLY_MATCHING, counted after splitting.
    pub dropped_records: u64,
    /// Records that SIGMATAG_SPLIT_RECORDS took apart.
    pub split_records: u64,
    /// Records without a match from which SIGMATAG_STRIP_FOREIGN removed keys of a tag.
    pub stripped_records: u64,
    /// Keys of records that a tag replaced.
    pub tag_replaced: u64,
    /// Tags that left out rules because of a size limit.
    pub tags_truncated: u64,
    /// Values of SIGMATAG_ECS tags left out because a scalar is in their place.
    pub tags_omitted: u64,
    /// Documents that sigmatag_options.normalize wrote in place of records.
    pub normalized_records: u64,
    /// Events that the destination has no document for, and those of envelopes that cannot be split:
    /// they went on as they came.
    pub unmapped_events: u64,
}

/// How tags are written. NULL means SIGMATAG_NESTED under the key "sigma".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sigmatag_tagging {
    /// The caller sets sizeof(sigmatag_tagging).
    pub struct_size: u32,
    /// SIGMATAG_NESTED, SIGMATAG_FLAT or SIGMATAG_ECS.
    pub shape: i32,
    /// The key of SIGMATAG_NESTED, and of the mark of SIGMATAG_ECS (there not "rule", "threat" or
    /// "event"): UTF-8 without control characters, at most 255 bytes. NULL with 0: "sigma".
    pub key: *const u8,
    /// Bytes of key.
    pub key_len: usize,
    /// SIGMATAG_SPLIT_RECORDS, SIGMATAG_ONLY_MATCHING, SIGMATAG_STRIP_FOREIGN, added up. Records
    /// are split before they are dropped.
    pub flags: u32,
    /// Reserved: 0.
    pub reserved: u32,
}

/// What is known of a rule. The strings are UTF-8, are *not* NUL-terminated, belong to the rule set
/// that the scratch holds, and are valid until the next call with that scratch (sigmatag_rule_info
/// and sigmatag_scratch_hits do not count).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sigmatag_rule {
    /// The caller sets sizeof(sigmatag_rule).
    pub struct_size: u32,
    /// SIGMATAG_LEVEL_NONE to SIGMATAG_LEVEL_CRITICAL.
    pub level: i32,
    /// The id: a UUID as a rule, "sha256:..." for a rule without one, "ioc:FEED:TYPE" for a rule that
    /// reports the indicators of a feed.
    pub id: *const c_char,
    /// Bytes of id.
    pub id_len: usize,
    /// The title.
    pub title: *const c_char,
    /// Bytes of title.
    pub title_len: usize,
    /// The author, as the Detection Rule License asks to show; may be empty.
    pub author: *const c_char,
    /// Bytes of author.
    pub author_len: usize,
    /// The tags, comma separated: "attack.impact,attack.t1485".
    pub tags: *const c_char,
    /// Bytes of tags.
    pub tags_len: usize,
    /// The log source: "product/category/service".
    pub logsource: *const c_char,
    /// Bytes of logsource.
    pub logsource_len: usize,
}

/// What is known of the rule set in force.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sigmatag_info_t {
    /// The caller sets sizeof(sigmatag_info_t).
    pub struct_size: u32,
    /// Generation: it grows with every reload.
    pub generation: u32,
    /// Rules in the set.
    pub rules: u32,
    /// Version of the file format.
    pub format_version: u32,
    /// Rules that the compiler left out because it was told --skip-unsupported.
    pub skipped_rules: u32,
    /// Regular expressions in the set.
    pub regexes: u32,
    /// Rules that sigmatag_options.disable_rules turned off.
    pub disabled_rules: u32,
    /// Ids of sigmatag_options.disable_rules that no rule of the set has.
    pub unknown_disabled_rules: u32,
    /// Sources that the set knows: see sigmatag_source_info.
    pub sources: u32,
    /// Written as 0.
    pub reserved0: u32,
    /// Resident bytes of the rule set.
    pub bytes: u64,
    /// Identity: SHA-256 in 64 lower-case hex digits, NUL-terminated.
    pub ruleset: [c_char; 65],
    /// Written as 0.
    pub reserved: [u8; 7],
}

/// A source of the rule set in force, and what the engine saw of it since it was made. Reloads do
/// not reset the totals of a source that stays.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sigmatag_source_t {
    /// The caller sets sizeof(sigmatag_source_t).
    pub struct_size: u32,
    /// Written as 0.
    pub reserved: u32,
    /// The name of its descriptor: UTF-8, *not* NUL-terminated, valid until the engine is freed.
    pub name: *const c_char,
    /// Bytes of name.
    pub name_len: usize,
    /// Events that were recognised as of this source.
    pub events: u64,
    /// Payloads that begin as the source says and cannot be read.
    pub broken_payload: u64,
    /// Texts inside events that begin like JSON and are not.
    pub broken_nested: u64,
    /// Events with values by position whose number fits no list of names.
    pub broken_positions: u64,
    /// Log lines that are not in the form that the source says.
    pub broken_line: u64,
}

/// Totals of an engine since it was made, over all its scratches. Reloads do not reset them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sigmatag_stats_t {
    /// The caller sets sizeof(sigmatag_stats_t).
    pub struct_size: u32,
    /// Written as 0.
    pub reserved: u32,
    /// Calls that examined something.
    pub calls: u64,
    /// Records seen.
    pub records: u64,
    /// Events found in them.
    pub events: u64,
    /// Records with at least one hit.
    pub matched_records: u64,
    /// Hits.
    pub hits: u64,
    /// Records, and JSON texts inside them, that are not what they should be.
    pub malformed: u64,
    /// Records over max_record or nested too deep.
    pub unexamined: u64,
    /// Events of no known source.
    pub unrouted: u64,
    /// Keys of records that a tag replaced.
    pub tag_replaced: u64,
    /// Tags that left out rules because of a size limit.
    pub tags_truncated: u64,
    /// Calls that returned SIGMATAG_PANIC.
    pub panics: u64,
    /// Reloads that succeeded.
    pub reloads: u64,
    /// Reloads that failed and left the old rule set in force.
    pub failed_reloads: u64,
    /// Records left out by SIGMATAG_ONLY_MATCHING, counted after splitting.
    pub dropped_records: u64,
    /// Records that SIGMATAG_SPLIT_RECORDS took apart.
    pub split_records: u64,
    /// Records without a match from which SIGMATAG_STRIP_FOREIGN removed keys of a tag.
    pub stripped_records: u64,
    /// Texts inside records of no known source that begin like JSON and are not.
    pub unknown_payload: u64,
    /// Values of SIGMATAG_ECS tags left out because a scalar is in their place.
    pub tags_omitted: u64,
    /// As in sigmatag_summary.
    pub normalized_records: u64,
    /// As in sigmatag_summary.
    pub unmapped_events: u64,
}

// SAFETY: all of these are `repr(C)`, begin with `struct_size: u32`, hold integers and raw pointers
// only, for which every bit pattern is valid, and have no padding: tests/c_abi.rs adds up the fields
// that the C compiler sees.
// `V1_SIZE` is the size in ABI version 1 on 64-bit targets and never changes.
unsafe impl Versioned for sigmatag_error {
    const V1_SIZE: usize = 528;
}
unsafe impl Versioned for sigmatag_options {
    const V1_SIZE: usize = 72;
}
unsafe impl Versioned for sigmatag_event {
    const V1_SIZE: usize = 64;
}
unsafe impl Versioned for sigmatag_summary {
    const V1_SIZE: usize = 128;
}
unsafe impl Versioned for sigmatag_tagging {
    const V1_SIZE: usize = 32;
}
unsafe impl Versioned for sigmatag_rule {
    const V1_SIZE: usize = 88;
}
unsafe impl Versioned for sigmatag_info_t {
    const V1_SIZE: usize = 120;
}
unsafe impl Versioned for sigmatag_source_t {
    const V1_SIZE: usize = 64;
}
unsafe impl Versioned for sigmatag_stats_t {
    const V1_SIZE: usize = 168;
}

/// The number of a release part, at compile time.
const fn number(text: &str) -> u32 {
    match u32::from_str_radix(text, 10) {
        Ok(value) => value,
        Err(_) => panic!("a part of the crate's version is not a number"),
    }
}

// A header that lies about its version has shipped before, elsewhere; here it does not compile.
const _: () = assert!(
    number(env!("CARGO_PKG_VERSION_MAJOR")) == SIGMATAG_VERSION_MAJOR
        && number(env!("CARGO_PKG_VERSION_MINOR")) == SIGMATAG_VERSION_MINOR
        && number(env!("CARGO_PKG_VERSION_PATCH")) == SIGMATAG_VERSION_PATCH,
    "SIGMATAG_VERSION_MAJOR/MINOR/PATCH in src/ffi/types.rs differ from Cargo.toml"
);
