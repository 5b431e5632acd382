/* Reads whole lines into blocks, from standard input or from a file that grows and is rotated. */
#define _POSIX_C_SOURCE 200809L
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 200 };

/* Where lines come from, and what was read and not handed on. */
struct source {
  const char *file; /* NULL: standard input */
  int fd;
  off_t offset;
  char *data;
  size_t len, room;
  int in_long; /* within a line that is too long */
};

static int fail(const struct source *source, const char *why) {
  fprintf(stderr, "agent: %s: %s\n", source->file != NULL ? source->file : "standard input", why);
  return 0;
}

static void wait_a_little(void) {
  const struct timespec time = {0, PAUSE_MS * 1000000L};

  nanosleep(&time, NULL);
}

/* A file that is not there yet, or not just now, is waited for. */
static int open_source(struct source *source) {
  source->offset = 0;
  source->fd = STDIN_FILENO;
  if (source->file == NULL) return 1;
  while ((source->fd = open(source->file, O_RDONLY | O_CLOEXEC)) < 0) {
    if (errno != ENOENT) return fail(source, strerror(errno));
    if (ring_is_stopping()) return 1;
    wait_a_little();
  }
  return 1;
}

/* Hands on the first bytes that were read. */
static int hand_on(struct source *source, size_t len, int is_part) {
  struct block *block = ring_empty();

  if (!block_reserve(block, len)) return fail(source, "no memory for lines");
  memcpy(block->data, source->data, len);
  block->len = len;
  block->is_part = is_part;
  ring_filled(block);
  source->len -= len;
  memmove(source->data, source->data + len, source->len);
  return 1;
}

/* Hands on what is whole. */
static int hand_on_lines(struct source *source) {
  size_t whole = source->len;

  if (source->in_long) {
    const char *end = memchr(source->data, '\n', source->len);
    source->in_long = end == NULL;
    if (!hand_on(source, end != NULL ? (size_t)(end - source->data) + 1 : source->len, 1)) return 0;
    whole = source->len;
  }
  while (whole > 0 && source->data[whole - 1] != '\n') whole--;
  if (whole > 0 && !hand_on(source, whole, 0)) return 0;
  if (source->len > MAX_LINE) {
    source->in_long = 1;
    return hand_on(source, source->len, 1);
  }
  return 1;
}

/* The rest, which no line break ends. */
static int hand_on_rest(struct source *source) {
  return source->len == 0 || hand_on(source, source->len, source->in_long);
}

static int make_room(struct source *source, size_t more) {
  size_t room = source->len + more;
  char *moved = source->room < room ? realloc(source->data, room) : source->data;

  if (moved == NULL) return fail(source, "no memory for a line");
  source->data = moved;
  if (source->room < room) source->room = room;
  return 1;
}

/* At the end of a file: whether it was cut or replaced. */
static int was_rotated(const struct source *source) {
  struct stat here, there;

  if (fstat(source->fd, &here) != 0 || stat(source->file, &there) != 0) return 0;
  return here.st_ino != there.st_ino || here.st_dev != there.st_dev || here.st_size < source->offset;
}

/* From the beginning of what is there now. What was left of the old file becomes a line. */
static int follow_rotation(struct source *source) {
  if (source->len > 0) {
    if (!make_room(source, 1)) return 0;
    source->data[source->len++] = '\n';
    if (!hand_on_lines(source)) return 0;
  }
  close(source->fd);
  return open_source(source);
}

/* Until the end of standard input, or until asked to stop. */
static int read_all(struct source *source) {
  while (!ring_is_stopping()) {
    struct pollfd ready = {source->fd, POLLIN, 0};
    ssize_t n;

    /* So that a reader that waits can be told to stop. */
    if (poll(&ready, 1, PAUSE_MS) == 0) continue;
    if (!make_room(source, BLOCK_SIZE)) return 0;
    n = read(source->fd, source->data + source->len, BLOCK_SIZE);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(source, strerror(errno));
    source->offset += n;
    source->len += (size_t)n;
    if (n > 0 && !hand_on_lines(source)) return 0;
    if (n == 0 && source->file == NULL) break;
    if (n == 0 && was_rotated(source)) {
      if (!follow_rotation(source)) return 0;
    } else if (n == 0) {
      wait_a_little();
    }
  }
  return hand_on_rest(source);
}

int read_lines(const char *file) {
  struct source source;
  int done;

  memset(&source, 0, sizeof source);
  source.file = file;
  done = open_source(&source) && read_all(&source);
  if (file != NULL && source.fd >= 0) close(source.fd);
  free(source.data);
  return done;
}
