/*
 * sigmatag: Sigma detection rules, compiled once into one file, matched inside the log shipper.
 * Generated from src/ffi; change it there.
 *
 * RULES OF THIS INTERFACE
 *
 * Ownership. sigmatag_init (also _bytes, _default), sigmatag_share and sigmatag_scratch_new give a handle to the
 *   caller, who gives it back once, to sigmatag_free or sigmatag_scratch_free. The two may be freed
 *   in any order: a scratch keeps what it needs of its engine. Every other pointer stays the
 *   caller's. The library never frees or keeps memory of the caller, and never gives out memory for
 *   the caller to free.
 *
 * Borrowed inputs. What a pointer of an argument, or inside a struct, points to is read during the
 *   call and not after it, and must not change meanwhile. Inputs are pointer and length; they need
 *   no terminating NUL and may hold any byte. A length of 0 allows NULL.
 *
 * Outputs only on success. If a call fails, no output is touched. The exceptions are the error
 *   struct, which is written only if the call fails, and SIGMATAG_SMALL_BUFFER, which reports the
 *   size needed. No argument is both input and output, but for struct_size.
 *
 * Failure. Functions return SIGMATAG_OK (0), a positive status that tells more of a success
 *   (SIGMATAG_UNCHANGED), or a negative status, which is a failure; the numbers never change. Every
 *   pointer is checked for NULL: SIGMATAG_NULL_ARGUMENT. What may be NULL is said at the function;
 *   error may always be. Common statuses, which every function with a status may return, are
 *   SIGMATAG_OK, SIGMATAG_NULL_ARGUMENT, SIGMATAG_BAD_ARGUMENT and SIGMATAG_PANIC. On any failure
 *   pass the record on: detection must not lose logs.
 *
 * Bugs of ours. A panic inside the library ends at this interface as SIGMATAG_PANIC. It poisons the
 *   scratch (free it, make a new one), not the engine and no other scratch.
 *
 * Threads. An engine may be used by any number of threads at once; only sigmatag_free must come when
 *   no call uses that pointer any more. A scratch may be used by any thread, by one call at a time;
 *   a second call at the same time returns SIGMATAG_IN_USE and does nothing. Make one scratch per
 *   thread. The library has no threads, no thread-local state and installs no handlers; matching
 *   takes no lock and, after the first records, no memory, and needs at most 16 KiB of stack. No
 *   function may be called from a signal handler.
 *
 * struct_size. The caller sets it to sizeof the struct, in inputs and outputs, before the call. A
 *   struct of an older header is taken as if the rest were 0; of a newer one the unknown rest is
 *   ignored in inputs and left alone in outputs. Smaller than in ABI version 1, or larger than
 *   4096: SIGMATAG_BAD_ARGUMENT. Zero the struct first: reserved fields must be 0.
 *
 * In short:
 *   sigmatag_init -> sigmatag_scratch_new -> sigmatag_match ... -> sigmatag_scratch_free
 *                                                               -> sigmatag_free
 */


#ifndef SIGMATAG_H
#define SIGMATAG_H

#include <stddef.h>
#include <stdint.h>

/**
 * The call did what it says.
 */
#define SIGMATAG_OK 0

/**
 * Success of sigmatag_tag_prepare: there is nothing to write, the input stays as it is.
 */
#define SIGMATAG_UNCHANGED 1

/**
 * A pointer that is required is NULL.
 */
#define SIGMATAG_NULL_ARGUMENT -1

/**
 * An argument is outside what this header allows: an unknown format, shape or level, a
 * struct_size that does not fit, a reserved field that is not 0, a length beyond PTRDIFF_MAX,
 * buffers that overlap, or a scratch of another engine.
 */
#define SIGMATAG_BAD_ARGUMENT -2

/**
 * The scratch is inside another call, or a plan of sigmatag_tag_prepare is pending on it.
 */
#define SIGMATAG_IN_USE -3

/**
 * An earlier call on this scratch returned SIGMATAG_PANIC. Free it and make a new one.
 */
#define SIGMATAG_POISONED -4

/**
 * A bug in this library stopped the call. The scratch is poisoned; the engine is not.
 */
#define SIGMATAG_PANIC -5

/**
 * The rule file cannot be read.
 */
#define SIGMATAG_IO -6

/**
 * The bytes are not a compiled rule file. Rules in YAML: run `sigmatag compile` first.
 */
#define SIGMATAG_NOT_SGT -7

/**
 * The rule file was made by a compiler that is too new or too old for this library.
 */
#define SIGMATAG_UNSUPPORTED_VERSION -8

/**
 * The rule file is shorter than its header says.
 */
#define SIGMATAG_TRUNCATED -9

/**
 * The checksum or the verification of the rule file failed.
 */
#define SIGMATAG_CORRUPT -10

/**
 * The rule file is over a limit of the loader.
 */
#define SIGMATAG_TOO_LARGE -11

/**
 * The event is not what its format says.
 */
#define SIGMATAG_MALFORMED -12

/**
 * The event is over max_record or nested too deep. It was not matched: pass it on and count it.
 */
#define SIGMATAG_UNEXAMINED -13

/**
 * The caller's buffer is too small. The size needed has been written.
 */
#define SIGMATAG_SMALL_BUFFER -14

/**
 * sigmatag_tag_write without a plan of sigmatag_tag_prepare.
 */
#define SIGMATAG_NO_PLAN -15

/**
 * sigmatag_tag_write was given other data than sigmatag_tag_prepare saw. The plan stays pending.
 */
#define SIGMATAG_OTHER_DATA -16

/**
 * The rule index is beyond the rule set that the scratch holds.
 */
#define SIGMATAG_OUT_OF_RANGE -17

/**
 * Memory for the rule file or for a batch could not be had.
 */
#define SIGMATAG_NO_MEMORY -18

/**
 * Version of the functions and structs below. It grows when something is added; sigmatag_abi_version
 * tells which one the loaded library has.
 */
#define SIGMATAG_ABI_VERSION 1

/**
 * Version of the release this header belongs to.
 */
#define SIGMATAG_VERSION_MAJOR 0

/**
 * See SIGMATAG_VERSION_MAJOR.
 */
#define SIGMATAG_VERSION_MINOR 1

/**
 * See SIGMATAG_VERSION_MAJOR.
 */
#define SIGMATAG_VERSION_PATCH 0

/**
 * The version as one number that compares: 1.2.3 is 1002003.
 */
#define SIGMATAG_VERSION_NUMBER (((SIGMATAG_VERSION_MAJOR * 1000000) + (SIGMATAG_VERSION_MINOR * 1000)) + SIGMATAG_VERSION_PATCH)

/**
 * Format: one JSON object.
 */
#define SIGMATAG_JSON 1

/**
 * Format: one msgpack map.
 */
#define SIGMATAG_MSGPACK 2

/**
 * Format: a Fluent Bit chunk, that is concatenated records, legacy or v2.
 */
#define SIGMATAG_FLB_CHUNK 3

/**
 * Format: a Fluentd Forward message (Message, Forward or PackedForward mode).
 */
#define SIGMATAG_FORWARD 4

/**
 * Tag shape: one key holding a map with everything.
 */
#define SIGMATAG_NESTED 0

/**
 * Tag shape: a few top-level columns (SigmaIds, SigmaTitles, SigmaLevel, ...).
 */
#define SIGMATAG_FLAT 1

/**
 * Tag shape: Elastic Common Schema, merged into the maps that are there.
 */
#define SIGMATAG_ECS 2

/**
 * sigmatag_tagging.flags: an envelope of events becomes one record for each event.
 */
#define SIGMATAG_SPLIT_RECORDS 1

/**
 * sigmatag_tagging.flags: records that were examined in full and do not match are left out.
 */
#define SIGMATAG_ONLY_MATCHING 2

/**
 * sigmatag_tagging.flags: keys of a tag that came with a record which does not match are removed.
 */
#define SIGMATAG_STRIP_FOREIGN 4

/**
 * sigmatag_options.flags: the members of a record's metadata count as further top-level keys of
 * the record; of a key in both, all values count. Chunks and Forward messages have metadata in
 * records of the form [[time, metadata], body].
 */
#define SIGMATAG_MATCH_METADATA 1

/**
 * Log sources: an event meets the rules that none of its log sources conflicts with; one of no
 * known source meets all rules and is counted as unrouted.
 */
#define SIGMATAG_LOGSOURCE_AUTO 0

/**
 * Log sources: an event meets only rules of which every attribute is known to hold; one of no
 * known source meets none and is counted as unrouted.
 */
#define SIGMATAG_LOGSOURCE_STRICT 1

/**
 * Log sources: every event meets every rule, and nothing is counted as unrouted.
 */
#define SIGMATAG_LOGSOURCE_NONE 2

/**
 * Level of a rule that states none. As min_level: every rule.
 */
#define SIGMATAG_LEVEL_NONE 0

/**
 * Level `informational`.
 */
#define SIGMATAG_LEVEL_INFORMATIONAL 1

/**
 * Level `low`.
 */
#define SIGMATAG_LEVEL_LOW 2

/**
 * Level `medium`.
 */
#define SIGMATAG_LEVEL_MEDIUM 3

/**
 * Level `high`.
 */
#define SIGMATAG_LEVEL_HIGH 4

/**
 * Level `critical`.
 */
#define SIGMATAG_LEVEL_CRITICAL 5

/**
 * sigmatag_error.offset where no byte offset applies: UINT64_MAX.
 */
#define SIGMATAG_NO_OFFSET UINT64_MAX

/**
 * The most events that one sigmatag_match_batch takes.
 */
#define SIGMATAG_MAX_BATCH 65536

/**
 * The highest sigmatag_options.max_record: 1 GiB.
 */
#define SIGMATAG_MAX_RECORD 1073741824

/**
 * An engine: a rule set and its totals. Any thread may use it, any number at once. Freed by
 * sigmatag_free.
 */
typedef struct sigmatag sigmatag;

/**
 * All memory that matching changes. One call at a time uses it, from any thread; two at once are
 * refused with SIGMATAG_IN_USE. Freed by sigmatag_scratch_free.
 */
typedef struct sigmatag_scratch sigmatag_scratch;

/**
 * Options of an engine. All zero (but struct_size) means the defaults, and so does NULL.
 */
typedef struct sigmatag_options {
  /**
   * The caller sets sizeof(sigmatag_options).
   */
  uint32_t struct_size;
  /**
   * 0 or SIGMATAG_MATCH_METADATA.
   */
  uint32_t flags;
  /**
   * Rules below this SIGMATAG_LEVEL_ do not report. Rules without a level always do.
   */
  int32_t min_level;
  /**
   * Records over this many bytes go unexamined; 0 is 4 MiB, the most is SIGMATAG_MAX_RECORD.
   */
  uint32_t max_record;
  /**
   * SIGMATAG_LOGSOURCE_AUTO, SIGMATAG_LOGSOURCE_STRICT or SIGMATAG_LOGSOURCE_NONE.
   */
  int32_t logsource_mode;
  /**
   * Reserved: 0.
   */
  uint32_t reserved0;
  /**
   * Ids of rules that shall never report, as UTF-8, separated by commas or white space. UUIDs
   * are compared without case. sigmatag_info says how many were found. NULL with 0: none.
   */
  const uint8_t *disable_rules;
  /**
   * Bytes of disable_rules.
   */
  size_t disable_rules_len;
  /**
   * The destination whose documents sigmatag_tag_prepare writes in place of records, by its name
   * as UTF-8: "sekoia", "ecs", "asim". A document is of one event, so envelopes are split; an
   * event that no document is for goes on as it came, and is counted. NULL with 0: none.
   */
  const uint8_t *normalize;
  /**
   * Bytes of normalize.
   */
  size_t normalize_len;
  /**
   * Reserved: 0.
   */
  uint64_t reserved[2];
} sigmatag_options;

/**
 * Why a call failed. The caller owns it. Written only if the call fails.
 */
typedef struct sigmatag_error {
  /**
   * The caller sets sizeof(sigmatag_error).
   */
  uint32_t struct_size;
  /**
   * The status that the call returned.
   */
  int32_t status;
  /**
   * Byte offset in the rule file where it applies, else SIGMATAG_NO_OFFSET.
   */
  uint64_t offset;
  /**
   * NUL-terminated UTF-8 without line breaks: the place, what is wrong, and the repair.
   */
  char message[512];
} sigmatag_error;

/**
 * What to examine. All pointers are borrowed for the call.
 */
typedef struct sigmatag_event {
  /**
   * The caller sets sizeof(sigmatag_event).
   */
  uint32_t struct_size;
  /**
   * SIGMATAG_JSON, SIGMATAG_MSGPACK, SIGMATAG_FLB_CHUNK or SIGMATAG_FORWARD.
   */
  int32_t format;
  /**
   * The bytes.
   */
  const uint8_t *data;
  /**
   * Number of bytes.
   */
  size_t len;
  /**
   * When it happened, nanoseconds since 1970 UTC; 0 is unknown. Chunks and Forward messages
   * carry their own times.
   */
  int64_t time_ns;
  /**
   * The host's routing tag ("mysql.audit"); NULL with 0 if there is none.
   */
  const uint8_t *tag;
  /**
   * Bytes of tag.
   */
  size_t tag_len;
  /**
   * What produced it, as "product/category/service"; both slashes are needed ("mysql//audit").
   * An empty part is not known and conflicts with no rule; the part "-" is known to be none and
   * conflicts with every rule that sets it. NULL with 0: recognise it from the event.
   */
  const uint8_t *logsource;
  /**
   * Bytes of logsource.
   */
  size_t logsource_len;
} sigmatag_event;

/**
 * One rule that matched one event. 16 bytes, for ever: it has no struct_size.
 */
typedef struct sigmatag_hit {
  /**
   * Batch: index into the events given. Chunk and Forward: the record. Else 0.
   */
  uint32_t record;
  /**
   * The event inside the record, which may be an envelope of many. Else 0.
   */
  uint32_t event;
  /**
   * Index for sigmatag_rule_info with the same scratch.
   */
  uint32_t rule;
  /**
   * Generation of the rule set: it grows with every reload.
   */
  uint32_t generation;
} sigmatag_hit;

/**
 * What one call examined.
 */
typedef struct sigmatag_summary {
  /**
   * The caller sets sizeof(sigmatag_summary).
   */
  uint32_t struct_size;
  /**
   * Generation of the rule set that was used.
   */
  uint32_t generation;
  /**
   * Records seen.
   */
  uint64_t records;
  /**
   * Events found in them.
   */
  uint64_t events;
  /**
   * Records with at least one hit.
   */
  uint64_t matched_records;
  /**
   * Hits.
   */
  uint64_t hits;
  /**
   * Records that are not what the format says: passed on, not matched. Also texts inside records
   * that begin like JSON and are not: matched as the text they are.
   */
  uint64_t malformed;
  /**
   * Records over max_record or nested too deep: passed on, not matched.
   */
  uint64_t unexamined;
  /**
   * Events of no known source: see SIGMATAG_LOGSOURCE_AUTO.
   */
  uint64_t unrouted;
  /**
   * Records left out by SIGMATAG_ONLY_MATCHING, counted after splitting.
   */
  uint64_t dropped_records;
  /**
   * Records that SIGMATAG_SPLIT_RECORDS took apart.
   */
  uint64_t split_records;
  /**
   * Records without a match from which SIGMATAG_STRIP_FOREIGN removed keys of a tag.
   */
  uint64_t stripped_records;
  /**
   * Keys of records that a tag replaced.
   */
  uint64_t tag_replaced;
  /**
   * Tags that left out rules because of a size limit.
   */
  uint64_t tags_truncated;
  /**
   * Values of SIGMATAG_ECS tags left out because a scalar is in their place.
   */
  uint64_t tags_omitted;
  /**
   * Documents that sigmatag_options.normalize wrote in place of records.
   */
  uint64_t normalized_records;
  /**
   * Events that the destination has no document for, and those of envelopes that cannot be split:
   * they went on as they came.
   */
  uint64_t unmapped_events;
} sigmatag_summary;

/**
 * What one call saw of one source. 48 bytes, for ever: it has no struct_size.
 */
typedef struct sigmatag_source_counts {
  /**
   * Index for sigmatag_source_info, in the rule set that the scratch holds.
   */
  uint32_t source;
  /**
   * Generation of the rule set.
   */
  uint32_t generation;
  /**
   * As in sigmatag_source_t.
   */
  uint64_t events;
  /**
   * As in sigmatag_source_t.
   */
  uint64_t broken_payload;
  /**
   * As in sigmatag_source_t.
   */
  uint64_t broken_nested;
  /**
   * As in sigmatag_source_t.
   */
  uint64_t broken_positions;
  /**
   * As in sigmatag_source_t.
   */
  uint64_t broken_line;
} sigmatag_source_counts;

/**
 * How tags are written. NULL means SIGMATAG_NESTED under the key "sigma".
 */
typedef struct sigmatag_tagging {
  /**
   * The caller sets sizeof(sigmatag_tagging).
   */
  uint32_t struct_size;
  /**
   * SIGMATAG_NESTED, SIGMATAG_FLAT or SIGMATAG_ECS.
   */
  int32_t shape;
  /**
   * The key of SIGMATAG_NESTED, and of the mark of SIGMATAG_ECS (there not "rule", "threat" or
   * "event"): UTF-8 without control characters, at most 255 bytes. NULL with 0: "sigma".
   */
  const uint8_t *key;
  /**
   * Bytes of key.
   */
  size_t key_len;
  /**
   * SIGMATAG_SPLIT_RECORDS, SIGMATAG_ONLY_MATCHING, SIGMATAG_STRIP_FOREIGN, added up. Records
   * are split before they are dropped.
   */
  uint32_t flags;
  /**
   * Reserved: 0.
   */
  uint32_t reserved;
} sigmatag_tagging;

/**
 * What is known of a rule. The strings are UTF-8, are *not* NUL-terminated, belong to the rule set
 * that the scratch holds, and are valid until the next call with that scratch (sigmatag_rule_info
 * and sigmatag_scratch_hits do not count).
 */
typedef struct sigmatag_rule {
  /**
   * The caller sets sizeof(sigmatag_rule).
   */
  uint32_t struct_size;
  /**
   * SIGMATAG_LEVEL_NONE to SIGMATAG_LEVEL_CRITICAL.
   */
  int32_t level;
  /**
   * The id: a UUID as a rule, "sha256:..." for a rule without one, "ioc:FEED:TYPE" for a rule that
   * reports the indicators of a feed.
   */
  const char *id;
  /**
   * Bytes of id.
   */
  size_t id_len;
  /**
   * The title.
   */
  const char *title;
  /**
   * Bytes of title.
   */
  size_t title_len;
  /**
   * The author, as the Detection Rule License asks to show; may be empty.
   */
  const char *author;
  /**
   * Bytes of author.
   */
  size_t author_len;
  /**
   * The tags, comma separated: "attack.impact,attack.t1485".
   */
  const char *tags;
  /**
   * Bytes of tags.
   */
  size_t tags_len;
  /**
   * The log source: "product/category/service".
   */
  const char *logsource;
  /**
   * Bytes of logsource.
   */
  size_t logsource_len;
} sigmatag_rule;

/**
 * What is known of the rule set in force.
 */
typedef struct sigmatag_info_t {
  /**
   * The caller sets sizeof(sigmatag_info_t).
   */
  uint32_t struct_size;
  /**
   * Generation: it grows with every reload.
   */
  uint32_t generation;
  /**
   * Rules in the set.
   */
  uint32_t rules;
  /**
   * Version of the file format.
   */
  uint32_t format_version;
  /**
   * Rules that the compiler left out because it was told --skip-unsupported.
   */
  uint32_t skipped_rules;
  /**
   * Regular expressions in the set.
   */
  uint32_t regexes;
  /**
   * Rules that sigmatag_options.disable_rules turned off.
   */
  uint32_t disabled_rules;
  /**
   * Ids of sigmatag_options.disable_rules that no rule of the set has.
   */
  uint32_t unknown_disabled_rules;
  /**
   * Sources that the set knows: see sigmatag_source_info.
   */
  uint32_t sources;
  /**
   * Written as 0.
   */
  uint32_t reserved0;
  /**
   * Resident bytes of the rule set.
   */
  uint64_t bytes;
  /**
   * Identity: SHA-256 in 64 lower-case hex digits, NUL-terminated.
   */
  char ruleset[65];
  /**
   * Written as 0.
   */
  uint8_t reserved[7];
} sigmatag_info_t;

/**
 * A source of the rule set in force, and what the engine saw of it since it was made. Reloads do
 * not reset the totals of a source that stays.
 */
typedef struct sigmatag_source_t {
  /**
   * The caller sets sizeof(sigmatag_source_t).
   */
  uint32_t struct_size;
  /**
   * Written as 0.
   */
  uint32_t reserved;
  /**
   * The name of its descriptor: UTF-8, *not* NUL-terminated, valid until the engine is freed.
   */
  const char *name;
  /**
   * Bytes of name.
   */
  size_t name_len;
  /**
   * Events that were recognised as of this source.
   */
  uint64_t events;
  /**
   * Payloads that begin as the source says and cannot be read.
   */
  uint64_t broken_payload;
  /**
   * Texts inside events that begin like JSON and are not.
   */
  uint64_t broken_nested;
  /**
   * Events with values by position whose number fits no list of names.
   */
  uint64_t broken_positions;
  /**
   * Log lines that are not in the form that the source says.
   */
  uint64_t broken_line;
} sigmatag_source_t;

/**
 * Totals of an engine since it was made, over all its scratches. Reloads do not reset them.
 */
typedef struct sigmatag_stats_t {
  /**
   * The caller sets sizeof(sigmatag_stats_t).
   */
  uint32_t struct_size;
  /**
   * Written as 0.
   */
  uint32_t reserved;
  /**
   * Calls that examined something.
   */
  uint64_t calls;
  /**
   * Records seen.
   */
  uint64_t records;
  /**
   * Events found in them.
   */
  uint64_t events;
  /**
   * Records with at least one hit.
   */
  uint64_t matched_records;
  /**
   * Hits.
   */
  uint64_t hits;
  /**
   * Records, and JSON texts inside them, that are not what they should be.
   */
  uint64_t malformed;
  /**
   * Records over max_record or nested too deep.
   */
  uint64_t unexamined;
  /**
   * Events of no known source.
   */
  uint64_t unrouted;
  /**
   * Keys of records that a tag replaced.
   */
  uint64_t tag_replaced;
  /**
   * Tags that left out rules because of a size limit.
   */
  uint64_t tags_truncated;
  /**
   * Calls that returned SIGMATAG_PANIC.
   */
  uint64_t panics;
  /**
   * Reloads that succeeded.
   */
  uint64_t reloads;
  /**
   * Reloads that failed and left the old rule set in force.
   */
  uint64_t failed_reloads;
  /**
   * Records left out by SIGMATAG_ONLY_MATCHING, counted after splitting.
   */
  uint64_t dropped_records;
  /**
   * Records that SIGMATAG_SPLIT_RECORDS took apart.
   */
  uint64_t split_records;
  /**
   * Records without a match from which SIGMATAG_STRIP_FOREIGN removed keys of a tag.
   */
  uint64_t stripped_records;
  /**
   * Texts inside records of no known source that begin like JSON and are not.
   */
  uint64_t unknown_payload;
  /**
   * Values of SIGMATAG_ECS tags left out because a scalar is in their place.
   */
  uint64_t tags_omitted;
  /**
   * As in sigmatag_summary.
   */
  uint64_t normalized_records;
  /**
   * As in sigmatag_summary.
   */
  uint64_t unmapped_events;
} sigmatag_stats_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * One line of English for a status, NUL-terminated, valid for ever. Never NULL, also for numbers
 * that are no status. Any thread.
 */
const char *sigmatag_status_text(int32_t status);

/**
 * Makes an engine of a compiled rule file (.sgt, made by `sigmatag compile`). The file is read
 * once and not kept open; only regular files are read. path need not be NUL-terminated.
 *
 * Statuses: the common ones, SIGMATAG_IO, SIGMATAG_NOT_SGT, SIGMATAG_UNSUPPORTED_VERSION,
 * SIGMATAG_TRUNCATED, SIGMATAG_CORRUPT, SIGMATAG_TOO_LARGE, SIGMATAG_NO_MEMORY. Any thread.
 */
int32_t sigmatag_init(const char *path,
                      size_t path_len,
                      const struct sigmatag_options *options,
                      struct sigmatag **out,
                      struct sigmatag_error *error);

/**
 * Makes an engine of a compiled rule file in memory. The bytes are copied; they need not outlive
 * the call.
 *
 * Statuses: those of sigmatag_init but SIGMATAG_IO. Any thread.
 */
int32_t sigmatag_init_bytes(const uint8_t *data,
                            size_t len,
                            const struct sigmatag_options *options,
                            struct sigmatag **out,
                            struct sigmatag_error *error);

/**
 * Makes an engine of the rule pack for MySQL that is part of the library. All engines made so
 * share one copy of it.
 *
 * Statuses: the common ones, and SIGMATAG_IO if this library was built without a pack. Any
 * thread.
 */
int32_t sigmatag_init_default(const struct sigmatag_options *options,
                              struct sigmatag **out,
                              struct sigmatag_error *error);

/**
 * Makes another engine of the rule set that an engine has in force, with options and totals of its
 * own. The rules are shared, not copied; from then on the two are independent: a reload of one
 * changes nothing for the other, and they may be freed in any order.
 *
 * Statuses: the common ones, SIGMATAG_NO_MEMORY. Any thread.
 */
int32_t sigmatag_share(const struct sigmatag *engine,
                       const struct sigmatag_options *options,
                       struct sigmatag **out,
                       struct sigmatag_error *error);

/**
 * Lets go of an engine. NULL is allowed. Scratches of the engine stay valid and must still be
 * freed, before or after; the memory of the engine goes with the last of them. Any thread, but no
 * other call may be using this pointer.
 */
void sigmatag_free(struct sigmatag *engine);

/**
 * Replaces the rule set by that of another file. The file is loaded and verified aside and then
 * put in force at once: calls that run finish with the old set, later calls use the new one. If it
 * fails, the old set stays in force.
 *
 * Statuses: those of sigmatag_init. Any thread, also while others match.
 */
int32_t sigmatag_reload(struct sigmatag *engine,
                        const char *path,
                        size_t path_len,
                        struct sigmatag_error *error);

/**
 * Like sigmatag_reload, with a compiled rule file in memory. The bytes are copied.
 *
 * Statuses: those of sigmatag_init_bytes. Any thread, also while others match.
 */
int32_t sigmatag_reload_bytes(struct sigmatag *engine,
                              const uint8_t *data,
                              size_t len,
                              struct sigmatag_error *error);

/**
 * Makes a scratch for an engine. It keeps the engine's memory until it is freed.
 *
 * Statuses: the common ones. Any thread.
 */
int32_t sigmatag_scratch_new(const struct sigmatag *engine,
                             struct sigmatag_scratch **out,
                             struct sigmatag_error *error);

/**
 * Frees a scratch, also a poisoned one. NULL is allowed. A scratch that is inside a call on
 * another thread is not freed but leaked: a leak can be found and a use after free can be
 * exploited. Any thread.
 */
void sigmatag_scratch_free(struct sigmatag_scratch *scratch);

/**
 * Lets go of a rule set that a reload has replaced. A scratch that is used does that by itself;
 * this is for one that will stay idle. Strings of sigmatag_rule_info end with it.
 *
 * Statuses: the common ones, SIGMATAG_IN_USE, SIGMATAG_POISONED. Any thread.
 */
int32_t sigmatag_scratch_release(struct sigmatag_scratch *scratch);

/**
 * Examines one event (or one chunk or message of many records) and writes which rules hold, in the
 * order of record, event and rule.
 *
 * With cap 0 (hits may then be NULL) only *count is written. If there are more than cap hits the
 * status is SIGMATAG_SMALL_BUFFER: the event has been examined and counted, *count and *summary
 * are written, hits is not; sigmatag_scratch_hits gives them without examining again. summary may
 * be NULL.
 *
 * In a chunk or a Forward message a bad record is counted in summary and is no error; if the one
 * event of SIGMATAG_JSON or SIGMATAG_MSGPACK is bad, the status is SIGMATAG_MALFORMED or
 * SIGMATAG_UNEXAMINED.
 *
 * Statuses: the common ones, those named above, SIGMATAG_IN_USE, SIGMATAG_POISONED. Any thread, with
 * a scratch that no other call uses.
 */
int32_t sigmatag_match(const struct sigmatag *engine,
                       struct sigmatag_scratch *scratch,
                       const struct sigmatag_event *event,
                       struct sigmatag_hit *hits,
                       size_t cap,
                       size_t *count,
                       struct sigmatag_summary *summary);

/**
 * Examines n events, at most SIGMATAG_MAX_BATCH, as sigmatag_match does; sigmatag_hit.record is the
 * index into events. A bad event is counted in summary and is no error. All events must state the
 * same struct_size, which is also their distance.
 *
 * Statuses: those of sigmatag_match but SIGMATAG_MALFORMED and SIGMATAG_UNEXAMINED, and
 * SIGMATAG_NO_MEMORY. Nothing is examined if one of the structs is wrong. Any thread, with a scratch
 * that no other call uses.
 */
int32_t sigmatag_match_batch(const struct sigmatag *engine,
                             struct sigmatag_scratch *scratch,
                             const struct sigmatag_event *events,
                             size_t n,
                             struct sigmatag_hit *hits,
                             size_t cap,
                             size_t *count,
                             struct sigmatag_summary *summary);

/**
 * Writes the hits of the last sigmatag_match, sigmatag_match_batch or sigmatag_tag_prepare with
 * this scratch. With cap 0 only *count; if there are more than cap hits, SIGMATAG_SMALL_BUFFER and
 * only *count. Allowed while a plan is pending.
 *
 * Statuses: the common ones, SIGMATAG_SMALL_BUFFER, SIGMATAG_IN_USE, SIGMATAG_POISONED. Any thread,
 * with a scratch that no other call uses.
 */
int32_t sigmatag_scratch_hits(const struct sigmatag_scratch *scratch,
                              struct sigmatag_hit *hits,
                              size_t cap,
                              size_t *count);

/**
 * Writes what the last sigmatag_match, sigmatag_match_batch or sigmatag_tag_prepare with this scratch
 * saw of each source; sources that it did not see are left out. (sigmatag_source_info gives the totals of the engine;
 * this is for hosts that count per caller, and costs next to nothing.) With cap 0 only *count; if
 * there are more than cap, SIGMATAG_SMALL_BUFFER and only *count; sigmatag_info_t.sources is always
 * enough. Allowed while a plan is pending.
 *
 * Statuses: the common ones, SIGMATAG_SMALL_BUFFER, SIGMATAG_IN_USE, SIGMATAG_POISONED. Any thread,
 * with a scratch that no other call uses.
 */
int32_t sigmatag_scratch_sources(const struct sigmatag_scratch *scratch,
                                 struct sigmatag_source_counts *counts,
                                 size_t cap,
                                 size_t *count);

/**
 * Examines an event, a chunk or a message, once, and plans its tagged copy.
 *
 * SIGMATAG_UNCHANGED: there is nothing to write, the data go on as they are, no plan is pending,
 * and *out_len is 0. SIGMATAG_OK: a plan is pending, and *out_len is the exact number of bytes that
 * sigmatag_tag_write will write. That may be 0: SIGMATAG_ONLY_MATCHING leaves out every record.
 * While a plan is pending the scratch refuses other work with SIGMATAG_IN_USE, until
 * sigmatag_tag_write succeeds or sigmatag_tag_discard is called. tagging and summary may be NULL.
 *
 * Keys of a tag that a record brings along are never left beside ours: on a match they are
 * replaced (and counted). On other records they stay, unless SIGMATAG_STRIP_FOREIGN is set. Our
 * keys are the key of SIGMATAG_NESTED, the columns of SIGMATAG_FLAT, and for SIGMATAG_ECS, whose
 * other members may be of somebody else, the mark: an object under sigmatag_tagging.key with the
 * ids, the level and the rule set.
 *
 * SIGMATAG_SPLIT_RECORDS: a record that is an envelope of events ({"records":[A,B]}) becomes one
 * record for each of them, with the time and metadata of the envelope; SIGMATAG_JSON: one line for
 * each; SIGMATAG_MSGPACK: one map behind the other. Events that lie in JSON text inside a string
 * ({"log":"{\"records\":[A,B]}"}) become the wrapper with the text of one event in that place. A
 * record stays whole if anything in the envelope is no object or cannot be read; then each entry
 * of the tag says which event it is about.
 *
 * SIGMATAG_ONLY_MATCHING leaves out records that were examined in full and do not match. Records
 * that are malformed or unexamined, that hold text which begins like JSON and cannot be read, or
 * that are of no known source, pass, and so do group markers.
 *
 * With sigmatag_options.normalize a record becomes the document of its event, with the tag if it
 * matches, and an envelope one for each of its events.
 *
 * Bad records are treated as by sigmatag_match; in a chunk they are copied as they are.
 *
 * Statuses: the common ones, SIGMATAG_UNCHANGED, SIGMATAG_MALFORMED, SIGMATAG_UNEXAMINED, SIGMATAG_IN_USE,
 * SIGMATAG_POISONED. Any thread, with a scratch that no other call uses.
 */
int32_t sigmatag_tag_prepare(const struct sigmatag *engine,
                             struct sigmatag_scratch *scratch,
                             const struct sigmatag_event *event,
                             const struct sigmatag_tagging *tagging,
                             size_t *out_len,
                             struct sigmatag_summary *summary);

/**
 * Writes the tagged copy that sigmatag_tag_prepare planned; nothing is evaluated again. data and
 * len must be those that sigmatag_tag_prepare saw, unchanged; out must not overlap data. The plan
 * ends with success, and stays pending otherwise. If cap is too small, *written is the size needed,
 * out is untouched, and the status is SIGMATAG_SMALL_BUFFER.
 *
 * Statuses: the common ones, SIGMATAG_NO_PLAN, SIGMATAG_OTHER_DATA, SIGMATAG_SMALL_BUFFER,
 * SIGMATAG_IN_USE, SIGMATAG_POISONED. Any thread, with a scratch that no other call uses.
 */
int32_t sigmatag_tag_write(struct sigmatag_scratch *scratch,
                           const uint8_t *data,
                           size_t len,
                           uint8_t *out,
                           size_t cap,
                           size_t *written);

/**
 * Drops the pending plan, if there is one.
 *
 * Statuses: the common ones, SIGMATAG_IN_USE, SIGMATAG_POISONED. Any thread, with a scratch that no
 * other call uses.
 */
int32_t sigmatag_tag_discard(struct sigmatag_scratch *scratch);

/**
 * SIGMATAG_ABI_VERSION of the loaded library. Any thread.
 */
uint32_t sigmatag_abi_version(void);

/**
 * Version of the loaded library, "0.1.0": NUL-terminated, valid for ever. Any thread.
 */
const char *sigmatag_version(void);

/**
 * Describes the rule with an index from a hit, in the rule set that the scratch used last.
 *
 * Statuses: the common ones, SIGMATAG_OUT_OF_RANGE, SIGMATAG_IN_USE, SIGMATAG_POISONED. Any thread,
 * with a scratch that no other call uses.
 */
int32_t sigmatag_rule_info(const struct sigmatag_scratch *scratch,
                           uint32_t rule,
                           struct sigmatag_rule *out);

/**
 * Describes the rule set in force.
 *
 * Statuses: the common ones. Any thread.
 */
int32_t sigmatag_info(const struct sigmatag *engine, struct sigmatag_info_t *out);

/**
 * Describes a source of the rule set in force, and what the engine saw of it. index is below
 * sigmatag_info_t.sources; the sources of another rule set may have other indices, but keep their
 * totals by name. While others match, the numbers may be of slightly different moments.
 *
 * Statuses: the common ones, SIGMATAG_OUT_OF_RANGE. Any thread.
 */
int32_t sigmatag_source_info(const struct sigmatag *engine,
                             uint32_t index,
                             struct sigmatag_source_t *out);

/**
 * Writes the totals of the engine. While others match, the numbers may be of slightly different
 * moments.
 *
 * Statuses: the common ones. Any thread.
 */
int32_t sigmatag_get_stats(const struct sigmatag *engine, struct sigmatag_stats_t *out);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SIGMATAG_H */
