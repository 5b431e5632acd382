/* Events of Vector: where the event is in them, and what goes on in their place. */
#ifndef SIGMATAG_EVENTS_H
#define SIGMATAG_EVENTS_H

#include "detector.h"
#include "lua54.h"

/* Where the event of an event of Vector is. */
struct found {
    int log;             /* index of the log's table, 0 if it is no log */
    struct given given;  /* JSON text, if bytes is not NULL; else the table is the event */
};

/*
 * For an event at 1 and what emits at 2. Leaves the log's table and its text on the stack: that keeps the text
 * where it is.
 */
struct found find_event(lua_State *L, struct detector *detector);

/* The table at `index` as an event; CLEAN: it is in `given`. */
enum outcome give_table(lua_State *L, struct detector *detector, int index, struct given *given);

/* Emits the event at 1 by the function at 2. */
void emit(lua_State *L);

/*
 * Emits what was made of an event that matches: of a text (`is_text`) or of the log's table. Of the pieces of
 * an envelope only those that match.
 */
void emit_matches(lua_State *L, const struct detector *detector, const struct found *found, bool is_text,
                  const struct made *made);

/*
 * Puts what was made of an event into its place. `*emitted`: those were several events, and they went on by
 * the function at 2. Without one they have no place: NOT_EXAMINED, and the event stays as it came.
 */
enum outcome put_made(lua_State *L, struct detector *detector, const struct found *found, bool is_text,
                      const struct made *made, enum outcome outcome, bool *emitted);

#endif
