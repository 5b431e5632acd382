#define _GNU_SOURCE
#include "metrics.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct { char *name, *help; } total_names[TOTAL_COUNT] = {
    { PLUGIN_NAME "_matches_total", "Rule matches; a record that matches two rules counts twice." },
    { PLUGIN_NAME "_records_total", "Records looked at." },
    { PLUGIN_NAME "_malformed_total", "Records, and JSON texts inside them, that could not be decoded; they passed." },
    { PLUGIN_NAME "_unexamined_total", "Records too large or too deep to be examined; they passed." },
    { PLUGIN_NAME "_errors_total", "Calls that failed; their records passed untagged." },
    { PLUGIN_NAME "_dropped_total", "Records without a match that only_matching left out, counted after splitting." },
    { PLUGIN_NAME "_split_total", "Records that split_records made several of." },
    { PLUGIN_NAME "_stripped_total", "Records without a match that strip_foreign took foreign tags from." },
    { PLUGIN_NAME "_tag_replaced_total", "Fields that came with a record and were replaced by a tag of the same name." },
    { PLUGIN_NAME "_tags_truncated_total", "Tags that left out rules because of a size limit." },
    { PLUGIN_NAME "_tags_omitted_total", "Values of ecs tags left out because a scalar is in their place." },
    { PLUGIN_NAME "_normalized_total", "Documents that normalize wrote in place of records." },
    { PLUGIN_NAME "_unmapped_total", "Events that normalize has no document for; they passed as they came." },
};

static char *const reason_names[REASON_COUNT] = { "malformed", "unexamined", "unrouted", "error" };
static char *const broken_names[BROKEN_COUNT] = { "payload", "nested", "positions", "line" };
enum { NO_LEVEL = 0, LEVEL_VALUES = LEVEL_COUNT + 1 };

static char *level_label(uint8_t level)
{
    return level == NO_LEVEL ? "none" : (char *) level_names[level - 1];
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

/* Adds to a counter, or with `start` makes the label value and shows 0. */
static void change(const struct metrics *metrics, void *counter, char *second, char *third, uint64_t n, bool start)
{
    char *values[] = { metrics->name, second, third };
    int labels = 1 + (second != NULL) + (third != NULL);

    if (counter == NULL) {
        return;
    }
    if (start) {
        host.counter_set(counter, now_ns(), 0, labels, values);
    } else if (n > 0) {
        host.counter_add(counter, now_ns(), (double) n, labels, values);
    }
}

static void *create(const struct host_instance *at, char *name, char *help, char *second, char *third)
{
    char *keys[] = { "name", second, third };

    return host.counter_create(at->cmt, "fluentbit", "filter", name, help, 1 + (second != NULL) + (third != NULL), keys);
}

static void start_totals(struct metrics *metrics, const struct host_instance *at)
{
    int i;

    for (i = 0; i < TOTAL_COUNT; i++) {
        metrics->total_counters[i] = create(at, total_names[i].name, total_names[i].help, NULL, NULL);
        change(metrics, metrics->total_counters[i], NULL, NULL, 0, true);
    }
    metrics->passed_counter = create(at, PLUGIN_NAME "_passed_total", "Records that passed without a complete verdict.",
                                     "reason", NULL);
    for (i = 0; i < REASON_COUNT; i++) {
        change(metrics, metrics->passed_counter, reason_names[i], NULL, 0, true);
    }
}

/* The ids of all rules, NUL-terminated; false: no memory. */
static bool copy_ids(struct metrics *metrics, const sigmatag_scratch *scratch)
{
    sigmatag_rule rule = { .struct_size = sizeof rule };
    size_t bytes = 0;
    uint32_t i;
    char *next;

    for (i = 0; i < metrics->rule_count && sigmatag_rule_info(scratch, i, &rule) == SIGMATAG_OK; i++) {
        bytes += rule.id_len + 1;
    }
    metrics->ids = calloc(metrics->rule_count, sizeof *metrics->ids);
    metrics->id_text = calloc(1, bytes + 1);
    if (i != metrics->rule_count || metrics->ids == NULL || metrics->id_text == NULL) {
        return false;
    }
    next = metrics->id_text;
    for (i = 0; i < metrics->rule_count; i++) {
        sigmatag_rule_info(scratch, i, &rule);
        metrics->ids[i] = memcpy(next, rule.id, rule.id_len);
        next += rule.id_len + 1;
    }
    return true;
}

static void start_rules(struct metrics *metrics, const struct host_instance *at, const sigmatag_scratch *scratch)
{
    sigmatag_rule rule = { .struct_size = sizeof rule };
    uint32_t i;

    metrics->levels = calloc(metrics->rule_count + 1, sizeof *metrics->levels);
    metrics->rule_hits = calloc(metrics->rule_count + 1, sizeof *metrics->rule_hits);
    if (metrics->levels == NULL || metrics->rule_hits == NULL) {
        return;
    }
    for (i = 0; i < metrics->rule_count; i++) {
        if (sigmatag_rule_info(scratch, i, &rule) == SIGMATAG_OK && rule.level >= 0 && rule.level <= LEVEL_COUNT) {
            metrics->levels[i] = (uint8_t) rule.level;
        }
    }
    metrics->level_counter = create(at, PLUGIN_NAME "_level_matches_total", "Rule matches by level of the rule.", "level",
                                    NULL);
    for (i = 0; i < LEVEL_VALUES; i++) {
        change(metrics, metrics->level_counter, level_label((uint8_t) i), NULL, 0, true);
    }
    if (metrics->rule_count > MAX_RULE_COUNTERS || !copy_ids(metrics, scratch)) {
        return;
    }
    metrics->rule_counter = create(at, PLUGIN_NAME "_rule_matches_total", "Rule matches by id of the rule.", "rule", NULL);
    for (i = 0; i < metrics->rule_count; i++) {
        change(metrics, metrics->rule_counter, metrics->ids[i], NULL, 0, true);
    }
}

static void drop_sources(struct metrics *metrics)
{
    while (metrics->source_count > 0) {
        free(metrics->sources[--metrics->source_count]);
    }
}

static void start_sources(struct metrics *metrics, const struct host_instance *at, const sigmatag *engine, uint32_t count)
{
    sigmatag_source_t source = { .struct_size = sizeof source };
    uint32_t i;
    int j;

    metrics->sources = calloc(count + 1, sizeof *metrics->sources);
    metrics->seen = calloc(count + 1, sizeof *metrics->seen);
    for (i = 0; metrics->sources != NULL && metrics->seen != NULL && i < count; i++) {
        if (sigmatag_source_info(engine, i, &source) != SIGMATAG_OK ||
            (metrics->sources[i] = strndup(source.name, source.name_len)) == NULL) {
            break;
        }
        metrics->source_count++;
    }
    if (metrics->source_count < count) { /* no memory: all or none */
        drop_sources(metrics);
    }
    metrics->source_counter = create(at, PLUGIN_NAME "_source_events_total", "Events recognised, by source.", "source", NULL);
    metrics->broken_counter = create(at, PLUGIN_NAME "_source_broken_total",
                                     "Events that are not as their source describes them; matched as they came.", "source",
                                     "reason");
    for (i = 0; i < metrics->source_count; i++) {
        change(metrics, metrics->source_counter, metrics->sources[i], NULL, 0, true);
        for (j = 0; j < BROKEN_COUNT; j++) {
            change(metrics, metrics->broken_counter, metrics->sources[i], broken_names[j], 0, true);
        }
    }
}

void start_metrics(struct metrics *metrics, char *name, const struct host_instance *at, const sigmatag *engine,
                   const sigmatag_scratch *scratch)
{
    sigmatag_info_t info = { .struct_size = sizeof info };

    *metrics = (struct metrics) { .name = name };
    if (at->cmt == NULL || host.counter_create == NULL || host.counter_add == NULL || host.counter_set == NULL ||
        sigmatag_info(engine, &info) != SIGMATAG_OK) {
        return;
    }
    metrics->rule_count = info.rules;
    start_totals(metrics, at);
    start_rules(metrics, at, scratch);
    start_sources(metrics, at, engine, info.sources);
}

void free_metrics(struct metrics *metrics)
{
    drop_sources(metrics);
    free(metrics->sources);
    free(metrics->seen);
    free(metrics->levels);
    free(metrics->ids);
    free(metrics->id_text);
    free(metrics->rule_hits);
    free(metrics->hits);
}

void count_total(struct metrics *metrics, enum total total, uint64_t n)
{
    metrics->totals[total] += n;
    change(metrics, metrics->total_counters[total], NULL, NULL, n, false);
}

void count_passed(struct metrics *metrics, enum reason reason, uint64_t n)
{
    metrics->passed[reason] += n;
    change(metrics, metrics->passed_counter, reason_names[reason], NULL, n, false);
}

/* The hits of the call in metrics->hits; false: no memory. */
static bool fetch_hits(struct metrics *metrics, const sigmatag_scratch *scratch, size_t *count)
{
    int32_t status = sigmatag_scratch_hits(scratch, metrics->hits, metrics->hit_room, count);
    sigmatag_hit *more;

    if (status == SIGMATAG_OK && metrics->hit_room >= *count) {
        return true;
    }
    more = realloc(metrics->hits, *count * sizeof *more);
    if (more == NULL) {
        return false;
    }
    metrics->hits = more;
    metrics->hit_room = *count;
    return sigmatag_scratch_hits(scratch, metrics->hits, metrics->hit_room, count) == SIGMATAG_OK;
}

/* One addition per rule that matched in this call, however often it did. */
static bool count_hits(struct metrics *metrics, const sigmatag_scratch *scratch)
{
    uint64_t by_level[LEVEL_VALUES] = { 0 };
    size_t i, count = 0;

    if (metrics->level_counter == NULL) {
        return true;
    }
    if (!fetch_hits(metrics, scratch, &count)) {
        return false;
    }
    for (i = 0; i < count; i++) {
        by_level[metrics->levels[metrics->hits[i].rule]]++;
        metrics->rule_hits[metrics->hits[i].rule]++;
    }
    for (i = 0; i < LEVEL_VALUES; i++) {
        change(metrics, metrics->level_counter, level_label((uint8_t) i), NULL, by_level[i], false);
    }
    for (i = 0; i < count; i++) {
        uint32_t rule = metrics->hits[i].rule;

        if (metrics->rule_counter != NULL) {
            change(metrics, metrics->rule_counter, metrics->ids[rule], NULL, metrics->rule_hits[rule], false);
        }
        metrics->rule_hits[rule] = 0;
    }
    return true;
}

/* What the call saw of each source. There is room for all of them, or for none without memory. */
static void count_sources(struct metrics *metrics, const sigmatag_scratch *scratch)
{
    size_t i, count = 0;
    int j;

    if (metrics->source_count == 0 ||
        sigmatag_scratch_sources(scratch, metrics->seen, metrics->source_count, &count) != SIGMATAG_OK) {
        return;
    }
    for (i = 0; i < count; i++) {
        const sigmatag_source_counts *seen = &metrics->seen[i];
        char *name = metrics->sources[seen->source];
        const uint64_t broken[BROKEN_COUNT] = {
            seen->broken_payload, seen->broken_nested, seen->broken_positions, seen->broken_line
        };

        change(metrics, metrics->source_counter, name, NULL, seen->events, false);
        for (j = 0; j < BROKEN_COUNT; j++) {
            change(metrics, metrics->broken_counter, name, broken_names[j], broken[j], false);
        }
    }
}

bool count_call(struct metrics *metrics, const sigmatag_scratch *scratch, const sigmatag_summary *summary)
{
    count_total(metrics, RECORDS, summary->records);
    count_total(metrics, MATCHES, summary->hits);
    count_total(metrics, MALFORMED, summary->malformed);
    count_total(metrics, UNEXAMINED, summary->unexamined);
    count_total(metrics, DROPPED, summary->dropped_records);
    count_total(metrics, SPLIT, summary->split_records);
    count_total(metrics, STRIPPED, summary->stripped_records);
    count_total(metrics, TAG_REPLACED, summary->tag_replaced);
    count_total(metrics, TAGS_TRUNCATED, summary->tags_truncated);
    count_total(metrics, TAGS_OMITTED, summary->tags_omitted);
    count_total(metrics, NORMALIZED, summary->normalized_records);
    count_total(metrics, UNMAPPED, summary->unmapped_events);
    count_passed(metrics, PASSED_MALFORMED, summary->malformed);
    count_passed(metrics, PASSED_UNEXAMINED, summary->unexamined);
    count_passed(metrics, PASSED_UNROUTED, summary->unrouted);
    metrics->matched_records += summary->matched_records;
    count_sources(metrics, scratch);
    return summary->hits == 0 || count_hits(metrics, scratch);
}
