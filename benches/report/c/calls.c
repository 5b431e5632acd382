/*
 * What calls of the library cost from C: the same records one by one, in batches and in chunks, and
 * calls that have next to nothing to do.
 *
 *   calls RULES RECORDS CHUNKED PASSES    RECORDS: msgpack, each behind its length in 4 bytes;
 *                                         CHUNKED: the same with the prefix of a chunk's record
 *
 * Prints lines of a name and nanoseconds by record: of each 256 records the fastest of all passes.
 */
#include <sigmatag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 256, HITS = 65536, TINY = 1024 };

static void fail(const char *what) {
  fprintf(stderr, "calls: %s\n", what);
  exit(1);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint8_t *read_all(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  uint8_t *bytes;
  long end;
  if (!file || fseek(file, 0, SEEK_END) || (end = ftell(file)) < 0) fail(path);
  rewind(file);
  bytes = malloc((size_t)end + 1);
  if (!bytes || fread(bytes, 1, (size_t)end, file) != (size_t)end) fail(path);
  fclose(file);
  *size = (size_t)end;
  return bytes;
}

static sigmatag_event event_of(int32_t format, const uint8_t *data, size_t len) {
  sigmatag_event event;
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  event.format = format;
  event.data = data;
  event.len = len;
  return event;
}

/* Records behind their lengths; their bytes are moved together, so that BATCH of them are a chunk. */
static sigmatag_event *records_of(const char *path, int32_t format, size_t *count) {
  size_t size, at = 0, end = 0, n = 0;
  uint8_t *bytes = read_all(path, &size);
  sigmatag_event *events = calloc(size / 4 + 1, sizeof *events);
  if (!events) fail("no memory");
  while (at + 4 <= size) {
    uint32_t len = (uint32_t)bytes[at] | (uint32_t)bytes[at + 1] << 8 |
                   (uint32_t)bytes[at + 2] << 16 | (uint32_t)bytes[at + 3] << 24;
    if (len > size - at - 4) fail("a record is cut");
    memmove(bytes + end, bytes + at + 4, len);
    events[n++] = event_of(format, bytes + end, len);
    end += len;
    at += 4 + len;
  }
  if (n == 0) fail("no records");
  *count = n;
  return events;
}

static sigmatag *engine;
static sigmatag_scratch *scratch;
static sigmatag_hit hits[HITS];

static void match(const sigmatag_event *event) {
  size_t count;
  int32_t status = sigmatag_match(engine, scratch, event, hits, HITS, &count, NULL);
  if (status != SIGMATAG_OK) fail(sigmatag_status_text(status));
}

static void one_by_one(const sigmatag_event *events, size_t n) {
  size_t i;
  for (i = 0; i < n; i++) match(events + i);
}

static void batch(const sigmatag_event *events, size_t n) {
  size_t count;
  int32_t status = sigmatag_match_batch(engine, scratch, events, n, hits, HITS, &count, NULL);
  if (status != SIGMATAG_OK) fail(sigmatag_status_text(status));
}

static void chunk(const sigmatag_event *events, size_t n) {
  size_t len = (size_t)(events[n - 1].data - events[0].data) + events[n - 1].len;
  sigmatag_event event = event_of(SIGMATAG_FLB_CHUNK, events[0].data, len);
  match(&event);
}

static void version(const sigmatag_event *events, size_t n) {
  size_t i;
  (void)events;
  for (i = 0; i < n; i++)
    if (sigmatag_abi_version() != SIGMATAG_ABI_VERSION) fail("another library");
}

static void measure(const char *name, void (*call)(const sigmatag_event *, size_t),
                    const sigmatag_event *events, size_t n, unsigned long passes) {
  size_t blocks = (n + BATCH - 1) / BATCH, i;
  uint64_t *least = malloc(blocks * sizeof *least), sum = 0;
  unsigned long pass;
  if (!least) fail("no memory");
  memset(least, 0xff, blocks * sizeof *least);
  for (pass = 0; pass <= passes; pass++)
    for (i = 0; i < blocks; i++) {
      size_t first = i * BATCH, left = n - first;
      uint64_t start = now(), time;
      call(events + first, left < BATCH ? left : BATCH);
      time = now() - start;
      if (time < least[i]) least[i] = time;
    }
  for (i = 0; i < blocks; i++) sum += least[i];
  printf("%s %.2f\n", name, (double)sum / (double)n);
  free(least);
}

int main(int argc, char **argv) {
  static const uint8_t empty[] = {0x80}, tiny[] = {0x81, 0xa1, 'a', 0x01};
  static sigmatag_event empties[TINY], tinies[TINY];
  sigmatag_error error = {sizeof error, 0, 0, {0}};
  sigmatag_event *records, *chunked;
  unsigned long passes;
  size_t n, same, i;
  if (argc != 5) fail("usage: calls RULES RECORDS CHUNKED PASSES");
  passes = strtoul(argv[4], NULL, 10);
  if (sigmatag_init(argv[1], strlen(argv[1]), NULL, &engine, &error) != SIGMATAG_OK ||
      sigmatag_scratch_new(engine, &scratch, &error) != SIGMATAG_OK)
    fail(error.message);
  records = records_of(argv[2], SIGMATAG_MSGPACK, &n);
  chunked = records_of(argv[3], SIGMATAG_FLB_CHUNK, &same);
  if (n != same) fail("both files hold the same records");
  for (i = 0; i < TINY; i++) {
    empties[i] = event_of(SIGMATAG_MSGPACK, empty, sizeof empty);
    tinies[i] = event_of(SIGMATAG_MSGPACK, tiny, sizeof tiny);
  }
  measure("single", one_by_one, records, n, passes);
  measure("batch", batch, records, n, passes);
  measure("chunk", chunk, chunked, n, passes);
  measure("tiny", one_by_one, tinies, TINY, passes);
  measure("tiny_batch", batch, tinies, TINY, passes);
  measure("empty", one_by_one, empties, TINY, passes);
  measure("version", version, empties, TINY, passes);
  sigmatag_scratch_free(scratch);
  sigmatag_free(engine);
  return 0;
}
