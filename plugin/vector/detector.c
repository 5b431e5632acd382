/* No function of Lua is called here. */
#include "detector.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void begin_event(struct detector *detector)
{
    count(detector->engine, EVENTS, 1);
    detector->hit_count = 0;
    detector->retried = false;
    detector->message[0] = 0;
}

enum outcome not_examined(struct detector *detector, enum counter why, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detector->message, MESSAGE, format, arguments);
    va_end(arguments);
    count(detector->engine, why, 1);
    return NOT_EXAMINED;
}

const sigmatag_hit *hits_of(const struct detector *detector)
{
    return (const sigmatag_hit *) detector->hits.bytes;
}

bool has_hit(const struct detector *detector, uint32_t event, size_t *at)
{
    while (*at < detector->hit_count && hits_of(detector)[*at].event < event) {
        ++*at;
    }
    return *at < detector->hit_count && hits_of(detector)[*at].event == event;
}

static sigmatag_event event_of(const struct detector *detector, const struct given *given)
{
    return (sigmatag_event) {
        .struct_size = sizeof(sigmatag_event),
        .format = given->format,
        .data = (const uint8_t *) given->bytes,
        .len = given->length,
        .logsource = (const uint8_t *) detector->options.logsource,
        .logsource_len = strlen(detector->options.logsource),
    };
}

static enum outcome fail(struct detector *detector, int32_t status, bool *retry)
{
    if (status == SIGMATAG_MALFORMED) {
        detector->retried = retry != NULL;
        if (retry != NULL) {
            *retry = true;
        }
        return not_examined(detector, MALFORMED, "%s", sigmatag_status_text(status));
    }
    if (status == SIGMATAG_PANIC || status == SIGMATAG_POISONED) {
        sigmatag_scratch_free(detector->scratch); /* a poisoned scratch never recovers */
        detector->scratch = NULL;
    }
    return not_examined(detector, status == SIGMATAG_UNEXAMINED ? UNEXAMINED : ERRORS, "%s",
                        sigmatag_status_text(status));
}

static bool has_scratch(struct detector *detector, int32_t *status)
{
    if (detector->scratch == NULL) {
        *status = sigmatag_scratch_new(detector->engine->handle, &detector->scratch, NULL);
        if (*status != SIGMATAG_OK) {
            detector->scratch = NULL;
        }
    }
    return detector->scratch != NULL;
}

/* Takes the hits of the last call; they are the scratch's until its next. */
static int32_t take_hits(struct detector *detector, size_t count_of)
{
    detector->hit_count = 0;
    if (!reserve(&detector->hits, count_of * sizeof(sigmatag_hit))) {
        return SIGMATAG_NO_MEMORY;
    }
    return sigmatag_scratch_hits(detector->scratch, (sigmatag_hit *) (void *) detector->hits.bytes, count_of,
                                 &detector->hit_count);
}

/* Counts what an examined event is. Texts in it that are broken JSON were matched as texts. */
static enum outcome note(struct detector *detector, const sigmatag_summary *summary)
{
    count(detector->engine, MALFORMED, detector->retried ? 0 : summary->malformed);
    count(detector->engine, UNROUTED, summary->unrouted);
    count(detector->engine, HITS, summary->hits);
    count(detector->engine, MATCHED, summary->hits > 0);
    count(detector->engine, NORMALIZED, summary->normalized_records);
    count(detector->engine, UNMAPPED, summary->unmapped_events);
    return summary->hits > 0 ? MATCHES : CLEAN;
}

enum outcome examine(struct detector *detector, const struct given *given, bool *retry)
{
    sigmatag_summary summary = { .struct_size = sizeof summary };
    sigmatag_event event = event_of(detector, given);
    int32_t status;
    size_t found = 0;

    if (!has_scratch(detector, &status)) {
        return fail(detector, status, NULL);
    }
    status = sigmatag_match(detector->engine->handle, detector->scratch, &event, NULL, 0, &found, &summary);
    if (status != SIGMATAG_OK && status != SIGMATAG_SMALL_BUFFER) {
        return fail(detector, status, retry);
    }
    if (found > 0 && (status = take_hits(detector, found)) != SIGMATAG_OK) {
        return fail(detector, status, NULL);
    }
    return note(detector, &summary);
}

/* Carries a plan out. */
static int32_t write_tagged(struct detector *detector, const struct given *given, size_t needed)
{
    int32_t status = SIGMATAG_NO_MEMORY;

    if (reserve(&detector->tagged, needed)) {
        status = sigmatag_tag_write(detector->scratch, (const uint8_t *) given->bytes, given->length,
                                    detector->tagged.bytes, needed, &detector->tagged.used);
    }
    if (status != SIGMATAG_OK) {
        sigmatag_tag_discard(detector->scratch);
    }
    return status;
}

enum outcome tag_event(struct detector *detector, const struct given *given, uint32_t flags, bool only_matching,
                       bool *retry, struct made *made)
{
    sigmatag_summary summary = { .struct_size = sizeof summary };
    sigmatag_event event = event_of(detector, given);
    sigmatag_tagging tagging = detector->options.tagging;
    int32_t status;
    size_t needed = 0;

    if (tagging.shape != SIGMATAG_FLAT) {
        tagging.key = (const uint8_t *) detector->options.tag_key;
        tagging.key_len = strlen(detector->options.tag_key);
    }
    tagging.flags = flags;
    if (!has_scratch(detector, &status)) {
        return fail(detector, status, NULL);
    }
    status = sigmatag_tag_prepare(detector->engine->handle, detector->scratch, &event, &tagging, &needed, &summary);
    if (status != SIGMATAG_OK && status != SIGMATAG_UNCHANGED) {
        return fail(detector, status, retry);
    }
    made->written = status == SIGMATAG_OK && !(only_matching && summary.hits == 0);
    made->split = summary.split_records > 0;
    made->documents = summary.normalized_records > 0;
    if (status == SIGMATAG_OK && !made->written) {
        sigmatag_tag_discard(detector->scratch);
    }
    status = made->written ? write_tagged(detector, given, needed) : SIGMATAG_OK;
    if (status == SIGMATAG_OK && summary.hits > 0) {
        status = take_hits(detector, summary.hits);
    }
    if (status != SIGMATAG_OK) {
        made->written = false;
        return fail(detector, status, NULL);
    }
    return note(detector, &summary);
}

void free_detector(struct detector *detector)
{
    sigmatag_scratch_free(detector->scratch);
    release_engine(detector->engine);
    free(detector->event.bytes);
    free(detector->tagged.bytes);
    free(detector->hits.bytes);
    memset(detector, 0, sizeof *detector);
}
