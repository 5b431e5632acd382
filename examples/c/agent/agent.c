/*
 * An agent: tags lines of JSON with several threads and reloads its rules while it runs.
 *
 *   agent [-t THREADS] [-f FILE] [-w] [RULES.sgt]       see usage() below
 *
 * reader --> blocks of whole lines --> workers, each with a scratch --> writer
 *
 * The blocks form a ring and are written in the order in which they were read. Whatever goes wrong
 * with a line, the line goes on as it came. Signals are waited for by a thread of their own: no
 * function of the library may be called from a signal handler.
 */
#define _POSIX_C_SOURCE 200809L
#include "agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct options {
  const char *rules; /* NULL: those that are built in */
  const char *file;  /* NULL: standard input */
  int watch;         /* reload when the file of rules changes */
  int threads;
} options;

static sigmatag *engine;

/* ---- rules ------------------------------------------------------------------------------------ */

static void say_rules(const char *what) {
  sigmatag_info_t info;

  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  if (sigmatag_info(engine, &info) == SIGMATAG_OK)
    fprintf(stderr, "agent: %s %u rules, rule set %.16s, generation %u\n", what, info.rules, info.ruleset,
            info.generation);
}

static int load_rules(void) {
  sigmatag_error error;
  int32_t status;

  memset(&error, 0, sizeof error);
  error.struct_size = sizeof error;
  status = options.rules != NULL
               ? sigmatag_init(options.rules, strlen(options.rules), NULL, &engine, &error)
               : sigmatag_init_default(NULL, &engine, &error);
  if (status != SIGMATAG_OK) {
    fprintf(stderr, "agent: %s\n", error.message);
    return 0;
  }
  say_rules("loaded");
  return 1;
}

/* A file that cannot be used leaves the old rules in force. */
static void reload_rules(void) {
  sigmatag_error error;

  memset(&error, 0, sizeof error);
  error.struct_size = sizeof error;
  if (options.rules == NULL)
    fprintf(stderr, "agent: the built-in rules do not change; name a file to reload it\n");
  else if (sigmatag_reload(engine, options.rules, strlen(options.rules), &error) == SIGMATAG_OK)
    say_rules("reloaded");
  else
    fprintf(stderr, "agent: the old rules stay in force: %s\n", error.message);
}

/* Whether the file of rules is another one than at the last call. */
static int rules_changed(struct stat *last) {
  struct stat now;
  int changed;

  if (options.rules == NULL || stat(options.rules, &now) != 0) return 0; /* about to be replaced */
  changed = now.st_ino != last->st_ino || now.st_size != last->st_size ||
            now.st_mtim.tv_sec != last->st_mtim.tv_sec || now.st_mtim.tv_nsec != last->st_mtim.tv_nsec;
  *last = now;
  return changed;
}

/* SIGHUP reloads; SIGINT and SIGTERM end the reader, and with it everybody else. */
static void *control(void *argument) {
  const struct timespec second = {1, 0};
  sigset_t *signals = argument;
  struct stat last;

  memset(&last, 0, sizeof last);
  rules_changed(&last);
  while (!ring_is_stopping()) {
    int number = sigtimedwait(signals, NULL, &second);
    if (number == SIGHUP) {
      rules_changed(&last);
      reload_rules();
    } else if (number == SIGINT || number == SIGTERM) {
      ring_stop();
    } else if (options.watch && rules_changed(&last)) {
      reload_rules();
    }
  }
  return NULL;
}

/* ---- lines ------------------------------------------------------------------------------------ */

/* The tagged line; 0: it goes on as it is. */
static size_t tag_line(sigmatag_scratch **scratch, const char *line, size_t len, struct block *block) {
  sigmatag_event event;
  size_t out_len = 0, written = 0;
  int32_t status;

  if (*scratch == NULL && sigmatag_scratch_new(engine, scratch, NULL) != SIGMATAG_OK) return 0;
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  event.format = SIGMATAG_JSON;
  event.data = (const uint8_t *)line;
  event.len = len;
  status = sigmatag_tag_prepare(engine, *scratch, &event, NULL, &out_len, NULL);
  if (status == SIGMATAG_OK) {
    if (!block_reserve_output(block, out_len))
      sigmatag_tag_discard(*scratch);
    else
      status = sigmatag_tag_write(*scratch, event.data, len, (uint8_t *)block->out + block->out_len,
                                  out_len, &written);
  }
  if (status == SIGMATAG_PANIC || status == SIGMATAG_POISONED) {
    sigmatag_scratch_free(*scratch); /* it never recovers; the next line gets another */
    *scratch = NULL;
  }
  return written;
}

static void tag_block(sigmatag_scratch **scratch, struct block *block) {
  size_t at = 0;

  block->out_len = 0;
  while (at < block->len) {
    const char *line = block->data + at;
    const char *end = memchr(line, '\n', block->len - at);
    size_t len = end != NULL ? (size_t)(end - line) : block->len - at;
    size_t whole = len + (end != NULL);
    size_t tagged = block->is_part || len == 0 ? 0 : tag_line(scratch, line, len, block);

    block->out_len += tagged;
    /* Behind a tagged line only its end is missing. */
    if (!block_append(block, tagged > 0 ? line + len : line, tagged > 0 ? whole - len : whole)) {
      fprintf(stderr, "agent: no memory for a line\n");
      exit(1); /* rather than lose it: what was not written will be read again */
    }
    at += whole;
  }
}

static void *work(void *unused) {
  sigmatag_scratch *scratch = NULL;
  struct block *block;

  (void)unused;
  while ((block = ring_take()) != NULL) {
    tag_block(&scratch, block);
    ring_done(block);
  }
  sigmatag_scratch_free(scratch);
  return NULL;
}

static void *write_out(void *unused) {
  struct block *block;

  (void)unused;
  while ((block = ring_next_done()) != NULL) {
    size_t at = 0;
    while (at < block->out_len) {
      ssize_t n = write(STDOUT_FILENO, block->out + at, block->out_len - at);
      if (n < 0 && errno != EINTR) {
        fprintf(stderr, "agent: standard output: %s\n", strerror(errno));
        exit(1);
      }
      at += n > 0 ? (size_t)n : 0;
    }
    ring_free(block);
  }
  return NULL;
}

/* ---- start and end ---------------------------------------------------------------------------- */

static int usage(void) {
  fprintf(stderr,
          "usage: agent [-t THREADS] [-f FILE] [-w] [RULES.sgt]\n"
          "Reads lines of JSON from standard input, or from FILE as it grows, and writes each to\n"
          "standard output, with a tag where rules match. SIGHUP reloads the rules; with -w they are\n"
          "reloaded when their file changes. Without RULES.sgt the built-in rules are in force.\n");
  return 2;
}

static int read_options(int argc, char **argv) {
  int option;

  options.threads = 2;
  while ((option = getopt(argc, argv, "t:f:w")) != -1) {
    switch (option) {
      case 't': options.threads = atoi(optarg); break;
      case 'f': options.file = optarg; break;
      case 'w': options.watch = 1; break;
      default: return 0;
    }
  }
  if (optind < argc) options.rules = argv[optind++];
  return optind == argc && options.threads >= 1 && options.threads <= MAX_THREADS;
}

static void say_totals(void) {
  sigmatag_stats_t stats;

  memset(&stats, 0, sizeof stats);
  stats.struct_size = sizeof stats;
  if (sigmatag_get_stats(engine, &stats) == SIGMATAG_OK)
    fprintf(stderr, "agent: %llu lines, %llu tagged, %llu malformed, %llu unexamined, %llu panics\n",
            (unsigned long long)stats.records, (unsigned long long)stats.matched_records,
            (unsigned long long)stats.malformed, (unsigned long long)stats.unexamined,
            (unsigned long long)stats.panics);
}

int main(int argc, char **argv) {
  pthread_t controller, writer, workers[MAX_THREADS];
  sigset_t signals;
  int i, failed;

  if (!read_options(argc, argv)) return usage();
  /* Before there are threads, so that all inherit it. */
  sigemptyset(&signals);
  sigaddset(&signals, SIGHUP);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
  if (!load_rules()) return 1;
  ring_start(options.threads);
  failed = pthread_create(&controller, NULL, control, &signals) != 0 ||
           pthread_create(&writer, NULL, write_out, NULL) != 0;
  for (i = 0; i < options.threads; i++)
    failed = failed || pthread_create(&workers[i], NULL, work, NULL) != 0;
  if (failed) {
    fprintf(stderr, "agent: no threads\n");
    return 1;
  }
  failed = !read_lines(options.file);
  ring_end();
  for (i = 0; i < options.threads; i++) pthread_join(workers[i], NULL);
  pthread_join(writer, NULL);
  ring_stop();
  pthread_kill(controller, SIGTERM); /* it need not wait for its second */
  pthread_join(controller, NULL);
  ring_release();
  say_totals();
  sigmatag_free(engine);
  return failed;
}
