/*
 * Several states of Lua in one process, each on a thread of its own, as several transforms of
 * Vector; states end and begin while others match, as at a reload of Vector's configuration.
 *
 *   two_states MODULE-FOLDER rules.sgt
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

enum { STATES = 4, ROUNDS = 5 };

static const char *module, *rules;

static const char SCRIPT[] =
    "package.cpath = module .. '/?.so'\n"
    "detector = require('sigmatag').open { rules = rules }\n"
    "function round()\n"
    "  local emitted = 0\n"
    "  for n = 1, 200 do\n"
    "    local text = n % 10 == 0 and '{\"statement\":\"DROP TABLE users\"}' or '{\"statement\":\"SELECT 1\"}'\n"
    "    detector.detect({ log = { message = text } }, function() emitted = emitted + 1 end)\n"
    "    if n % 50 == 0 then detector.reload(); collectgarbage() end\n"
    "  end\n"
    "  assert(emitted == 20, emitted)\n"
    "end\n"
    "function events() return detector.stats().events end\n";

static void must(lua_State *L, int status)
{
    if (status != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        exit(1);
    }
}

static lua_State *start(void)
{
    lua_State *L = luaL_newstate();

    luaL_openlibs(L);
    lua_pushstring(L, module);
    lua_setglobal(L, "module");
    lua_pushstring(L, rules);
    lua_setglobal(L, "rules");
    must(L, luaL_dostring(L, SCRIPT));
    return L;
}

static long events(lua_State *L)
{
    long n;

    lua_getglobal(L, "events");
    must(L, lua_pcall(L, 0, 1, 0));
    n = (long) lua_tointeger(L, -1);
    lua_pop(L, 1);
    return n;
}

static void *run(void *state)
{
    lua_getglobal(state, "round");
    must(state, lua_pcall(state, 0, 0, 0));
    return NULL;
}

int main(int count, char **arguments)
{
    lua_State *first, *states[STATES];
    pthread_t threads[STATES];
    int round, i;

    if (count != 3) {
        return 2;
    }
    module = arguments[1];
    rules = arguments[2];
    first = start();
    for (round = 0; round < ROUNDS; round++) {
        for (i = 0; i < STATES; i++) {
            states[i] = start();
        }
        for (i = 0; i < STATES; i++) {
            if (pthread_create(&threads[i], NULL, run, states[i]) != 0) {
                return 1;
            }
        }
        run(first);
        for (i = 0; i < STATES; i++) {
            pthread_join(threads[i], NULL);
            if (i > 0) {
                lua_close(states[i]);
            }
        }
        run(states[0]); /* on a thread that is not the one it was on */
        lua_close(states[0]);
    }
    /* One engine: each state sees what all of them saw. */
    printf("%ld events\n", events(first));
    lua_close(first);
    first = start(); /* all are gone: a new engine, in an object that stayed mapped */
    printf("%ld events\n", events(first));
    run(first);
    lua_close(first);
    return 0;
}
