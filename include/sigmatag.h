/* Design draft of the C ABI; src/ffi + cbindgen generate the real file. Names, numbers, field order are binding. */
#ifndef SIGMATAG_H
#define SIGMATAG_H
#include <stddef.h>
#include <stdint.h>
typedef struct sigmatag sigmatag;                  /* engine: shared by threads */
typedef struct sigmatag_scratch sigmatag_scratch;  /* one per thread */

/* statuses (int32_t) */
#define SIGMATAG_OK 0
#define SIGMATAG_NULL_ARGUMENT 1
#define SIGMATAG_BAD_ARGUMENT 2        /* unknown format, struct_size too small, reserved bits */
#define SIGMATAG_IN_USE 3              /* scratch used by two calls at once, or a plan is pending */
#define SIGMATAG_POISONED 4            /* an earlier call on this scratch panicked: free it */
#define SIGMATAG_PANIC 5               /* this call panicked; the scratch is poisoned, the engine is not */
#define SIGMATAG_IO 6                  /* file cannot be read */
#define SIGMATAG_NOT_SGT 7             /* no magic: not a compiled rule file (YAML given?) */
#define SIGMATAG_UNSUPPORTED_VERSION 8 /* made by a newer (or too old) compiler */
#define SIGMATAG_TRUNCATED 9           /* file shorter than its header says */
#define SIGMATAG_CORRUPT 10            /* checksum or verification failed */
#define SIGMATAG_TOO_LARGE 11          /* over a limit of the loader */
#define SIGMATAG_MALFORMED 12          /* event is not what `format` says */
#define SIGMATAG_UNEXAMINED 13         /* event over max_record or nested too deep: not matched */
#define SIGMATAG_SMALL_BUFFER 14       /* caller's buffer too small; needed size reported */
#define SIGMATAG_NO_PLAN 15            /* tag_write without a pending tag_prepare */
#define SIGMATAG_OTHER_DATA 16         /* tag_write with other data than tag_prepare saw */
#define SIGMATAG_OUT_OF_RANGE 17       /* rule index beyond the scratch's rule set */
#define SIGMATAG_NO_MEMORY 18

/* formats */
#define SIGMATAG_JSON 1       /* one JSON object */
#define SIGMATAG_MSGPACK 2    /* one msgpack map */
#define SIGMATAG_FLB_CHUNK 3  /* Fluent Bit chunk: concatenated records, legacy or v2 */
#define SIGMATAG_FORWARD 4    /* Fluentd Forward message: Message, Forward, PackedForward */

/* tag shapes */
#define SIGMATAG_NESTED 0
#define SIGMATAG_FLAT 1
#define SIGMATAG_ECS 2

typedef struct sigmatag_error {
  uint32_t struct_size;   /* caller sets to sizeof */
  int32_t status;
  uint64_t offset;        /* byte offset where it applies, else UINT64_MAX */
  char message[512];      /* NUL-terminated UTF-8: what is wrong, where, and the repair */
} sigmatag_error;

typedef struct sigmatag_options {   /* NULL = defaults */
  uint32_t struct_size;
  uint32_t flags;            /* reserved, 0 */
  int32_t min_level;         /* 0 all, 1 informational .. 5 critical; rules without level always report */
  uint32_t max_record;       /* bytes, 0 = 4 MiB */
  uint64_t reserved[4];      /* 0; room for correlation state */
} sigmatag_options;

typedef struct sigmatag_event {
  uint32_t struct_size;
  int32_t format;
  const uint8_t *data; size_t len;
  int64_t time_ns;               /* 0 unknown */
  const uint8_t *tag; size_t tag_len;              /* host's routing tag, may be NULL/0 */
  const uint8_t *logsource; size_t logsource_len;  /* "product/category/service", parts may be empty; NULL = recognise */
} sigmatag_event;

typedef struct sigmatag_hit {   /* 16 bytes */
  uint32_t record;   /* batch: index into events; chunk/forward: record in it; else 0 */
  uint32_t event;    /* event inside the record (an envelope may hold many) */
  uint32_t rule;     /* index for sigmatag_rule_info with the same scratch */
  uint32_t generation;
} sigmatag_hit;

typedef struct sigmatag_summary {
  uint32_t struct_size; uint32_t generation;
  uint64_t records, events, matched_records, hits, malformed, unexamined, unrouted;
} sigmatag_summary;

typedef struct sigmatag_tagging {
  uint32_t struct_size;
  int32_t shape;                       /* SIGMATAG_NESTED.. */
  const uint8_t *key; size_t key_len;  /* NULL/0 = "sigma" */
  uint32_t flags; uint32_t reserved;
} sigmatag_tagging;

typedef struct sigmatag_rule {   /* strings borrowed from the rule set the scratch holds: valid until its next call */
  uint32_t struct_size; int32_t level;  /* 0 none, 1..5 */
  const char *id; size_t id_len;
  const char *title; size_t title_len;
  const char *author; size_t author_len;
  const char *tags; size_t tags_len;       /* comma separated */
  const char *logsource; size_t logsource_len; /* product/category/service */
} sigmatag_rule;

typedef struct sigmatag_info {
  uint32_t struct_size; uint32_t generation;
  uint32_t rules, format_version, skipped_rules, regexes;
  uint64_t bytes;            /* resident bytes of the rule set */
  char ruleset[65];          /* SHA-256 identity, hex, NUL */
} sigmatag_info_t;

typedef struct sigmatag_stats {  /* totals of the engine since init */
  uint32_t struct_size; uint32_t reserved;
  uint64_t calls, records, events, matched_records, hits, malformed, unexamined, unrouted, tag_replaced, tags_truncated, panics, reloads, failed_reloads;
} sigmatag_stats_t;

uint32_t sigmatag_abi_version(void);          /* 1 */
const char *sigmatag_version(void);           /* "0.1.0" */
const char *sigmatag_status_text(int32_t status);
int32_t sigmatag_init(const char *path, size_t path_len, const sigmatag_options *options, sigmatag **out, sigmatag_error *error);
int32_t sigmatag_init_bytes(const uint8_t *data, size_t len, const sigmatag_options *options, sigmatag **out, sigmatag_error *error);
int32_t sigmatag_init_default(const sigmatag_options *options, sigmatag **out, sigmatag_error *error); /* embedded MySQL pack */
void sigmatag_free(sigmatag *engine);
int32_t sigmatag_reload(sigmatag *engine, const char *path, size_t path_len, sigmatag_error *error);
int32_t sigmatag_reload_bytes(sigmatag *engine, const uint8_t *data, size_t len, sigmatag_error *error);
int32_t sigmatag_scratch_new(const sigmatag *engine, sigmatag_scratch **out, sigmatag_error *error);
void sigmatag_scratch_free(sigmatag_scratch *scratch);
int32_t sigmatag_scratch_release(sigmatag_scratch *scratch);  /* let go of an old rule set while idle */
int32_t sigmatag_match(const sigmatag *engine, sigmatag_scratch *scratch, const sigmatag_event *event,
                       sigmatag_hit *hits, size_t cap, size_t *count, sigmatag_summary *summary);
int32_t sigmatag_match_batch(const sigmatag *engine, sigmatag_scratch *scratch, const sigmatag_event *events, size_t n,
                       sigmatag_hit *hits, size_t cap, size_t *count, sigmatag_summary *summary);
int32_t sigmatag_tag_prepare(const sigmatag *engine, sigmatag_scratch *scratch, const sigmatag_event *event,
                       const sigmatag_tagging *tagging, size_t *out_len, sigmatag_summary *summary); /* *out_len 0 = nothing matched: nothing to write */
int32_t sigmatag_tag_write(sigmatag_scratch *scratch, const uint8_t *data, size_t len, uint8_t *out, size_t cap, size_t *written);
int32_t sigmatag_tag_discard(sigmatag_scratch *scratch);
int32_t sigmatag_rule_info(const sigmatag_scratch *scratch, uint32_t rule, sigmatag_rule *out);
int32_t sigmatag_info(const sigmatag *engine, sigmatag_info_t *out);
int32_t sigmatag_get_stats(const sigmatag *engine, sigmatag_stats_t *out);
#endif
