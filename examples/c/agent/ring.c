/* A ring of blocks: filled, worked on and written out in order, each by whoever is free. */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

enum { EMPTY, FILLED, TAKEN, DONE };

static struct block ring[4 * MAX_THREADS];
static size_t size, to_fill, to_take, to_write;
static int has_ended, is_stopping;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

void ring_start(int threads) { size = (size_t)threads * 4; }

static void set_state(struct block *block, int state) {
  pthread_mutex_lock(&lock);
  block->state = state;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

/* The block at a place that moves on, once it has a state; NULL at the end. */
static struct block *next(size_t *place, int state, int becomes) {
  struct block *block = NULL;

  pthread_mutex_lock(&lock);
  while (ring[*place % size].state != state && !(has_ended && *place == to_fill))
    pthread_cond_wait(&changed, &lock);
  if (ring[*place % size].state == state) {
    block = &ring[(*place)++ % size];
    block->state = becomes;
    pthread_cond_broadcast(&changed);
  }
  pthread_mutex_unlock(&lock);
  return block;
}

struct block *ring_empty(void) {
  struct block *block;

  pthread_mutex_lock(&lock);
  while (ring[to_fill % size].state != EMPTY) pthread_cond_wait(&changed, &lock);
  block = &ring[to_fill % size];
  block->len = block->out_len = 0;
  block->is_part = 0;
  pthread_mutex_unlock(&lock);
  return block;
}

void ring_filled(struct block *block) {
  pthread_mutex_lock(&lock);
  block->state = FILLED;
  to_fill++;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

void ring_end(void) {
  pthread_mutex_lock(&lock);
  has_ended = 1;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

struct block *ring_take(void) { return next(&to_take, FILLED, TAKEN); }
void ring_done(struct block *block) { set_state(block, DONE); }
struct block *ring_next_done(void) { return next(&to_write, DONE, DONE); }
void ring_free(struct block *block) { set_state(block, EMPTY); }

void ring_stop(void) {
  pthread_mutex_lock(&lock);
  is_stopping = 1;
  pthread_mutex_unlock(&lock);
}

int ring_is_stopping(void) {
  int stopping;

  pthread_mutex_lock(&lock);
  stopping = is_stopping;
  pthread_mutex_unlock(&lock);
  return stopping;
}

void ring_release(void) {
  size_t i;

  for (i = 0; i < size; i++) {
    free(ring[i].data);
    free(ring[i].out);
  }
}

static int grow(char **bytes, size_t *room, size_t needed) {
  size_t larger = *room > needed / 2 ? *room * 2 : needed;
  char *moved;

  if (needed <= *room) return 1;
  moved = realloc(*bytes, larger);
  if (moved == NULL) return 0;
  *bytes = moved;
  *room = larger;
  return 1;
}

int block_reserve(struct block *block, size_t more) {
  return grow(&block->data, &block->room, block->len + more);
}

int block_reserve_output(struct block *block, size_t more) {
  return grow(&block->out, &block->out_room, block->out_len + more);
}

int block_append(struct block *block, const char *bytes, size_t len) {
  if (!block_reserve_output(block, len)) return 0;
  memcpy(block->out + block->out_len, bytes, len);
  block->out_len += len;
  return 1;
}
