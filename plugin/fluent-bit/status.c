#define _GNU_SOURCE
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Room for a line: hosts cut a log message at 4 KiB, 1.8 earlier. */
enum { LINE = 1400, NAMES = 320 };

struct line { char text[LINE]; size_t used; };

static void say(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct line *line, const char *format, ...)
{
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(line->text + line->used, LINE - line->used, format, arguments);
    va_end(arguments);
    line->used = n < 0 || (size_t) n >= LINE - line->used ? LINE - 1 : line->used + (size_t) n;
}

/* A list of names as far as they fit: "a, b and 3 more". */
struct names { char text[NAMES]; size_t used, left_out; };

static void add_name(struct names *names, const char *name, size_t length)
{
    const char *comma = names->used > 0 ? ", " : "";

    if (names->left_out > 0 || names->used + strlen(comma) + length >= NAMES) {
        names->left_out++;
        return;
    }
    names->used += (size_t) sprintf(names->text + names->used, "%s%.*s", comma, (int) length, name);
}

static void say_names(struct line *line, const struct names *names)
{
    say(line, "%s", names->text);
    if (names->left_out > 0) {
        say(line, " and %zu more", names->left_out);
    }
}

static void say_rules(const struct host_instance *at, const struct options *options, const sigmatag_info_t *info,
                      const struct metrics *metrics)
{
    struct line line = { .used = 0 };

    say(&line, "%u rule%s from %s", info->rules, info->rules == 1 ? "" : "s", options->rules != NULL ? options->rules : "the built-in MySQL pack");
    if (options->disable_rules != NULL) {
        say(&line, " (%u disabled, %u skipped when compiled)", info->disabled_rules, info->skipped_rules);
    } else {
        say(&line, " (%u skipped when compiled)", info->skipped_rules);
    }
    say(&line, ", rule set %.12s, format %u, %.1f MiB; sigmatag %s, host layout %d, metrics ", info->ruleset,
        info->format_version, (double) info->bytes / (1024.0 * 1024.0), sigmatag_version(), host_layout());
    if (metrics->total_counters[MATCHES] == NULL) {
        say(&line, "off");
    } else if (metrics->rule_counter != NULL) {
        say(&line, "on, matches by rule and level");
    } else {
        say(&line, "on, matches by level only (a counter for each rule up to %d rules)", MAX_RULE_COUNTERS);
    }
    log_line(at, LOG_INFO, "%s", line.text);
}

static void say_sources(struct line *line, const sigmatag *engine, uint32_t count)
{
    sigmatag_source_t source = { .struct_size = sizeof source };
    struct names names = { .used = 0 };
    uint32_t i;

    for (i = 0; i < count && sigmatag_source_info(engine, i, &source) == SIGMATAG_OK; i++) {
        add_name(&names, source.name, source.name_len);
    }
    say(line, "%u source%s%s", count, count == 1 ? "" : "s", count > 0 ? ": " : "");
    say_names(line, &names);
}

static void say_logsources(struct line *line, const struct tag_logsources *all)
{
    struct names names = { .used = 0 };
    char entry[NAMES];
    size_t i;

    for (i = 0; i < all->count; i++) {
        snprintf(entry, sizeof entry, "%s=%s", all->list[i].pattern, all->list[i].logsource);
        add_name(&names, entry, strlen(entry));
    }
    if (all->count > 0) {
        say(line, ", logsource ");
        say_names(line, &names);
    }
}

static const char *on_off(bool value)
{
    return value ? "on" : "off";
}

static void say_options(const struct host_instance *at, const struct options *options, const sigmatag *engine,
                        const sigmatag_info_t *info)
{
    struct line line = { .used = 0 };

    say_sources(&line, engine, info->sources);
    say(&line, "; logsource_mode %s", mode_names[options->logsource_mode]);
    say_logsources(&line, &options->logsources);
    say(&line, "; min_level %s, match_metadata %s; tag_format %s",
        options->min_level > 0 ? level_names[options->min_level - 1] : "all", on_off(options->match_metadata),
        format_names[options->shape]);
    if (options->shape != SIGMATAG_FLAT) {
        say(&line, ", tag_key %s", options->tag_key != NULL ? options->tag_key : "sigma");
    }
    say(&line, ", split_records %s, only_matching %s, strip_foreign %s, normalize %s", on_off(options->split_records),
        on_off(options->only_matching), on_off(options->strip_foreign),
        options->normalize != NULL ? options->normalize : "off");
    log_line(at, LOG_INFO, "%s", line.text);
}

static bool is_rule(const sigmatag_scratch *scratch, uint32_t rules, const char *id, size_t length)
{
    sigmatag_rule rule = { .struct_size = sizeof rule };
    uint32_t i;

    for (i = 0; i < rules && sigmatag_rule_info(scratch, i, &rule) == SIGMATAG_OK; i++) {
        if (rule.id_len == length && strncasecmp(rule.id, id, length) == 0) {
            return true;
        }
    }
    return false;
}

/* An id that is not there may be of a rule that is gone: no reason to refuse, but one to look. */
static void warn_of_unknown_ids(const struct host_instance *at, const struct options *options,
                                const sigmatag_info_t *info, const sigmatag_scratch *scratch)
{
    static const char SEPARATORS[] = ", \t\r\n\v\f";
    const char *id = options->disable_rules;
    size_t length = 0;

    if (info->unknown_disabled_rules == 0) {
        return;
    }
    for (id += strspn(id, SEPARATORS); *id != 0; id += strspn(id, SEPARATORS)) {
        length = strcspn(id, SEPARATORS);
        if (!is_rule(scratch, info->rules, id, length)) {
            break;
        }
        id += length;
    }
    log_line(at, LOG_WARN, "option `disable_rules`: %u of its ids %s in the rule set, the first is `%.*s`: remove %s or "
             "correct %s", info->unknown_disabled_rules, info->unknown_disabled_rules == 1 ? "is not" : "are not",
             (int) (length < 128 ? length : 128), id, info->unknown_disabled_rules == 1 ? "it" : "them",
             info->unknown_disabled_rules == 1 ? "it" : "them");
}

/* The part of "product/category/service" at `*text`, which moves behind it. */
static size_t next_part(const char **text, size_t *length)
{
    const char *slash = memchr(*text, '/', *length);
    size_t part = slash != NULL ? (size_t) (slash - *text) : *length;
    size_t step = part + (slash != NULL);

    *text += step;
    *length -= step;
    return part;
}

/* Whether a rule's log source is tried on events of a given one. */
static bool applies(const char *rule, size_t rule_len, const char *given, bool strict)
{
    size_t given_len = strlen(given), i;

    for (i = 0; i < 3; i++) {
        const char *wanted = rule, *offered = given;
        size_t n = next_part(&rule, &rule_len), m = next_part(&given, &given_len);

        if (n > 0 && (m > 0 || strict) && (n != m || strncasecmp(wanted, offered, n) != 0)) {
            return false;
        }
    }
    return true;
}

/* The log sources that rules of the set name, each once, as far as they fit. */
static void name_logsources(struct names *names, const sigmatag_scratch *scratch, uint32_t rules)
{
    enum { MOST = 16 };
    struct { const char *text; size_t length; } seen[MOST];
    sigmatag_rule rule = { .struct_size = sizeof rule };
    uint32_t i;
    size_t count = 0, j;

    for (i = 0; i < rules && count < MOST && sigmatag_rule_info(scratch, i, &rule) == SIGMATAG_OK; i++) {
        for (j = 0; j < count; j++) {
            if (seen[j].length == rule.logsource_len && memcmp(seen[j].text, rule.logsource, rule.logsource_len) == 0) {
                break;
            }
        }
        if (j == count) {
            seen[count].text = rule.logsource;
            seen[count++].length = rule.logsource_len;
            add_name(names, rule.logsource, rule.logsource_len);
        }
    }
}

/* A log source that no rule is for silences every rule on its tags: mostly a slip of the pen. */
static void warn_of_idle_logsources(const struct host_instance *at, const struct options *options, uint32_t rules,
                                    const sigmatag_scratch *scratch)
{
    sigmatag_rule rule = { .struct_size = sizeof rule };
    bool strict = options->logsource_mode == SIGMATAG_LOGSOURCE_STRICT;
    size_t entry;
    uint32_t i;

    for (entry = 0; entry < options->logsources.count; entry++) {
        const struct tag_logsource *given = &options->logsources.list[entry];
        struct names names = { .used = 0 };

        for (i = 0; i < rules && sigmatag_rule_info(scratch, i, &rule) == SIGMATAG_OK; i++) {
            if (applies(rule.logsource, rule.logsource_len, given->logsource, strict)) {
                break;
            }
        }
        if (i < rules || options->logsource_mode == SIGMATAG_LOGSOURCE_NONE) {
            continue;
        }
        name_logsources(&names, scratch, rules);
        log_line(at, LOG_WARN, "option `logsource`: no rule of this set is for `%.128s` (entry %zu), records of its tags "
                 "match none. The rules are for: %s%s", given->logsource, entry + 1, names.text,
                 names.left_out > 0 ? ", ..." : "");
    }
}

void say_start(const struct host_instance *at, const struct options *options, const sigmatag *engine,
               const sigmatag_scratch *scratch, const struct metrics *metrics)
{
    sigmatag_info_t info = { .struct_size = sizeof info };

    sigmatag_info(engine, &info);
    say_rules(at, options, &info, metrics);
    say_options(at, options, engine, &info);
    warn_of_idle_options(at, options);
    warn_of_unknown_ids(at, options, &info, scratch);
    warn_of_idle_logsources(at, options, info.rules, scratch);
}
