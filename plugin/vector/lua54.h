/*
 * What we use of Lua 5.4's C interface, so that no Lua headers are needed to build.
 * The interface of a minor version of Lua does not change. A test compiles this
 * together with Lua's own headers: declarations that differ do not compile.
 *
 * Functions that 5.1 (and LuaJIT) lack are weak: there the object loads all the same,
 * and luaopen_sigmatag says what is wrong.
 */
#ifndef SIGMATAG_LUA54_H
#define SIGMATAG_LUA54_H

#include <stddef.h>

#ifdef SIGMATAG_LUA_HEADERS
#include <lua.h>
#include <lauxlib.h>
#else
typedef struct lua_State lua_State;
typedef long long lua_Integer;
typedef double lua_Number;
typedef ptrdiff_t lua_KContext;
typedef int (*lua_CFunction)(lua_State *);
typedef int (*lua_KFunction)(lua_State *, int, lua_KContext);
typedef struct luaL_Reg {
    const char *name;
    lua_CFunction func;
} luaL_Reg;

#define LUA_TNIL 0
#define LUA_TBOOLEAN 1
#define LUA_TNUMBER 3
#define LUA_TSTRING 4
#define LUA_TTABLE 5
#define LUA_TFUNCTION 6
#define LUA_REGISTRYINDEX (-1000000 - 1000)
#define lua_upvalueindex(i) (LUA_REGISTRYINDEX - (i))
#define lua_pop(L, n) lua_settop(L, -(n) - 1)
#define lua_call(L, n, r) lua_callk(L, n, r, 0, NULL)
#endif

#define WEAK __attribute__((weak))

extern int luaL_error(lua_State *, const char *, ...);
extern int luaL_newmetatable(lua_State *, const char *);
extern int lua_checkstack(lua_State *, int);
extern void lua_concat(lua_State *, int);
extern void lua_createtable(lua_State *, int, int);
extern int lua_gettop(lua_State *);
extern int lua_next(lua_State *, int);
extern void lua_pushboolean(lua_State *, int);
extern void lua_pushcclosure(lua_State *, lua_CFunction, int);
extern void lua_pushinteger(lua_State *, lua_Integer);
extern const char *lua_pushlstring(lua_State *, const char *, size_t);
extern void lua_pushnil(lua_State *);
extern void lua_pushnumber(lua_State *, lua_Number);
extern const char *lua_pushstring(lua_State *, const char *);
extern void lua_pushvalue(lua_State *, int);
extern int lua_rawequal(lua_State *, int, int);
extern void lua_rawset(lua_State *, int);
extern void lua_setfield(lua_State *, int, const char *);
extern int lua_setmetatable(lua_State *, int);
extern void lua_settop(lua_State *, int);
extern int lua_toboolean(lua_State *, int);
extern const char *lua_tolstring(lua_State *, int, size_t *);
extern void *lua_touserdata(lua_State *, int);
extern int lua_type(lua_State *, int);
extern const char *lua_typename(lua_State *, int);

extern void luaL_setfuncs(lua_State *, const luaL_Reg *, int) WEAK;
extern void lua_callk(lua_State *, int, int, lua_KContext, lua_KFunction) WEAK;
extern int lua_isinteger(lua_State *, int) WEAK;
extern void *lua_newuserdatauv(lua_State *, size_t, int) WEAK;
extern int lua_rawget(lua_State *, int);             /* void in 5.1 */
extern int lua_rawgeti(lua_State *, int, lua_Integer); /* other arguments in 5.1 */
extern unsigned long long lua_rawlen(lua_State *, int) WEAK;
extern void lua_rawseti(lua_State *, int, lua_Integer);
extern void lua_rotate(lua_State *, int, int) WEAK;
extern lua_Integer lua_tointegerx(lua_State *, int, int *) WEAK;
extern lua_Number lua_tonumberx(lua_State *, int, int *) WEAK;
extern lua_Number lua_version(lua_State *) WEAK;

#endif
