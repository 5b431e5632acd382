/* The options of `open`: read, checked, explained. */
#ifndef SIGMATAG_OPTIONS_H
#define SIGMATAG_OPTIONS_H

#include "engines.h"
#include "lua54.h"

/* Longest key, in bytes: the library's for tags. */
enum { NAME = 256 };

struct options {
    struct configuration engine; /* its texts are values of Lua, alive while the stack holds them */
    sigmatag_tagging tagging;    /* without its key */
    char tag_key[NAME];
    char field[NAME];            /* of the log: where the text of the event is */
    char logsource[NAME];        /* empty: recognised from the event */
    bool emit_unexamined;
};

/*
 * Reads the table at `index`; nil is no option at all. Leaves values on the stack that must stay until
 * the engine is made. Raises an error that names the option and the repair.
 */
void read_options(lua_State *L, int index, struct options *options);

#endif
