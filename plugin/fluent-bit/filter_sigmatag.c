/*
 * filter_sigmatag: tags the records that match a compiled Sigma rule set,
 * inside Fluent Bit's process.
 *
 * chunk -> sigmatag_tag_prepare -> nothing matched: NOTOUCH, the host keeps its bytes
 *                               -> matched: malloc, sigmatag_tag_write, MODIFIED
 *
 * Built without Fluent Bit's headers. A plugin compiled against one version's
 * headers crashes in another, because the structures the host shares with its
 * plugins change; what this file needs of them is small enough to be recognised
 * at run time, so one shared object serves 1.8.12-1.8.15, 1.9.0-2.0.x and
 * 2.2-5.1. See "The host's layout" below for how, and what is refused.
 *
 * Whatever goes wrong while records flow, the record passes unchanged, the
 * failure is counted and the log names it at most once a minute. Only a start
 * (or a reload, which then keeps the running pipeline) is ever refused.
 *
 * Threads: the host may enter one instance from several threads, one at a time.
 * Different instances run in parallel. Rule sets are shared and never change;
 * everything mutable belongs to one instance.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "sigmatag.h"

#define PLUGIN_NAME "sigmatag"

enum { FILTER_MODIFIED = 1, FILTER_NOTOUCH = 2 };              /* cb_filter's answers */
enum { LOG_ERROR = 1, LOG_WARN = 2, LOG_INFO = 3, LOG_DEBUG = 4 }; /* flb_log_print's types */

/* ------------------------------------------------------------------ */
/* The host's layout                                                  */
/* ------------------------------------------------------------------ */

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
 * validated here instead, see "Options".
 */
struct filter_plugin {
    int leading[2]; /* flags, padding | event type (0: logs), flags */
    const char *name;
    const char *description;
    void *config_map;
    void *callbacks[16];
};

/* The one exported symbol; not const because the constructor fills it. */
__attribute__((visibility("default"))) struct filter_plugin filter_sigmatag_plugin = {
    .name = PLUGIN_NAME,
    .description = "Tag records that match Sigma rules",
};

enum {
    FIRST_CALLBACK = offsetof(struct filter_plugin, callbacks),
    INSTANCE_WINDOW = 112,      /* bytes of an instance that exist in every known layout and hold what is looked for */
    PLUGIN_FROM_CONTEXT = 16,   /* context, data, plugin */
    PROPERTIES_FROM_CONTEXT = 24,
    CMT_FROM_CONTEXT = 64,
};

/* Functions of the host; all resolved by name, the last five may be missing. */
static struct {
    const char *(*get_property)(const char *key, void *ins);
    void (*set_context)(void *ins, void *context);
    void (*log_print)(int type, const char *file, int line, const char *format, ...);
    const char *(*filter_name)(void *ins);
    void *(*counter_create)(void *cmt, char *ns, char *subsystem, char *name, char *help, int labels, char **keys);
    int (*counter_add)(void *counter, uint64_t ns, double value, int labels, char **values);
    int (*counter_set)(void *counter, uint64_t ns, double value, int labels, char **values);
    bool complete;
} host;

/* What SIGMATAG_FLB_LAYOUT said, and which layout filter_sigmatag_plugin was filled for. */
static struct {
    int chosen;          /* 1 or 2 */
    bool bad_override;
    bool offset_forced;
    size_t offset;
} layout;

/* One instance of the host, as far as it could be recognised. */
struct host_instance {
    void *ins;
    size_t context;      /* byte offset of its context word; 0: unknown */
    void *cmt;           /* its metrics; NULL: none yet, or unknown where */
    bool metrics_known;  /* whether a NULL cmt really means "not created yet" */
    int log_level;       /* INT_MAX: unknown, print everything */
    const char *name;
};

/*
 * Copies memory that may not be there. The kernel reads it for a write(2), so a
 * wild pointer is EFAULT instead of a crash. Only used while starting.
 */
static bool read_memory(const void *address, void *out, size_t n)
{
    int ends[2];
    bool ok = false;

    if (address == NULL || n > PIPE_BUF || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return false;
    }
    if (write(ends[1], address, n) == (ssize_t) n) {
        ok = read(ends[0], out, n) == (ssize_t) n;
    }
    close(ends[0]);
    close(ends[1]);
    return ok;
}

/* The same for a NUL-terminated string; byte by byte, so that nothing behind it is touched. */
static bool read_string(const char *address, char *out, size_t capacity)
{
    size_t i;

    for (i = 0; i < capacity && read_memory(address + i, out + i, 1); i++) {
        if (out[i] == 0) {
            return true;
        }
    }
    return false;
}

static void *word_at(const unsigned char *bytes, size_t offset)
{
    void *word;

    memcpy(&word, bytes + offset, sizeof word);
    return word;
}

/* Where flb_filter_set_context writes; 0 if it cannot be seen. The context is left as it was. */
static size_t find_context(void *ins)
{
    static char marker;
    unsigned char before[INSTANCE_WINDOW], after[INSTANCE_WINDOW];
    size_t offset, found = 0;

    if (!read_memory(ins, before, sizeof before)) {
        return 0;
    }
    host.set_context(ins, &marker);
    if (!read_memory(ins, after, sizeof after)) {
        host.set_context(ins, NULL);
        return 0;
    }
    for (offset = 0; offset + sizeof(void *) <= sizeof after; offset += sizeof(void *)) {
        if (word_at(after, offset) == (void *) &marker && word_at(before, offset) != (void *) &marker) {
            found = offset;
        }
    }
    host.set_context(ins, found != 0 ? word_at(before, found) : NULL);
    return found;
}

/* Whether the host's copy of our plugin object has the layout it was filled for. */
static bool plugin_copy_fits(void *ins, size_t context)
{
    unsigned char copy[FIRST_CALLBACK + 4 * sizeof(void *)];
    void *plugin;
    int i, callbacks = layout.chosen == 2 ? 4 : 3;

    if (!read_memory((char *) ins + context + PLUGIN_FROM_CONTEXT, &plugin, sizeof plugin) ||
        !read_memory(plugin, copy, sizeof copy) ||
        word_at(copy, offsetof(struct filter_plugin, name)) != (void *) filter_sigmatag_plugin.name) {
        return false;
    }
    for (i = 0; i < callbacks; i++) {
        if (word_at(copy, FIRST_CALLBACK + i * sizeof(void *)) != filter_sigmatag_plugin.callbacks[i]) {
            return false;
        }
    }
    /* Layout 1: the host's list begins here; still our NULL would mean one callback more. */
    return callbacks == 4 || word_at(copy, FIRST_CALLBACK + 3 * sizeof(void *)) != NULL;
}

static void log_line(const struct host_instance *at, int type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void log_line(const struct host_instance *at, int type, const char *format, ...)
{
    char line[2048];
    va_list arguments;

    if (type > at->log_level) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (host.log_print != NULL) {
        host.log_print(type, NULL, 0, "[filter:" PLUGIN_NAME ":%s] %s", at->name, line);
    } else {
        fprintf(stderr, "[filter:" PLUGIN_NAME "] %s\n", line);
    }
}

/* Looks the instance over; false (said why) if it must not be used. */
static bool recognise_host(void *ins, void *config, struct host_instance *at)
{
    unsigned char words[2 * sizeof(void *)];

    *at = (struct host_instance) { .ins = ins, .log_level = INT_MAX, .name = PLUGIN_NAME };
    if (!host.complete) {
        log_line(at, LOG_ERROR, "this process does not export Fluent Bit's plugin functions: "
                 "load the filter with the fluent-bit executable (-e or plugins_file)");
        return false;
    }
    if (layout.bad_override) {
        log_line(at, LOG_ERROR, "SIGMATAG_FLB_LAYOUT is not understood: give 1 or 2, "
                 "optionally :64, :72, :80 (offset of an instance's context) or :0 (unknown); or unset it");
        return false;
    }
    if (host.filter_name != NULL && host.filter_name(ins) != NULL) {
        at->name = host.filter_name(ins);
    }
    at->context = layout.offset_forced ? layout.offset : find_context(ins);
    if (!layout.offset_forced && (at->context == 0 || !plugin_copy_fits(ins, at->context))) {
        log_line(at, LOG_ERROR, "refusing to run: this Fluent Bit does not lay out its plugins as 1.8.12-1.8.15, "
                 "1.9.0-2.0.x or 2.2-5.1 do. 2.1.x: upgrade to 2.2 or later, or set SIGMATAG_FLB_LAYOUT=1 in "
                 "its environment. Another version: a newer sigmatag may know it");
        return false;
    }
    if (at->context == 64 || at->context == 72 || at->context == 80) {
        char *level = (char *) ins + (at->context == 64 ? 4 : 8);
        int value;

        if (read_memory(level, &value, sizeof value) && value >= 0) {
            at->log_level = value;
        }
        at->metrics_known = read_memory((char *) ins + at->context + CMT_FROM_CONTEXT, words, sizeof words);
        /* Before 1.8.4 filters had no cmetrics; the configuration is the second word there. */
        at->cmt = at->metrics_known && word_at(words, sizeof(void *)) != config ? word_at(words, 0) : NULL;
    }
    return true;
}

/* ------------------------------------------------------------------ */
/* Options                                                            */
/* ------------------------------------------------------------------ */

static const char *const option_names[] = { "rules", "tag_key", "tag_format", "min_level" };
static const char *const level_names[] = { "informational", "low", "medium", "high", "critical" };
static const char *const format_names[] = { "nested", "flat", "ecs" };

enum { OPTION_COUNT = 4, MAX_TAG_KEY = 255 };

struct options {
    char *rules;         /* path; NULL: the embedded pack */
    char *tag_key;
    int shape;           /* SIGMATAG_NESTED, _FLAT, _ECS: index into format_names */
    int min_level;       /* 0: all; 1..5: index into level_names plus one */
};

static void free_options(struct options *options)
{
    free(options->rules);
    free(options->tag_key);
    *options = (struct options) { 0 };
}

/* Edits between two short words, ignoring case. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { MAX = 32 };
    size_t row[MAX + 1], i, j, n = strlen(a), m = strlen(b);

    if (n > MAX || m > MAX) {
        return MAX;
    }
    for (j = 0; j <= m; j++) {
        row[j] = j;
    }
    for (i = 1; i <= n; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (j = 1; j <= m; j++) {
            size_t above = row[j], best = diagonal + (strncasecmp(a + i - 1, b + j - 1, 1) != 0);

            if (above + 1 < best) {
                best = above + 1;
            }
            if (row[j - 1] + 1 < best) {
                best = row[j - 1] + 1;
            }
            row[j] = best;
            diagonal = above;
        }
    }
    return row[m];
}

/* "; did you mean `rules`?" or "" */
static const char *suggestion(const char *word, const char *const *names, size_t count, char *out, size_t capacity)
{
    size_t i, best = 0, best_distance = SIZE_MAX;

    for (i = 0; i < count; i++) {
        size_t distance = edit_distance(word, names[i]);

        if (distance < best_distance) {
            best = i;
            best_distance = distance;
        }
    }
    out[0] = 0;
    if (best_distance <= 3 && best_distance < strlen(names[best]) / 2 + 1) {
        snprintf(out, capacity, "; did you mean `%s`?", names[best]);
    }
    return out;
}

/* Properties the host reads itself but leaves in the list. */
static bool belongs_to_host(const char *key)
{
    return strcasecmp(key, "active") == 0 || strncasecmp(key, "_debug.", 7) == 0;
}

/*
 * Refuses unknown and repeated options. The host's list of properties is read
 * through read_memory and believed only while its links close and its values are
 * those flb_filter_get_property gives; where it cannot be seen, unknown options
 * go unnoticed, as for any plugin without a config map.
 */
static bool check_option_names(const struct host_instance *at)
{
    struct property { void *key, *value; void *previous, *next; } property; /* flb_kv: the list links come last */
    char *head = (char *) at->ins + at->context + PROPERTIES_FROM_CONTEXT, key[128], hint[64];
    void *links[2], *node;
    unsigned seen[OPTION_COUNT] = { 0 };
    int i, visited;

    if (at->context == 0 || !read_memory(head, links, sizeof links)) {
        return true;
    }
    node = links[1];
    for (visited = 0; node != (void *) head && visited < 256; visited++) {
        char *start = (char *) node - offsetof(struct property, previous);

        if (!read_memory(start, &property, sizeof property) || !read_string(property.key, key, sizeof key)) {
            return true;
        }
        if (!belongs_to_host(key)) {
            for (i = 0; i < OPTION_COUNT && strcasecmp(key, option_names[i]) != 0; i++) {
            }
            if (i < OPTION_COUNT && seen[i]++ > 0) {
                log_line(at, LOG_ERROR, "option `%s` is set twice: remove one of them", option_names[i]);
                return false;
            }
            if (host.get_property(key, at->ins) != property.value && i == OPTION_COUNT) {
                return true; /* not the list we take it for */
            }
            if (i == OPTION_COUNT) {
                log_line(at, LOG_ERROR, "unknown option `%s`%s (options: rules, tag_key, tag_format, min_level)", key,
                         suggestion(key, option_names, OPTION_COUNT, hint, sizeof hint));
                return false;
            }
        }
        node = property.next;
    }
    return true;
}

/*
 * The value of an option with ${NAME} replaced, or NULL if it is not set. Most
 * hosts have replaced it already; from 5.0 on that may be left to the config map.
 * Only the process's environment can be asked here, not the host's own `env`.
 */
static bool option_value(const struct host_instance *at, const char *name, char **value)
{
    const char *given = host.get_property(name, at->ins), *from, *end;
    char *out, variable[128];
    size_t used = 0;

    *value = NULL;
    if (given == NULL) {
        return true;
    }
    if (given[0] == 0) {
        log_line(at, LOG_ERROR, "option `%s` is empty: give it a value or remove it", name);
        return false;
    }
    out = malloc(PATH_MAX);
    if (out == NULL) {
        log_line(at, LOG_ERROR, "out of memory");
        return false;
    }
    for (from = given; *from != 0;) {
        const char *piece = from;
        size_t length = 1;

        if (from[0] == '$' && from[1] == '{' && (end = strchr(from, '}')) != NULL &&
            (size_t) (end - from - 2) < sizeof variable) {
            memcpy(variable, from + 2, end - from - 2);
            variable[end - from - 2] = 0;
            piece = getenv(variable);
            if (piece == NULL) {
                log_line(at, LOG_ERROR, "option `%s`: ${%s} is not set in the environment: set it or write the value out",
                         name, variable);
                free(out);
                return false;
            }
            length = strlen(piece);
            from = end + 1;
        } else {
            from++;
        }
        if (used + length >= PATH_MAX) {
            log_line(at, LOG_ERROR, "option `%s` is longer than %d bytes: shorten it", name, PATH_MAX - 1);
            free(out);
            return false;
        }
        memcpy(out + used, piece, length);
        used += length;
    }
    out[used] = 0;
    *value = out;
    return true;
}

enum { NOT_SET = -1, REFUSED = -2 };

/* Index of an option's value in `names`, NOT_SET, or REFUSED (said why). */
static int word_option(const struct host_instance *at, const char *name, const char *const *names, int count)
{
    char *value, all[128] = "", hint[64];
    int i;

    if (!option_value(at, name, &value)) {
        return REFUSED;
    }
    if (value == NULL) {
        return NOT_SET;
    }
    for (i = 0; i < count; i++) {
        if (strcasecmp(value, names[i]) == 0) {
            free(value);
            return i;
        }
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > 0 ? ", " : "", names[i]);
    }
    log_line(at, LOG_ERROR, "option `%s`: unknown value `%.64s`%s (values: %s)", name, value,
             suggestion(value, names, count, hint, sizeof hint), all);
    free(value);
    return REFUSED;
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);

    return n >= m && strcasecmp(text + n - m, suffix) == 0;
}

static bool read_options(const struct host_instance *at, struct options *options)
{
    int shape = NOT_SET, level = NOT_SET;

    *options = (struct options) { 0 };
    if (!check_option_names(at) || !option_value(at, "rules", &options->rules) ||
        !option_value(at, "tag_key", &options->tag_key) ||
        (shape = word_option(at, "tag_format", format_names, 3)) == REFUSED ||
        (level = word_option(at, "min_level", level_names, 5)) == REFUSED) {
        free_options(options);
        return false;
    }
    options->shape = shape == NOT_SET ? SIGMATAG_NESTED : shape;
    options->min_level = level == NOT_SET ? 0 : level + 1;
    if (options->tag_key != NULL && strlen(options->tag_key) > MAX_TAG_KEY) {
        log_line(at, LOG_ERROR, "option `tag_key` is longer than %d bytes: shorten it", MAX_TAG_KEY);
        free_options(options);
        return false;
    }
    if (options->tag_key != NULL && options->shape != SIGMATAG_NESTED) {
        log_line(at, LOG_WARN, "option `tag_key` has no effect with tag_format %s, whose keys are fixed",
                 format_names[options->shape]);
    }
    return true;
}

/* ------------------------------------------------------------------ */
/* Rule sets                                                          */
/* ------------------------------------------------------------------ */

/*
 * Loaded rule sets, shared by all instances that name the same file and level.
 * The newest good one of a file outlives its instances: the object stays mapped
 * through a hot reload, so a file that went bad between the host's check and its
 * restart (where a refusal ends the process) can fall back to it.
 */
struct rule_set {
    struct rule_set *next;
    char *path;                  /* NULL: embedded pack */
    int min_level;
    bool newest;                 /* the last good one of its path and level */
    unsigned users;              /* instances and pending starts */
    uint64_t order;
    sigmatag *engine;
    sigmatag_info_t info;
};

/* A rule set verified in cb_pre_run, waiting for the cb_init of the same instance. */
struct pending {
    struct pending *next;
    const void *ins, *config;
    struct rule_set *rules;
};

enum { MAX_IDLE_RULE_SETS = 8 };

static pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER; /* guards all of this section and the table's writers */
static struct rule_set *rule_sets;
static struct pending *pendings;
static uint64_t load_order;

static bool same_path(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void drop_rule_set(struct rule_set *rules)
{
    struct rule_set **link = &rule_sets;

    while (*link != rules) {
        link = &(*link)->next;
    }
    *link = rules->next;
    sigmatag_free(rules->engine);
    free(rules->path);
    free(rules);
}

static void release_rule_set(struct rule_set *rules)
{
    struct rule_set *each, *oldest;
    unsigned idle;

    rules->users--;
    if (rules->users == 0 && !rules->newest) {
        drop_rule_set(rules);
    }
    for (;;) { /* configurations that keep changing paths must not pile up old rule sets */
        idle = 0;
        oldest = NULL;
        for (each = rule_sets; each != NULL; each = each->next) {
            if (each->users == 0) {
                idle++;
                oldest = oldest == NULL || each->order < oldest->order ? each : oldest;
            }
        }
        if (idle <= MAX_IDLE_RULE_SETS) {
            return;
        }
        drop_rule_set(oldest);
    }
}

static struct rule_set *newest_rule_set(const char *path, int min_level, bool any_level)
{
    struct rule_set *each, *found = NULL;

    for (each = rule_sets; each != NULL; each = each->next) {
        if (each->newest && same_path(each->path, path) && (any_level || each->min_level == min_level) &&
            (found == NULL || each->order > found->order)) {
            found = each;
        }
    }
    return found;
}

/* Says why a file is not a usable rule set, and the repair. */
static void explain_load(const struct host_instance *at, const char *path, int32_t status, const sigmatag_error *error)
{
    char where[PATH_MAX] = "";
    bool named;
    const char *reason = error->message[0] != 0 ? error->message : sigmatag_status_text(status);

    if (path == NULL) {
        log_line(at, LOG_ERROR, "option `rules` is not set and the built-in rules cannot be loaded (%s): set it to a "
                 "compiled rule set", reason);
        return;
    }
    if (path[0] != '/' && getcwd(where, sizeof where) == NULL) {
        where[0] = 0;
    }
    named = strstr(reason, path) != NULL; /* the library's message mostly begins with the path */
    log_line(at, LOG_ERROR, "option `rules`: %s%s%s%s%s%s", named ? "" : path, named ? "" : ": ", reason,
             where[0] != 0 ? " (working directory: " : "", where, where[0] != 0 ? ")" : "");
}

/* Reads and verifies; NULL (said why) if there is no usable rule set. The caller gets no reference yet. */
static struct rule_set *load_rule_set(const struct host_instance *at, const struct options *options)
{
    sigmatag_options engine_options = { .struct_size = sizeof engine_options, .min_level = options->min_level };
    sigmatag_error error = { .struct_size = sizeof error };
    struct rule_set *rules, *before;
    int32_t status;

    if (options->rules != NULL && (has_suffix(options->rules, ".yml") || has_suffix(options->rules, ".yaml"))) {
        log_line(at, LOG_ERROR, "option `rules`: %s is Sigma source, the filter takes compiled rules: run "
                 "`sigmatag compile %s -o rules.sgt` and give that file", options->rules, options->rules);
        return NULL;
    }
    rules = calloc(1, sizeof *rules);
    if (rules == NULL || (options->rules != NULL && (rules->path = strdup(options->rules)) == NULL)) {
        log_line(at, LOG_ERROR, "out of memory");
        free(rules);
        return NULL;
    }
    status = options->rules != NULL
                 ? sigmatag_init(options->rules, strlen(options->rules), &engine_options, &rules->engine, &error)
                 : sigmatag_init_default(&engine_options, &rules->engine, &error);
    if (status != SIGMATAG_OK) {
        explain_load(at, options->rules, status, &error);
        free(rules->path);
        free(rules);
        return NULL;
    }
    rules->info.struct_size = sizeof rules->info;
    sigmatag_info(rules->engine, &rules->info);
    rules->min_level = options->min_level;
    rules->order = ++load_order;
    before = newest_rule_set(options->rules, options->min_level, false);
    if (before != NULL && strcmp(before->info.ruleset, rules->info.ruleset) == 0) {
        sigmatag_free(rules->engine); /* unchanged: share what is already in memory */
        free(rules->path);
        free(rules);
        return before;
    }
    rules->newest = true;
    rules->next = rule_sets;
    rule_sets = rules;
    if (before != NULL) {
        before->newest = false;
        if (before->users == 0) {
            drop_rule_set(before);
        }
    }
    return rules;
}

static struct pending *find_pending(const void *ins)
{
    struct pending *each = pendings;

    while (each != NULL && each->ins != ins) {
        each = each->next;
    }
    return each;
}

static void drop_pending(struct pending *pending)
{
    struct pending **link = &pendings;

    while (*link != pending) {
        link = &(*link)->next;
    }
    *link = pending->next;
    release_rule_set(pending->rules);
    free(pending);
}

/* Keeps `rules` for the cb_init of this instance. */
static bool keep_pending(const struct host_instance *at, const void *config, struct rule_set *rules)
{
    struct pending *pending = malloc(sizeof *pending);

    if (pending == NULL) {
        log_line(at, LOG_ERROR, "out of memory");
        return false;
    }
    rules->users++;
    *pending = (struct pending) { .next = pendings, .ins = at->ins, .config = config, .rules = rules };
    pendings = pending;
    return true;
}

/*
 * The host checks a new configuration while the old pipeline still runs
 * (`checking`: its metrics do not exist yet) and later starts it. The check
 * always reads the file and may refuse. The start takes what the check verified;
 * it reads only where there was no check (first start, processors, 1.8-2.0), and
 * there an earlier good set of the same file beats ending the process.
 */
static bool settle_rules(const struct host_instance *at, const void *config, const struct options *options, bool checking)
{
    struct pending *pending, *next;
    struct rule_set *rules;

    for (pending = pendings; pending != NULL; pending = next) {
        next = pending->next;
        /* Leftovers of a reload that was halted after our check. */
        if (pending->config != config || (checking && pending->ins == at->ins)) {
            drop_pending(pending);
        }
    }
    pending = find_pending(at->ins);
    if (pending != NULL) {
        if (same_path(pending->rules->path, options->rules) && pending->rules->min_level == options->min_level) {
            return true;
        }
        drop_pending(pending);
    }
    rules = load_rule_set(at, options);
    if (rules == NULL && !checking) {
        rules = newest_rule_set(options->rules, options->min_level, false);
        if (rules == NULL) {
            rules = newest_rule_set(options->rules, 0, true);
        }
        if (rules != NULL) {
            log_line(at, LOG_WARN, "keeping the rules last loaded from %s: rule set %.12s, %u rules, min_level %s. "
                     "Repair the file and reload", options->rules != NULL ? options->rules : "the filter itself",
                     rules->info.ruleset, rules->info.rules,
                     rules->min_level > 0 ? level_names[rules->min_level - 1] : "all");
        }
    }
    return rules != NULL && keep_pending(at, config, rules);
}

/* ------------------------------------------------------------------ */
/* Instances                                                          */
/* ------------------------------------------------------------------ */

/* Says a recurring trouble at most once a minute. */
struct throttle {
    int64_t last_s;              /* monotonic; 0: never */
    uint64_t unsaid;
};

enum { MATCHES, RECORDS, MALFORMED, UNEXAMINED, ERRORS, COUNTER_COUNT };

static const struct { char *name, *help; } counter_names[COUNTER_COUNT] = {
    { PLUGIN_NAME "_matches_total", "Rule matches; a record that matches two rules counts twice." },
    { PLUGIN_NAME "_records_total", "Records looked at." },
    { PLUGIN_NAME "_malformed_total", "Records that could not be decoded and passed unexamined." },
    { PLUGIN_NAME "_unexamined_total", "Records too large or too deep to be examined; they passed." },
    { PLUGIN_NAME "_errors_total", "Calls that failed; their records passed untagged." },
};

struct instance {
    struct host_instance at;
    char name[64];               /* the host's may move or go away before ours */
    struct rule_set *rules;
    sigmatag_scratch *scratch;   /* NULL after a failure, until a new one can be had */
    char *tag_key;
    sigmatag_tagging tagging;
    atomic_flag entered;
    atomic_uint_fast64_t collisions; /* calls that found it entered, not yet in totals */
    uint64_t totals[COUNTER_COUNT];
    uint64_t matched_records;
    bool unrouted_said;
    struct throttle errors_said, malformed_said, unexamined_said;
    void *counters[COUNTER_COUNT];   /* NULL: no metrics in this host */
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
    release_rule_set(instance->rules);
    free(instance->tag_key);
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

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

/*
 * Counters exist with every label value from the start: the host's exporter walks
 * them from another thread, so none may be added while records flow.
 */
static void create_counters(struct instance *instance)
{
    char *labels[] = { "name" }, *values[] = { instance->name };
    int i;

    if (instance->at.cmt == NULL || host.counter_create == NULL || host.counter_add == NULL || host.counter_set == NULL) {
        return;
    }
    for (i = 0; i < COUNTER_COUNT; i++) {
        instance->counters[i] = host.counter_create(instance->at.cmt, "fluentbit", "filter", counter_names[i].name,
                                                    counter_names[i].help, 1, labels);
        if (instance->counters[i] != NULL) {
            host.counter_set(instance->counters[i], now_ns(CLOCK_REALTIME), 0, 1, values);
        }
    }
}

static void count(struct instance *instance, int counter, uint64_t n)
{
    char *values[] = { instance->name };

    if (n == 0) {
        return;
    }
    instance->totals[counter] += n;
    if (instance->counters[counter] != NULL) {
        host.counter_add(instance->counters[counter], now_ns(CLOCK_REALTIME), (double) n, 1, values);
    }
}

/* Logs `what` unless it was said within the last minute; then only counts `n`. */
static void complain(struct instance *instance, struct throttle *throttle, int type, uint64_t n, const char *what,
                     const char *detail)
{
    int64_t now_s = (int64_t) (now_ns(CLOCK_MONOTONIC) / 1000000000u) + 1;

    throttle->unsaid += n;
    if (throttle->last_s != 0 && now_s - throttle->last_s < 60) {
        return;
    }
    log_line(&instance->at, type, "%llu %s%s", (unsigned long long) throttle->unsaid, what, detail);
    throttle->last_s = now_s;
    throttle->unsaid = 0;
}

static void fail_call(struct instance *instance, int32_t status)
{
    count(instance, ERRORS, 1);
    complain(instance, &instance->errors_said, LOG_ERROR, 1, "call(s) failed, their records passed untagged: ",
             sigmatag_status_text(status));
    if (status == SIGMATAG_PANIC || status == SIGMATAG_POISONED) {
        sigmatag_scratch_free(instance->scratch); /* a poisoned scratch never recovers; the next call makes another */
        instance->scratch = NULL;
    }
}

static void note_summary(struct instance *instance, const sigmatag_summary *summary)
{
    count(instance, RECORDS, summary->records);
    count(instance, MATCHES, summary->hits);
    count(instance, MALFORMED, summary->malformed);
    count(instance, UNEXAMINED, summary->unexamined);
    instance->matched_records += summary->matched_records;
    if (summary->malformed > 0) {
        complain(instance, &instance->malformed_said, LOG_WARN, summary->malformed,
                 "record(s) could not be decoded and passed unexamined", "");
    }
    if (summary->unexamined > 0) {
        complain(instance, &instance->unexamined_said, LOG_WARN, summary->unexamined,
                 "record(s) were too large or nested too deeply and passed unexamined", "");
    }
    if (summary->unrouted > 0 && !instance->unrouted_said) {
        instance->unrouted_said = true;
        log_line(&instance->at, LOG_WARN, "records of no source the rule set knows arrive: every rule is tried on them. "
                 "Describe the source and compile the rules with `sigmatag compile --sources FILE`");
    }
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
    bool ok;

    (void) data;
    if (!recognise_host(ins, config, &at) || !read_options(&at, &options)) {
        return refuse_start();
    }
    pthread_mutex_lock(&store_lock);
    ok = settle_rules(&at, config, &options, at.metrics_known && at.cmt == NULL);
    pthread_mutex_unlock(&store_lock);
    free_options(&options);
    return ok ? 0 : refuse_start();
}

static void say_status(const struct instance *instance, const struct options *options)
{
    const struct rule_set *rules = instance->rules;

    log_line(&instance->at, LOG_INFO,
             "%u rules from %s (%u skipped when compiled), rule set %.12s, format %u, %.1f MiB; "
             "tag_format %s, min_level %s; sigmatag %s, host layout %d, metrics %s",
             rules->info.rules, options->rules != NULL ? options->rules : "the built-in MySQL pack",
             rules->info.skipped_rules, rules->info.ruleset, rules->info.format_version,
             (double) rules->info.bytes / (1024.0 * 1024.0), format_names[options->shape],
             rules->min_level > 0 ? level_names[rules->min_level - 1] : "all", sigmatag_version(), layout.chosen,
             instance->counters[MATCHES] != NULL ? "on" : "off");
}

/* Under store_lock; takes the pending rule set and options->tag_key. NULL (said why) if there is no memory. */
static struct instance *new_instance(const struct host_instance *at, struct options *options)
{
    struct instance *instance = calloc(1, sizeof *instance);
    sigmatag_error error = { .struct_size = sizeof error };
    struct pending *pending = find_pending(at->ins);
    int32_t status;

    if (instance == NULL) {
        log_line(at, LOG_ERROR, "out of memory");
        return NULL;
    }
    snprintf(instance->name, sizeof instance->name, "%s", at->name);
    instance->at = *at;
    instance->at.name = instance->name;
    instance->rules = pending->rules;
    instance->rules->users++;
    drop_pending(pending);
    atomic_flag_clear(&instance->entered);
    instance->tag_key = options->tag_key;
    options->tag_key = NULL;
    instance->tagging = (sigmatag_tagging) {
        .struct_size = sizeof instance->tagging,
        .shape = options->shape,
        .key = (const uint8_t *) instance->tag_key,
        .key_len = instance->tag_key != NULL ? strlen(instance->tag_key) : 0,
    };
    status = sigmatag_scratch_new(instance->rules->engine, &instance->scratch, &error);
    if (status != SIGMATAG_OK) {
        log_line(at, LOG_ERROR, "no scratch for matching: %s",
                 error.message[0] != 0 ? error.message : sigmatag_status_text(status));
        free_instance(instance);
        return NULL;
    }
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
    if (instance != NULL && !add_instance(ins, instance)) {
        log_line(&at, LOG_ERROR, "more than %d filters of this kind in one process: merge some", TABLE_SIZE);
        free_instance(instance);
        instance = NULL;
    }
    pthread_mutex_unlock(&store_lock);
    if (instance != NULL) {
        create_counters(instance);
        say_status(instance, &options);
        host.set_context(ins, instance); /* without a context the host does not call cb_exit */
    }
    free_options(&options);
    return instance != NULL ? 0 : refuse_start();
}

/* The tagged chunk, or NULL to pass the host's bytes. Only one call at a time per instance. */
static uint8_t *tag_chunk(struct instance *instance, const sigmatag_event *event, size_t *out_len)
{
    sigmatag_summary summary = { .struct_size = sizeof summary };
    size_t needed = 0, written = 0;
    uint8_t *out;
    int32_t status;

    if (instance->scratch == NULL &&
        (status = sigmatag_scratch_new(instance->rules->engine, &instance->scratch, NULL)) != SIGMATAG_OK) {
        instance->scratch = NULL;
        fail_call(instance, status);
        return NULL;
    }
    status = sigmatag_tag_prepare(instance->rules->engine, instance->scratch, event, &instance->tagging, &needed, &summary);
    if (status != SIGMATAG_OK) {
        fail_call(instance, status);
        return NULL;
    }
    note_summary(instance, &summary);
    if (needed == 0) {
        return NULL;
    }
    out = malloc(needed); /* the host frees it with free(): both bind to its allocator */
    if (out == NULL) {
        sigmatag_tag_discard(instance->scratch);
        fail_call(instance, SIGMATAG_NO_MEMORY);
        return NULL;
    }
    status = sigmatag_tag_write(instance->scratch, event->data, event->len, out, needed, &written);
    if (status != SIGMATAG_OK || written == 0) {
        sigmatag_tag_discard(instance->scratch);
        free(out);
        fail_call(instance, status);
        return NULL;
    }
    *out_len = written;
    return out;
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
    sigmatag_event event = {
        .struct_size = sizeof event,
        .format = SIGMATAG_FLB_CHUNK,
        .data = data,
        .len = bytes,
        .tag = (const uint8_t *) tag,
        .tag_len = tag != NULL && tag_len > 0 ? (size_t) tag_len : 0,
    };
    size_t out_len = 0;
    uint8_t *out;

    (void) input;
    (void) context;
    (void) config;
    if (instance == NULL || data == NULL || bytes == 0) {
        return FILTER_NOTOUCH;
    }
    if (atomic_flag_test_and_set_explicit(&instance->entered, memory_order_acquire)) {
        atomic_fetch_add(&instance->collisions, 1);
        return FILTER_NOTOUCH;
    }
    if (atomic_load_explicit(&instance->collisions, memory_order_relaxed) != 0) {
        uint64_t n = atomic_exchange(&instance->collisions, 0);

        count(instance, ERRORS, n);
        complain(instance, &instance->errors_said, LOG_ERROR, n,
                 "call(s) came while another was running, their records passed untagged", "");
    }
    out = tag_chunk(instance, &event, &out_len);
    atomic_flag_clear_explicit(&instance->entered, memory_order_release);
    if (out == NULL) {
        return FILTER_NOTOUCH;
    }
    *out_buf = out;
    *out_size = out_len;
    return FILTER_MODIFIED;
}

static int cb_exit(void *context, void *config)
{
    struct instance *instance = context;

    (void) config;
    pthread_mutex_lock(&store_lock);
    if (remove_instance(instance)) {
        log_line(&instance->at, LOG_INFO,
                 "done: %llu records, %llu tagged, %llu rule matches, %llu malformed, %llu unexamined, %llu failed calls",
                 (unsigned long long) instance->totals[RECORDS], (unsigned long long) instance->matched_records,
                 (unsigned long long) instance->totals[MATCHES], (unsigned long long) instance->totals[MALFORMED],
                 (unsigned long long) instance->totals[UNEXAMINED],
                 (unsigned long long) (instance->totals[ERRORS] + atomic_load(&instance->collisions)));
        free_instance(instance);
    }
    pthread_mutex_unlock(&store_lock);
    return 0;
}

/* ------------------------------------------------------------------ */
/* Loading                                                            */
/* ------------------------------------------------------------------ */

/* "1", "2", "2:80": layout, and where an instance's context is. */
static void read_override(const char *text)
{
    const char *rest = text + 1;

    layout.bad_override = text[0] != '1' && text[0] != '2';
    if (layout.bad_override) {
        return;
    }
    layout.chosen = text[0] - '0';
    if (rest[0] == ':') {
        layout.offset_forced = true;
        layout.offset = (size_t) strtoul(rest + 1, NULL, 10);
        layout.bad_override = strcmp(rest, ":0") != 0 && strcmp(rest, ":64") != 0 && strcmp(rest, ":72") != 0 &&
                              strcmp(rest, ":80") != 0;
    } else {
        layout.bad_override = rest[0] != 0;
    }
}

/* Runs when the object is loaded, before the host copies the plugin object. */
__attribute__((constructor)) static void fill_plugin(void)
{
    const char *override = getenv("SIGMATAG_FLB_LAYOUT");
    void **next = filter_sigmatag_plugin.callbacks;

    *(void **) &host.get_property = dlsym(RTLD_DEFAULT, "flb_filter_get_property");
    *(void **) &host.set_context = dlsym(RTLD_DEFAULT, "flb_filter_set_context");
    *(void **) &host.log_print = dlsym(RTLD_DEFAULT, "flb_log_print");
    *(void **) &host.filter_name = dlsym(RTLD_DEFAULT, "flb_filter_name");
    *(void **) &host.counter_create = dlsym(RTLD_DEFAULT, "cmt_counter_create");
    *(void **) &host.counter_add = dlsym(RTLD_DEFAULT, "cmt_counter_add");
    *(void **) &host.counter_set = dlsym(RTLD_DEFAULT, "cmt_counter_set");
    host.complete = host.get_property != NULL && host.set_context != NULL && host.log_print != NULL;

    layout.chosen = dlsym(RTLD_DEFAULT, "flb_filter_plugin_property_check") != NULL ? 2 : 1; /* 2.1 and later have it */
    if (override != NULL && override[0] != 0) {
        read_override(override);
    }
    if (layout.chosen == 2) {
        *next++ = (void *) cb_pre_run;
    }
    *next++ = (void *) cb_init;
    *next++ = (void *) cb_filter;
    *next++ = (void *) cb_exit;
}
