/* Every argument of every function, wrong: the status, and that no output was touched.
 * usage: arguments RULES.sgt */
#include "check.h"

static sigmatag *engine;
static sigmatag_scratch *scratch;

/* What an output holds before a call that must not touch it. */
static char marker_object;
#define MARKER ((void *)&marker_object)
#define UNTOUCHED ((size_t)0x5a5a5a5a)

static void sizes_of(uint32_t size, uint32_t *list) {
  list[0] = 0;
  list[1] = 4;
  list[2] = size - 1;
  list[3] = 4097;
  list[4] = UINT32_MAX;
}
#define WRONG_SIZES 5

static void the_library(void) {
  int32_t status;
  CHECK(sigmatag_abi_version() == SIGMATAG_ABI_VERSION);
  {
    char version[64];
    snprintf(version, sizeof version, "%d.%d.%d", SIGMATAG_VERSION_MAJOR, SIGMATAG_VERSION_MINOR,
             SIGMATAG_VERSION_PATCH);
    CHECK(strcmp(sigmatag_version(), version) == 0);
  }
  CHECK(SIGMATAG_VERSION_NUMBER == SIGMATAG_VERSION_MAJOR * 1000000 +
                                       SIGMATAG_VERSION_MINOR * 1000 + SIGMATAG_VERSION_PATCH);
  CHECK(SIGMATAG_NO_OFFSET == UINT64_MAX);
  CHECK(strcmp(sigmatag_status_text(SIGMATAG_OK), "ok") == 0);
  CHECK(strcmp(sigmatag_status_text(SIGMATAG_UNCHANGED), "unknown status") != 0);
  for (status = SIGMATAG_NO_MEMORY; status < SIGMATAG_OK; status++) {
    CHECK(strlen(sigmatag_status_text(status)) > 8);
    CHECK(strcmp(sigmatag_status_text(status), "unknown status") != 0);
  }
  CHECK(SIGMATAG_NULL_ARGUMENT == -1 && SIGMATAG_UNCHANGED == 1);
  CHECK(strcmp(sigmatag_status_text(SIGMATAG_UNCHANGED + 1), "unknown status") == 0);
  CHECK(strcmp(sigmatag_status_text(SIGMATAG_NO_MEMORY - 1), "unknown status") == 0);
  CHECK(strcmp(sigmatag_status_text(INT32_MIN), "unknown status") == 0);
}

static void init_arguments(const char *path) {
  uint32_t sizes[WRONG_SIZES];
  sigmatag *out = (sigmatag *)MARKER;
  sigmatag_error error = empty_error();
  sigmatag_options options = empty_options();
  size_t len = strlen(path);
  int i;

  STATUS(sigmatag_init(NULL, 5, NULL, &out, &error), SIGMATAG_NULL_ARGUMENT);
  CHECK(error.status == SIGMATAG_NULL_ARGUMENT && contains(error.message, "path"));
  CHECK(error.offset == SIGMATAG_NO_OFFSET);
  STATUS(sigmatag_init(NULL, 0, NULL, &out, &error), SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_init(path, 0, NULL, &out, &error), SIGMATAG_BAD_ARGUMENT);
  CHECK(contains(error.message, "path is empty"));
  STATUS(sigmatag_init(path, (size_t)PTRDIFF_MAX + 1, NULL, &out, &error), SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_init(path, SIZE_MAX, NULL, &out, NULL), SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_init(path, len + 1, NULL, &out, &error), SIGMATAG_BAD_ARGUMENT);
  CHECK(contains(error.message, "NUL"));
  STATUS(sigmatag_init(path, len, NULL, NULL, &error), SIGMATAG_NULL_ARGUMENT);
  CHECK(contains(error.message, "out"));
  STATUS(sigmatag_init(path, len, NULL, NULL, NULL), SIGMATAG_NULL_ARGUMENT);

  STATUS(sigmatag_init_bytes(NULL, 5, NULL, &out, &error), SIGMATAG_NULL_ARGUMENT);
  CHECK(contains(error.message, "data"));
  STATUS(sigmatag_init_bytes(NULL, 5, NULL, NULL, NULL), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_init_bytes((const uint8_t *)path, len, NULL, NULL, &error),
         SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_init_bytes((const uint8_t *)path, SIZE_MAX, NULL, &out, &error),
         SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_init_default(NULL, NULL, &error), SIGMATAG_NULL_ARGUMENT);

  sizes_of((uint32_t)sizeof error, sizes);
  for (i = 0; i < WRONG_SIZES; i++) {
    sigmatag_error wrong = empty_error();
    sigmatag_error before;
    wrong.struct_size = sizes[i];
    before = wrong;
    STATUS(sigmatag_init(path, len, NULL, &out, &wrong), SIGMATAG_BAD_ARGUMENT);
    STATUS(sigmatag_init_bytes(NULL, 0, NULL, &out, &wrong), SIGMATAG_BAD_ARGUMENT);
    STATUS(sigmatag_init_default(NULL, &out, &wrong), SIGMATAG_BAD_ARGUMENT);
    STATUS(sigmatag_reload(engine, path, len, &wrong), SIGMATAG_BAD_ARGUMENT);
    STATUS(sigmatag_reload_bytes(engine, NULL, 0, &wrong), SIGMATAG_BAD_ARGUMENT);
    CHECK(memcmp(&wrong, &before, sizeof wrong) == 0);
  }
  sizes_of((uint32_t)sizeof options, sizes);
  for (i = 0; i < WRONG_SIZES; i++) {
    options = empty_options();
    options.struct_size = sizes[i];
    STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_BAD_ARGUMENT);
    CHECK(contains(error.message, "struct_size"));
    STATUS(sigmatag_init_default(&options, &out, NULL), SIGMATAG_BAD_ARGUMENT);
  }
  for (i = 0; i < 2; i++) {
    options = empty_options();
    options.reserved[i] = 1;
    STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_BAD_ARGUMENT);
    CHECK(contains(error.message, "reserved"));
  }
  options = empty_options();
  options.normalize_len = 1;
  STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_NULL_ARGUMENT);
  CHECK(contains(error.message, "normalize"));
  options.normalize = (const uint8_t *)"\xff";
  STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_BAD_ARGUMENT);
  CHECK(contains(error.message, "UTF-8"));
  options.normalize = (const uint8_t *)"splunk";
  options.normalize_len = 6;
  STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_BAD_ARGUMENT);
  CHECK(contains(error.message, "unknown destination `splunk`; known are sekoia, ecs, asim"));
  options = empty_options();
  options.reserved0 = 1;
  STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_BAD_ARGUMENT);
  options = empty_options();
  options.flags = SIGMATAG_MATCH_METADATA | 2;
  STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_BAD_ARGUMENT);
  CHECK(contains(error.message, "flags"));
  for (i = 0; i < 3; i++) {
    static const int32_t modes[] = {-1, 3, 256};
    options = empty_options();
    options.logsource_mode = modes[i];
    STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_BAD_ARGUMENT);
    CHECK(contains(error.message, "logsource_mode"));
  }
  options = empty_options();
  options.disable_rules_len = 1;
  STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_NULL_ARGUMENT);
  CHECK(contains(error.message, "disable_rules"));
  options.disable_rules = (const uint8_t *)"\xff";
  STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_BAD_ARGUMENT);
  CHECK(contains(error.message, "UTF-8"));
  options.disable_rules_len = SIZE_MAX;
  STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_BAD_ARGUMENT);
  options = empty_options();
  options.min_level = -1;
  STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_BAD_ARGUMENT);
  CHECK(contains(error.message, "min_level"));
  options.min_level = 6;
  STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_BAD_ARGUMENT);
  options.min_level = 256; /* 0, if someone cuts it to a byte */
  STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_BAD_ARGUMENT);
  options = empty_options();
  options.max_record = SIGMATAG_MAX_RECORD + 1u;
  STATUS(sigmatag_init(path, len, &options, &out, &error), SIGMATAG_BAD_ARGUMENT);
  CHECK(contains(error.message, "max_record"));
  CHECK((void *)out == MARKER);
}

static void share_arguments(void) {
  sigmatag_error error = empty_error();
  sigmatag_options options = empty_options();
  sigmatag *out = NULL;
  STATUS(sigmatag_share(NULL, NULL, &out, &error), SIGMATAG_NULL_ARGUMENT);
  CHECK(contains(error.message, "engine"));
  STATUS(sigmatag_share(engine, NULL, NULL, &error), SIGMATAG_NULL_ARGUMENT);
  CHECK(contains(error.message, "out"));
  options.min_level = 6;
  STATUS(sigmatag_share(engine, &options, &out, &error), SIGMATAG_BAD_ARGUMENT);
  CHECK(contains(error.message, "min_level"));
  options.struct_size = 3;
  STATUS(sigmatag_share(engine, &options, &out, NULL), SIGMATAG_BAD_ARGUMENT);
  CHECK(out == NULL);
}

static void reload_arguments(const char *path) {
  sigmatag_error error = empty_error();
  size_t len = strlen(path);
  STATUS(sigmatag_reload(NULL, path, len, &error), SIGMATAG_NULL_ARGUMENT);
  CHECK(contains(error.message, "engine"));
  STATUS(sigmatag_reload(NULL, path, len, NULL), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_reload(engine, NULL, 5, &error), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_reload(engine, path, 0, &error), SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_reload(engine, path, SIZE_MAX, &error), SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_reload_bytes(NULL, NULL, 0, &error), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_reload_bytes(engine, NULL, 5, &error), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_reload_bytes(engine, (const uint8_t *)path, SIZE_MAX, &error),
         SIGMATAG_BAD_ARGUMENT);
}

static void scratch_arguments(void) {
  sigmatag_scratch *out = (sigmatag_scratch *)MARKER;
  sigmatag_error error = empty_error();
  STATUS(sigmatag_scratch_new(NULL, &out, &error), SIGMATAG_NULL_ARGUMENT);
  CHECK(contains(error.message, "engine"));
  STATUS(sigmatag_scratch_new(engine, NULL, &error), SIGMATAG_NULL_ARGUMENT);
  CHECK(contains(error.message, "out"));
  error.struct_size = 8;
  STATUS(sigmatag_scratch_new(engine, &out, &error), SIGMATAG_BAD_ARGUMENT);
  CHECK((void *)out == MARKER);
  STATUS(sigmatag_scratch_release(NULL), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_tag_discard(NULL), SIGMATAG_NULL_ARGUMENT);
  sigmatag_scratch_free(NULL);
  sigmatag_free(NULL);
}

/* An event that is wrong must be refused alike by the three functions that take one. */
static void refused(const sigmatag_event *event, int32_t want, int line) {
  sigmatag_hit hit;
  sigmatag_summary summary = empty_summary();
  sigmatag_summary before = summary;
  size_t count = UNTOUCHED;
  check_status(sigmatag_match(engine, scratch, event, &hit, 1, &count, &summary), want, __FILE__,
               line, "sigmatag_match");
  check_status(sigmatag_match_batch(engine, scratch, event, 1, &hit, 1, &count, &summary), want,
               __FILE__, line, "sigmatag_match_batch");
  check_status(sigmatag_tag_prepare(engine, scratch, event, NULL, &count, &summary), want, __FILE__,
               line, "sigmatag_tag_prepare");
  CHECK(count == UNTOUCHED);
  CHECK(memcmp(&summary, &before, sizeof summary) == 0);
}
#define REFUSED(event, want) refused((event), (want), __LINE__)

static void event_arguments(void) {
  static const int32_t formats[] = {0, -1, 5, INT32_MAX, INT32_MIN, 257};
  static const char *const sources[] = {"mysql", "mysql/audit", "a/b/c/d", "////"};
  uint32_t sizes[WRONG_SIZES];
  sigmatag_event event;
  size_t i;
  REFUSED(NULL, SIGMATAG_NULL_ARGUMENT);
  for (i = 0; i < sizeof formats / sizeof formats[0]; i++) {
    event = json_event(STATEMENT);
    event.format = formats[i];
    REFUSED(&event, SIGMATAG_BAD_ARGUMENT);
  }
  sizes_of((uint32_t)sizeof event, sizes);
  for (i = 0; i < WRONG_SIZES; i++) {
    event = json_event(STATEMENT);
    event.struct_size = sizes[i];
    REFUSED(&event, SIGMATAG_BAD_ARGUMENT);
  }
  for (i = 0; i < sizeof sources / sizeof sources[0]; i++) {
    event = json_event(STATEMENT);
    event.logsource = (const uint8_t *)sources[i];
    event.logsource_len = strlen(sources[i]);
    REFUSED(&event, SIGMATAG_BAD_ARGUMENT);
  }
  event = json_event(STATEMENT);
  event.data = NULL;
  REFUSED(&event, SIGMATAG_NULL_ARGUMENT);
  event = json_event(STATEMENT);
  event.len = (size_t)PTRDIFF_MAX + 1;
  REFUSED(&event, SIGMATAG_BAD_ARGUMENT);
  event.len = SIZE_MAX;
  REFUSED(&event, SIGMATAG_BAD_ARGUMENT);
  event = json_event(STATEMENT);
  event.tag_len = 1;
  REFUSED(&event, SIGMATAG_NULL_ARGUMENT);
  event.tag = (const uint8_t *)STATEMENT;
  event.tag_len = SIZE_MAX;
  REFUSED(&event, SIGMATAG_BAD_ARGUMENT);
  event = json_event(STATEMENT);
  event.logsource_len = 2;
  REFUSED(&event, SIGMATAG_NULL_ARGUMENT);
  event.logsource = (const uint8_t *)"//";
  event.logsource_len = SIZE_MAX;
  REFUSED(&event, SIGMATAG_BAD_ARGUMENT);
}

static void match_arguments(const sigmatag *stranger) {
  sigmatag_event event = json_event(STATEMENT);
  sigmatag_hit hit;
  sigmatag_source_counts seen;
  size_t count = UNTOUCHED;
  uint32_t sizes[WRONG_SIZES];
  int i;
  STATUS(sigmatag_match(NULL, scratch, &event, &hit, 1, &count, NULL), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_match(engine, NULL, &event, &hit, 1, &count, NULL), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_match(stranger, scratch, &event, &hit, 1, &count, NULL), SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_match(engine, scratch, &event, NULL, 1, &count, NULL), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_match(engine, scratch, &event, &hit, 1, NULL, NULL), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_match(engine, scratch, &event, &hit, SIZE_MAX, &count, NULL),
         SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_match(engine, scratch, &event, &hit, SIZE_MAX / 16, &count, NULL),
         SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_match_batch(NULL, scratch, &event, 1, &hit, 1, &count, NULL),
         SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_match_batch(engine, NULL, &event, 1, &hit, 1, &count, NULL),
         SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_match_batch(stranger, scratch, &event, 1, &hit, 1, &count, NULL),
         SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_match_batch(engine, scratch, NULL, 1, &hit, 1, &count, NULL),
         SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_match_batch(engine, scratch, &event, 1, NULL, 1, &count, NULL),
         SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_match_batch(engine, scratch, &event, 1, &hit, 1, NULL, NULL),
         SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_match_batch(engine, scratch, &event, SIGMATAG_MAX_BATCH + 1, &hit, 1, &count,
                              NULL),
         SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_match_batch(engine, scratch, &event, SIZE_MAX, &hit, 1, &count, NULL),
         SIGMATAG_BAD_ARGUMENT);
  {
    sigmatag_event two[2];
    two[0] = two[1] = event;
    two[1].struct_size += 8;
    STATUS(sigmatag_match_batch(engine, scratch, two, 2, &hit, 1, &count, NULL),
           SIGMATAG_BAD_ARGUMENT);
    two[1] = event;
    two[1].format = 0;
    STATUS(sigmatag_match_batch(engine, scratch, two, 2, &hit, 1, &count, NULL),
           SIGMATAG_BAD_ARGUMENT);
  }
  sizes_of((uint32_t)sizeof(sigmatag_summary), sizes);
  for (i = 0; i < WRONG_SIZES; i++) {
    sigmatag_summary summary = empty_summary();
    summary.struct_size = sizes[i];
    STATUS(sigmatag_match(engine, scratch, &event, &hit, 1, &count, &summary),
           SIGMATAG_BAD_ARGUMENT);
    STATUS(sigmatag_match_batch(engine, scratch, &event, 1, &hit, 1, &count, &summary),
           SIGMATAG_BAD_ARGUMENT);
    STATUS(sigmatag_tag_prepare(engine, scratch, &event, NULL, &count, &summary),
           SIGMATAG_BAD_ARGUMENT);
  }
  STATUS(sigmatag_scratch_sources(NULL, &seen, 1, &count), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_scratch_sources(scratch, NULL, 1, &count), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_scratch_sources(scratch, &seen, 1, NULL), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_scratch_sources(scratch, &seen, SIZE_MAX, &count), SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_scratch_hits(NULL, &hit, 1, &count), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_scratch_hits(scratch, NULL, 1, &count), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_scratch_hits(scratch, &hit, 1, NULL), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_scratch_hits(scratch, &hit, SIZE_MAX, &count), SIGMATAG_BAD_ARGUMENT);
  CHECK(count == UNTOUCHED);
}

static void tag_arguments(const sigmatag *stranger) {
  static const int32_t shapes[] = {-1, 3, INT32_MAX, 256};
  static const char *const keys[] = {"a\nb", "a\tb", "\xff", "\xc3"};
  char long_key[256];
  uint32_t sizes[WRONG_SIZES];
  sigmatag_event event = json_event(STATEMENT);
  sigmatag_tagging tagging;
  uint8_t out[64];
  size_t len = UNTOUCHED;
  size_t i;
#define PREPARE(want) \
  STATUS(sigmatag_tag_prepare(engine, scratch, &event, &tagging, &len, NULL), (want))
  tagging = empty_tagging();
  STATUS(sigmatag_tag_prepare(NULL, scratch, &event, NULL, &len, NULL), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_tag_prepare(engine, NULL, &event, NULL, &len, NULL), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_tag_prepare(engine, scratch, &event, NULL, NULL, NULL), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_tag_prepare(stranger, scratch, &event, NULL, &len, NULL), SIGMATAG_BAD_ARGUMENT);
  for (i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    tagging = empty_tagging();
    tagging.shape = shapes[i];
    PREPARE(SIGMATAG_BAD_ARGUMENT);
  }
  sizes_of((uint32_t)sizeof tagging, sizes);
  for (i = 0; i < WRONG_SIZES; i++) {
    tagging = empty_tagging();
    tagging.struct_size = sizes[i];
    PREPARE(SIGMATAG_BAD_ARGUMENT);
  }
  for (i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    tagging = empty_tagging();
    tagging.key = (const uint8_t *)keys[i];
    tagging.key_len = strlen(keys[i]);
    PREPARE(SIGMATAG_BAD_ARGUMENT);
  }
  tagging = empty_tagging();
  tagging.key = (const uint8_t *)"a\0b";
  tagging.key_len = 3;
  PREPARE(SIGMATAG_BAD_ARGUMENT);
  memset(long_key, 'k', sizeof long_key);
  tagging.key = (const uint8_t *)long_key;
  tagging.key_len = 256;
  PREPARE(SIGMATAG_BAD_ARGUMENT);
  tagging.key_len = SIZE_MAX;
  PREPARE(SIGMATAG_BAD_ARGUMENT);
  tagging.key = NULL;
  tagging.key_len = 1;
  PREPARE(SIGMATAG_NULL_ARGUMENT);
  tagging = empty_tagging();
  tagging.shape = SIGMATAG_ECS;
  tagging.key = (const uint8_t *)"rule";
  tagging.key_len = 4;
  PREPARE(SIGMATAG_BAD_ARGUMENT);
  tagging = empty_tagging();
  tagging.flags = 8;
  PREPARE(SIGMATAG_BAD_ARGUMENT);
  tagging = empty_tagging();
  tagging.reserved = 1;
  PREPARE(SIGMATAG_BAD_ARGUMENT);
#undef PREPARE
  STATUS(sigmatag_tag_write(NULL, event.data, event.len, out, sizeof out, &len),
         SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_tag_write(scratch, NULL, 5, out, sizeof out, &len), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_tag_write(scratch, event.data, event.len, NULL, 5, &len), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_tag_write(scratch, event.data, event.len, out, sizeof out, NULL),
         SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_tag_write(scratch, event.data, SIZE_MAX, out, sizeof out, &len),
         SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_tag_write(scratch, event.data, event.len, out, SIZE_MAX, &len),
         SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_tag_write(scratch, out, 8, out + 4, 8, &len), SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_tag_write(scratch, out + 4, 8, out, 8, &len), SIGMATAG_BAD_ARGUMENT);
  STATUS(sigmatag_tag_write(scratch, event.data, event.len, out, sizeof out, &len),
         SIGMATAG_NO_PLAN);
  STATUS(sigmatag_tag_discard(scratch), SIGMATAG_OK);
  CHECK(len == UNTOUCHED);
}

static void info_arguments(void) {
  uint32_t sizes[WRONG_SIZES];
  sigmatag_rule rule = empty_rule();
  sigmatag_info_t info = empty_info();
  sigmatag_stats_t stats = empty_stats();
  int i;
  STATUS(sigmatag_rule_info(NULL, 0, &rule), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_rule_info(scratch, 0, NULL), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_rule_info(scratch, UINT32_MAX, &rule), SIGMATAG_OUT_OF_RANGE);
  STATUS(sigmatag_rule_info(scratch, 3, &rule), SIGMATAG_OUT_OF_RANGE);
  CHECK(rule.id == NULL);
  STATUS(sigmatag_info(NULL, &info), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_info(engine, NULL), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_get_stats(NULL, &stats), SIGMATAG_NULL_ARGUMENT);
  STATUS(sigmatag_get_stats(engine, NULL), SIGMATAG_NULL_ARGUMENT);
  {
    sigmatag_source_t source = empty_source();
    STATUS(sigmatag_source_info(NULL, 0, &source), SIGMATAG_NULL_ARGUMENT);
    STATUS(sigmatag_source_info(engine, 0, NULL), SIGMATAG_NULL_ARGUMENT);
    STATUS(sigmatag_source_info(engine, UINT32_MAX, &source), SIGMATAG_OUT_OF_RANGE);
    CHECK(source.name == NULL && source.events == 0);
  }
  sizes_of((uint32_t)sizeof rule, sizes);
  for (i = 0; i < WRONG_SIZES; i++) {
    rule.struct_size = sizes[i];
    STATUS(sigmatag_rule_info(scratch, 0, &rule), SIGMATAG_BAD_ARGUMENT);
  }
  sizes_of((uint32_t)sizeof info, sizes);
  for (i = 0; i < WRONG_SIZES; i++) {
    info.struct_size = sizes[i];
    STATUS(sigmatag_info(engine, &info), SIGMATAG_BAD_ARGUMENT);
  }
  sizes_of((uint32_t)sizeof stats, sizes);
  for (i = 0; i < WRONG_SIZES; i++) {
    stats.struct_size = sizes[i];
    STATUS(sigmatag_get_stats(engine, &stats), SIGMATAG_BAD_ARGUMENT);
  }
  sizes_of((uint32_t)sizeof(sigmatag_source_t), sizes);
  for (i = 0; i < WRONG_SIZES; i++) {
    sigmatag_source_t source = empty_source();
    source.struct_size = sizes[i];
    STATUS(sigmatag_source_info(engine, 0, &source), SIGMATAG_BAD_ARGUMENT);
  }
}

int main(int argc, char **argv) {
  sigmatag *stranger;
  sigmatag_stats_t stats = empty_stats();
  NEED(argc > 1);
  the_library();
  engine = engine_of(argv[1]);
  stranger = engine_of(argv[1]);
  scratch = scratch_of(engine);
  init_arguments(argv[1]);
  share_arguments();
  reload_arguments(argv[1]);
  scratch_arguments();
  event_arguments();
  match_arguments(stranger);
  tag_arguments(stranger);
  info_arguments();
  /* All of that examined nothing and panicked nowhere. */
  STATUS(sigmatag_get_stats(engine, &stats), SIGMATAG_OK);
  CHECK(stats.calls == 0 && stats.panics == 0 && stats.reloads == 0);
  sigmatag_free(stranger);
  sigmatag_scratch_free(scratch);
  sigmatag_free(engine);
  return check_done("arguments");
}
