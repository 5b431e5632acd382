/* What an open detector owns, and events through it. */
#ifndef SIGMATAG_DETECTOR_H
#define SIGMATAG_DETECTOR_H

#include "engines.h"
#include "options.h"
#include "table.h"

/*
 * A userdata: one Lua state uses it, so one call at a time. The engine may be shared with detectors of
 * other states. Everything that has to be freed hangs here, for Lua may leave any of its functions
 * by a jump; no such function is called while a call of the library has not returned.
 */
struct detector {
    struct engine *engine;
    sigmatag_scratch *scratch;   /* NULL after a bug of the library; the next call makes another */
    struct options options;
    struct buffer event, tagged; /* a table as msgpack; what sigmatag_tag_write wrote */
    struct buffer hits;
    size_t hit_count;
    bool retried;                /* the event was malformed, counted so, and is tried in another form */
    char message[MESSAGE];       /* why the last event was not examined */
};

/* An event as the library takes it. */
struct given {
    int32_t format;
    const char *bytes;
    size_t length;
};

enum outcome { CLEAN, MATCHES, NOT_EXAMINED };

/* Begins to count an event. */
void begin_event(struct detector *detector);

/*
 * Examines an event. MATCHES: `hits` has them. NOT_EXAMINED: `message` says why, and it is counted.
 * `retry`, if given, is set if the event is malformed and the caller shall try it in another form.
 */
enum outcome examine(struct detector *detector, const struct given *given, bool *retry);

/* What was made of an event. */
struct made {
    bool written;   /* `tagged` has what goes on in its place */
    bool split;     /* that is one piece for each event of an envelope, one behind the other */
    bool documents; /* it is a document of the option `normalize`, or some of the pieces are */
};

/*
 * The same, and makes what goes on in place of the event. `flags` are those of sigmatag_tagging;
 * `only_matching`: what has no hits is not made, for nobody wants it.
 */
enum outcome tag_event(struct detector *detector, const struct given *given, uint32_t flags, bool only_matching,
                       bool *retry, struct made *made);

/* Whether an event of an envelope has hits; asked for in the order of events, with `*at` from 0 on. */
bool has_hit(const struct detector *detector, uint32_t event, size_t *at);

const sigmatag_hit *hits_of(const struct detector *detector);

/* Notes an event that cannot be examined, for a reason of ours. */
enum outcome not_examined(struct detector *detector, enum counter why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void free_detector(struct detector *detector);

#endif
