/*
 * filter_sigmatag: tags the records that match a compiled Sigma rule set,
 * inside Fluent Bit's process.
 *
 * chunk -> sigmatag_tag_prepare -> unchanged: NOTOUCH, the host keeps its bytes
 *                               -> planned: malloc, sigmatag_tag_write, MODIFIED
 *
 *   host.c           what host this is, without its headers
 *   options.c        the options; tag_logsource.c: the one that names log sources
 *   rules.c          loaded rule sets, through reloads
 *   metrics.c        totals and the host's counters; chunk.c: records of a failed call
 *   status.c         what is said at start
 *   filter_sigmatag.c (here)   instances, the host's callbacks, loading
 *
 * Whatever goes wrong while records flow, the record passes unchanged, the
 * failure is counted and the log names it at most once a minute. Only a start
 * (or a reload, which then keeps the running pipeline) is ever refused.
 *
 * Threads: the host may enter one instance from several threads, one at a time.
 * Different instances run in parallel. Rule sets are shared and never change;
 * everything mutable, the engine with its totals included, belongs to one instance.
 */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chunk.h"
#include "host.h"
#include "metrics.h"
#include "options.h"
#include "rules.h"
#include "sigmatag.h"
#include "status.h"

enum { FILTER_MODIFIED = 1, FILTER_NOTOUCH = 2 };              /* cb_filter's answers */

/* The one exported symbol; not const because the constructor fills it. */
__attribute__((visibility("default"))) struct filter_plugin filter_sigmatag_plugin = {
    .name = PLUGIN_NAME,
    .description = "Tag records that match Sigma rules",
};

/* ------------------------------------------------------------------ */
/* Instances                                                          */
/* ------------------------------------------------------------------ */

struct instance {
    struct host_instance at;
    char name[64];               /* the host's may move or go away before ours */
    struct options options;
    struct rule_set *rules;
    sigmatag *engine;
    sigmatag_scratch *scratch;   /* NULL after a failure, until a new one can be had */
    sigmatag_tagging tagging;
    atomic_flag entered;
    atomic_uint_fast64_t collisions, collided_records; /* calls that found it entered, not yet in the metrics */
    struct metrics metrics;
    bool unrouted_said;
    struct throttle errors_said, malformed_said, unexamined_said, uncounted_said;
};

/*
 * Instances by the host's pointer: the context argument cannot be trusted, hosts
 * up to 1.9.2 pass nine arguments and have none where ten-argument hosts do.
 * Readers take no lock. A key stays when its instance goes, so that chains of
 * other keys never break; dead slots are used again.
 */
enum { TABLE_BITS = 10, TABLE_SIZE = 1 << TABLE_BITS };
static struct { _Atomic(void *) ins; _Atomic(struct instance *) instance; } table[TABLE_SIZE];

static size_t table_start(const void *ins)
{
    return (size_t) (((uint64_t) (uintptr_t) ins >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - TABLE_BITS));
}

static struct instance *find_instance(void *ins)
{
    size_t i, slot = table_start(ins);

    for (i = 0; i < TABLE_SIZE; i++, slot = (slot + 1) % TABLE_SIZE) {
        void *key = atomic_load_explicit(&table[slot].ins, memory_order_acquire);

        if (key == ins) {
            return atomic_load_explicit(&table[slot].instance, memory_order_acquire);
        }
        if (key == NULL) {
            break;
        }
    }
    return NULL;
}

static void free_instance(struct instance *instance)
{
    sigmatag_scratch_free(instance->scratch);
    sigmatag_free(instance->engine);
    release_rule_set(instance->rules);
    free_metrics(&instance->metrics);
    free_options(&instance->options);
    free(instance);
}

/* Under store_lock. An instance the host forgot to exit is replaced. */
static bool add_instance(void *ins, struct instance *instance)
{
    size_t i, slot = table_start(ins), free_slot = TABLE_SIZE;
    struct instance *old;

    for (i = 0; i < TABLE_SIZE; i++, slot = (slot + 1) % TABLE_SIZE) {
        void *key = atomic_load(&table[slot].ins);

        if (key == ins) {
            old = atomic_exchange(&table[slot].instance, instance);
            if (old != NULL) {
                free_instance(old);
            }
            return true;
        }
        if (free_slot == TABLE_SIZE && (key == NULL || atomic_load(&table[slot].instance) == NULL)) {
            free_slot = slot;
        }
        if (key == NULL) {
            break;
        }
    }
    if (free_slot == TABLE_SIZE) {
        return false;
    }
    atomic_store_explicit(&table[free_slot].ins, ins, memory_order_release);
    atomic_store_explicit(&table[free_slot].instance, instance, memory_order_release);
    return true;
}

/* Under store_lock: whether `instance` is one of ours; it is out of the table then. */
static bool remove_instance(const struct instance *instance)
{
    size_t slot;

    for (slot = 0; slot < TABLE_SIZE && instance != NULL; slot++) {
        if (atomic_load(&table[slot].instance) == instance) {
            atomic_store(&table[slot].instance, NULL);
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ */
/* Records                                                            */
/* ------------------------------------------------------------------ */

static void fail_call(struct instance *instance, int32_t status, const sigmatag_event *event)
{
    count_total(&instance->metrics, ERRORS, 1);
    count_passed(&instance->metrics, PASSED_ERROR, records_in_chunk(event->data, event->len));
    complain(&instance->at, &instance->errors_said, LOG_ERROR, 1, "call(s) failed, their records passed untagged: ",
             sigmatag_status_text(status));
    if (status == SIGMATAG_PANIC || status == SIGMATAG_POISONED) {
        sigmatag_scratch_free(instance->scratch); /* a poisoned scratch never recovers; the next call makes another */
        instance->scratch = NULL;
    }
}

static void note_collisions(struct instance *instance)
{
    uint64_t calls, records;

    if (atomic_load_explicit(&instance->collisions, memory_order_relaxed) == 0) {
        return;
    }
    calls = atomic_exchange(&instance->collisions, 0);
    records = atomic_exchange(&instance->collided_records, 0);
    count_total(&instance->metrics, ERRORS, calls);
    count_passed(&instance->metrics, PASSED_ERROR, records);
    complain(&instance->at, &instance->errors_said, LOG_ERROR, calls,
             "call(s) came while another was running, their records passed untagged", "");
}

static void note_unrouted(struct instance *instance)
{
    if (instance->unrouted_said) {
        return;
    }
    instance->unrouted_said = true;
    log_line(&instance->at, LOG_WARN, "records of no source the rule set knows arrive: %s. Describe the source and compile "
             "the rules with `sigmatag compile --sources FILE`, or name its log source with the option `logsource`",
             instance->options.logsource_mode == SIGMATAG_LOGSOURCE_STRICT
                 ? "no rule is tried on them (logsource_mode strict)" : "every rule is tried on them");
}

static void note_call(struct instance *instance, const sigmatag_summary *summary)
{
    if (!count_call(&instance->metrics, instance->scratch, summary)) {
        complain(&instance->at, &instance->uncounted_said, LOG_WARN, summary->hits,
                 "match(es) are missing in the counters by rule and level: no memory", "");
    }
    if (summary->malformed > 0) {
        complain(&instance->at, &instance->malformed_said, LOG_WARN, summary->malformed,
                 "record(s) could not be decoded and passed unexamined", "");
    }
    if (summary->unexamined > 0) {
        complain(&instance->at, &instance->unexamined_said, LOG_WARN, summary->unexamined,
                 "record(s) were too large or nested too deeply and passed unexamined", "");
    }
    if (summary->unrouted > 0) {
        note_unrouted(instance);
    }
}

/*
 * Carries the plan out. The bytes are memory of the host's allocator, which frees
 * them with free(): both bind to it. No bytes: every record was dropped, and the host
 * wants no buffer for that. False: failed, the plan is gone.
 */
static bool write_chunk(struct instance *instance, const sigmatag_event *event, size_t needed, void **out)
{
    size_t written = 0;
    uint8_t *bytes = malloc(needed + 1);
    int32_t status = SIGMATAG_NO_MEMORY;

    if (bytes != NULL) {
        status = sigmatag_tag_write(instance->scratch, event->data, event->len, bytes, needed, &written);
    }
    if (status == SIGMATAG_OK && needed > 0) {
        *out = bytes;
        return true;
    }
    free(bytes);
    *out = NULL;
    if (status != SIGMATAG_OK) {
        sigmatag_tag_discard(instance->scratch);
        fail_call(instance, status, event);
    }
    return status == SIGMATAG_OK;
}

/* What the host is to do with a chunk. Only one call at a time per instance. */
static int tag_chunk(struct instance *instance, const sigmatag_event *event, void **out, size_t *out_len)
{
    sigmatag_summary summary = { .struct_size = sizeof summary };
    size_t needed = 0;
    int32_t status;

    if (instance->scratch == NULL &&
        (status = sigmatag_scratch_new(instance->engine, &instance->scratch, NULL)) != SIGMATAG_OK) {
        instance->scratch = NULL;
        fail_call(instance, status, event);
        return FILTER_NOTOUCH;
    }
    status = sigmatag_tag_prepare(instance->engine, instance->scratch, event, &instance->tagging, &needed, &summary);
    if (status != SIGMATAG_OK && status != SIGMATAG_UNCHANGED) {
        fail_call(instance, status, event);
        return FILTER_NOTOUCH;
    }
    note_call(instance, &summary);
    if (status == SIGMATAG_UNCHANGED || !write_chunk(instance, event, needed, out)) {
        return FILTER_NOTOUCH;
    }
    *out_len = needed;
    return FILTER_MODIFIED;
}

/* ------------------------------------------------------------------ */
/* Callbacks                                                          */
/* ------------------------------------------------------------------ */

/*
 * The host writes its log through a pipe that a thread of its own reads, and exits
 * after a refused start without waiting for it: the reason would often be lost.
 */
static int refuse_start(void)
{
    const struct timespec pause = { .tv_nsec = 200 * 1000 * 1000 };

    nanosleep(&pause, NULL);
    return -1;
}

static int cb_pre_run(void *ins, void *config, void *data)
{
    struct host_instance at;
    struct options options;
    sigmatag *engine = NULL;

    (void) data;
    if (!recognise_host(ins, config, &at) || !read_options(&at, &options)) {
        return refuse_start();
    }
    pthread_mutex_lock(&store_lock);
    if (settle_rules(&at, config, &options, at.metrics_known && at.cmt == NULL)) {
        engine = new_engine(&at, settled_rules(&at), &options); /* only to see that the options suit the rules */
    }
    pthread_mutex_unlock(&store_lock);
    free_options(&options);
    sigmatag_free(engine);
    return engine != NULL ? 0 : refuse_start();
}

/* The engine and its scratch; false: said why. */
static bool prepare_matching(struct instance *instance)
{
    sigmatag_error error = { .struct_size = sizeof error };
    int32_t status;

    instance->engine = new_engine(&instance->at, instance->rules, &instance->options);
    if (instance->engine == NULL) {
        return false;
    }
    status = sigmatag_scratch_new(instance->engine, &instance->scratch, &error);
    if (status != SIGMATAG_OK) {
        log_line(&instance->at, LOG_ERROR, "no scratch for matching: %s",
                 error.message[0] != 0 ? error.message : sigmatag_status_text(status));
        return false;
    }
    return true;
}

static sigmatag_tagging tagging_of(const struct options *options)
{
    return (sigmatag_tagging) {
        .struct_size = sizeof(sigmatag_tagging),
        .shape = options->shape,
        .key = (const uint8_t *) options->tag_key,
        .key_len = options->tag_key != NULL ? strlen(options->tag_key) : 0,
        .flags = (options->split_records ? SIGMATAG_SPLIT_RECORDS : 0) |
                 (options->only_matching ? SIGMATAG_ONLY_MATCHING : 0) |
                 (options->strip_foreign ? SIGMATAG_STRIP_FOREIGN : 0),
    };
}

/* Under store_lock; takes the settled rules and the options. NULL: said why. */
static struct instance *new_instance(const struct host_instance *at, struct options *options)
{
    struct instance *instance = calloc(1, sizeof *instance);

    if (instance == NULL) {
        log_line(at, LOG_ERROR, "out of memory");
        return NULL;
    }
    snprintf(instance->name, sizeof instance->name, "%s", at->name);
    instance->at = *at;
    instance->at.name = instance->name;
    instance->rules = take_settled_rules(at);
    instance->options = *options;
    *options = (struct options) { 0 };
    instance->tagging = tagging_of(&instance->options);
    atomic_flag_clear(&instance->entered);
    if (!prepare_matching(instance)) {
        free_instance(instance);
        return NULL;
    }
    start_metrics(&instance->metrics, instance->name, at, instance->engine, instance->scratch);
    return instance;
}

static int cb_init(void *ins, void *config, void *data)
{
    struct host_instance at;
    struct options options;
    struct instance *instance = NULL;

    (void) data;
    if (!recognise_host(ins, config, &at) || !read_options(&at, &options)) {
        return refuse_start();
    }
    pthread_mutex_lock(&store_lock);
    if (settle_rules(&at, config, &options, false)) {
        instance = new_instance(&at, &options);
    }
    if (instance != NULL) {
        say_start(&instance->at, &instance->options, instance->engine, instance->scratch, &instance->metrics);
        if (!add_instance(ins, instance)) {
            log_line(&at, LOG_ERROR, "more than %d filters of this kind in one process: merge some", TABLE_SIZE);
            free_instance(instance);
            instance = NULL;
        }
    }
    pthread_mutex_unlock(&store_lock);
    if (instance != NULL) {
        host.set_context(ins, instance); /* without a context the host does not call cb_exit */
    }
    free_options(&options);
    return instance != NULL ? 0 : refuse_start();
}

/* What a call examines. */
static sigmatag_event event_of(const struct instance *instance, const void *data, size_t bytes, const char *tag, int tag_len)
{
    size_t length = tag != NULL && tag_len > 0 ? (size_t) tag_len : 0;
    const char *logsource = logsource_of_tag(&instance->options.logsources, tag, length);

    return (sigmatag_event) {
        .struct_size = sizeof(sigmatag_event),
        .format = SIGMATAG_FLB_CHUNK,
        .data = data,
        .len = bytes,
        .tag = (const uint8_t *) tag,
        .tag_len = length,
        .logsource = (const uint8_t *) logsource,
        .logsource_len = logsource != NULL ? strlen(logsource) : 0,
    };
}

/*
 * Up to 1.9.2 the host passes no `input`, so what it calls the context arrives
 * there and the last argument is whatever the register or stack holds. Nothing
 * behind `ins` is used.
 */
static int cb_filter(const void *data, size_t bytes, const char *tag, int tag_len, void **out_buf, size_t *out_size,
                     void *ins, void *input, void *context, void *config)
{
    struct instance *instance = find_instance(ins);
    sigmatag_event event;
    int answer;

    (void) input;
    (void) context;
    (void) config;
    if (instance == NULL || data == NULL || bytes == 0) {
        return FILTER_NOTOUCH;
    }
    if (atomic_flag_test_and_set_explicit(&instance->entered, memory_order_acquire)) {
        atomic_fetch_add(&instance->collided_records, records_in_chunk(data, bytes));
        atomic_fetch_add(&instance->collisions, 1);
        return FILTER_NOTOUCH;
    }
    note_collisions(instance);
    event = event_of(instance, data, bytes, tag, tag_len);
    answer = tag_chunk(instance, &event, out_buf, out_size);
    atomic_flag_clear_explicit(&instance->entered, memory_order_release);
    return answer;
}

static unsigned long long total(const struct instance *instance, enum total which)
{
    return instance->metrics.totals[which];
}

static int cb_exit(void *context, void *config)
{
    struct instance *instance = context;

    (void) config;
    pthread_mutex_lock(&store_lock);
    if (remove_instance(instance)) {
        log_line(&instance->at, LOG_INFO,
                 "done: %llu records, %llu tagged, %llu rule matches, %llu malformed, %llu unexamined, %llu failed calls, "
                 "%llu unrouted, %llu dropped, %llu split, %llu stripped, %llu normalized, %llu unmapped",
                 total(instance, RECORDS), (unsigned long long) instance->metrics.matched_records,
                 total(instance, MATCHES), total(instance, MALFORMED), total(instance, UNEXAMINED),
                 total(instance, ERRORS) + (unsigned long long) atomic_load(&instance->collisions),
                 (unsigned long long) instance->metrics.passed[PASSED_UNROUTED], total(instance, DROPPED),
                 total(instance, SPLIT), total(instance, STRIPPED), total(instance, NORMALIZED), total(instance, UNMAPPED));
        free_instance(instance);
    }
    pthread_mutex_unlock(&store_lock);
    return 0;
}

/* Runs when the object is loaded, before the host copies the plugin object. */
__attribute__((constructor)) static void fill_plugin(void)
{
    void **next = filter_sigmatag_plugin.callbacks;

    if (find_host() == 2) {
        *next++ = (void *) cb_pre_run;
    }
    *next++ = (void *) cb_init;
    *next++ = (void *) cb_filter;
    *next++ = (void *) cb_exit;
}
