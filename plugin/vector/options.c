#include "options.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const level_names[] = { "informational", "low", "medium", "high", "critical" };
static const char *const mode_names[] = { "auto", "strict", "none" };
static const char *const format_names[] = { "nested", "flat", "ecs" };
static const char *const option_names[] = {
    "rules", "disable_rules", "min_level", "logsource_mode", "logsource", "max_record", "tag_format", "tag_key",
    "split_records", "strip_foreign", "normalize", "field", "emit_unexamined",
};
enum { LEVELS = 5, MODES = 3, FORMATS = 3, OPTIONS = sizeof option_names / sizeof *option_names };

static void list(char *out, size_t size, const char *const *names, size_t count)
{
    size_t i, used = 0;

    for (i = 0; i < count && used < size; i++) {
        used += (size_t) snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "", names[i]);
    }
}

/* A misspelt option would be one that is not set. */
static void check_names(lua_State *L, int index)
{
    char known[256];
    const char *name;
    size_t i;

    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            luaL_error(L, "sigmatag.open: options have names, as in open{rules = \"/etc/vector/rules.sgt\"}; there is one "
                          "that is a %s", lua_typename(L, lua_type(L, -2)));
        }
        name = lua_tolstring(L, -2, NULL);
        for (i = 0; i < OPTIONS && strcmp(name, option_names[i]) != 0; i++) {
        }
        if (i == OPTIONS) {
            list(known, sizeof known, option_names, OPTIONS);
            luaL_error(L, "sigmatag.open: there is no option `%s`; the options are %s", name, known);
        }
        lua_pop(L, 1);
    }
}

/* A text without NUL that stays on the stack; NULL if it is not set. */
static const char *text_option(lua_State *L, int index, const char *name, size_t *length)
{
    const char *text;

    lua_pushstring(L, name);
    lua_rawget(L, index);
    if (lua_type(L, -1) == LUA_TNIL) {
        *length = 0;
        return NULL;
    }
    if (lua_type(L, -1) != LUA_TSTRING) {
        luaL_error(L, "sigmatag.open: option `%s` is a %s; write a text", name, lua_typename(L, lua_type(L, -1)));
    }
    text = lua_tolstring(L, -1, length);
    if (*length == 0 || strlen(text) != *length) {
        luaL_error(L, "sigmatag.open: option `%s` is %s; give it a value or leave it out", name,
                   *length == 0 ? "empty (is an environment variable not set?)" : "no text: it holds a NUL");
    }
    return text;
}

static bool switch_option(lua_State *L, int index, const char *name, bool otherwise)
{
    int type;
    bool value;

    lua_pushstring(L, name);
    lua_rawget(L, index);
    type = lua_type(L, -1);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN) {
        luaL_error(L, "sigmatag.open: option `%s` is a %s; write true or false", name, lua_typename(L, type));
    }
    value = type == LUA_TNIL ? otherwise : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

/* The index of the value in `names`; -1 if it is not set. */
static int choice_option(lua_State *L, int index, const char *name, const char *const *names, size_t count)
{
    char known[128];
    size_t length, i;
    const char *text = text_option(L, index, name, &length);

    if (text == NULL) {
        return -1;
    }
    for (i = 0; i < count; i++) {
        if (strcasecmp(text, names[i]) == 0) {
            return (int) i;
        }
    }
    list(known, sizeof known, names, count);
    luaL_error(L, "sigmatag.open: option `%s` is `%s`; it can be %s", name, text, known);
    return -1;
}

static void short_option(lua_State *L, int index, const char *name, const char *otherwise, char out[NAME])
{
    size_t length;
    const char *text = text_option(L, index, name, &length);

    if (length >= NAME) {
        luaL_error(L, "sigmatag.open: option `%s` has %d bytes; %d are allowed", name, (int) length, NAME - 1);
    }
    strcpy(out, text != NULL ? text : otherwise);
}

/* A list becomes one text, as the library takes it. */
static void read_disabled(lua_State *L, int index, sigmatag_options *out)
{
    static const char NAME_OF[] = "disable_rules";
    size_t count, i, length;
    int at;

    lua_pushstring(L, NAME_OF);
    lua_rawget(L, index);
    if (lua_type(L, -1) != LUA_TTABLE) {
        lua_pop(L, 1);
        out->disable_rules = (const uint8_t *) text_option(L, index, NAME_OF, &out->disable_rules_len);
        return;
    }
    at = lua_gettop(L);
    count = lua_rawlen(L, at);
    lua_pushstring(L, "");
    for (i = 1; i <= count; i++) {
        lua_rawgeti(L, at, (lua_Integer) i);
        if (lua_type(L, -1) != LUA_TSTRING || strlen(lua_tolstring(L, -1, &length)) != length) {
            luaL_error(L, "sigmatag.open: option `%s`: entry %d is no id", NAME_OF, (int) i);
        }
        lua_pushstring(L, "\n");
        lua_concat(L, 3);
    }
    out->disable_rules = (const uint8_t *) lua_tolstring(L, -1, &out->disable_rules_len);
}

static uint32_t read_max_record(lua_State *L, int index)
{
    lua_Integer value = 0;
    int is_integer = 1;

    lua_pushstring(L, "max_record");
    lua_rawget(L, index);
    if (lua_type(L, -1) != LUA_TNIL) {
        value = lua_tointegerx(L, -1, &is_integer);
        if (!is_integer || value < 1 || value > SIGMATAG_MAX_RECORD) {
            luaL_error(L, "sigmatag.open: option `max_record` is a number of bytes from 1 to %d", SIGMATAG_MAX_RECORD);
        }
    }
    lua_pop(L, 1);
    return (uint32_t) value;
}

void read_options(lua_State *L, int index, struct options *options)
{
    sigmatag_options *engine = &options->engine.options;
    size_t length;
    int chosen;

    memset(options, 0, sizeof *options);
    if (lua_type(L, index) == LUA_TNIL) {
        lua_createtable(L, 0, 0);
        index = lua_gettop(L);
    }
    if (lua_type(L, index) != LUA_TTABLE) {
        luaL_error(L, "sigmatag.open takes a table, as in open{rules = \"/etc/vector/rules.sgt\"}; this is a %s",
                   lua_typename(L, lua_type(L, index)));
    }
    if (!lua_checkstack(L, 32)) {
        luaL_error(L, "sigmatag.open: the stack of Lua is full");
    }
    check_names(L, index);
    options->engine.path = text_option(L, index, "rules", &length);
    engine->struct_size = sizeof *engine;
    engine->min_level = choice_option(L, index, "min_level", level_names, LEVELS) + 1;
    chosen = choice_option(L, index, "logsource_mode", mode_names, MODES);
    engine->logsource_mode = chosen < 0 ? SIGMATAG_LOGSOURCE_AUTO : chosen;
    engine->max_record = read_max_record(L, index);
    read_disabled(L, index, engine);
    engine->normalize = (const uint8_t *) text_option(L, index, "normalize", &engine->normalize_len);
    options->tagging.struct_size = sizeof options->tagging;
    chosen = choice_option(L, index, "tag_format", format_names, FORMATS);
    options->tagging.shape = chosen < 0 ? SIGMATAG_NESTED : chosen;
    options->tagging.flags = (switch_option(L, index, "split_records", false) ? SIGMATAG_SPLIT_RECORDS : 0) |
                             (switch_option(L, index, "strip_foreign", false) ? SIGMATAG_STRIP_FOREIGN : 0);
    options->emit_unexamined = switch_option(L, index, "emit_unexamined", true);
    short_option(L, index, "tag_key", "", options->tag_key);
    if (options->tagging.shape == SIGMATAG_FLAT && options->tag_key[0] != 0) {
        luaL_error(L, "sigmatag.open: option `tag_key` belongs to the formats nested and ecs; flat has fixed columns");
    }
    if (options->tag_key[0] == 0) {
        strcpy(options->tag_key, "sigma");
    }
    short_option(L, index, "field", "message", options->field);
    short_option(L, index, "logsource", "", options->logsource);
}
