/* What one instance counts, for its own log lines and for the host's metrics. */
#ifndef SIGMATAG_METRICS_H
#define SIGMATAG_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "host.h"
#include "options.h"
#include "sigmatag.h"

/* Totals that need no label but the instance's name. */
enum total {
    MATCHES, RECORDS, MALFORMED, UNEXAMINED, ERRORS, DROPPED, SPLIT, STRIPPED, TAG_REPLACED, TAGS_TRUNCATED,
    TAGS_OMITTED, NORMALIZED, UNMAPPED, TOTAL_COUNT
};

/* Why a record went on without a complete verdict. */
enum reason { PASSED_MALFORMED, PASSED_UNEXAMINED, PASSED_UNROUTED, PASSED_ERROR, REASON_COUNT };

enum { BROKEN_COUNT = 4 }; /* ways in which an event is not as its source describes it */

/*
 * Counters exist with every label value from the start: the host's exporter walks
 * them from another thread, so none may be added while records flow.
 */
struct metrics {
    char *name;                  /* label of the instance */
    uint64_t totals[TOTAL_COUNT], passed[REASON_COUNT], matched_records;

    /* The host's counters; NULL: none in this host. */
    void *total_counters[TOTAL_COUNT];
    void *passed_counter, *level_counter, *rule_counter, *source_counter, *broken_counter;

    uint32_t rule_count;
    uint8_t *levels;             /* of every rule: index into level_names plus one; 0: none */
    char **ids;                  /* NULL: too many rules for a counter each */
    char *id_text;
    uint32_t *rule_hits;         /* of the call at hand, 0 otherwise */
    sigmatag_hit *hits;
    size_t hit_room;

    char **sources;              /* their names */
    sigmatag_source_counts *seen; /* room for one of each */
    size_t source_count;
};

/* More rules than this are counted by their level only. */
enum { MAX_RULE_COUNTERS = 512 };

/*
 * Creates the counters, all zero. `name` stays the caller's and must live as long.
 * Without memory or without metrics in the host some or all are missing; the
 * totals for the log are kept in any case.
 */
void start_metrics(struct metrics *metrics, char *name, const struct host_instance *at, const sigmatag *engine,
                   const sigmatag_scratch *scratch);
void free_metrics(struct metrics *metrics);

void count_total(struct metrics *metrics, enum total total, uint64_t n);
void count_passed(struct metrics *metrics, enum reason reason, uint64_t n);

/* Counts a call that was examined. False: there was no memory to count its rules one by one. */
bool count_call(struct metrics *metrics, const sigmatag_scratch *scratch, const sigmatag_summary *summary);

#endif
