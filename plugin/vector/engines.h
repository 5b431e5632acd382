/* Engines of the process: one for each configuration, however many Lua states use it. */
#ifndef SIGMATAG_ENGINES_H
#define SIGMATAG_ENGINES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sigmatag.h"

enum { MESSAGE = 1024 };

/* Totals of all detectors that share an engine. One event is counted once, however often it was tried. */
enum counter {
    EVENTS, MATCHED, HITS, MALFORMED, UNEXAMINED, UNROUTED, ERRORS, SKIPPED, NORMALIZED, UNMAPPED, COUNTERS
};

/* A file as it was when it was read. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    int64_t seconds, nanoseconds;
};

struct engine {
    struct engine *next;
    char *key;               /* path and options: what makes two configurations one */
    size_t key_len;
    char *path;              /* NULL: the built-in pack */
    unsigned users;
    struct stamp stamp;
    sigmatag *handle;
    atomic_uint_fast64_t counters[COUNTERS];
};

/* Borrowed. */
struct configuration {
    const char *path;
    sigmatag_options options;
};

enum reloaded { RELOAD_FAILED = -1, RELOAD_UNCHANGED, RELOAD_DONE };

/*
 * The engine of a configuration, made or shared; if its file has changed, it is read again. NULL
 * (said why in `message`) if the file holds no usable rules: whoever has the engine keeps its rules.
 */
struct engine *take_engine(const struct configuration *wanted, char message[MESSAGE]);

/* The engine goes with its last user. NULL is allowed. */
void release_engine(struct engine *engine);

/* Reads the file again if it has changed. If it fails (said why), the rules in force stay. */
enum reloaded reload_engine(struct engine *engine, char message[MESSAGE]);

static inline void count(struct engine *engine, enum counter which, uint64_t n)
{
    if (n > 0) {
        atomic_fetch_add_explicit(&engine->counters[which], n, memory_order_relaxed);
    }
}

#endif
