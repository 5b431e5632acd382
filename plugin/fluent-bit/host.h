/*
 * The process that loaded the filter: which functions it exports, how it lays out
 * its plugins and instances, and its log.
 */
#ifndef SIGMATAG_HOST_H
#define SIGMATAG_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLUGIN_NAME "sigmatag"

enum { LOG_ERROR = 1, LOG_WARN = 2, LOG_INFO = 3, LOG_DEBUG = 4 }; /* flb_log_print's types */

/*
 * Words after `name`, `description` and `config_map` are callbacks:
 *
 *   layout 1   1.8, 1.9, 2.0, 2.1        init  filter  exit    [the host's list]
 *   layout 2   2.2 and later    pre_run  init  filter  exit    [...]
 *
 * The host copies its own sizeof of this object and then links the copy into a
 * list through the words behind the last callback it knows. A copy whose word
 * after `exit` is still ours therefore has layout 2, and one where that word
 * became a list pointer has layout 1. That tells 2.1 from 2.2, which no exported
 * symbol does in every build. The layout has to be chosen before the copy is
 * made, though, so it is guessed from a symbol (2.1 and later), and a 2.1 host
 * is found out in its first call, before it could enter a wrong callback.
 *
 * config_map stays NULL: its entries grew from 96 to 104 bytes in 5.0.3, and a
 * host that walks an array of the wrong stride reads wild pointers. Options are
 * validated here instead, see options.c.
 */
struct filter_plugin {
    int leading[2]; /* flags, padding | event type (0: logs), flags */
    const char *name;
    const char *description;
    void *config_map;
    void *callbacks[16];
};

extern struct filter_plugin filter_sigmatag_plugin;

/* Functions of the host; all resolved by name, the last four may be missing. */
struct host_functions {
    const char *(*get_property)(const char *key, void *ins);
    void (*set_context)(void *ins, void *context);
    void (*log_print)(int type, const char *file, int line, const char *format, ...);
    const char *(*filter_name)(void *ins);
    void *(*counter_create)(void *cmt, char *ns, char *subsystem, char *name, char *help, int labels, char **keys);
    int (*counter_add)(void *counter, uint64_t ns, double value, int labels, char **values);
    int (*counter_set)(void *counter, uint64_t ns, double value, int labels, char **values);
    bool complete;
};
extern struct host_functions host;

/* One instance of the host, as far as it could be recognised. */
struct host_instance {
    void *ins;
    size_t context;      /* byte offset of its context word; 0: unknown */
    void *cmt;           /* its metrics; NULL: none yet, or unknown where */
    bool metrics_known;  /* whether a NULL cmt really means "not created yet" */
    int log_level;       /* INT_MAX: unknown, print everything */
    const char *name;
};

/* Resolves `host` and chooses the layout: 1 or 2. When the object is loaded. */
int find_host(void);

/* 1 or 2. */
int host_layout(void);

/* Looks an instance over; false (said why) if it must not be used. */
bool recognise_host(void *ins, void *config, struct host_instance *at);

/*
 * Copies memory that may not be there. The kernel reads it for a write(2), so a
 * wild pointer is EFAULT instead of a crash. Only used while starting.
 */
bool read_memory(const void *address, void *out, size_t n);

/* The same for a NUL-terminated string; byte by byte, so that nothing behind it is touched. */
bool read_string(const char *address, char *out, size_t capacity);

/* Where the host's list of an instance's properties begins; NULL: unknown. */
char *properties_of(const struct host_instance *at);

void log_line(const struct host_instance *at, int type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says a recurring trouble at most once a minute. */
struct throttle {
    int64_t last_s;      /* monotonic; 0: never */
    uint64_t unsaid;
};

/* Logs "`n` `what``detail`" unless that was said within the last minute; then only counts `n`. */
void complain(const struct host_instance *at, struct throttle *throttle, int type, uint64_t n, const char *what,
              const char *detail);

#endif
