/* Lua tables as msgpack and back. */
#ifndef SIGMATAG_TABLE_H
#define SIGMATAG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lua54.h"

/* Memory that grows. It belongs to a detector, so that an error of Lua's leaks nothing. */
struct buffer {
    uint8_t *bytes;
    size_t used, size;
};

/* False: no memory. */
bool reserve(struct buffer *buffer, size_t size);

enum encoded { ENCODED, TOO_LARGE, TOO_DEEP, NO_MEMORY, NO_DATA };

/*
 * The table at `index` as one msgpack map, which replaces what is in `out`. A table with elements at
 * 1, 2, ... is an array, any other a map: as Vector reads tables. NO_DATA: something in it is no data, a
 * function for instance; `what` names its type.
 */
enum encoded encode_table(lua_State *L, int index, size_t limit, struct buffer *out, const char **what);

/* Pushes the msgpack map at `from`, which the library wrote, as a table; returns where it ends. */
size_t push_map(lua_State *L, const struct buffer *maps, size_t from);

/*
 * Takes over `key` of the msgpack map into the table at `index` (absolute); a key that the map has
 * not got is removed. Only for maps that the library wrote.
 */
void take_key(lua_State *L, int index, const struct buffer *map, const char *key);

#endif
