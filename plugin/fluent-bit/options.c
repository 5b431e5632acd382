#define _GNU_SOURCE
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sigmatag.h"

enum {
    RULES, DISABLE_RULES, MIN_LEVEL, LOGSOURCE_MODE, LOGSOURCE, MATCH_METADATA,
    TAG_FORMAT, TAG_KEY, SPLIT_RECORDS, ONLY_MATCHING, STRIP_FOREIGN, NORMALIZE, OPTION_COUNT
};

static const char *const option_names[OPTION_COUNT] = {
    "rules", "disable_rules", "min_level", "logsource_mode", "logsource", "match_metadata",
    "tag_format", "tag_key", "split_records", "only_matching", "strip_foreign", "normalize"
};

const char *const level_names[LEVEL_COUNT] = { "informational", "low", "medium", "high", "critical" };
const char *const format_names[3] = { "nested", "flat", "ecs" };
const char *const mode_names[3] = { "auto", "strict", "none" };
/* Those before FALSE_NAMES mean true. */
static const char *const switch_names[] = { "on", "true", "yes", "1", "off", "false", "no", "0" };
enum { FALSE_NAMES = 4, SWITCH_NAMES = 8 };

enum {
    MAX_TAG_KEY = 255,
    MAX_VALUE = 65535,   /* bytes of an option: a list of some 1,700 rule ids */
};

void free_options(struct options *options)
{
    free(options->rules);
    free(options->disable_rules);
    free(options->tag_key);
    free(options->normalize);
    free_tag_logsources(&options->logsources);
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

/* "nested, flat, ecs" */
static const char *listing(const char *const *names, size_t count, char *out, size_t capacity)
{
    size_t i, used = 0;

    out[0] = 0;
    for (i = 0; i < count && used < capacity; i++) {
        used += (size_t) snprintf(out + used, capacity - used, "%s%s", i > 0 ? ", " : "", names[i]);
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
    char *head = properties_of(at), key[128], hint[64], all[256];
    void *links[2], *node;
    unsigned seen[OPTION_COUNT] = { 0 };
    int i, visited;

    if (head == NULL || !read_memory(head, links, sizeof links)) {
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
                log_line(at, LOG_ERROR, "unknown option `%s`%s (options: %s)", key,
                         suggestion(key, option_names, OPTION_COUNT, hint, sizeof hint),
                         listing(option_names, OPTION_COUNT, all, sizeof all));
                return false;
            }
        }
        node = property.next;
    }
    return true;
}

/* The variable that a `${NAME}` at `from` names, and what is behind it; false if there is none. */
static bool variable_at(const char *from, char *name, size_t capacity, const char **rest)
{
    const char *end;

    if (from[0] != '$' || from[1] != '{' || (end = strchr(from, '}')) == NULL || (size_t) (end - from - 2) >= capacity) {
        return false;
    }
    memcpy(name, from + 2, (size_t) (end - from - 2));
    name[end - from - 2] = 0;
    *rest = end + 1;
    return true;
}

/* `given` with its variables replaced, in `out` of MAX_VALUE + 1 bytes; false (said why) if that cannot be. */
static bool expand(const struct host_instance *at, const char *name, const char *given, char *out)
{
    char variable[128];
    const char *piece;
    size_t length, used = 0;

    while (*given != 0) {
        piece = given;
        length = 1;
        if (variable_at(given, variable, sizeof variable, &given)) {
            piece = getenv(variable);
            if (piece == NULL) {
                log_line(at, LOG_ERROR, "option `%s`: ${%s} is not set in the environment: set it or write the value out",
                         name, variable);
                return false;
            }
            length = strlen(piece);
        } else {
            given++;
        }
        if (used + length > MAX_VALUE) {
            log_line(at, LOG_ERROR, "option `%s` is longer than %d bytes: shorten it", name, MAX_VALUE);
            return false;
        }
        memcpy(out + used, piece, length);
        used += length;
    }
    out[used] = 0;
    return true;
}

/*
 * The value of an option with ${NAME} replaced, or NULL if it is not set. Most
 * hosts have replaced it already; from 5.0 on that may be left to the config map.
 * Only the process's environment can be asked here, not the host's own `env`.
 */
static bool option_value(const struct host_instance *at, int option, char **value)
{
    const char *name = option_names[option], *given = host.get_property(name, at->ins);
    char *out, *fitting;

    *value = NULL;
    if (given == NULL) {
        return true;
    }
    if (given[0] == 0) {
        log_line(at, LOG_ERROR, "option `%s` is empty: give it a value or remove it", name);
        return false;
    }
    out = malloc(MAX_VALUE + 1);
    if (out == NULL) {
        log_line(at, LOG_ERROR, "out of memory");
        return false;
    }
    if (!expand(at, name, given, out)) {
        free(out);
        return false;
    }
    fitting = realloc(out, strlen(out) + 1);
    *value = fitting != NULL ? fitting : out;
    return true;
}

enum { NOT_SET = -1, REFUSED = -2 };

/* Index of an option's value in `names`, NOT_SET, or REFUSED (said why). */
static int word_option(const struct host_instance *at, int option, const char *const *names, size_t count)
{
    char *value, all[128], hint[64];
    size_t i;

    if (!option_value(at, option, &value)) {
        return REFUSED;
    }
    if (value == NULL) {
        return NOT_SET;
    }
    for (i = 0; i < count; i++) {
        if (strcasecmp(value, names[i]) == 0) {
            free(value);
            return (int) i;
        }
    }
    log_line(at, LOG_ERROR, "option `%s`: unknown value `%.64s`%s (values: %s)", option_names[option], value,
             suggestion(value, names, count, hint, sizeof hint), listing(names, count, all, sizeof all));
    free(value);
    return REFUSED;
}

/* An option that is one of a few words; what is in `*chosen` stays if it is not set. */
static bool choose(const struct host_instance *at, int option, const char *const *names, size_t count, int *chosen)
{
    int index = word_option(at, option, names, count);

    if (index >= 0) {
        *chosen = index;
    }
    return index != REFUSED;
}

static bool switch_option(const struct host_instance *at, int option, bool *value)
{
    int index = FALSE_NAMES;
    bool ok = choose(at, option, switch_names, SWITCH_NAMES, &index);

    *value = index < FALSE_NAMES;
    return ok;
}

static bool logsource_option(const struct host_instance *at, struct options *options)
{
    char *value;
    bool ok;

    if (!option_value(at, LOGSOURCE, &value)) {
        return false;
    }
    ok = value == NULL || read_tag_logsources(at, value, &options->logsources);
    free(value);
    return ok;
}

static bool level_option(const struct host_instance *at, struct options *options)
{
    int level = NOT_SET;
    bool ok = choose(at, MIN_LEVEL, level_names, LEVEL_COUNT, &level);

    options->min_level = level + 1;
    return ok;
}

static bool key_option(const struct host_instance *at, struct options *options)
{
    if (!option_value(at, TAG_KEY, &options->tag_key)) {
        return false;
    }
    if (options->tag_key != NULL && strlen(options->tag_key) > MAX_TAG_KEY) {
        log_line(at, LOG_ERROR, "option `tag_key` is longer than %d bytes: shorten it", MAX_TAG_KEY);
        return false;
    }
    return true;
}

void warn_of_idle_options(const struct host_instance *at, const struct options *options)
{
    if (options->tag_key != NULL && options->shape == SIGMATAG_FLAT) {
        log_line(at, LOG_WARN, "option `tag_key` has no effect with tag_format flat, whose columns are fixed");
    }
    if (options->logsources.count > 0 && options->logsource_mode == SIGMATAG_LOGSOURCE_NONE) {
        log_line(at, LOG_WARN, "option `logsource` has no effect with logsource_mode none, which tries every rule on "
                 "every event");
    }
}

bool read_options(const struct host_instance *at, struct options *options)
{
    *options = (struct options) { .logsource_mode = SIGMATAG_LOGSOURCE_AUTO, .shape = SIGMATAG_NESTED };
    if (!check_option_names(at) || !option_value(at, RULES, &options->rules) ||
        !option_value(at, DISABLE_RULES, &options->disable_rules) || !level_option(at, options) ||
        !choose(at, LOGSOURCE_MODE, mode_names, 3, &options->logsource_mode) || !logsource_option(at, options) ||
        !switch_option(at, MATCH_METADATA, &options->match_metadata) ||
        !choose(at, TAG_FORMAT, format_names, 3, &options->shape) || !key_option(at, options) ||
        !switch_option(at, SPLIT_RECORDS, &options->split_records) ||
        !switch_option(at, ONLY_MATCHING, &options->only_matching) ||
        !switch_option(at, STRIP_FOREIGN, &options->strip_foreign) || !option_value(at, NORMALIZE, &options->normalize)) {
        free_options(options);
        return false;
    }
    return true;
}
