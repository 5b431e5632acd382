/*
 * What Go calls. Structs that point to memory of Go are made here, on the C side and for one call:
 * Go may hand a pointer to C, but not a pointer to memory that holds pointers.
 */
#ifndef SIGMATAG_GO_CALLS_H
#define SIGMATAG_GO_CALLS_H

#include <sigmatag.h>

/* Memory of one scratch that lives in C. */
struct go_memory {
  sigmatag_scratch *scratch;
  sigmatag_event *events; /* of a batch */
  size_t events_room;
  sigmatag_hit *hits;
  size_t hits_room;
  size_t hits_count;
  uint8_t *out; /* what was written */
  size_t out_room;
  size_t out_len;
  sigmatag_summary summary;
};

/* What is known of events beside their bytes. */
struct go_context {
  int64_t time_ns;
  int32_t format;
  const uint8_t *tag;
  size_t tag_len;
  const uint8_t *logsource;
  size_t logsource_len;
};

struct go_memory *go_memory_new(const sigmatag *engine, sigmatag_error *error, int32_t *status);
void go_memory_free(struct go_memory *memory);

/* The hits are in memory. */
int32_t go_match(const sigmatag *engine, struct go_memory *memory, int32_t format, int64_t time_ns,
                 const uint8_t *data, size_t len, const uint8_t *tag, size_t tag_len,
                 const uint8_t *logsource, size_t logsource_len);
/* Event number i is data[ends[i - 1]] to data[ends[i]]. */
int32_t go_match_batch(const sigmatag *engine, struct go_memory *memory, int32_t format,
                       const uint8_t *data, const size_t *ends, size_t n);
/* The tagged copy is in memory, if the status is SIGMATAG_OK. */
int32_t go_tag(const sigmatag *engine, struct go_memory *memory, int32_t format, int64_t time_ns,
               const uint8_t *data, size_t len, const uint8_t *tag, size_t tag_len,
               const uint8_t *logsource, size_t logsource_len, int32_t shape, uint32_t flags,
               const uint8_t *key, size_t key_len);
/* Lines of JSON, each tagged by itself; memory->summary is of all of them. Those that cannot be
 * tagged are copied. SIGMATAG_UNCHANGED: nothing was written, all lines stay as they are. */
int32_t go_tag_lines(const sigmatag *engine, struct go_memory *memory, const uint8_t *data, size_t len,
                     int32_t shape, uint32_t flags, const uint8_t *key, size_t key_len);

int32_t go_open(const uint8_t *path, size_t path_len, const uint8_t *data, size_t len, int is_default,
                const sigmatag_options *options, const uint8_t *disabled, size_t disabled_len,
                const uint8_t *normalize, size_t normalize_len, sigmatag **out, sigmatag_error *error);

#endif
