/* Option `logsource`: which log source the records of a tag have. */
#ifndef SIGMATAG_TAG_LOGSOURCE_H
#define SIGMATAG_TAG_LOGSOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "host.h"

/* Records whose tag fits `pattern` come from `logsource`, "product/category/service". */
struct tag_logsource {
    const char *pattern;
    const char *logsource;
};

/* In the order given: the first that fits wins. */
struct tag_logsources {
    struct tag_logsource *list;
    size_t count;
    char *text;          /* what the entries point into */
};

/* Reads the option's value; false (said why) if an entry is wrong. */
bool read_tag_logsources(const struct host_instance *at, const char *value, struct tag_logsources *out);
void free_tag_logsources(struct tag_logsources *all);

/* The log source of a tag, or NULL: recognise it from the event. */
const char *logsource_of_tag(const struct tag_logsources *all, const char *tag, size_t tag_len);

#endif
