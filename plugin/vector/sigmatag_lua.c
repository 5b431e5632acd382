/*
 * sigmatag_lua.c: Sigma rules inside the `lua` transform of Vector, as a module of Lua 5.4.
 *
 *   lua54.h        the functions of Lua, without its headers
 *   engines.c      engines of the process, through reloads; takes the only lock
 *   options.c      the options of open{...}
 *   table.c        tables as msgpack and back
 *   detector.c     one event through the library
 *   events.c       events of Vector: where the event is, and what goes on in its place
 *   sigmatag_lua.c (here)   what Lua calls
 *
 * Errors of Lua are jumps. They start while no function of the library is on the stack and no lock
 * is held, in files that call Lua, and whatever has to be freed belongs to the detector. The library never
 * calls back, and its panics end at its own border.
 *
 * Detection never costs a log: what cannot be examined is emitted or passed on, and counted.
 */
#include <stdio.h>
#include <string.h>

#include "events.h"

static const char DETECTOR[] = "sigmatag.detector";

/* The detector of a method, which may be called with a dot or with a colon. */
static struct detector *self(lua_State *L)
{
    struct detector *detector = lua_touserdata(L, lua_upvalueindex(1));

    if (lua_type(L, 1) == LUA_TTABLE && lua_rawequal(L, 1, lua_upvalueindex(2))) {
        lua_rotate(L, 1, -1);
        lua_pop(L, 1);
    }
    if (detector == NULL || detector->engine == NULL) {
        luaL_error(L, "sigmatag: this detector is closed"); /* by the end of its state */
    }
    return detector;
}

/* ------------------------------------------------------------------ */
/* Methods                                                            */
/* ------------------------------------------------------------------ */

/*
 * detect(event, emit): emits the event, tagged, if rules match it. As hooks.process of a branch
 * beside the logs' way.
 */
static int detect(lua_State *L)
{
    struct detector *detector = self(L);
    struct found found = find_event(L, detector);
    uint32_t flags = detector->options.tagging.flags;
    bool retry = false, is_text = found.given.bytes != NULL;
    struct made made = { 0 };
    enum outcome outcome = NOT_EXAMINED;

    if (lua_type(L, 2) == LUA_TNIL) {
        luaL_error(L, "sigmatag: detect takes an event and the function that emits, as a hook of Vector gets them");
    }
    begin_event(detector);
    if (found.log == 0) {
        count(detector->engine, SKIPPED, 1);
        return 0;
    }
    if (is_text) {
        outcome = tag_event(detector, &found.given, flags, true, &retry, &made);
    }
    if (!is_text || retry) {
        is_text = false;
        outcome = give_table(L, detector, found.log, &found.given);
        if (outcome == CLEAN) {
            outcome = tag_event(detector, &found.given, flags & ~(uint32_t) SIGMATAG_SPLIT_RECORDS, true, NULL, &made);
        }
    }
    if (outcome == MATCHES) {
        emit_matches(L, detector, &found, is_text, &made);
    } else if (outcome == NOT_EXAMINED && detector->options.emit_unexamined) {
        lua_pushstring(L, detector->message);
        lua_setfield(L, found.log, "sigmatag_error");
        emit(L);
    }
    return 0;
}

/* True, false, or nil and why not. */
static int answer(lua_State *L, const struct detector *detector, enum outcome outcome)
{
    if (outcome == NOT_EXAMINED) {
        lua_pushnil(L);
        lua_pushstring(L, detector->message);
        return 2;
    }
    lua_pushboolean(L, outcome == MATCHES);
    return 1;
}

/* tag(event [, emit]): tags the event in its place; with `emit` it goes on, whatever happened. */
static int tag(lua_State *L)
{
    struct detector *detector = self(L);
    struct found found = find_event(L, detector);
    uint32_t flags = detector->options.tagging.flags & ~(uint32_t) SIGMATAG_SPLIT_RECORDS;
    bool retry = false, emitted = false, is_text = found.given.bytes != NULL;
    struct made made = { 0 };
    enum outcome outcome = CLEAN;

    begin_event(detector);
    count(detector->engine, SKIPPED, found.log == 0);
    if (is_text) {
        outcome = tag_event(detector, &found.given, flags, false, &retry, &made);
    }
    if (found.log != 0 && (!is_text || retry)) {
        is_text = false;
        outcome = give_table(L, detector, found.log, &found.given);
        if (outcome == CLEAN) {
            outcome = tag_event(detector, &found.given, flags, false, NULL, &made);
        }
    }
    outcome = put_made(L, detector, &found, is_text, &made, outcome, &emitted);
    if (!emitted && lua_type(L, 2) != LUA_TNIL) {
        emit(L);
    }
    return answer(L, detector, outcome);
}

static void text_field(lua_State *L, const char *key, const char *text, size_t length)
{
    if (length > 0) {
        lua_pushlstring(L, text, length);
        lua_setfield(L, -2, key);
    }
}

/* A list of what matched; nil if nothing did; nil and why not. */
static int hit_list(lua_State *L, struct detector *detector, enum outcome outcome)
{
    static const char *const levels[] = { "", "informational", "low", "medium", "high", "critical" };
    sigmatag_rule rule = { .struct_size = sizeof rule };
    size_t i;

    if (outcome != MATCHES) {
        lua_pushnil(L);
        lua_pushstring(L, detector->message);
        return outcome == NOT_EXAMINED ? 2 : (lua_pop(L, 1), 1);
    }
    lua_createtable(L, (int) detector->hit_count, 0);
    for (i = 0; i < detector->hit_count; i++) {
        const sigmatag_hit *hit = &hits_of(detector)[i];
        int32_t status = sigmatag_rule_info(detector->scratch, hit->rule, &rule);

        if (status != SIGMATAG_OK) {
            luaL_error(L, "sigmatag: a rule that matched cannot be described: %s", sigmatag_status_text(status));
        }
        lua_createtable(L, 0, 8);
        text_field(L, "id", rule.id, rule.id_len);
        text_field(L, "title", rule.title, rule.title_len);
        text_field(L, "author", rule.author, rule.author_len);
        text_field(L, "tags", rule.tags, rule.tags_len);
        text_field(L, "logsource", rule.logsource, rule.logsource_len);
        text_field(L, "level", levels[rule.level], strlen(levels[rule.level]));
        lua_pushinteger(L, hit->event);
        lua_setfield(L, -2, "event");
        lua_rawseti(L, -2, (lua_Integer) i + 1);
    }
    return 1;
}

/* match_json(text): the rules that match the event of a JSON text. */
static int match_json(lua_State *L)
{
    struct detector *detector = self(L);
    struct given given = { .format = SIGMATAG_JSON };

    if (lua_type(L, 1) != LUA_TSTRING) {
        luaL_error(L, "sigmatag: match_json takes the text of a JSON object, this is a %s", lua_typename(L, lua_type(L, 1)));
    }
    given.bytes = lua_tolstring(L, 1, &given.length);
    begin_event(detector);
    return hit_list(L, detector, examine(detector, &given, NULL));
}

/* match(table): the same with a table, for instance event.log. */
static int match(lua_State *L)
{
    struct detector *detector = self(L);
    struct given given;
    enum outcome outcome;

    if (lua_type(L, 1) != LUA_TTABLE) {
        luaL_error(L, "sigmatag: match takes a table, this is a %s; for a JSON text there is match_json",
                   lua_typename(L, lua_type(L, 1)));
    }
    begin_event(detector);
    outcome = give_table(L, detector, 1, &given);
    return hit_list(L, detector, outcome == CLEAN ? examine(detector, &given, NULL) : outcome);
}

/* reload(): true: other rules are in force; false: the file has not changed; nil and why not. */
static int reload(lua_State *L)
{
    struct detector *detector = self(L);
    char message[MESSAGE] = "";
    enum reloaded done = reload_engine(detector->engine, message);

    if (done == RELOAD_FAILED) {
        lua_pushnil(L);
        lua_pushstring(L, message);
        return 2;
    }
    lua_pushboolean(L, done == RELOAD_DONE);
    return 1;
}

static void number_field(lua_State *L, const char *key, uint64_t value)
{
    lua_pushinteger(L, (lua_Integer) value);
    lua_setfield(L, -2, key);
}

static void push_sources(lua_State *L, const struct detector *detector, uint32_t sources)
{
    sigmatag_source_t source = { .struct_size = sizeof source };
    uint32_t i;

    lua_createtable(L, 0, (int) sources);
    for (i = 0; i < sources && sigmatag_source_info(detector->engine->handle, i, &source) == SIGMATAG_OK; i++) {
        if (source.events == 0) {
            continue;
        }
        lua_pushlstring(L, source.name, source.name_len);
        lua_createtable(L, 0, 2);
        number_field(L, "events", source.events);
        number_field(L, "broken", source.broken_payload + source.broken_nested + source.broken_positions +
                                      source.broken_line);
        lua_rawset(L, -3);
    }
    lua_setfield(L, -2, "sources");
}

/* stats(): what the engine, and all detectors that share it, saw; and which rules are in force. */
static int stats(lua_State *L)
{
    static const char *const names[COUNTERS] = {
        [EVENTS] = "events", [MATCHED] = "matched", [HITS] = "hits", [MALFORMED] = "malformed",
        [UNEXAMINED] = "unexamined", [UNROUTED] = "unrouted", [ERRORS] = "errors", [SKIPPED] = "skipped",
        [NORMALIZED] = "normalized", [UNMAPPED] = "unmapped",
    };
    struct detector *detector = self(L);
    sigmatag_info_t info = { .struct_size = sizeof info };
    sigmatag_stats_t totals = { .struct_size = sizeof totals };
    int i;

    sigmatag_info(detector->engine->handle, &info);
    sigmatag_get_stats(detector->engine->handle, &totals);
    lua_createtable(L, 0, COUNTERS + 8);
    for (i = 0; i < COUNTERS; i++) {
        number_field(L, names[i], atomic_load_explicit(&detector->engine->counters[i], memory_order_relaxed));
    }
    number_field(L, "panics", totals.panics);
    number_field(L, "reloads", totals.reloads);
    number_field(L, "failed_reloads", totals.failed_reloads);
    number_field(L, "rules", info.rules);
    number_field(L, "disabled_rules", info.disabled_rules);
    number_field(L, "unknown_disabled_rules", info.unknown_disabled_rules);
    number_field(L, "generation", info.generation);
    text_field(L, "ruleset", info.ruleset, strlen(info.ruleset));
    push_sources(L, detector, info.sources);
    return 1;
}

/* ------------------------------------------------------------------ */
/* Opening                                                            */
/* ------------------------------------------------------------------ */

static int collect(lua_State *L)
{
    free_detector(lua_touserdata(L, 1));
    return 0;
}

/* The library checks log source and tag key when it gets an event: so it gets one, with other totals. */
static const char *wrong_option(struct detector *detector)
{
    sigmatag_event event = {
        .struct_size = sizeof event, .format = SIGMATAG_JSON, .data = (const uint8_t *) "{}", .len = 2,
        .logsource = (const uint8_t *) detector->options.logsource, .logsource_len = strlen(detector->options.logsource),
    };
    sigmatag_tagging tagging = detector->options.tagging;
    sigmatag *trial = NULL;
    sigmatag_scratch *scratch = NULL;
    const char *wrong = NULL;
    size_t length = 0;

    if (tagging.shape != SIGMATAG_FLAT) {
        tagging.key = (const uint8_t *) detector->options.tag_key;
        tagging.key_len = strlen(detector->options.tag_key);
    }
    if (sigmatag_share(detector->engine->handle, NULL, &trial, NULL) != SIGMATAG_OK ||
        sigmatag_scratch_new(trial, &scratch, NULL) != SIGMATAG_OK) {
        wrong = "out of memory";
    } else if (sigmatag_match(trial, scratch, &event, NULL, 0, &length, NULL) == SIGMATAG_BAD_ARGUMENT) {
        wrong = "option `logsource`: write PRODUCT/CATEGORY/SERVICE with two slashes; parts may be empty, as in "
                "`mysql//audit`";
    } else if (sigmatag_tag_prepare(trial, scratch, &event, &tagging, &length, NULL) == SIGMATAG_BAD_ARGUMENT) {
        wrong = "option `tag_key`: this cannot be the key of a tag: control characters are not allowed, nor are, with "
                "tag_format ecs, `rule`, `threat` and `event`";
    }
    sigmatag_scratch_free(scratch);
    sigmatag_free(trial);
    return wrong;
}

static const luaL_Reg methods[] = {
    { "detect", detect }, { "tag", tag }, { "match", match }, { "match_json", match_json }, { "reload", reload },
    { "stats", stats }, { NULL, NULL },
};

/* open{...}: a detector. Raises, so that Vector refuses to start. */
static int open_detector(lua_State *L)
{
    struct detector *detector;
    char message[MESSAGE] = "";
    const char *wrong;
    int32_t status;

    lua_settop(L, 1);
    detector = lua_newuserdatauv(L, sizeof *detector, 0);
    memset(detector, 0, sizeof *detector);
    luaL_newmetatable(L, DETECTOR);
    lua_setmetatable(L, 2);
    read_options(L, 1, &detector->options);
    detector->engine = take_engine(&detector->options.engine, message);
    if (detector->engine == NULL) {
        return luaL_error(L, "sigmatag.open: %s", message);
    }
    detector->options.engine.path = NULL; /* Lua's memory, which goes now */
    detector->options.engine.options.disable_rules = NULL;
    detector->options.engine.options.normalize = NULL;
    wrong = wrong_option(detector);
    if (wrong != NULL) {
        return luaL_error(L, "sigmatag.open: %s", wrong);
    }
    status = sigmatag_scratch_new(detector->engine->handle, &detector->scratch, NULL);
    if (status != SIGMATAG_OK) {
        detector->scratch = NULL;
        return luaL_error(L, "sigmatag.open: %s", sigmatag_status_text(status));
    }
    lua_createtable(L, 0, 8);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    luaL_setfuncs(L, methods, 2);
    return 1;
}

__attribute__((visibility("default"))) int luaopen_sigmatag(lua_State *L);

int luaopen_sigmatag(lua_State *L)
{
    if (lua_newuserdatauv == NULL || lua_version == NULL || lua_version(L) != 504) {
        return luaL_error(L, "sigmatag %s is a module of Lua 5.4 and this host has another version of Lua. Repair: for "
                             "LuaJIT and Lua 5.1 to 5.3 use libsigmatag.so through the FFI, for Fluent Bit the filter "
                             "flb-filter_sigmatag.so", sigmatag_version());
    }
    if (luaL_newmetatable(L, DETECTOR)) {
        lua_pushcclosure(L, collect, 0);
        lua_setfield(L, -2, "__gc");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable"); /* nobody calls __gc himself */
    }
    lua_createtable(L, 0, 4);
    lua_pushcclosure(L, open_detector, 0);
    lua_setfield(L, -2, "open");
    lua_pushstring(L, sigmatag_version());
    lua_setfield(L, -2, "version");
    return 1;
}
