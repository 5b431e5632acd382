/* The parts of the agent: agent.c rules and threads, ring.c blocks of lines, reader.c where they come from. */
#ifndef AGENT_H
#define AGENT_H

#include <pthread.h>
#include <sigmatag.h>
#include <stddef.h>

enum {
  MAX_THREADS = 64,
  BLOCK_SIZE = 64 * 1024,
  MAX_LINE = 8 * 1024 * 1024 /* beyond it a line goes on untagged, in parts */
};

/* Whole lines, and what became of them. */
struct block {
  char *data;
  size_t len, room;
  char *out;
  size_t out_len, out_room;
  int is_part; /* of a line that is too long */
  int state;
};

int block_reserve(struct block *block, size_t more);        /* of data; 0: no memory */
int block_reserve_output(struct block *block, size_t more); /* of out */
int block_append(struct block *block, const char *bytes, size_t len);

void ring_start(int threads);
struct block *ring_empty(void);     /* reader: the next to fill; waits for one */
void ring_filled(struct block *);   /* reader */
void ring_end(void);                /* reader: nothing more comes */
struct block *ring_take(void);      /* worker: the next to work on; NULL: the end */
void ring_done(struct block *);     /* worker */
struct block *ring_next_done(void); /* writer: in the order of reading; NULL: the end */
void ring_free(struct block *);     /* writer */
void ring_stop(void);               /* any thread: the reader shall end */
int ring_is_stopping(void);
void ring_release(void); /* frees all memory, when no thread is left */

int read_lines(const char *file); /* until the end of input or ring_stop; 0: failed, said why */

#endif
