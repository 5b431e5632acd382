/* Checks that go on after a failure, and what every test needs. C99 and C++17. */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sigmatag.h"

static int check_count = 0;
static int check_failures = 0;

static inline void check_true(int ok, const char *file, int line, const char *what) {
  check_count++;
  if (!ok) {
    check_failures++;
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
  }
}

static inline void check_status(int32_t got, int32_t want, const char *file, int line,
                                const char *what) {
  check_count++;
  if (got != want) {
    check_failures++;
    fprintf(stderr, "%s:%d: %s: status %" PRId32 " (%s), expected %" PRId32 "\n", file, line, what,
            got, sigmatag_status_text(got), want);
  }
}

#define CHECK(condition) check_true((condition) ? 1 : 0, __FILE__, __LINE__, #condition)
#define STATUS(call, want) check_status((call), (want), __FILE__, __LINE__, #call)
/* For what the rest of a test cannot do without. */
#define NEED(condition)                                                     \
  do {                                                                      \
    if (!(condition)) {                                                     \
      fprintf(stderr, "%s:%d: needed: %s\n", __FILE__, __LINE__, #condition); \
      exit(2);                                                              \
    }                                                                       \
  } while (0)

static inline int check_done(const char *name) {
  printf("%s: %d checks, %d failed\n", name, check_count, check_failures);
  return check_failures == 0 && check_count > 0 ? 0 : 1;
}

#define STATEMENT "{\"statement\":\"DROP TABLE users\"}"
#define HARMLESS "{\"statement\":\"show tables\"}"

static inline sigmatag_event event_of(int32_t format, const void *data, size_t len) {
  sigmatag_event event;
  memset(&event, 0, sizeof event);
  event.struct_size = (uint32_t)sizeof event;
  event.format = format;
  event.data = (const uint8_t *)data;
  event.len = len;
  return event;
}

static inline sigmatag_event json_event(const char *text) {
  return event_of(SIGMATAG_JSON, text, strlen(text));
}

static inline sigmatag_summary empty_summary(void) {
  sigmatag_summary summary;
  memset(&summary, 0, sizeof summary);
  summary.struct_size = (uint32_t)sizeof summary;
  return summary;
}

static inline sigmatag_error empty_error(void) {
  sigmatag_error error;
  memset(&error, 0, sizeof error);
  error.struct_size = (uint32_t)sizeof error;
  return error;
}

static inline sigmatag_options empty_options(void) {
  sigmatag_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = (uint32_t)sizeof options;
  return options;
}

static inline sigmatag_tagging empty_tagging(void) {
  sigmatag_tagging tagging;
  memset(&tagging, 0, sizeof tagging);
  tagging.struct_size = (uint32_t)sizeof tagging;
  return tagging;
}

static inline sigmatag_rule empty_rule(void) {
  sigmatag_rule rule;
  memset(&rule, 0, sizeof rule);
  rule.struct_size = (uint32_t)sizeof rule;
  return rule;
}

static inline sigmatag_info_t empty_info(void) {
  sigmatag_info_t info;
  memset(&info, 0, sizeof info);
  info.struct_size = (uint32_t)sizeof info;
  return info;
}

static inline sigmatag_stats_t empty_stats(void) {
  sigmatag_stats_t stats;
  memset(&stats, 0, sizeof stats);
  stats.struct_size = (uint32_t)sizeof stats;
  return stats;
}

static inline sigmatag_source_t empty_source(void) {
  sigmatag_source_t source;
  memset(&source, 0, sizeof source);
  source.struct_size = (uint32_t)sizeof source;
  return source;
}

/* An engine of a file that must load. */
static inline sigmatag *engine_of(const char *path) {
  sigmatag *engine = NULL;
  sigmatag_error error = empty_error();
  int32_t status = sigmatag_init(path, strlen(path), NULL, &engine, &error);
  if (status != SIGMATAG_OK) {
    fprintf(stderr, "%s: status %" PRId32 ": %s\n", path, status, error.message);
    exit(2);
  }
  return engine;
}

static inline sigmatag_scratch *scratch_of(const sigmatag *engine) {
  sigmatag_scratch *scratch = NULL;
  NEED(sigmatag_scratch_new(engine, &scratch, NULL) == SIGMATAG_OK);
  return scratch;
}

/* All bytes of a file; the caller frees them. */
static inline uint8_t *file_bytes(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  uint8_t *bytes;
  long size;
  NEED(file != NULL);
  NEED(fseek(file, 0, SEEK_END) == 0);
  size = ftell(file);
  NEED(size >= 0);
  NEED(fseek(file, 0, SEEK_SET) == 0);
  bytes = (uint8_t *)malloc((size_t)size + 1);
  NEED(bytes != NULL);
  NEED(fread(bytes, 1, (size_t)size, file) == (size_t)size);
  fclose(file);
  *len = (size_t)size;
  return bytes;
}

static inline int contains(const char *text, const char *part) {
  return strstr(text, part) != NULL;
}

#endif
