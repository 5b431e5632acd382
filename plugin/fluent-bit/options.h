/* The filter's options: read, checked, explained. */
#ifndef SIGMATAG_OPTIONS_H
#define SIGMATAG_OPTIONS_H

#include <stdbool.h>

#include "host.h"
#include "tag_logsource.h"

struct options {
    char *rules;         /* path; NULL: the embedded pack */
    char *disable_rules; /* ids; NULL: none */
    char *tag_key;       /* NULL: the default */
    char *normalize;     /* name of a destination, which the rule set knows; NULL: records keep their shape */
    struct tag_logsources logsources;
    int logsource_mode;  /* SIGMATAG_LOGSOURCE_AUTO, _STRICT, _NONE: index into mode_names */
    int shape;           /* SIGMATAG_NESTED, _FLAT, _ECS: index into format_names */
    int min_level;       /* 0: all; 1..5: index into level_names plus one */
    bool match_metadata, split_records, only_matching, strip_foreign;
};

enum { LEVEL_COUNT = 5 };
extern const char *const level_names[LEVEL_COUNT];
extern const char *const format_names[3];
extern const char *const mode_names[3];

/* False (said why) if one is wrong; nothing to free then. */
bool read_options(const struct host_instance *at, struct options *options);
void free_options(struct options *options);

/* Names options that are right each by itself and do nothing together. */
void warn_of_idle_options(const struct host_instance *at, const struct options *options);

#endif
