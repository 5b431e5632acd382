#define _GNU_SOURCE
#include "rules.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* A rule set verified in cb_pre_run, waiting for the cb_init of the same instance. */
struct pending {
    struct pending *next;
    const void *ins, *config;
    struct rule_set *rules;
};

enum { MAX_IDLE_RULE_SETS = 8 };

pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;
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

void release_rule_set(struct rule_set *rules)
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

static struct rule_set *newest_rule_set(const char *path)
{
    struct rule_set *each = rule_sets;

    while (each != NULL && !(each->newest && same_path(each->path, path))) {
        each = each->next;
    }
    return each;
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

static bool has_suffix(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);

    return n >= m && strcasecmp(text + n - m, suffix) == 0;
}

/* Reads and verifies a file; NULL (said why) if it is no usable rule set. Not in the store yet. */
static struct rule_set *read_rule_set(const struct host_instance *at, const char *path)
{
    sigmatag_error error = { .struct_size = sizeof error };
    sigmatag_info_t info = { .struct_size = sizeof info };
    struct rule_set *rules;
    int32_t status;

    if (path != NULL && (has_suffix(path, ".yml") || has_suffix(path, ".yaml"))) {
        log_line(at, LOG_ERROR, "option `rules`: %s is Sigma source, the filter takes compiled rules: run "
                 "`sigmatag compile %s -o rules.sgt` and give that file", path, path);
        return NULL;
    }
    rules = calloc(1, sizeof *rules);
    if (rules == NULL || (path != NULL && (rules->path = strdup(path)) == NULL)) {
        log_line(at, LOG_ERROR, "out of memory");
        free(rules);
        return NULL;
    }
    status = path != NULL ? sigmatag_init(path, strlen(path), NULL, &rules->engine, &error)
                          : sigmatag_init_default(NULL, &rules->engine, &error);
    if (status != SIGMATAG_OK) {
        explain_load(at, path, status, &error);
        free(rules->path);
        free(rules);
        return NULL;
    }
    sigmatag_info(rules->engine, &info);
    memcpy(rules->identity, info.ruleset, sizeof rules->identity);
    return rules;
}

/* The rule set a file holds now; NULL (said why) if it holds none. The caller gets no share yet. */
static struct rule_set *load_rule_set(const struct host_instance *at, const char *path)
{
    struct rule_set *rules = read_rule_set(at, path), *before = newest_rule_set(path);

    if (rules == NULL) {
        return NULL;
    }
    if (before != NULL && strcmp(before->identity, rules->identity) == 0) {
        sigmatag_free(rules->engine); /* unchanged: share what is already in memory */
        free(rules->path);
        free(rules);
        return before;
    }
    rules->order = ++load_order;
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

sigmatag *new_engine(const struct host_instance *at, const struct rule_set *rules, const struct options *options)
{
    sigmatag_error error = { .struct_size = sizeof error };
    sigmatag_options engine_options = {
        .struct_size = sizeof engine_options,
        .flags = options->match_metadata ? SIGMATAG_MATCH_METADATA : 0,
        .min_level = options->min_level,
        .logsource_mode = options->logsource_mode,
        .disable_rules = (const uint8_t *) options->disable_rules,
        .disable_rules_len = options->disable_rules != NULL ? strlen(options->disable_rules) : 0,
        .normalize = (const uint8_t *) options->normalize,
        .normalize_len = options->normalize != NULL ? strlen(options->normalize) : 0,
    };
    sigmatag *engine;
    int32_t status = sigmatag_share(rules->engine, &engine_options, &engine, &error);

    if (status != SIGMATAG_OK) {
        log_line(at, LOG_ERROR, "the rules cannot be used with these options: %s",
                 error.message[0] != 0 ? error.message : sigmatag_status_text(status));
        return NULL;
    }
    return engine;
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

/* Pending rule sets that nobody will ask for: of a reload that was halted after our check. */
static void drop_leftovers(const struct host_instance *at, const void *config, bool checking)
{
    struct pending *pending, *next;

    for (pending = pendings; pending != NULL; pending = next) {
        next = pending->next;
        if (pending->config != config || (checking && pending->ins == at->ins)) {
            drop_pending(pending);
        }
    }
}

bool settle_rules(const struct host_instance *at, const void *config, const struct options *options, bool checking)
{
    struct pending *pending;
    struct rule_set *rules;

    drop_leftovers(at, config, checking);
    pending = find_pending(at->ins);
    if (pending != NULL) {
        if (same_path(pending->rules->path, options->rules)) {
            return true;
        }
        drop_pending(pending);
    }
    rules = load_rule_set(at, options->rules);
    if (rules == NULL && !checking) {
        rules = newest_rule_set(options->rules);
        if (rules != NULL) {
            log_line(at, LOG_WARN, "keeping the rules last loaded from %s: rule set %.12s. Repair the file and reload",
                     options->rules != NULL ? options->rules : "the filter itself", rules->identity);
        }
    }
    return rules != NULL && keep_pending(at, config, rules);
}

const struct rule_set *settled_rules(const struct host_instance *at)
{
    return find_pending(at->ins)->rules;
}

struct rule_set *take_settled_rules(const struct host_instance *at)
{
    struct pending *pending = find_pending(at->ins);
    struct rule_set *rules = pending->rules;

    rules->users++;
    drop_pending(pending);
    return rules;
}
