/*
 * Built without Fluent Bit's headers. A plugin compiled against one version's
 * headers crashes in another, because the structures the host shares with its
 * plugins change; what is needed of them is small enough to be recognised at run
 * time, so one shared object serves 1.8.12-1.8.15, 1.9.0-2.0.x and 2.2-5.1.
 */
#define _GNU_SOURCE
#include "host.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct host_functions host;

enum {
    FIRST_CALLBACK = offsetof(struct filter_plugin, callbacks),
    INSTANCE_WINDOW = 112,      /* bytes of an instance that exist in every known layout and hold what is looked for */
    PLUGIN_FROM_CONTEXT = 16,   /* context, data, plugin */
    PROPERTIES_FROM_CONTEXT = 24,
    CMT_FROM_CONTEXT = 64,
};

/* What SIGMATAG_FLB_LAYOUT said, and which layout filter_sigmatag_plugin was filled for. */
static struct {
    int chosen;          /* 1 or 2 */
    bool bad_override;
    bool offset_forced;
    size_t offset;
} layout;

bool read_memory(const void *address, void *out, size_t n)
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

bool read_string(const char *address, char *out, size_t capacity)
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

void log_line(const struct host_instance *at, int type, const char *format, ...)
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

bool recognise_host(void *ins, void *config, struct host_instance *at)
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

char *properties_of(const struct host_instance *at)
{
    return at->context != 0 ? (char *) at->ins + at->context + PROPERTIES_FROM_CONTEXT : NULL;
}

void complain(const struct host_instance *at, struct throttle *throttle, int type, uint64_t n, const char *what,
              const char *detail)
{
    struct timespec now;
    int64_t now_s;

    clock_gettime(CLOCK_MONOTONIC, &now);
    now_s = (int64_t) now.tv_sec + 1;
    throttle->unsaid += n;
    if (throttle->last_s != 0 && now_s - throttle->last_s < 60) {
        return;
    }
    log_line(at, type, "%llu %s%s", (unsigned long long) throttle->unsaid, what, detail);
    throttle->last_s = now_s;
    throttle->unsaid = 0;
}

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

int find_host(void)
{
    const char *override = getenv("SIGMATAG_FLB_LAYOUT");

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
    return layout.chosen;
}

int host_layout(void)
{
    return layout.chosen;
}
