/* Two threads, one scratch: one of them is refused, none of them sees a wrong result.
 * usage: in_use RULES.sgt */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <pthread.h>
#include <time.h>

#include "check.h"

#define EVENTS 512

static const sigmatag *engine;
static sigmatag_scratch *scratch;
static sigmatag_event events[EVENTS];

struct side {
  pthread_t thread;
  unsigned long done, refused, wrong;
};

/* Matches until it has been refused, has succeeded, or a minute has passed. */
static void *contend(void *argument) {
  struct side *side = (struct side *)argument;
  time_t end = time(NULL) + 60;
  while ((side->done < 20 || side->refused < 20) && time(NULL) < end) {
    size_t count = 99;
    int32_t status =
        sigmatag_match_batch(engine, scratch, events, EVENTS, NULL, 0, &count, NULL);
    if (status == SIGMATAG_OK && count == 2 * EVENTS)
      side->done++;
    else if (status == SIGMATAG_IN_USE && count == 99)
      side->refused++;
    else
      side->wrong++;
  }
  return NULL;
}

static void *refused_by_plan(void *argument) {
  size_t count = 99;
  *(int32_t *)argument = sigmatag_match(engine, scratch, &events[0], NULL, 0, &count, NULL);
  return NULL;
}

int main(int argc, char **argv) {
  struct side sides[2];
  pthread_t thread;
  int32_t status = -1;
  size_t len = 0, i;
  sigmatag *owned;
  NEED(argc > 1);
  owned = engine_of(argv[1]);
  engine = owned;
  scratch = scratch_of(engine);
  for (i = 0; i < EVENTS; i++) events[i] = json_event(STATEMENT);
  memset(sides, 0, sizeof sides);
  for (i = 0; i < 2; i++)
    NEED(pthread_create(&sides[i].thread, NULL, contend, &sides[i]) == 0);
  for (i = 0; i < 2; i++) NEED(pthread_join(sides[i].thread, NULL) == 0);
  CHECK(sides[0].wrong == 0 && sides[1].wrong == 0);
  CHECK(sides[0].done + sides[1].done >= 20);
  CHECK(sides[0].refused + sides[1].refused > 0);

  /* A pending plan is refused in another thread as well, and survives that. */
  STATUS(sigmatag_tag_prepare(engine, scratch, &events[0], NULL, &len, NULL), SIGMATAG_OK);
  NEED(pthread_create(&thread, NULL, refused_by_plan, &status) == 0);
  NEED(pthread_join(thread, NULL) == 0);
  CHECK(status == SIGMATAG_IN_USE);
  {
    uint8_t *out = (uint8_t *)malloc(len);
    size_t written = 0;
    NEED(out != NULL);
    STATUS(sigmatag_tag_write(scratch, events[0].data, events[0].len, out, len, &written),
           SIGMATAG_OK);
    CHECK(written == len);
    free(out);
  }
  NEED(pthread_create(&thread, NULL, refused_by_plan, &status) == 0);
  NEED(pthread_join(thread, NULL) == 0);
  CHECK(status == SIGMATAG_OK);
  sigmatag_scratch_free(scratch);
  sigmatag_free(owned);
  return check_done("in_use");
}
