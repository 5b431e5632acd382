#include "calls.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_HITS = 64 };

static int grow(void **memory, size_t *room, size_t needed, size_t size) {
  size_t larger = *room > needed / 2 ? *room * 2 : needed;
  void *moved;

  if (needed <= *room) return 1;
  moved = realloc(*memory, larger * size);
  if (moved == NULL) return 0;
  *memory = moved;
  *room = larger;
  return 1;
}

static int grow_output(struct go_memory *memory, size_t more) {
  return grow((void **)&memory->out, &memory->out_room, memory->out_len + more, 1);
}

static int grow_hits(struct go_memory *memory, size_t needed) {
  return grow((void **)&memory->hits, &memory->hits_room, needed, sizeof *memory->hits);
}

struct go_memory *go_memory_new(const sigmatag *engine, sigmatag_error *error, int32_t *status) {
  struct go_memory *memory = calloc(1, sizeof *memory);

  *status = SIGMATAG_NO_MEMORY;
  if (memory == NULL || !grow_hits(memory, FIRST_HITS)) {
    free(memory);
    return NULL;
  }
  *status = sigmatag_scratch_new(engine, &memory->scratch, error);
  if (*status != SIGMATAG_OK) {
    go_memory_free(memory);
    return NULL;
  }
  return memory;
}

void go_memory_free(struct go_memory *memory) {
  sigmatag_scratch_free(memory->scratch);
  free(memory->events);
  free(memory->hits);
  free(memory->out);
  free(memory);
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

static void begin(struct go_memory *memory) {
  memset(&memory->summary, 0, sizeof memory->summary);
  memory->summary.struct_size = sizeof memory->summary;
  memory->hits_count = 0;
  memory->out_len = 0;
}

/* More hits than there was room for: they are fetched, nothing is examined again. */
static int32_t all_hits(struct go_memory *memory, int32_t status) {
  if (status != SIGMATAG_SMALL_BUFFER) return status;
  if (!grow_hits(memory, memory->hits_count)) return SIGMATAG_NO_MEMORY;
  return sigmatag_scratch_hits(memory->scratch, memory->hits, memory->hits_room, &memory->hits_count);
}

int32_t go_match(const sigmatag *engine, struct go_memory *memory, int32_t format, int64_t time_ns,
                 const uint8_t *data, size_t len, const uint8_t *tag, size_t tag_len,
                 const uint8_t *logsource, size_t logsource_len) {
  sigmatag_event event = event_of(format, data, len);

  begin(memory);
  event.time_ns = time_ns;
  event.tag = tag;
  event.tag_len = tag_len;
  event.logsource = logsource;
  event.logsource_len = logsource_len;
  return all_hits(memory, sigmatag_match(engine, memory->scratch, &event, memory->hits, memory->hits_room,
                                         &memory->hits_count, &memory->summary));
}

int32_t go_match_batch(const sigmatag *engine, struct go_memory *memory, int32_t format,
                       const uint8_t *data, const size_t *ends, size_t n) {
  size_t i, from = 0;

  begin(memory);
  if (!grow((void **)&memory->events, &memory->events_room, n, sizeof *memory->events))
    return SIGMATAG_NO_MEMORY;
  for (i = 0; i < n; i++) {
    memory->events[i] = event_of(format, data + from, ends[i] - from);
    from = ends[i];
  }
  return all_hits(memory,
                  sigmatag_match_batch(engine, memory->scratch, memory->events, n, memory->hits,
                                       memory->hits_room, &memory->hits_count, &memory->summary));
}

static sigmatag_tagging tagging_of(int32_t shape, uint32_t flags, const uint8_t *key, size_t key_len) {
  sigmatag_tagging tagging;

  memset(&tagging, 0, sizeof tagging);
  tagging.struct_size = sizeof tagging;
  tagging.shape = shape;
  tagging.flags = flags;
  tagging.key = key;
  tagging.key_len = key_len;
  return tagging;
}

static int copy(struct go_memory *memory, const uint8_t *bytes, size_t len) {
  if (!grow_output(memory, len)) return 0;
  if (len > 0) memcpy(memory->out + memory->out_len, bytes, len);
  memory->out_len += len;
  return 1;
}

/* If there is something to write: the bytes before it, and it, behind what is there already. */
static int32_t tag_one(const sigmatag *engine, struct go_memory *memory, const sigmatag_event *event,
                       const sigmatag_tagging *tagging, sigmatag_summary *summary, const uint8_t *before,
                       size_t before_len) {
  size_t needed = 0, written = 0;
  int32_t status = sigmatag_tag_prepare(engine, memory->scratch, event, tagging, &needed, summary);

  if (status != SIGMATAG_OK) return status;
  if (!copy(memory, before, before_len) || !grow_output(memory, needed)) {
    sigmatag_tag_discard(memory->scratch);
    return SIGMATAG_NO_MEMORY;
  }
  status = sigmatag_tag_write(memory->scratch, event->data, event->len,
                              needed > 0 ? memory->out + memory->out_len : NULL, needed, &written);
  if (status != SIGMATAG_OK) sigmatag_tag_discard(memory->scratch);
  memory->out_len += written;
  return status;
}

int32_t go_tag(const sigmatag *engine, struct go_memory *memory, int32_t format, int64_t time_ns,
               const uint8_t *data, size_t len, const uint8_t *tag, size_t tag_len,
               const uint8_t *logsource, size_t logsource_len, int32_t shape, uint32_t flags,
               const uint8_t *key, size_t key_len) {
  sigmatag_event event = event_of(format, data, len);
  sigmatag_tagging tagging = tagging_of(shape, flags, key, key_len);

  begin(memory);
  event.time_ns = time_ns;
  event.tag = tag;
  event.tag_len = tag_len;
  event.logsource = logsource;
  event.logsource_len = logsource_len;
  return tag_one(engine, memory, &event, &tagging, &memory->summary, NULL, 0);
}

static void add(sigmatag_summary *all, const sigmatag_summary *one) {
  all->generation = one->generation;
  all->records += one->records;
  all->events += one->events;
  all->matched_records += one->matched_records;
  all->hits += one->hits;
  all->malformed += one->malformed;
  all->unexamined += one->unexamined;
  all->unrouted += one->unrouted;
  all->dropped_records += one->dropped_records;
  all->split_records += one->split_records;
  all->stripped_records += one->stripped_records;
  all->tag_replaced += one->tag_replaced;
  all->tags_truncated += one->tags_truncated;
  all->tags_omitted += one->tags_omitted;
  all->normalized_records += one->normalized_records;
  all->unmapped_events += one->unmapped_events;
}

int32_t go_tag_lines(const sigmatag *engine, struct go_memory *memory, const uint8_t *data, size_t len,
                     int32_t shape, uint32_t flags, const uint8_t *key, size_t key_len) {
  sigmatag_tagging tagging = tagging_of(shape, flags, key, key_len);
  sigmatag_summary one;
  size_t at = 0, copied = 0; /* all before `copied` is in the output */
  int changed = 0;

  begin(memory);
  memset(&one, 0, sizeof one);
  one.struct_size = sizeof one;
  while (at < len) {
    const uint8_t *end = memchr(data + at, '\n', len - at);
    size_t line = end != NULL ? (size_t)(end - data) - at : len - at;
    sigmatag_event event = event_of(SIGMATAG_JSON, data + at, line);
    int32_t status;

    if (line > 0) {
      size_t gap = at - copied, before = memory->out_len;
      status = tag_one(engine, memory, &event, &tagging, &one, data + copied, gap);
      switch (status) {
        case SIGMATAG_OK:
          changed = 1;
          /* A record that was left out takes its line break along. */
          copied = at + line + (end != NULL && memory->out_len == before + gap);
          add(&memory->summary, &one);
          break;
        case SIGMATAG_UNCHANGED: add(&memory->summary, &one); break;
        case SIGMATAG_MALFORMED: memory->summary.records++, memory->summary.malformed++; break;
        case SIGMATAG_UNEXAMINED: memory->summary.records++, memory->summary.unexamined++; break;
        default: return status;
      }
    }
    at += line + (end != NULL);
  }
  if (!changed) return SIGMATAG_UNCHANGED;
  return copy(memory, data + copied, len - copied) ? SIGMATAG_OK : SIGMATAG_NO_MEMORY;
}

int32_t go_open(const uint8_t *path, size_t path_len, const uint8_t *data, size_t len, int is_default,
                const sigmatag_options *options, const uint8_t *disabled, size_t disabled_len,
                const uint8_t *normalize, size_t normalize_len, sigmatag **out, sigmatag_error *error) {
  sigmatag_options with = *options;

  with.disable_rules = disabled;
  with.disable_rules_len = disabled_len;
  with.normalize = normalize;
  with.normalize_len = normalize_len;
  if (is_default) return sigmatag_init_default(&with, out, error);
  if (data != NULL) return sigmatag_init_bytes(data, len, &with, out, error);
  return sigmatag_init((const char *)path, path_len, &with, out, error);
}
