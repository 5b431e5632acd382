/*
 * `product/category/service` for every record, or a list for some:
 *
 *   logsource winevt.*=windows//sysmon, mysql.*=mysql/database/audit
 *
 * Every mistake refuses the start: an entry that is silently left out, or never
 * reached, would send records past the rules that are meant for them.
 */
#include "tag_logsource.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char EXAMPLE[] = "write TAG-PATTERN=product/category/service, as in `mysql.*=mysql/database/audit`";

/*
 * As the host's Match: `*` stands for any text, dots included, and every other byte
 * for itself. The last `*` passed is the only place to try again from: an earlier
 * one could only give what a later one can give as well.
 */
static bool tag_fits(const char *pattern, const char *tag, size_t tag_len)
{
    const char *again = NULL;
    size_t at = 0, again_at = 0;

    while (at < tag_len) {
        if (*pattern == '*') {
            again = ++pattern;
            again_at = at;
        } else if (*pattern != 0 && *pattern == tag[at]) {
            pattern++;
            at++;
        } else if (again != NULL) {
            pattern = again;
            at = ++again_at;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == 0;
}

const char *logsource_of_tag(const struct tag_logsources *all, const char *tag, size_t tag_len)
{
    size_t i;

    for (i = 0; i < all->count; i++) {
        if (tag_fits(all->list[i].pattern, tag, tag_len)) {
            return all->list[i].logsource;
        }
    }
    return NULL;
}

void free_tag_logsources(struct tag_logsources *all)
{
    free(all->list);
    free(all->text);
    *all = (struct tag_logsources) { 0 };
}

/* Without blanks at both ends; in place. */
static char *trim(char *text)
{
    size_t n;

    while (isspace((unsigned char) *text)) {
        text++;
    }
    n = strlen(text);
    while (n > 0 && isspace((unsigned char) text[n - 1])) {
        n--;
    }
    text[n] = 0;
    return text;
}

/* What is wrong with "product/category/service"; NULL: nothing. In lower case afterwards, as rules are compared. */
static const char *fault_of_logsource(char *text)
{
    size_t slashes = 0, named = 0;

    for (; *text != 0; text++) {
        if (*text == '/') {
            slashes++;
        } else if (isalnum((unsigned char) *text) || strchr("-_.", *text) != NULL) {
            *text = (char) tolower((unsigned char) *text);
            named++;
        } else {
            return "has a character that is in no log source (letters, digits, `-`, `_` and `.` are)";
        }
    }
    if (slashes != 2) {
        return "needs two slashes, also where a part is empty, as in `windows//sysmon`";
    }
    return named == 0 ? "names no product, category or service" : NULL;
}

static bool refuse(const struct host_instance *at, size_t number, const char *entry, const char *fault,
                   const char *repair)
{
    log_line(at, LOG_ERROR, "option `logsource`: entry %zu `%.128s` %s: %s", number, entry, fault, repair);
    return false;
}

/* Whether no earlier entry takes every tag that this one could. */
static bool is_reached(const struct host_instance *at, const struct tag_logsources *all, const char *entry)
{
    const struct tag_logsource *last = &all->list[all->count - 1];
    char fault[96];
    size_t i;

    for (i = 0; i + 1 < all->count; i++) {
        /* `*` of the later pattern is only ever passed by one of the earlier. */
        if (tag_fits(all->list[i].pattern, last->pattern, strlen(last->pattern))) {
            snprintf(fault, sizeof fault, "is never reached, entry %zu fits all of its tags", i + 1);
            return refuse(at, all->count, entry, fault, "put it before that entry, or remove it");
        }
    }
    return true;
}

static bool read_entry(const struct host_instance *at, struct tag_logsources *all, char *text, bool alone)
{
    struct tag_logsource *entry = &all->list[all->count];
    char *equals, *logsource = trim(text), *whole;
    const char *fault;
    bool ok;

    all->count++;
    whole = strdup(logsource);
    if (whole == NULL) {
        log_line(at, LOG_ERROR, "out of memory");
        return false;
    }
    equals = strchr(logsource, '=');
    entry->pattern = "*";
    if (equals != NULL) {
        *equals = 0;
        entry->pattern = trim(logsource);
        logsource = trim(equals + 1);
    }
    entry->logsource = logsource;
    if (whole[0] == 0) {
        ok = refuse(at, all->count, whole, "is empty", "remove the comma beside it");
    } else if (equals == NULL && !alone) {
        ok = refuse(at, all->count, whole, "has no tag pattern", EXAMPLE);
    } else if (entry->pattern[0] == 0 || strpbrk(entry->pattern, " \t") != NULL) {
        ok = refuse(at, all->count, whole, entry->pattern[0] == 0 ? "has no tag pattern" : "has a blank in its tag pattern",
                    EXAMPLE);
    } else if ((fault = fault_of_logsource(logsource)) != NULL) {
        ok = refuse(at, all->count, whole, fault, EXAMPLE);
    } else {
        ok = is_reached(at, all, whole);
    }
    free(whole);
    return ok;
}

bool read_tag_logsources(const struct host_instance *at, const char *value, struct tag_logsources *out)
{
    size_t entries = 1;
    const char *each;
    char *text, *comma;

    *out = (struct tag_logsources) { 0 };
    for (each = value; *each != 0; each++) {
        entries += *each == ',';
    }
    out->text = strdup(value);
    out->list = calloc(entries, sizeof *out->list);
    if (out->text == NULL || out->list == NULL) {
        log_line(at, LOG_ERROR, "out of memory");
        free_tag_logsources(out);
        return false;
    }
    for (text = out->text; text != NULL; text = comma) {
        comma = strchr(text, ',');
        if (comma != NULL) {
            *comma++ = 0;
        }
        if (!read_entry(at, out, text, entries == 1)) {
            free_tag_logsources(out);
            return false;
        }
    }
    return true;
}
