/*
 * A stand-in for the fluent-bit executable: loads a filter plugin the way one
 * generation of Fluent Bit does and drives it by commands on standard input.
 *
 * Compiled once per row of GENERATIONS with -DGENERATION=<row> and -rdynamic, so
 * that the plugin finds exactly the symbols this generation exports. The plugin
 * object and the instances are laid out by byte offset, not by a struct, so that
 * one source serves every row.
 *
 * Commands, each answered by its result lines and then "ok":
 *   load PATH                    dlopen, copy the plugin object, link it (again: a hot reload)
 *   instance N NAME              a new instance in place of N
 *   set N KEY VALUE              a property (VALUE "-": empty)
 *   check N                      what a hot reload does while the old pipeline runs
 *   start N                      what the start of a pipeline does
 *   filter N CONTEXT HEX         CONTEXT: own | garbage
 *   parallel N CALLS HEX         the same call from four threads at once
 *   tag TAG                      of the calls that follow; "a.tag" at first
 *   exit N                       stop the instance and free it
 *   metrics N                    its counters
 *   quit
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct list { struct list *prev, *next; };

/* flb_kv */
struct property { char *key, *value; struct list links; };

/*
 * Sizes and offsets in bytes. `unknown` is no Fluent Bit: a future one whose
 * plugin object gained a callback and whose instance moved its context.
 */
static const struct generation {
    const char *name;
    size_t plugin_size, first_list; /* of the plugin object; the host's list links */
    bool pre_run;
    int arguments;                  /* of cb_filter */
    size_t instance_size, log_level, name_at, alias, context, properties, cmt;
} generation =
#if GENERATION == 0
    { "1.8.12-1.8.15", 72, 56, false, 10, 168, 4, 8, 40, 64, 88, 128 };
#elif GENERATION == 1
    { "1.9.0-1.9.2", 72, 56, false, 9, 184, 4, 8, 40, 64, 88, 128 };
#elif GENERATION == 2
    { "1.9.3-2.0.14", 72, 56, false, 10, 184, 4, 8, 40, 64, 88, 128 };
#elif GENERATION == 3
    { "2.1.0-2.1.3", 72, 56, false, 10, 192, 8, 12, 48, 72, 96, 136 };
#elif GENERATION == 4
    { "2.1.4-2.1.10", 72, 56, false, 10, 200, 8, 16, 48, 80, 104, 144 };
#elif GENERATION == 5
    { "2.2.0-3.1.10", 80, 64, true, 10, 200, 8, 16, 48, 80, 104, 144 };
#elif GENERATION == 6
    { "3.2.0-5.0.2", 88, 72, true, 10, 216, 8, 16, 48, 80, 104, 144 };
#elif GENERATION == 7
    { "5.0.3-5.1.1", 88, 72, true, 10, 216, 8, 16, 48, 80, 104, 144 };
#elif GENERATION == 8
    { "unknown", 88, 48, true, 10, 240, 8, 16, 48, 96, 120, 160 };
#elif GENERATION == 9
    { "1.8 without cmetrics", 72, 56, false, 10, 168, 4, 8, 40, 64, 88, 128 };
#endif

enum { MAX_INSTANCES = 8, MAX_COUNTERS = 24 };

static char *instances[MAX_INSTANCES];
static char *plugin;                       /* the host's copy */
static struct list plugins = { &plugins, &plugins };
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void *word(const char *object, size_t offset)
{
    void *value;

    memcpy(&value, object + offset, sizeof value);
    return value;
}

static void set_word(char *object, size_t offset, const void *value)
{
    memcpy(object + offset, &value, sizeof value);
}

/* ---- what the executable exports ---- */

void flb_log_print(int type, const char *file, int line, const char *format, ...);
void flb_log_print(int type, const char *file, int line, const char *format, ...)
{
    va_list arguments;

    (void) file;
    (void) line;
    pthread_mutex_lock(&log_lock);
    printf("log %d ", type);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    pthread_mutex_unlock(&log_lock);
}

void flb_filter_set_context(char *ins, void *context);
void flb_filter_set_context(char *ins, void *context)
{
    set_word(ins, generation.context, context);
}

const char *flb_filter_name(char *ins);
const char *flb_filter_name(char *ins)
{
    const char *alias = word(ins, generation.alias);

    return alias != NULL ? alias : ins + generation.name_at;
}

const char *flb_filter_get_property(const char *key, char *ins);
const char *flb_filter_get_property(const char *key, char *ins)
{
    struct list *head = (struct list *) (ins + generation.properties), *each;

    for (each = head->next; each != head; each = each->next) {
        struct property *property = (struct property *) ((char *) each - offsetof(struct property, links));

        if (strcasecmp(property->key, key) == 0) {
            return property->value;
        }
    }
    return NULL;
}

#if GENERATION >= 3 && GENERATION <= 8
int flb_filter_plugin_property_check(char *ins, void *config);
int flb_filter_plugin_property_check(char *ins, void *config)
{
    (void) ins;
    (void) config;
    return 0;
}
#endif
#if GENERATION == 7 || GENERATION == 8
void *flb_config_map_find(void *map, const char *name);
void *flb_config_map_find(void *map, const char *name)
{
    (void) map;
    (void) name;
    return NULL;
}
#endif

/* A counter and its label values, as cmetrics keeps them: one list that only grows. */
struct series { struct series *next; char labels[256]; double value; };
struct counter { char name[64], keys[3][32]; int labels; struct series *series; struct cmt *owner; };
struct cmt { struct counter counters[MAX_COUNTERS]; int count; bool running; };

#if GENERATION != 9
struct counter *cmt_counter_create(struct cmt *cmt, char *ns, char *subsystem, char *name, char *help, int labels,
                                   char **keys);
struct counter *cmt_counter_create(struct cmt *cmt, char *ns, char *subsystem, char *name, char *help, int labels,
                                   char **keys)
{
    struct counter *counter = &cmt->counters[cmt->count++];
    int i;

    if (cmt->count > MAX_COUNTERS || labels < 1 || labels > 3 || strcmp(keys[0], "name") != 0 || help[0] == 0 ||
        cmt->running) {
        printf("fault counter %s created wrongly\n", name);
        exit(1);
    }
    snprintf(counter->name, sizeof counter->name, "%s_%s_%s", ns, subsystem, name);
    counter->labels = labels;
    counter->owner = cmt;
    for (i = 0; i < labels; i++) {
        snprintf(counter->keys[i], sizeof counter->keys[i], "%s", keys[i]);
    }
    return counter;
}

static int change_counter(struct counter *counter, double value, bool add, int labels, char **values)
{
    struct series **link = &counter->series;
    char text[256] = "";
    int i;

    if (labels != counter->labels) {
        printf("fault counter %s: %d labels, not %d\n", counter->name, labels, counter->labels);
        return -1;
    }
    for (i = 0; i < labels; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s=%s", i > 0 ? "," : "", counter->keys[i], values[i]);
    }
    while (*link != NULL && strcmp((*link)->labels, text) != 0) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        if (add || counter->owner->running) {
            printf("fault counter %s: label %s added while running\n", counter->name, text);
        }
        *link = calloc(1, sizeof **link);
        snprintf((*link)->labels, sizeof (*link)->labels, "%s", text);
    }
    (*link)->value = add ? (*link)->value + value : value;
    return 0;
}

int cmt_counter_add(struct counter *counter, uint64_t ns, double value, int labels, char **values);
int cmt_counter_add(struct counter *counter, uint64_t ns, double value, int labels, char **values)
{
    if (ns < UINT64_C(1600000000000000000)) {
        printf("fault counter %s: %llu is no time in nanoseconds\n", counter->name, (unsigned long long) ns);
    }
    return change_counter(counter, value, true, labels, values);
}

int cmt_counter_set(struct counter *counter, uint64_t ns, double value, int labels, char **values);
int cmt_counter_set(struct counter *counter, uint64_t ns, double value, int labels, char **values)
{
    (void) ns;
    return change_counter(counter, value, false, labels, values);
}
#endif

static void free_metrics(struct cmt *cmt)
{
    int i;

    for (i = 0; cmt != NULL && i < cmt->count; i++) {
        while (cmt->counters[i].series != NULL) {
            struct series *first = cmt->counters[i].series;

            cmt->counters[i].series = first->next;
            free(first);
        }
    }
    free(cmt);
}

/* ---- the host's own work ---- */

/* Callbacks follow config_map at 24; a generation without pre_run begins with init. */
static void *callback(int index)
{
    return word(plugin, 32 + 8 * (size_t) (index - (generation.pre_run ? 0 : 1)));
}
enum { PRE_RUN, INIT, FILTER, EXIT };
typedef int (*start_callback)(void *ins, void *config, void *data);
typedef int (*exit_callback)(void *context, void *config);
typedef int (*filter_callback_9)(const void *, size_t, const char *, int, void **, size_t *, void *, void *, void *);
typedef int (*filter_callback_10)(const void *, size_t, const char *, int, void **, size_t *, void *, void *, void *,
                                  void *);

static char config_of_old, config_of_new, *config = &config_of_old;

static int load(const char *path)
{
    static void *previous;
    void *object = dlopen(path, RTLD_LAZY), *symbol;
    struct list *links;

    if (object == NULL) {
        printf("result -1 %s\n", dlerror());
        return -1;
    }
    symbol = dlsym(object, "filter_sigmatag_plugin");
    if (symbol == NULL) {
        printf("result -1 no filter_sigmatag_plugin\n");
        return -1;
    }
    plugin = malloc(generation.plugin_size); /* the copy before stays: its instances point to it */
    memcpy(plugin, symbol, generation.plugin_size);
    links = (struct list *) (plugin + generation.first_list);
    links->prev = plugins.prev;
    links->next = &plugins;
    plugins.prev->next = links;
    plugins.prev = links;
    if (previous != NULL) {
        dlclose(previous);
        config = &config_of_new;
    }
    previous = object;
    printf("symbol %p name %s map %p\n", symbol, (char *) word(plugin, 8), word(plugin, 24));
    return 0;
}

static void new_instance(int n, const char *name)
{
    char *ins = calloc(1, generation.instance_size);
    struct list *properties = (struct list *) (ins + generation.properties);
    int info = 3;

    snprintf(ins + generation.name_at, 32, "%.31s", name);
    memcpy(ins + generation.log_level, &info, sizeof info);
    set_word(ins, generation.context + 16, plugin);
    properties->prev = properties->next = properties;
    instances[n] = ins;
}

static void set_property(char *ins, const char *key, const char *value)
{
    struct property *property = malloc(sizeof *property);
    struct list *head = (struct list *) (ins + generation.properties);

    property->key = strdup(key);
    property->value = strdup(strcmp(value, "-") == 0 ? "" : value);
    property->links = (struct list) { head->prev, head };
    head->prev->next = &property->links;
    head->prev = &property->links;
}

static int check(char *ins)
{
    return generation.pre_run ? ((start_callback) callback(PRE_RUN))(ins, config, NULL) : 0;
}

static int start(char *ins)
{
    int result;

    set_word(ins, generation.cmt, calloc(1, sizeof(struct cmt)));
    result = check(ins);
    if (result == 0) {
        result = ((start_callback) callback(INIT))(ins, config, NULL);
    }
    ((struct cmt *) word(ins, generation.cmt))->running = true;
    return result;
}

static char tag[256] = "a.tag";

static int call_filter(char *ins, void *context, const void *data, size_t size, void **out, size_t *out_size)
{
    static char input;
    int length = (int) strlen(tag);

    *out = NULL;
    *out_size = 0;
    return generation.arguments == 9
               ? ((filter_callback_9) callback(FILTER))(data, size, tag, length, out, out_size, ins, context, config)
               : ((filter_callback_10) callback(FILTER))(data, size, tag, length, out, out_size, ins, &input, context,
                                                         config);
}

static size_t from_hex(const char *hex, unsigned char *out)
{
    size_t n = 0;

    for (; hex[0] != 0 && hex[1] != 0; hex += 2) {
        unsigned byte;

        sscanf(hex, "%2x", &byte);
        out[n++] = (unsigned char) byte;
    }
    return n;
}

static void filter(char *ins, const char *context, const char *hex)
{
    unsigned char *data = malloc(strlen(hex) / 2 + 1), *out;
    size_t size = from_hex(hex, data), out_size, i;
    void *given = strcmp(context, "garbage") == 0 ? (void *) 0xdead0000beefULL : word(ins, generation.context);
    int result = call_filter(ins, given, data, size, (void **) &out, &out_size);

    printf("result %d ", result);
    for (i = 0; result == 1 && i < out_size; i++) {
        printf("%02x", out[i]);
    }
    printf("\n");
    free(out);
    free(data);
}

struct parallel { char *ins; const unsigned char *data; size_t size; int calls, modified, untouched, other; };

static void *run_parallel(void *argument)
{
    struct parallel *work = argument;
    int i;

    for (i = 0; i < work->calls; i++) {
        void *out;
        size_t out_size;
        int result = call_filter(work->ins, word(work->ins, generation.context), work->data, work->size, &out, &out_size);

        *(result == 1 ? &work->modified : result == 2 ? &work->untouched : &work->other) += 1;
        free(out);
    }
    return NULL;
}

static void parallel(char *ins, int calls, const char *hex)
{
    unsigned char *data = malloc(strlen(hex) / 2 + 1);
    size_t size = from_hex(hex, data);
    pthread_t threads[4];
    struct parallel work[4], sum = { 0 };
    int i;

    for (i = 0; i < 4; i++) {
        work[i] = (struct parallel) { .ins = ins, .data = data, .size = size, .calls = calls };
        pthread_create(&threads[i], NULL, run_parallel, &work[i]);
    }
    for (i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        sum.modified += work[i].modified;
        sum.untouched += work[i].untouched;
        sum.other += work[i].other;
    }
    free(data);
    printf("result %d %d %d\n", sum.modified, sum.untouched, sum.other);
}

/* As flb_filter_instance_exit and _destroy. */
static void stop(int n)
{
    char *ins = instances[n];
    struct list *head = (struct list *) (ins + generation.properties), *each, *next;
    void *context = word(ins, generation.context);

    if (context != NULL) {
        ((exit_callback) callback(EXIT))(context, config);
    }
    for (each = head->next; each != head; each = next) {
        struct property *property = (struct property *) ((char *) each - offsetof(struct property, links));

        next = each->next;
        free(property->key);
        free(property->value);
        free(property);
    }
    free_metrics(word(ins, generation.cmt));
    memset(ins, 0x5a, generation.instance_size);
    free(ins);
    instances[n] = NULL;
}

static void metrics(const char *ins)
{
    const struct cmt *cmt = word(ins, generation.cmt);
    const struct series *series;
    int i;

    for (i = 0; cmt != NULL && i < cmt->count; i++) {
        for (series = cmt->counters[i].series; series != NULL; series = series->next) {
            printf("counter %s{%s} %.0f\n", cmt->counters[i].name, series->labels, series->value);
        }
    }
}

int main(void)
{
    static char line[1 << 20], word1[64], word2[1 << 17], word3[1 << 20];
    int n;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = 0;
        if (strcmp(line, "quit") == 0) {
            return 0;
        }
        if (strncmp(line, "load ", 5) == 0) {
            load(line + 5);
        } else if (sscanf(line, "instance %d %63s", &n, word1) == 2) {
            new_instance(n, word1);
        } else if (sscanf(line, "set %d %63s %131071[^\n]", &n, word1, word2) == 3) {
            set_property(instances[n], word1, word2);
        } else if (sscanf(line, "check %d", &n) == 1) {
            printf("result %d\n", check(instances[n]));
        } else if (sscanf(line, "start %d", &n) == 1) {
            printf("result %d\n", start(instances[n]));
        } else if (sscanf(line, "filter %d %63s %1048575s", &n, word1, word3) == 3) {
            filter(instances[n], word1, word3);
        } else if (sscanf(line, "parallel %d %63s %1048575s", &n, word1, word3) == 3) {
            parallel(instances[n], atoi(word1), word3);
        } else if (sscanf(line, "tag %255s", tag) == 1) {
        } else if (sscanf(line, "exit %d", &n) == 1) {
            stop(n);
        } else if (sscanf(line, "metrics %d", &n) == 1) {
            metrics(instances[n]);
        } else {
            printf("fault unknown command %s\n", line);
        }
        printf("ok\n");
    }
    return 0;
}
