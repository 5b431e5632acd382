#include "events.h"

#include <string.h>

/* The columns of SIGMATAG_FLAT, and what SIGMATAG_ECS merges into. */
static const char *const flat_keys[] = {
    "SigmaIds", "SigmaTitles", "SigmaLevel", "SigmaTags", "AttackTechniques", "SigmaAuthors", "SigmaRuleset",
    "SigmaIndicators", "SigmaTruncated", NULL,
};
static const char *const ecs_keys[] = { "rule", "threat", "event", NULL };

/* ------------------------------------------------------------------ */
/* Finding                                                            */
/* ------------------------------------------------------------------ */

static size_t behind_blanks(const char *text, size_t from, size_t length)
{
    while (from < length && (text[from] == ' ' || text[from] == '\t' || text[from] == '\r' || text[from] == '\n')) {
        from++;
    }
    return from;
}

static bool begins_an_object(const char *text, size_t length)
{
    size_t at = behind_blanks(text, 0, length);

    return at < length && text[at] == '{';
}

struct found find_event(lua_State *L, struct detector *detector)
{
    struct found found = { .log = 0 };

    lua_settop(L, 2);
    if (lua_type(L, 1) != LUA_TTABLE) {
        luaL_error(L, "sigmatag: an event of Vector is a table with the key `log`; this is a %s. Use match or "
                      "match_json for other values", lua_typename(L, lua_type(L, 1)));
    }
    lua_pushstring(L, "log");
    lua_rawget(L, 1);
    if (lua_type(L, 3) != LUA_TTABLE) {
        return found;
    }
    found.log = 3;
    lua_pushstring(L, detector->options.field);
    lua_rawget(L, 3);
    if (lua_type(L, 4) == LUA_TSTRING) {
        found.given.format = SIGMATAG_JSON;
        found.given.bytes = lua_tolstring(L, 4, &found.given.length);
        if (!begins_an_object(found.given.bytes, found.given.length)) {
            found.given.bytes = NULL;
        }
    }
    return found;
}

enum outcome give_table(lua_State *L, struct detector *detector, int index, struct given *given)
{
    uint32_t limit = detector->options.engine.options.max_record;
    const char *what;

    switch (encode_table(L, index, limit != 0 ? limit : 4 << 20, &detector->event, &what)) {
    case ENCODED:
        break;
    case TOO_LARGE:
        return not_examined(detector, UNEXAMINED, "the event is larger than max_record");
    case TOO_DEEP:
        return not_examined(detector, UNEXAMINED, "the event is nested too deep, or holds itself");
    case NO_DATA:
        return not_examined(detector, ERRORS, "the event holds a %s, which is no data", what);
    case NO_MEMORY:
        return not_examined(detector, ERRORS, "out of memory");
    }
    given->format = SIGMATAG_MSGPACK;
    given->bytes = (const char *) detector->event.bytes;
    given->length = detector->event.used;
    return CLEAN;
}

/* ------------------------------------------------------------------ */
/* What goes on                                                       */
/* ------------------------------------------------------------------ */

void emit(lua_State *L)
{
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 0);
}

/* Takes the tag out of the tagged copy of the log's table. */
static void take_tag(lua_State *L, const struct detector *detector, int log)
{
    const char *const *key = detector->options.tagging.shape == SIGMATAG_FLAT ? flat_keys : ecs_keys;

    if (detector->options.tagging.shape != SIGMATAG_FLAT) {
        take_key(L, log, &detector->tagged, detector->options.tag_key);
    }
    for (; detector->options.tagging.shape != SIGMATAG_NESTED && *key != NULL; key++) {
        take_key(L, log, &detector->tagged, *key);
    }
}

/* The end of the JSON document that begins at `from`. */
static size_t document_end(const char *text, size_t from, size_t length)
{
    size_t depth = 0;
    bool quoted = false;

    for (; from < length; from++) {
        if (quoted && text[from] == '\\') {
            from++;
        } else if (quoted) {
            quoted = text[from] != '"';
        } else if (text[from] == '"') {
            quoted = true;
        } else if (text[from] == '{' || text[from] == '[') {
            depth++;
        } else if ((text[from] == '}' || text[from] == ']') && --depth == 0) {
            return from + 1;
        }
    }
    return length;
}

/* Puts a tagged text into the log, in place of the text that came. */
static void put_text(lua_State *L, const struct detector *detector, int log, const char *text, size_t length)
{
    lua_pushlstring(L, text, length);
    lua_setfield(L, log, detector->options.field);
}

/*
 * Emits the pieces of a text, all of them or those that have hits. `emit` is foreign code: the text is
 * Lua's by then, and the list of hits is asked for its length each time.
 */
static void emit_texts(lua_State *L, const struct detector *detector, int log, bool all)
{
    size_t start, end, length = detector->tagged.used, hit = 0;
    const char *text = lua_pushlstring(L, (const char *) detector->tagged.bytes, length);
    uint32_t event = 0;

    for (start = behind_blanks(text, 0, length); start < length; event++, start = behind_blanks(text, end, length)) {
        end = document_end(text, start, length);
        if (all || has_hit(detector, event, &hit)) {
            put_text(L, detector, log, text + start, end - start);
            emit(L);
        }
    }
}

/* The table at the top keeps the time of Vector's log, unless it has the event's own. */
static void keep_time(lua_State *L, int log)
{
    lua_pushstring(L, "@timestamp");
    lua_rawget(L, -2);
    if (lua_type(L, -1) == LUA_TNIL) {
        lua_pushstring(L, "timestamp");
        lua_rawget(L, log);
        lua_setfield(L, -3, "timestamp");
    }
    lua_pop(L, 1);
}

/* Pushes a list of the tables that were written, all of them or those that have hits: how many. */
static lua_Integer push_tables(lua_State *L, const struct detector *detector, int log, bool all)
{
    size_t at = 0, hit = 0;
    lua_Integer listed = 0;
    uint32_t event;

    lua_createtable(L, 0, 0);
    for (event = 0; at < detector->tagged.used; event++) {
        at = push_map(L, &detector->tagged, at);
        if (all || has_hit(detector, event, &hit)) {
            keep_time(L, log);
            lua_rawseti(L, -2, ++listed);
        } else {
            lua_pop(L, 1);
        }
    }
    return listed;
}

/* Makes an entry of the list at the top the log of the event at 1. */
static void put_table(lua_State *L, lua_Integer entry)
{
    lua_rawgeti(L, -1, entry);
    lua_setfield(L, 1, "log");
}

/* Emits the tables that were written: all are Lua's before the first is emitted. */
static void emit_tables(lua_State *L, const struct detector *detector, int log, bool all)
{
    lua_Integer i, listed = push_tables(L, detector, log, all);

    for (i = 1; i <= listed; i++) {
        put_table(L, i);
        emit(L);
    }
}

void emit_matches(lua_State *L, const struct detector *detector, const struct found *found, bool is_text,
                  const struct made *made)
{
    if (made->written && is_text && made->split) {
        emit_texts(L, detector, found->log, false);
        return;
    }
    if (made->written && !is_text && made->documents) {
        emit_tables(L, detector, found->log, !made->split);
        return;
    }
    if (made->written && is_text) {
        put_text(L, detector, found->log, (const char *) detector->tagged.bytes, detector->tagged.used);
    } else if (made->written) {
        take_tag(L, detector, found->log);
    }
    emit(L);
}

/* Whether a text that was made of an envelope is one piece. */
static bool is_one_text(const struct detector *detector)
{
    const char *text = (const char *) detector->tagged.bytes;
    size_t length = detector->tagged.used;

    return behind_blanks(text, document_end(text, 0, length), length) == length;
}

enum outcome put_made(lua_State *L, struct detector *detector, const struct found *found, bool is_text,
                      const struct made *made, enum outcome outcome, bool *emitted)
{
    if (!made->written) {
        return outcome;
    }
    *emitted = made->split && lua_type(L, 2) != LUA_TNIL;
    if (*emitted && is_text) {
        emit_texts(L, detector, found->log, true);
    } else if (*emitted) {
        emit_tables(L, detector, found->log, true);
    } else if (is_text && (!made->split || is_one_text(detector))) {
        put_text(L, detector, found->log, (const char *) detector->tagged.bytes, detector->tagged.used);
    } else if (!is_text && !made->documents) {
        take_tag(L, detector, found->log);
    } else if (!is_text && push_tables(L, detector, found->log, true) == 1) {
        put_table(L, 1);
    } else {
        return not_examined(detector, ERRORS, "with `normalize` an envelope of several events becomes several: give "
                                              "tag the function that emits as well");
    }
    return outcome;
}
