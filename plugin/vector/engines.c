/* No function of Lua is called here: they may jump away, and the lock would stay locked. */
#define _GNU_SOURCE
#include "engines.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the list, users and stamps */
static struct engine *engines;

static struct stamp stamp_of(const char *path)
{
    struct stat file;

    if (path == NULL || stat(path, &file) != 0) {
        return (struct stamp) { .size = -1 };
    }
    return (struct stamp) { file.st_dev, file.st_ino, file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec };
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size && a->seconds == b->seconds &&
           a->nanoseconds == b->nanoseconds;
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);

    return n >= m && strcasecmp(text + n - m, suffix) == 0;
}

/* Says why there are no rules, and the repair. */
static void explain(const char *path, int32_t status, const sigmatag_error *error, char message[MESSAGE])
{
    static const char OF_OPTIONS[] = "options: ";
    char where[PATH_MAX] = "";
    const char *reason = error->message[0] != 0 ? error->message : sigmatag_status_text(status);
    size_t name;
    bool named;

    if (strncmp(reason, OF_OPTIONS, sizeof OF_OPTIONS - 1) == 0) { /* the file can be read: an option is wrong */
        reason += sizeof OF_OPTIONS - 1;
        name = strcspn(reason, ": ");
        snprintf(message, MESSAGE, "option `%.*s`%s (rules: %.300s)", (int) name, reason, reason + name,
                 path != NULL ? path : "built in");
        return;
    }
    if (path == NULL) {
        snprintf(message, MESSAGE, "option `rules` is not set and the built-in rules cannot be used (%s): set it to "
                 "a compiled rule set", reason);
        return;
    }
    if (path[0] != '/' && getcwd(where, sizeof where) == NULL) {
        where[0] = 0;
    }
    named = strstr(reason, path) != NULL; /* the library's message mostly begins with the path */
    snprintf(message, MESSAGE, "option `rules`: %.400s%s%s%s%.300s%s", named ? "" : path, named ? "" : ": ", reason,
             where[0] != 0 ? " (working directory: " : "", where, where[0] != 0 ? ")" : "");
}

static bool is_source(const char *path, char message[MESSAGE])
{
    if (path == NULL || !(has_suffix(path, ".yml") || has_suffix(path, ".yaml"))) {
        return false;
    }
    snprintf(message, MESSAGE, "option `rules`: %.300s is Sigma source, this module takes compiled rules: run `sigmatag "
             "compile %.300s -o rules.sgt` and give that file", path, path);
    return true;
}

static void free_engine(struct engine *engine)
{
    sigmatag_free(engine->handle);
    free(engine->path);
    free(engine->key);
    free(engine);
}

/* Bytes that are equal if and only if two configurations are. */
static bool make_key(struct engine *engine, const struct configuration *wanted)
{
    const sigmatag_options *options = &wanted->options;
    int n = asprintf(&engine->key, "%d %d %u %zu %.*s %zu %.*s %s", options->min_level, options->logsource_mode,
                     options->max_record, options->disable_rules_len, (int) options->disable_rules_len,
                     options->disable_rules_len > 0 ? (const char *) options->disable_rules : "",
                     options->normalize_len, (int) options->normalize_len,
                     options->normalize_len > 0 ? (const char *) options->normalize : "",
                     wanted->path != NULL ? wanted->path : "");

    if (n < 0) {
        engine->key = NULL;
        return false;
    }
    engine->key_len = (size_t) n;
    return wanted->path == NULL || (engine->path = strdup(wanted->path)) != NULL;
}

static struct engine *find(const struct engine *like)
{
    struct engine *each = engines;

    while (each != NULL && !(each->key_len == like->key_len && memcmp(each->key, like->key, like->key_len) == 0 &&
                             (each->path == NULL) == (like->path == NULL))) {
        each = each->next;
    }
    return each;
}

/* Reads the rules of an engine that has none yet. */
static bool load(struct engine *engine, const struct configuration *wanted, char message[MESSAGE])
{
    sigmatag_error error = { .struct_size = sizeof error };
    int32_t status;

    engine->stamp = stamp_of(engine->path);
    status = engine->path != NULL
                 ? sigmatag_init(engine->path, strlen(engine->path), &wanted->options, &engine->handle, &error)
                 : sigmatag_init_default(&wanted->options, &engine->handle, &error);
    if (status != SIGMATAG_OK) {
        engine->handle = NULL;
        explain(engine->path, status, &error, message);
    }
    return status == SIGMATAG_OK;
}

/* Under the lock. */
static enum reloaded refresh(struct engine *engine, char message[MESSAGE])
{
    sigmatag_error error = { .struct_size = sizeof error };
    struct stamp now = stamp_of(engine->path);
    int32_t status;

    if (engine->path == NULL || same_stamp(&now, &engine->stamp)) {
        return RELOAD_UNCHANGED;
    }
    status = sigmatag_reload(engine->handle, engine->path, strlen(engine->path), &error);
    if (status != SIGMATAG_OK) {
        explain(engine->path, status, &error, message);
        return RELOAD_FAILED;
    }
    engine->stamp = now;
    return RELOAD_DONE;
}

struct engine *take_engine(const struct configuration *wanted, char message[MESSAGE])
{
    struct engine *made, *engine;

    if (is_source(wanted->path, message)) {
        return NULL;
    }
    made = calloc(1, sizeof *made);
    if (made == NULL || !make_key(made, wanted)) {
        snprintf(message, MESSAGE, "out of memory");
        if (made != NULL) {
            free_engine(made);
        }
        return NULL;
    }
    pthread_mutex_lock(&lock);
    engine = find(made);
    if (engine != NULL) {
        engine = refresh(engine, message) != RELOAD_FAILED ? engine : NULL;
    } else if (load(made, wanted, message)) {
        engine = made;
        engine->next = engines;
        engines = engine;
    }
    if (engine != NULL) {
        engine->users++;
    }
    pthread_mutex_unlock(&lock);
    if (engine != made) {
        free_engine(made);
    }
    return engine;
}

void release_engine(struct engine *engine)
{
    struct engine **link = &engines;
    bool last;

    if (engine == NULL) {
        return;
    }
    pthread_mutex_lock(&lock);
    last = --engine->users == 0;
    while (last && *link != engine) {
        link = &(*link)->next;
    }
    if (last) {
        *link = engine->next;
    }
    pthread_mutex_unlock(&lock);
    if (last) {
        free_engine(engine);
    }
}

enum reloaded reload_engine(struct engine *engine, char message[MESSAGE])
{
    enum reloaded done;

    pthread_mutex_lock(&lock);
    done = refresh(engine, message);
    pthread_mutex_unlock(&lock);
    return done;
}
