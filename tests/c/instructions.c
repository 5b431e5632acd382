/* Does calls under callgrind and has it dump what each cost; prints nothing. Outside of callgrind it
 * only does the calls.
 *
 * usage: instructions RULES.sgt auto|none|normalize:DESTINATION PASSES (NAME json|msgpack|chunk match|tag FILE)...
 *
 * FILE holds events, each behind its length (4 bytes, little-endian). The dump of NAME counts
 * PASSES times all of them, that of `load` one load of the rules. */
#include "check.h"

#include <valgrind/callgrind.h>

/* Before the counting begins: buffers grow, routes are worked out. */
#define WARM 2
#define MOST_HITS 65536

static sigmatag *engine;
static sigmatag_scratch *scratch;
static sigmatag_hit hits[MOST_HITS];

static uint8_t *read_file(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  uint8_t *data;
  NEED(file != NULL && fseek(file, 0, SEEK_END) == 0);
  *len = (size_t)ftell(file);
  rewind(file);
  data = (uint8_t *)malloc(*len + 1);
  NEED(data != NULL && fread(data, 1, *len, file) == *len);
  fclose(file);
  return data;
}

static void load(const char *path, const char *mode) {
  sigmatag_options options;
  sigmatag_error error;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.logsource_mode =
      strcmp(mode, "none") == 0 ? SIGMATAG_LOGSOURCE_NONE : SIGMATAG_LOGSOURCE_AUTO;
  if (strncmp(mode, "normalize:", 10) == 0) {
    options.normalize = (const uint8_t *)mode + 10;
    options.normalize_len = strlen(mode + 10);
  }
  memset(&error, 0, sizeof error);
  error.struct_size = sizeof error;
  CALLGRIND_TOGGLE_COLLECT;
  NEED(sigmatag_init(path, strlen(path), &options, &engine, &error) == SIGMATAG_OK);
  CALLGRIND_TOGGLE_COLLECT;
  CALLGRIND_DUMP_STATS_AT("load");
  NEED(sigmatag_scratch_new(engine, &scratch, &error) == SIGMATAG_OK);
}

static void match(const sigmatag_event *event) {
  size_t count = 0;
  NEED(sigmatag_match(engine, scratch, event, hits, MOST_HITS, &count, NULL) == SIGMATAG_OK);
}

/* A plan must be made: a record that matches nothing would cost less. */
static void prepare(const sigmatag_event *event) {
  size_t len = 0;
  NEED(sigmatag_tag_prepare(engine, scratch, event, NULL, &len, NULL) == SIGMATAG_OK);
  NEED(sigmatag_tag_discard(scratch) == SIGMATAG_OK);
}

static void pass(const uint8_t *data, size_t len, int32_t format,
                 void (*call)(const sigmatag_event *)) {
  size_t at = 0;
  while (at < len) {
    uint32_t size = data[at] | (uint32_t)data[at + 1] << 8 | (uint32_t)data[at + 2] << 16 |
                    (uint32_t)data[at + 3] << 24;
    sigmatag_event event = event_of(format, data + at + 4, size);
    call(&event);
    at += 4 + size;
  }
}

int main(int argc, char **argv) {
  int at, turn, passes;
  NEED(argc >= 4 && argc % 4 == 0);
  passes = atoi(argv[3]);
  load(argv[1], argv[2]);
  for (at = 4; at < argc; at += 4) {
    size_t len;
    uint8_t *data = read_file(argv[at + 3], &len);
    int32_t format = strcmp(argv[at + 1], "json") == 0      ? SIGMATAG_JSON
                     : strcmp(argv[at + 1], "msgpack") == 0 ? SIGMATAG_MSGPACK
                                                            : SIGMATAG_FLB_CHUNK;
    void (*call)(const sigmatag_event *) = strcmp(argv[at + 2], "tag") == 0 ? prepare : match;
    for (turn = 0; turn < WARM; turn++) pass(data, len, format, call);
    CALLGRIND_TOGGLE_COLLECT;
    for (turn = 0; turn < passes; turn++) pass(data, len, format, call);
    CALLGRIND_TOGGLE_COLLECT;
    CALLGRIND_DUMP_STATS_AT(argv[at]);
    free(data);
  }
  sigmatag_scratch_free(scratch);
  sigmatag_free(engine);
  return 0;
}
