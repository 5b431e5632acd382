/* Rules are replaced while threads match: every result is of one rule set, the old or the new.
 * usage: reload RULES.sgt OTHER.sgt */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <pthread.h>

#include "check.h"

#define THREADS 3
#define RELOADS 60

static const sigmatag *engine;
/* Counted by the threads under the lock; read by all. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int stop = 0;
static unsigned long seen[2];

struct reader {
  pthread_t thread;
  unsigned long old_set, new_set, wrong;
};

static int stopped(unsigned long old_set, unsigned long new_set) {
  int result;
  pthread_mutex_lock(&lock);
  seen[0] += old_set;
  seen[1] += new_set;
  result = stop;
  pthread_mutex_unlock(&lock);
  return result;
}

static int id_ends(const sigmatag_scratch *scratch, uint32_t index, const char *end) {
  sigmatag_rule rule = empty_rule();
  size_t len = strlen(end);
  return sigmatag_rule_info(scratch, index, &rule) == SIGMATAG_OK && rule.id_len > len &&
         memcmp(rule.id + rule.id_len - len, end, len) == 0;
}

static void *match(void *argument) {
  struct reader *reader = (struct reader *)argument;
  sigmatag_scratch *scratch = scratch_of(engine);
  sigmatag_event event = json_event(STATEMENT);
  uint32_t generation = 0;
  unsigned long old_set = 0, new_set = 0;
  while (!stopped(old_set, new_set)) {
    sigmatag_hit hits[4];
    sigmatag_summary summary = empty_summary();
    size_t count = 99;
    int32_t status = sigmatag_match(engine, scratch, &event, hits, 4, &count, &summary);
    old_set = new_set = 0;
    if (status != SIGMATAG_OK || summary.generation < generation ||
        hits[0].generation != summary.generation) {
      reader->wrong++;
      continue;
    }
    generation = summary.generation;
    if (count == 2 && id_ends(scratch, hits[0].rule, "c01") &&
        id_ends(scratch, hits[1].rule, "c02"))
      old_set = 1;
    else if (count == 1 && id_ends(scratch, hits[0].rule, "c11"))
      new_set = 1;
    else
      reader->wrong++;
    reader->old_set += old_set;
    reader->new_set += new_set;
  }
  sigmatag_scratch_free(scratch);
  return NULL;
}

/* Waits until some thread has matched with a set. */
static void wait_for(int set) {
  unsigned long before, now;
  pthread_mutex_lock(&lock);
  before = seen[set];
  pthread_mutex_unlock(&lock);
  do {
    pthread_mutex_lock(&lock);
    now = seen[set];
    pthread_mutex_unlock(&lock);
  } while (now == before);
}

/* Ends `first`, after it has shared its rules with an engine that has options of its own. */
static void shared(sigmatag *first, const char *path) {
  static const char disabled[] = "5A1F3F0E-8F5E-4F5B-9A3E-0D4F2D9B6C01, nowhere";
  sigmatag_options options = empty_options();
  sigmatag_info_t before = empty_info(), info = empty_info();
  sigmatag_stats_t stats = empty_stats();
  sigmatag_event event = json_event(STATEMENT);
  sigmatag_hit hits[4];
  sigmatag_scratch *scratch;
  sigmatag *second = NULL;
  size_t count = 0;
  options.disable_rules = (const uint8_t *)disabled;
  options.disable_rules_len = strlen(disabled);
  STATUS(sigmatag_info(first, &before), SIGMATAG_OK);
  STATUS(sigmatag_share(first, &options, &second, NULL), SIGMATAG_OK);
  NEED(second != NULL);
  STATUS(sigmatag_info(second, &info), SIGMATAG_OK);
  CHECK(strcmp(info.ruleset, before.ruleset) == 0 && info.generation == 1);
  CHECK(info.disabled_rules == 1 && info.unknown_disabled_rules == 1 && before.disabled_rules == 0);
  STATUS(sigmatag_get_stats(second, &stats), SIGMATAG_OK);
  CHECK(stats.calls == 0 && stats.reloads == 0);
  sigmatag_free(first);

  scratch = scratch_of(second);
  STATUS(sigmatag_match(second, scratch, &event, hits, 4, &count, NULL), SIGMATAG_OK);
  CHECK(count == 1 && id_ends(scratch, hits[0].rule, "c02"));
  STATUS(sigmatag_reload(second, path, strlen(path), NULL), SIGMATAG_OK);
  STATUS(sigmatag_match(second, scratch, &event, hits, 4, &count, NULL), SIGMATAG_OK);
  CHECK(count == 1);
  STATUS(sigmatag_get_stats(second, &stats), SIGMATAG_OK);
  CHECK(stats.calls == 2 && stats.hits == 2 && stats.reloads == 1);
  sigmatag_scratch_free(scratch);
  sigmatag_free(second);
}

int main(int argc, char **argv) {
  struct reader readers[THREADS];
  sigmatag *owned;
  sigmatag_scratch *idle;
  sigmatag_info_t first = empty_info(), last = empty_info();
  sigmatag_stats_t stats = empty_stats();
  uint8_t *other;
  size_t other_len, i;
  NEED(argc > 2);
  other = file_bytes(argv[2], &other_len);
  owned = engine_of(argv[1]);
  engine = owned;
  idle = scratch_of(engine);
  STATUS(sigmatag_info(engine, &first), SIGMATAG_OK);
  memset(readers, 0, sizeof readers);
  for (i = 0; i < THREADS; i++)
    NEED(pthread_create(&readers[i].thread, NULL, match, &readers[i]) == 0);
  for (i = 0; i < RELOADS; i++) {
    if (i % 2 == 0) {
      STATUS(sigmatag_reload_bytes(owned, other, other_len, NULL), SIGMATAG_OK);
      STATUS(sigmatag_reload_bytes(owned, other, other_len - 1, NULL), SIGMATAG_TRUNCATED);
    } else {
      STATUS(sigmatag_reload(owned, argv[1], strlen(argv[1]), NULL), SIGMATAG_OK);
    }
    wait_for(i % 2 == 0);
  }
  pthread_mutex_lock(&lock);
  stop = 1;
  pthread_mutex_unlock(&lock);
  for (i = 0; i < THREADS; i++) {
    NEED(pthread_join(readers[i].thread, NULL) == 0);
    CHECK(readers[i].wrong == 0);
  }
  CHECK(seen[0] > 0 && seen[1] > 0);
  STATUS(sigmatag_get_stats(engine, &stats), SIGMATAG_OK);
  CHECK(stats.reloads == RELOADS && stats.failed_reloads == RELOADS / 2 && stats.panics == 0);
  STATUS(sigmatag_info(engine, &last), SIGMATAG_OK);
  CHECK(last.generation > first.generation && last.rules == 3);
  CHECK(strcmp(first.ruleset, last.ruleset) == 0);

  /* A scratch that was idle all the time lets go of the first set and uses the last. */
  STATUS(sigmatag_scratch_release(idle), SIGMATAG_OK);
  {
    sigmatag_event event = json_event(STATEMENT);
    sigmatag_hit hits[4];
    size_t count = 0;
    STATUS(sigmatag_match(engine, idle, &event, hits, 4, &count, NULL), SIGMATAG_OK);
    CHECK(count == 2 && hits[0].generation == last.generation);
  }
  sigmatag_scratch_free(idle);
  shared(owned, argv[1]);
  free(other);
  return check_done("reload");
}
