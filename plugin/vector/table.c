#include "table.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* One more than the engine examines, so that deeper tables are its to refuse. */
enum { DEPTH = 66 };

bool reserve(struct buffer *buffer, size_t size)
{
    size_t larger = buffer->size > 0 ? buffer->size : 4096;
    uint8_t *bytes;

    if (size <= buffer->size) {
        return true;
    }
    while (larger < size) {
        larger = larger > SIZE_MAX / 2 ? size : 2 * larger;
    }
    bytes = realloc(buffer->bytes, larger);
    if (bytes == NULL) {
        return false;
    }
    buffer->bytes = bytes;
    buffer->size = larger;
    return true;
}

/* ------------------------------------------------------------------ */
/* Writing                                                            */
/* ------------------------------------------------------------------ */

struct encoder {
    lua_State *L;
    struct buffer *out;
    size_t limit;
    const char *what;
};

static enum encoded put(struct encoder *to, const void *bytes, size_t length)
{
    if (length > to->limit - to->out->used) {
        return TOO_LARGE;
    }
    if (!reserve(to->out, to->out->used + length)) {
        return NO_MEMORY;
    }
    memcpy(to->out->bytes + to->out->used, bytes, length);
    to->out->used += length;
    return ENCODED;
}

static void big_endian(uint8_t *at, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0) {
        at[bytes] = (uint8_t) value;
        value >>= 8;
    }
}

static enum encoded put_number(struct encoder *to, uint8_t kind, uint64_t value, unsigned bytes)
{
    uint8_t head[9] = { kind };

    big_endian(head + 1, value, bytes);
    return put(to, head, 1 + bytes);
}

static enum encoded put_text(struct encoder *to, const char *text, size_t length)
{
    enum encoded done;

    if (length > UINT32_MAX) {
        return TOO_LARGE;
    }
    done = put_number(to, 0xdb, length, 4);
    return done == ENCODED ? put(to, text, length) : done;
}

static enum encoded put_value(struct encoder *to, int index, unsigned depth);

/* Keys of Vector's tables are texts; numbers become texts, as they do in Vector. */
static enum encoded put_key(struct encoder *to, int index)
{
    const char *text;
    size_t length;

    if (lua_type(to->L, index) != LUA_TSTRING && lua_type(to->L, index) != LUA_TNUMBER) {
        to->what = lua_typename(to->L, lua_type(to->L, index));
        return NO_DATA;
    }
    lua_pushvalue(to->L, index); /* lua_tolstring changes a number in its place, and lua_next needs the key */
    text = lua_tolstring(to->L, -1, &length);
    lua_pop(to->L, 1);           /* the key itself keeps a text alive; a number's is copied at once */
    return put_text(to, text, length);
}

static enum encoded put_array(struct encoder *to, int index, size_t length, unsigned depth)
{
    enum encoded done = length > UINT32_MAX ? TOO_LARGE : put_number(to, 0xdd, length, 4);
    size_t i;

    for (i = 1; i <= length && done == ENCODED; i++) {
        lua_rawgeti(to->L, index, (lua_Integer) i);
        done = put_value(to, index + 1, depth);
        lua_settop(to->L, index);
    }
    return done;
}

/* The table is at the top. */
static enum encoded put_map(struct encoder *to, int index, unsigned depth)
{
    size_t head = to->out->used;
    uint64_t entries = 0;
    enum encoded done = put_number(to, 0xdf, 0, 4);

    lua_pushnil(to->L);
    while (done == ENCODED && lua_next(to->L, index) != 0) {
        done = put_key(to, index + 1);
        if (done == ENCODED) {
            done = put_value(to, index + 2, depth);
        }
        entries++;
        lua_settop(to->L, index + 1);
    }
    lua_settop(to->L, index);
    if (done == ENCODED) {
        big_endian(to->out->bytes + head + 1, entries, 4);
    }
    return done;
}

/* `index` is absolute and the top. */
static enum encoded put_value(struct encoder *to, int index, unsigned depth)
{
    lua_Number number;
    uint64_t bits;
    size_t length;
    const char *text;

    switch (lua_type(to->L, index)) {
    case LUA_TNIL:
        return put(to, "\xc0", 1);
    case LUA_TBOOLEAN:
        return put(to, lua_toboolean(to->L, index) ? "\xc3" : "\xc2", 1);
    case LUA_TSTRING:
        text = lua_tolstring(to->L, index, &length);
        return put_text(to, text, length);
    case LUA_TNUMBER:
        if (lua_isinteger(to->L, index)) {
            return put_number(to, 0xd3, (uint64_t) lua_tointegerx(to->L, index, NULL), 8);
        }
        number = lua_tonumberx(to->L, index, NULL);
        memcpy(&bits, &number, sizeof bits);
        return put_number(to, 0xcb, bits, 8);
    case LUA_TTABLE:
        if (depth == 0 || !lua_checkstack(to->L, 8)) {
            return TOO_DEEP;
        }
        length = lua_rawlen(to->L, index);
        return length > 0 ? put_array(to, index, length, depth - 1) : put_map(to, index, depth - 1);
    default:
        to->what = lua_typename(to->L, lua_type(to->L, index));
        return NO_DATA;
    }
}

enum encoded encode_table(lua_State *L, int index, size_t limit, struct buffer *out, const char **what)
{
    struct encoder to = { .L = L, .out = out, .limit = limit, .what = "" };
    enum encoded done = TOO_DEEP;
    int top = lua_gettop(L);

    out->used = 0;
    if (lua_checkstack(L, 8)) {
        lua_pushvalue(L, index);
        done = put_map(&to, top + 1, DEPTH);
    }
    lua_settop(L, top);
    *what = to.what;
    return done;
}

/* ------------------------------------------------------------------ */
/* Reading what the library wrote                                     */
/* ------------------------------------------------------------------ */

struct reader { const uint8_t *at, *end; };

static uint64_t number(struct reader *from, unsigned bytes)
{
    uint64_t value = 0;

    while (bytes-- > 0 && from->at < from->end) {
        value = value << 8 | *from->at++;
    }
    return value;
}

/* What a value is, in short: its content follows at `from->at`. */
struct head { enum { NIL, BOOLEAN, INTEGER, FLOAT, TEXT, ARRAY, MAP } kind; uint64_t value; };

static struct head read_head(struct reader *from)
{
    uint8_t byte = (uint8_t) number(from, 1);
    float small;
    double large;
    uint64_t bits;
    uint32_t bits32;

    if (byte < 0x80) {
        return (struct head) { INTEGER, byte };
    }
    if (byte < 0xc0) {
        return byte < 0x90 ? (struct head) { MAP, byte & 0x0f }
             : byte < 0xa0 ? (struct head) { ARRAY, byte & 0x0f } : (struct head) { TEXT, byte & 0x1f };
    }
    switch (byte) {
    case 0xc2: case 0xc3: return (struct head) { BOOLEAN, byte & 1 };
    case 0xc4: case 0xd9: return (struct head) { TEXT, number(from, 1) };
    case 0xc5: case 0xda: return (struct head) { TEXT, number(from, 2) };
    case 0xc6: case 0xdb: return (struct head) { TEXT, number(from, 4) };
    case 0xca:
        bits32 = (uint32_t) number(from, 4);
        memcpy(&small, &bits32, sizeof small);
        large = small;
        memcpy(&bits, &large, sizeof bits);
        return (struct head) { FLOAT, bits };
    case 0xcb: return (struct head) { FLOAT, number(from, 8) };
    case 0xcc: return (struct head) { INTEGER, number(from, 1) };
    case 0xcd: return (struct head) { INTEGER, number(from, 2) };
    case 0xce: return (struct head) { INTEGER, number(from, 4) };
    case 0xcf: case 0xd3: return (struct head) { INTEGER, number(from, 8) };
    case 0xd0: return (struct head) { INTEGER, (uint64_t) (int8_t) number(from, 1) };
    case 0xd1: return (struct head) { INTEGER, (uint64_t) (int16_t) number(from, 2) };
    case 0xd2: return (struct head) { INTEGER, (uint64_t) (int32_t) number(from, 4) };
    case 0xdc: return (struct head) { ARRAY, number(from, 2) };
    case 0xdd: return (struct head) { ARRAY, number(from, 4) };
    case 0xde: return (struct head) { MAP, number(from, 2) };
    case 0xdf: return (struct head) { MAP, number(from, 4) };
    default: return byte >= 0xe0 ? (struct head) { INTEGER, (uint64_t) (int8_t) byte } : (struct head) { NIL, 0 };
    }
}

/* The bytes of a text; no more than there are. */
static const char *text_of(struct reader *from, uint64_t *length)
{
    const char *text = (const char *) from->at;

    if (*length > (uint64_t) (from->end - from->at)) {
        *length = (uint64_t) (from->end - from->at);
    }
    from->at += *length;
    return text;
}

/* Pushes the value (`push`) or passes over it. */
static void read_value(lua_State *L, struct reader *from, bool push)
{
    struct head head = read_head(from);
    uint64_t i, length = head.value;
    const char *text;
    double real;

    if (push && !lua_checkstack(L, 4)) {
        luaL_error(L, "sigmatag: the stack of Lua is full");
    }
    switch (head.kind) {
    case NIL:
    case BOOLEAN:
        if (push && head.kind == NIL) {
            lua_pushnil(L);
        } else if (push) {
            lua_pushboolean(L, (int) head.value);
        }
        return;
    case INTEGER:
        if (push) {
            lua_pushinteger(L, (lua_Integer) head.value);
        }
        return;
    case FLOAT:
        memcpy(&real, &head.value, sizeof real);
        if (push) {
            lua_pushnumber(L, real);
        }
        return;
    case TEXT:
        text = text_of(from, &length);
        if (push) {
            lua_pushlstring(L, text, length);
        }
        return;
    case ARRAY:
    case MAP:
        break;
    }
    if (push) {
        lua_createtable(L, head.kind == ARRAY && length < INT_MAX ? (int) length : 0, 0);
    }
    for (i = 1; i <= length && from->at < from->end; i++) {
        if (head.kind == MAP) {
            read_value(L, from, push);
        }
        read_value(L, from, push);
        if (push && head.kind == MAP) {
            lua_rawset(L, -3);
        } else if (push) {
            lua_rawseti(L, -2, (lua_Integer) i);
        }
    }
}

size_t push_map(lua_State *L, const struct buffer *maps, size_t from)
{
    struct reader reader = { maps->bytes + from, maps->bytes + maps->used };

    read_value(L, &reader, true);
    return (size_t) (reader.at - maps->bytes);
}

void take_key(lua_State *L, int index, const struct buffer *map, const char *key)
{
    struct reader from = { map->bytes, map->bytes + map->used };
    struct head head = read_head(&from), name;
    uint64_t i, length;
    const char *text;
    bool found = false;

    for (i = 0; i < head.value && !found && from.at < from.end; i++) {
        name = read_head(&from); /* keys are texts: encode_table wrote them, or the library */
        length = name.value;
        text = text_of(&from, &length);
        found = length == strlen(key) && memcmp(text, key, length) == 0;
        read_value(L, &from, found);
    }
    if (!found) {
        lua_pushnil(L);
    }
    lua_setfield(L, index, key);
}
