/* What the functions are for: every format matched and tagged, batches, limits of buffers, totals.
 * usage: usage RULES.sgt */
#include "check.h"

#define ID_1 "5a1f3f0e-8f5e-4f5b-9a3e-0d4f2d9b6c01"
#define ID_2 "5a1f3f0e-8f5e-4f5b-9a3e-0d4f2d9b6c02"
#define ID_3 "5a1f3f0e-8f5e-4f5b-9a3e-0d4f2d9b6c03"

/* {"statement": "DROP TABLE users"} */
#define MAP "\x81\xa9statement\xb0" "DROP TABLE users"
/* {"statement": "show tables"} */
#define MAP_HARMLESS "\x81\xa9statement\xab" "show tables"
#define TIME "\xce\x65\x00\x00\x00"

static const char map[] = MAP;
static const char map_harmless[] = MAP_HARMLESS;
static const char chunk[] = "\x92" TIME MAP_HARMLESS "\x92" TIME MAP;
static const char chunk_harmless[] = "\x92" TIME MAP_HARMLESS;
static const char forward[] = "\x93\xa5mysql" TIME MAP;

static int is_rule(const sigmatag_scratch *scratch, uint32_t index, const char *id) {
  sigmatag_rule rule = empty_rule();
  return sigmatag_rule_info(scratch, index, &rule) == SIGMATAG_OK && rule.id_len == strlen(id) &&
         memcmp(rule.id, id, rule.id_len) == 0;
}

static int text_is(const char *text, size_t len, const char *want) {
  return len == strlen(want) && memcmp(text, want, len) == 0;
}

/* Whether bytes hold a text. */
static int holds(const uint8_t *bytes, size_t len, const char *text) {
  size_t want = strlen(text), i;
  for (i = 0; i + want <= len; i++)
    if (memcmp(bytes + i, text, want) == 0) return 1;
  return 0;
}

static void the_rules(const sigmatag *engine, const sigmatag_scratch *scratch) {
  sigmatag_info_t info = empty_info();
  sigmatag_rule rule = empty_rule();
  STATUS(sigmatag_info(engine, &info), SIGMATAG_OK);
  CHECK(info.rules == 3 && info.regexes == 1 && info.skipped_rules == 0);
  CHECK(info.format_version >= 1 && info.bytes > 0);
  CHECK(strlen(info.ruleset) == 64 && strspn(info.ruleset, "0123456789abcdef") == 64);
  CHECK(info.struct_size == sizeof info);
  STATUS(sigmatag_rule_info(scratch, 0, &rule), SIGMATAG_OK);
  CHECK(rule.struct_size == sizeof rule && rule.level == SIGMATAG_LEVEL_HIGH);
  CHECK(text_is(rule.id, rule.id_len, ID_1));
  CHECK(text_is(rule.title, rule.title_len, "Table dropped"));
  CHECK(text_is(rule.author, rule.author_len, "sigmatag tests"));
  CHECK(text_is(rule.tags, rule.tags_len, "attack.impact,attack.t1485"));
  CHECK(text_is(rule.logsource, rule.logsource_len, "mysql//audit"));
  STATUS(sigmatag_rule_info(scratch, 1, &rule), SIGMATAG_OK);
  CHECK(rule.level == SIGMATAG_LEVEL_LOW && rule.author_len == 0);
}

static void match_one(const sigmatag *engine, sigmatag_scratch *scratch, int32_t format,
                      const char *data, size_t len, uint32_t record) {
  sigmatag_event event = event_of(format, data, len);
  sigmatag_summary summary = empty_summary();
  sigmatag_hit hits[8];
  size_t count = 99;
  memset(hits, 0xee, sizeof hits);
  STATUS(sigmatag_match(engine, scratch, &event, hits, 8, &count, &summary), SIGMATAG_OK);
  CHECK(count == 2 && summary.hits == 2 && summary.matched_records == 1);
  CHECK(summary.records == record + 1 && summary.events == record + 1);
  CHECK(summary.malformed == 0 && summary.unexamined == 0);
  CHECK(summary.struct_size == sizeof summary && summary.generation == hits[0].generation);
  CHECK(hits[0].record == record && hits[0].event == 0 && is_rule(scratch, hits[0].rule, ID_1));
  CHECK(hits[1].record == record && hits[1].event == 0 && is_rule(scratch, hits[1].rule, ID_2));
  CHECK(hits[2].record == 0xeeeeeeee);
}

static void room_for_hits(const sigmatag *engine, sigmatag_scratch *scratch) {
  sigmatag_event event = json_event(STATEMENT);
  sigmatag_summary summary = empty_summary();
  sigmatag_stats_t before = empty_stats(), after = empty_stats();
  sigmatag_hit hits[2];
  size_t count = 99;
  STATUS(sigmatag_get_stats(engine, &before), SIGMATAG_OK);
  memset(hits, 0xee, sizeof hits);
  STATUS(sigmatag_match(engine, scratch, &event, hits, 1, &count, &summary), SIGMATAG_SMALL_BUFFER);
  CHECK(count == 2 && summary.hits == 2 && hits[0].record == 0xeeeeeeee);
  count = 99;
  STATUS(sigmatag_scratch_hits(scratch, hits, 1, &count), SIGMATAG_SMALL_BUFFER);
  CHECK(count == 2 && hits[0].record == 0xeeeeeeee);
  count = 99;
  STATUS(sigmatag_scratch_hits(scratch, NULL, 0, &count), SIGMATAG_OK);
  CHECK(count == 2);
  STATUS(sigmatag_scratch_hits(scratch, hits, 2, &count), SIGMATAG_OK);
  CHECK(count == 2 && is_rule(scratch, hits[0].rule, ID_1) && is_rule(scratch, hits[1].rule, ID_2));
  STATUS(sigmatag_get_stats(engine, &after), SIGMATAG_OK);
  CHECK(after.calls == before.calls + 1 && after.hits == before.hits + 2);
  count = 99;
  STATUS(sigmatag_match(engine, scratch, &event, NULL, 0, &count, NULL), SIGMATAG_OK);
  CHECK(count == 2);
}

static void bad_events(const sigmatag *engine, sigmatag_scratch *scratch) {
  static const char *const bad[] = {"", "{", "[1]", "{\"a\":1}x", "null"};
  sigmatag_stats_t before = empty_stats(), after = empty_stats();
  sigmatag_event event;
  size_t count = 99, i;
  STATUS(sigmatag_get_stats(engine, &before), SIGMATAG_OK);
  for (i = 0; i < 5; i++) {
    event = json_event(bad[i]);
    STATUS(sigmatag_match(engine, scratch, &event, NULL, 0, &count, NULL), SIGMATAG_MALFORMED);
    STATUS(sigmatag_tag_prepare(engine, scratch, &event, NULL, &count, NULL), SIGMATAG_MALFORMED);
  }
  event = event_of(SIGMATAG_MSGPACK, "\x81\xa9" "stat", 6);
  STATUS(sigmatag_match(engine, scratch, &event, NULL, 0, &count, NULL), SIGMATAG_MALFORMED);
  CHECK(count == 99);
  STATUS(sigmatag_get_stats(engine, &after), SIGMATAG_OK);
  CHECK(after.malformed == before.malformed + 11 && after.records == before.records + 11);
  CHECK(after.matched_records == before.matched_records);
}

static void batches(const sigmatag *engine, sigmatag_scratch *scratch) {
  sigmatag_event events[4];
  sigmatag_summary summary = empty_summary();
  sigmatag_hit hits[8];
  size_t count = 99;
  int round;
  events[0] = json_event(HARMLESS);
  events[1] = json_event(STATEMENT);
  events[2] = json_event("{broken");
  events[3] = event_of(SIGMATAG_MSGPACK, map, sizeof map - 1);
  for (round = 0; round < 3; round++) {
    STATUS(sigmatag_match_batch(engine, scratch, events, 4, hits, 8, &count, &summary),
           SIGMATAG_OK);
    CHECK(count == 4 && summary.records == 4 && summary.matched_records == 2);
    CHECK(summary.malformed == 1 && summary.hits == 4);
    CHECK(hits[0].record == 1 && hits[1].record == 1 && hits[2].record == 3);
    CHECK(hits[3].record == 3 && is_rule(scratch, hits[3].rule, ID_2));
  }
  STATUS(sigmatag_match_batch(engine, scratch, NULL, 0, NULL, 0, &count, &summary), SIGMATAG_OK);
  CHECK(count == 0 && summary.records == 0);
}

/* A struct of a newer header: larger, with fields that this library does not know. */
static void newer_structs(const sigmatag *engine, sigmatag_scratch *scratch) {
  struct newer_event {
    sigmatag_event known;
    uint64_t unknown[3];
  } events[2];
  struct newer_summary {
    sigmatag_summary known;
    uint64_t unknown;
  } summary;
  sigmatag_hit hits[4];
  size_t count = 99;
  memset(&events, 0xff, sizeof events);
  memset(&summary, 0xff, sizeof summary);
  events[0].known = json_event(STATEMENT);
  events[1].known = json_event(HARMLESS);
  events[0].known.struct_size = events[1].known.struct_size = (uint32_t)sizeof events[0];
  summary.known.struct_size = (uint32_t)sizeof summary;
  STATUS(sigmatag_match_batch(engine, scratch, &events[0].known, 2, hits, 4, &count,
                              &summary.known),
         SIGMATAG_OK);
  CHECK(count == 2 && hits[1].record == 0 && summary.known.records == 2);
  CHECK(summary.known.struct_size == sizeof summary && summary.unknown == UINT64_MAX);
}

/* What a call saw of each source, beside the totals of the engine. */
static void sources(const sigmatag *engine, sigmatag_scratch *scratch) {
  static const char azure[] = "{\"category\":\"MySqlAuditLogs\",\"a\":1}";
  sigmatag_event event = json_event(azure);
  sigmatag_source_counts seen[2];
  sigmatag_source_t source = empty_source();
  size_t count = 99;
  int i;
  for (i = 1; i <= 2; i++) {
    STATUS(sigmatag_match(engine, scratch, &event, NULL, 0, &count, NULL), SIGMATAG_OK);
    STATUS(sigmatag_scratch_sources(scratch, NULL, 0, &count), SIGMATAG_OK);
    CHECK(count == 1);
    memset(seen, 0xee, sizeof seen);
    STATUS(sigmatag_scratch_sources(scratch, seen, 2, &count), SIGMATAG_OK);
    NEED(count == 1);
    CHECK(seen[0].events == 1 && seen[0].broken_payload == 0 && seen[0].broken_line == 0);
    CHECK(seen[1].events == UINT64_C(0xeeeeeeeeeeeeeeee));
    STATUS(sigmatag_source_info(engine, seen[0].source, &source), SIGMATAG_OK);
    CHECK(source.name_len == 11 && memcmp(source.name, "azure-mysql", 11) == 0);
    CHECK(source.events == (uint64_t)i);
  }
  event = json_event(HARMLESS);
  STATUS(sigmatag_match(engine, scratch, &event, NULL, 0, &count, NULL), SIGMATAG_OK);
  STATUS(sigmatag_scratch_sources(scratch, seen, 2, &count), SIGMATAG_OK);
  CHECK(count == 0);
}

static void levels_and_sources(const char *path) {
  sigmatag_options options = empty_options();
  sigmatag_event event = json_event(STATEMENT);
  sigmatag *engine = NULL;
  sigmatag_scratch *scratch;
  sigmatag_hit hits[4];
  size_t count = 99;
  options.min_level = SIGMATAG_LEVEL_HIGH;
  options.max_record = 64;
  STATUS(sigmatag_init(path, strlen(path), &options, &engine, NULL), SIGMATAG_OK);
  NEED(engine != NULL);
  scratch = scratch_of(engine);
  STATUS(sigmatag_match(engine, scratch, &event, hits, 4, &count, NULL), SIGMATAG_OK);
  CHECK(count == 1 && is_rule(scratch, hits[0].rule, ID_1));
  event.logsource = (const uint8_t *)"mysql//audit";
  event.logsource_len = 12;
  STATUS(sigmatag_match(engine, scratch, &event, hits, 4, &count, NULL), SIGMATAG_OK);
  CHECK(count == 1);
  sources(engine, scratch);
  event.logsource = (const uint8_t *)"windows//sysmon";
  event.logsource_len = 15;
  STATUS(sigmatag_match(engine, scratch, &event, hits, 4, &count, NULL), SIGMATAG_OK);
  CHECK(count == 0);
  event = json_event("{\"statement\":\"DROP TABLE users, and many more bytes than 64, see?\"}");
  count = 99;
  STATUS(sigmatag_match(engine, scratch, &event, hits, 4, &count, NULL), SIGMATAG_UNEXAMINED);
  CHECK(count == 99);
  /* In any order: the engine first. */
  sigmatag_free(engine);
  CHECK(is_rule(scratch, 0, ID_1));
  sigmatag_scratch_free(scratch);
}

static void tag_one(const sigmatag *engine, sigmatag_scratch *scratch, int32_t format,
                    const char *data, size_t len, int32_t shape, const char *want) {
  sigmatag_event event = event_of(format, data, len);
  sigmatag_tagging tagging = empty_tagging();
  sigmatag_summary summary = empty_summary();
  sigmatag_hit hits[4];
  size_t needed = 0, written = 99, count = 0;
  uint8_t *out;
  char *other;
  tagging.shape = shape;
  STATUS(sigmatag_tag_prepare(engine, scratch, &event, &tagging, &needed, &summary), SIGMATAG_OK);
  CHECK(needed > len && summary.matched_records == 1 && summary.hits == 2);
  NEED(needed > len);
  /* While a plan is pending nothing else may be evaluated, but the hits can be read. */
  STATUS(sigmatag_match(engine, scratch, &event, NULL, 0, &count, NULL), SIGMATAG_IN_USE);
  STATUS(sigmatag_match_batch(engine, scratch, &event, 1, NULL, 0, &count, NULL), SIGMATAG_IN_USE);
  STATUS(sigmatag_tag_prepare(engine, scratch, &event, NULL, &count, NULL), SIGMATAG_IN_USE);
  STATUS(sigmatag_scratch_release(scratch), SIGMATAG_IN_USE);
  STATUS(sigmatag_scratch_hits(scratch, hits, 4, &count), SIGMATAG_OK);
  CHECK(count == 2 && is_rule(scratch, hits[0].rule, ID_1));
  /* malloc of exactly the size: valgrind sees a byte too many. */
  out = (uint8_t *)malloc(needed);
  other = (char *)malloc(len);
  NEED(out != NULL && other != NULL);
  memset(out, 0xee, needed);
  memcpy(other, data, len);
  other[len - 1] ^= 1;
  STATUS(sigmatag_tag_write(scratch, (const uint8_t *)other, len, out, needed, &written),
         SIGMATAG_OTHER_DATA);
  STATUS(sigmatag_tag_write(scratch, event.data, len - 1, out, needed, &written),
         SIGMATAG_OTHER_DATA);
  CHECK(written == 99 && out[0] == 0xee && out[needed - 1] == 0xee);
  STATUS(sigmatag_tag_write(scratch, event.data, len, out, needed - 1, &written),
         SIGMATAG_SMALL_BUFFER);
  CHECK(written == needed && out[0] == 0xee && out[needed - 2] == 0xee);
  STATUS(sigmatag_tag_write(scratch, event.data, len, NULL, 0, &written), SIGMATAG_SMALL_BUFFER);
  STATUS(sigmatag_tag_write(scratch, event.data, len, out, needed, &written), SIGMATAG_OK);
  CHECK(written == needed && holds(out, needed, want) && holds(out, needed, ID_1));
  CHECK(holds(out, needed, ID_2) && !holds(out, needed, ID_3));
  CHECK(holds(out, needed, "DROP TABLE users"));
  STATUS(sigmatag_tag_write(scratch, event.data, len, out, needed, &written), SIGMATAG_NO_PLAN);
  /* Dropped plans. */
  STATUS(sigmatag_tag_prepare(engine, scratch, &event, &tagging, &needed, NULL), SIGMATAG_OK);
  STATUS(sigmatag_tag_discard(scratch), SIGMATAG_OK);
  STATUS(sigmatag_tag_write(scratch, event.data, len, out, needed, &written), SIGMATAG_NO_PLAN);
  STATUS(sigmatag_match(engine, scratch, &event, NULL, 0, &count, NULL), SIGMATAG_OK);
  free(out);
  free(other);
}

static void tag_none(const sigmatag *engine, sigmatag_scratch *scratch, int32_t format,
                     const char *data, size_t len) {
  sigmatag_event event = event_of(format, data, len);
  sigmatag_summary summary = empty_summary();
  size_t needed = 99;
  STATUS(sigmatag_tag_prepare(engine, scratch, &event, NULL, &needed, &summary),
         SIGMATAG_UNCHANGED);
  CHECK(needed == 0 && summary.matched_records == 0 && summary.records == 1);
  STATUS(sigmatag_match(engine, scratch, &event, NULL, 0, &needed, NULL), SIGMATAG_OK);
  CHECK(needed == 0);
}

static void own_key(const sigmatag *engine, sigmatag_scratch *scratch) {
  sigmatag_event event = json_event(STATEMENT);
  sigmatag_tagging tagging = empty_tagging();
  uint8_t out[4096];
  size_t needed = 0, written = 0;
  tagging.key = (const uint8_t *)"detected";
  tagging.key_len = 8;
  STATUS(sigmatag_tag_prepare(engine, scratch, &event, &tagging, &needed, NULL), SIGMATAG_OK);
  STATUS(sigmatag_tag_write(scratch, event.data, event.len, out, sizeof out, &written),
         SIGMATAG_OK);
  CHECK(written == needed && holds(out, written, "\"detected\":"));
  CHECK(!holds(out, written, "\"sigma\":"));
}

/* Prepares and writes what there is to write; the length, or -1 if the data stay as they are. */
static long long flagged(const sigmatag *engine, sigmatag_scratch *scratch, sigmatag_event event,
                         uint32_t flags, uint8_t *out, size_t cap, sigmatag_summary *summary) {
  sigmatag_tagging tagging = empty_tagging();
  size_t needed = 99, written = 99;
  int32_t status;
  tagging.flags = flags;
  status = sigmatag_tag_prepare(engine, scratch, &event, &tagging, &needed, summary);
  if (status == SIGMATAG_UNCHANGED) {
    CHECK(needed == 0);
    STATUS(sigmatag_tag_write(scratch, event.data, event.len, out, cap, &written),
           SIGMATAG_NO_PLAN);
    return -1;
  }
  CHECK(status == SIGMATAG_OK && needed <= cap);
  STATUS(sigmatag_tag_write(scratch, event.data, event.len, out, cap, &written), SIGMATAG_OK);
  CHECK(written == needed);
  return (long long)written;
}

static void records_out(const sigmatag *engine, sigmatag_scratch *scratch) {
  static const char envelope[] = "{\"records\":[" STATEMENT "," HARMLESS "]}";
  static const char planted[] = "{\"sigma\":\"planted\",\"statement\":\"show tables\"}";
  uint8_t out[4096];
  sigmatag_summary summary = empty_summary();
  sigmatag_event event = json_event(HARMLESS);
  sigmatag_stats_t before = empty_stats(), after = empty_stats();
  size_t written = 99, needed = 99;
  sigmatag_tagging tagging = empty_tagging();
  long long len;
  STATUS(sigmatag_get_stats(engine, &before), SIGMATAG_OK);
  /* Unknown events pass; with the host's word for the log source they are dropped. */
  CHECK(flagged(engine, scratch, event, SIGMATAG_ONLY_MATCHING, out, sizeof out, &summary) == -1);
  CHECK(summary.unrouted == 1 && summary.dropped_records == 0);
  event.logsource = (const uint8_t *)"mysql/-/audit";
  event.logsource_len = 13;
  CHECK(flagged(engine, scratch, event, SIGMATAG_ONLY_MATCHING, out, sizeof out, &summary) == 0);
  CHECK(summary.unrouted == 0 && summary.dropped_records == 1);
  /* A plan of 0 bytes is pending all the same. */
  tagging.flags = SIGMATAG_ONLY_MATCHING;
  STATUS(sigmatag_tag_prepare(engine, scratch, &event, &tagging, &needed, NULL), SIGMATAG_OK);
  CHECK(needed == 0);
  STATUS(sigmatag_match(engine, scratch, &event, NULL, 0, &needed, NULL), SIGMATAG_IN_USE);
  STATUS(sigmatag_tag_write(scratch, event.data, event.len - 1, NULL, 0, &written),
         SIGMATAG_OTHER_DATA);
  STATUS(sigmatag_tag_write(scratch, event.data, event.len, NULL, 0, &written), SIGMATAG_OK);
  CHECK(written == 0);
  STATUS(sigmatag_tag_write(scratch, event.data, event.len, NULL, 0, &written), SIGMATAG_NO_PLAN);

  event = json_event(envelope);
  len = flagged(engine, scratch, event, SIGMATAG_SPLIT_RECORDS, out, sizeof out, &summary);
  CHECK(len > 0 && summary.split_records == 1 && summary.events == 1);
  CHECK(len > (long long)strlen(HARMLESS) &&
        memcmp(out + len - strlen(HARMLESS) - 1, "\n" HARMLESS, strlen(HARMLESS) + 1) == 0);

  event = json_event(planted);
  CHECK(flagged(engine, scratch, event, 0, out, sizeof out, &summary) == -1);
  len = flagged(engine, scratch, event, SIGMATAG_STRIP_FOREIGN, out, sizeof out, &summary);
  CHECK(len == (long long)strlen(HARMLESS) && memcmp(out, HARMLESS, strlen(HARMLESS)) == 0);
  CHECK(summary.stripped_records == 1 && summary.tag_replaced == 0);

  STATUS(sigmatag_get_stats(engine, &after), SIGMATAG_OK);
  CHECK(after.dropped_records == before.dropped_records + 2);
  CHECK(after.split_records == before.split_records + 1);
  CHECK(after.stripped_records == before.stripped_records + 1);
}

#define SESSION                                                                             \
  "{\"category\":\"MySqlAuditLogs\",\"properties\":{\"event_class\":\"connection_log\","        \
  "\"event_subclass\":\"CONNECT\",\"user\":\"app\",\"ip\":\"203.0.113.9\"}}"
#define DOCUMENT_END                                                                        \
  "\"event\":{\"outcome\":\"success\"},\"action\":{\"name\":\"CONNECT\",\"outcome\":\"success\","   \
  "\"type\":\"connection_log\"},\"related\":{\"ip\":[\"203.0.113.9\"],\"user\":[\"app\"]},"         \
  "\"source\":{\"address\":\"203.0.113.9\",\"ip\":\"203.0.113.9\"},\"user\":{\"name\":\"app\"}}"

static void normalized(const char *path) {
  sigmatag_options options = empty_options();
  sigmatag_summary summary = empty_summary();
  sigmatag_stats_t stats;
  sigmatag_scratch *scratch;
  sigmatag *engine = NULL, *other = NULL;
  uint8_t out[2048];
  long long len;
  options.normalize = (const uint8_t *)"Sekoia";
  options.normalize_len = 6;
  STATUS(sigmatag_init(path, strlen(path), &options, &engine, NULL), SIGMATAG_OK);
  NEED(engine != NULL);
  scratch = scratch_of(engine);
  len = flagged(engine, scratch, json_event(SESSION), 0, out, sizeof out, &summary);
  CHECK(len > (long long)strlen(DOCUMENT_END) && memcmp(out, "{\"message\":\"{", 13) == 0);
  CHECK(memcmp(out + len - strlen(DOCUMENT_END), DOCUMENT_END, strlen(DOCUMENT_END)) == 0);
  CHECK(summary.normalized_records == 1 && summary.unmapped_events == 0);
  /* What no document is for goes on as it is. */
  len = flagged(engine, scratch, json_event(HARMLESS), 0, out, sizeof out, &summary);
  CHECK(len == -1 && summary.normalized_records == 0 && summary.unmapped_events == 1);
  memset(&stats, 0, sizeof stats);
  stats.struct_size = sizeof stats;
  STATUS(sigmatag_get_stats(engine, &stats), SIGMATAG_OK);
  CHECK(stats.normalized_records == 1 && stats.unmapped_events == 1);
  /* One that shares the rules writes no documents. */
  STATUS(sigmatag_share(engine, NULL, &other, NULL), SIGMATAG_OK);
  sigmatag_scratch_free(scratch);
  scratch = scratch_of(other);
  CHECK(flagged(other, scratch, json_event(SESSION), 0, out, sizeof out, &summary) == -1);
  CHECK(summary.normalized_records == 0 && summary.unmapped_events == 0);
  sigmatag_scratch_free(scratch);
  sigmatag_free(engine);
  sigmatag_free(other);
}

static void disabled_rules(const char *path) {
  sigmatag_options options = empty_options();
  sigmatag_event event = json_event(STATEMENT);
  sigmatag_info_t info = empty_info();
  sigmatag_scratch *scratch;
  sigmatag *engine = NULL;
  sigmatag_hit hits[4];
  size_t count = 99;
  static const char ids[] = " 5A1F3F0E-8F5E-4F5B-9A3E-0D4F2D9B6C01,\n" ID_3 " unknown,";
  options.disable_rules = (const uint8_t *)ids;
  options.disable_rules_len = sizeof ids - 1;
  STATUS(sigmatag_init(path, strlen(path), &options, &engine, NULL), SIGMATAG_OK);
  NEED(engine != NULL);
  STATUS(sigmatag_info(engine, &info), SIGMATAG_OK);
  CHECK(info.disabled_rules == 2 && info.unknown_disabled_rules == 1 && info.rules == 3);
  scratch = scratch_of(engine);
  STATUS(sigmatag_match(engine, scratch, &event, hits, 4, &count, NULL), SIGMATAG_OK);
  CHECK(count == 1 && is_rule(scratch, hits[0].rule, ID_2));
  sigmatag_scratch_free(scratch);
  sigmatag_free(engine);
}

static void log_source_modes(const char *path) {
  static const int32_t modes[] = {SIGMATAG_LOGSOURCE_AUTO, SIGMATAG_LOGSOURCE_STRICT,
                                  SIGMATAG_LOGSOURCE_NONE};
  static const size_t expected[] = {2, 0, 2};
  static const uint64_t unrouted[] = {1, 1, 0};
  int i;
  for (i = 0; i < 3; i++) {
    sigmatag_options options = empty_options();
    sigmatag_event event = json_event(STATEMENT);
    sigmatag_summary summary = empty_summary();
    sigmatag_scratch *scratch;
    sigmatag *engine = NULL;
    size_t count = 99;
    options.logsource_mode = modes[i];
    STATUS(sigmatag_init(path, strlen(path), &options, &engine, NULL), SIGMATAG_OK);
    NEED(engine != NULL);
    scratch = scratch_of(engine);
    STATUS(sigmatag_match(engine, scratch, &event, NULL, 0, &count, &summary), SIGMATAG_OK);
    CHECK(count == expected[i] && summary.unrouted == unrouted[i]);
    sigmatag_scratch_free(scratch);
    sigmatag_free(engine);
  }
}

/* The source of Azure's MySQL events is built in. */
static sigmatag_source_t azure(const sigmatag *engine) {
  sigmatag_info_t info = empty_info();
  uint32_t i;
  STATUS(sigmatag_info(engine, &info), SIGMATAG_OK);
  CHECK(info.sources > 0);
  for (i = 0; i < info.sources; i++) {
    sigmatag_source_t source = empty_source();
    STATUS(sigmatag_source_info(engine, i, &source), SIGMATAG_OK);
    CHECK(source.struct_size == sizeof source && source.name != NULL);
    if (text_is(source.name, source.name_len, "azure-mysql")) return source;
  }
  CHECK(!"there is no source azure-mysql");
  return empty_source();
}

static void totals_by_source(const char *path) {
  sigmatag *engine = engine_of(path);
  sigmatag_scratch *scratch = scratch_of(engine), *other = scratch_of(engine);
  sigmatag_event event = json_event("{\"category\":\"MySqlAuditLogs\"}");
  sigmatag_event broken =
      json_event("{\"category\":\"MySqlAuditLogs\",\"properties\":\"{\\\"a\\\":\"}");
  sigmatag_source_t source = azure(engine);
  const char *name = source.name;
  size_t count = 99;
  CHECK(source.events == 0);
  STATUS(sigmatag_match(engine, scratch, &event, NULL, 0, &count, NULL), SIGMATAG_OK);
  STATUS(sigmatag_match(engine, other, &event, NULL, 0, &count, NULL), SIGMATAG_OK);
  STATUS(sigmatag_match(engine, other, &broken, NULL, 0, &count, NULL), SIGMATAG_OK);
  source = azure(engine);
  CHECK(source.events == 3 && source.broken_nested == 1 && source.broken_payload == 0);
  /* They outlive scratches and reloads, and names keep their place. */
  sigmatag_scratch_free(other);
  STATUS(sigmatag_reload(engine, path, strlen(path), NULL), SIGMATAG_OK);
  STATUS(sigmatag_match(engine, scratch, &event, NULL, 0, &count, NULL), SIGMATAG_OK);
  sigmatag_scratch_free(scratch);
  source = azure(engine);
  CHECK(source.events == 4 && source.broken_nested == 1 && source.name == name);
  sigmatag_free(engine);
}

int main(int argc, char **argv) {
  sigmatag *engine;
  sigmatag_scratch *scratch;
  sigmatag_stats_t stats = empty_stats();
  NEED(argc > 1);
  engine = engine_of(argv[1]);
  scratch = scratch_of(engine);
  the_rules(engine, scratch);
  match_one(engine, scratch, SIGMATAG_JSON, STATEMENT, strlen(STATEMENT), 0);
  match_one(engine, scratch, SIGMATAG_MSGPACK, map, sizeof map - 1, 0);
  match_one(engine, scratch, SIGMATAG_FLB_CHUNK, chunk, sizeof chunk - 1, 1);
  match_one(engine, scratch, SIGMATAG_FORWARD, forward, sizeof forward - 1, 0);
  STATUS(sigmatag_get_stats(engine, &stats), SIGMATAG_OK);
  CHECK(stats.calls == 4 && stats.records == 5 && stats.matched_records == 4 && stats.hits == 8);
  room_for_hits(engine, scratch);
  bad_events(engine, scratch);
  batches(engine, scratch);
  newer_structs(engine, scratch);
  levels_and_sources(argv[1]);
  tag_one(engine, scratch, SIGMATAG_JSON, STATEMENT, strlen(STATEMENT), SIGMATAG_NESTED,
          "\"sigma\":{");
  tag_one(engine, scratch, SIGMATAG_JSON, STATEMENT, strlen(STATEMENT), SIGMATAG_FLAT,
          "\"SigmaIds\":");
  tag_one(engine, scratch, SIGMATAG_JSON, STATEMENT, strlen(STATEMENT), SIGMATAG_ECS, "\"rule\":");
  tag_one(engine, scratch, SIGMATAG_MSGPACK, map, sizeof map - 1, SIGMATAG_NESTED, "\xa5sigma");
  tag_one(engine, scratch, SIGMATAG_FLB_CHUNK, chunk, sizeof chunk - 1, SIGMATAG_NESTED,
          "\xa5sigma");
  tag_one(engine, scratch, SIGMATAG_FORWARD, forward, sizeof forward - 1, SIGMATAG_FLAT,
          "\xa8SigmaIds");
  tag_none(engine, scratch, SIGMATAG_JSON, HARMLESS, strlen(HARMLESS));
  tag_none(engine, scratch, SIGMATAG_MSGPACK, map_harmless, sizeof map_harmless - 1);
  tag_none(engine, scratch, SIGMATAG_FLB_CHUNK, chunk_harmless, sizeof chunk_harmless - 1);
  own_key(engine, scratch);
  records_out(engine, scratch);
  disabled_rules(argv[1]);
  normalized(argv[1]);
  log_source_modes(argv[1]);
  totals_by_source(argv[1]);
  STATUS(sigmatag_scratch_release(scratch), SIGMATAG_OK);
  sigmatag_scratch_free(scratch);
  /* Totals outlive the scratch that counted them. */
  {
    sigmatag_stats_t after = empty_stats();
    STATUS(sigmatag_get_stats(engine, &after), SIGMATAG_OK);
    CHECK(after.hits > stats.hits && after.panics == 0);
  }
  sigmatag_free(engine);
  return check_done("usage");
}
