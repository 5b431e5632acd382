/* A panic inside the library becomes a status, poisons that scratch and nothing else. Needs a
 * library with the feature test-panic.
 * usage: panic RULES.sgt */
#include "check.h"

static const char trip[] = "sigmatag-test-panic";

static sigmatag_event tripping(void) {
  sigmatag_event event = json_event(STATEMENT);
  event.tag = (const uint8_t *)trip;
  event.tag_len = sizeof trip - 1;
  return event;
}

/* Every use of a poisoned scratch is refused, and freeing it is not. */
static void poisoned(const sigmatag *engine, sigmatag_scratch *scratch) {
  sigmatag_event event = json_event(STATEMENT);
  sigmatag_rule rule = empty_rule();
  uint8_t out[16];
  size_t count = 99;
  STATUS(sigmatag_match(engine, scratch, &event, NULL, 0, &count, NULL), SIGMATAG_POISONED);
  STATUS(sigmatag_match_batch(engine, scratch, &event, 1, NULL, 0, &count, NULL),
         SIGMATAG_POISONED);
  STATUS(sigmatag_tag_prepare(engine, scratch, &event, NULL, &count, NULL), SIGMATAG_POISONED);
  STATUS(sigmatag_tag_write(scratch, event.data, event.len, out, sizeof out, &count),
         SIGMATAG_POISONED);
  STATUS(sigmatag_tag_discard(scratch), SIGMATAG_POISONED);
  STATUS(sigmatag_scratch_hits(scratch, NULL, 0, &count), SIGMATAG_POISONED);
  STATUS(sigmatag_scratch_release(scratch), SIGMATAG_POISONED);
  STATUS(sigmatag_rule_info(scratch, 0, &rule), SIGMATAG_POISONED);
  CHECK(count == 99 && rule.id == NULL);
  sigmatag_scratch_free(scratch);
}

int main(int argc, char **argv) {
  sigmatag *engine, *second = NULL;
  sigmatag_scratch *healthy, *scratch;
  sigmatag_event event = tripping();
  sigmatag_event events[2];
  sigmatag_summary summary = empty_summary();
  sigmatag_stats_t stats = empty_stats();
  sigmatag_error error = empty_error();
  sigmatag_hit hit;
  size_t count = 99;
  NEED(argc > 1);
  engine = engine_of(argv[1]);
  healthy = scratch_of(engine);

  scratch = scratch_of(engine);
  hit.record = 77;
  STATUS(sigmatag_match(engine, scratch, &event, &hit, 1, &count, &summary), SIGMATAG_PANIC);
  CHECK(count == 99 && hit.record == 77 && summary.records == 0);
  poisoned(engine, scratch);

  scratch = scratch_of(engine);
  events[0] = json_event(STATEMENT);
  events[1] = event;
  STATUS(sigmatag_match_batch(engine, scratch, events, 2, &hit, 1, &count, &summary),
         SIGMATAG_PANIC);
  CHECK(count == 99 && hit.record == 77 && summary.records == 0);
  poisoned(engine, scratch);

  scratch = scratch_of(engine);
  STATUS(sigmatag_tag_prepare(engine, scratch, &event, NULL, &count, &summary), SIGMATAG_PANIC);
  CHECK(count == 99 && summary.records == 0);
  poisoned(engine, scratch);

  STATUS(sigmatag_init_bytes((const uint8_t *)trip, sizeof trip - 1, NULL, &second, &error),
         SIGMATAG_PANIC);
  CHECK(second == NULL && error.status == SIGMATAG_PANIC && strlen(error.message) > 0);
  STATUS(sigmatag_init_bytes((const uint8_t *)trip, sizeof trip - 1, NULL, &second, NULL),
         SIGMATAG_PANIC);
  error.status = 0;
  STATUS(sigmatag_reload_bytes(engine, (const uint8_t *)trip, sizeof trip - 1, &error),
         SIGMATAG_PANIC);
  CHECK(error.status == SIGMATAG_PANIC);

  /* The engine and its other scratches are as they were. */
  event = json_event(STATEMENT);
  STATUS(sigmatag_match(engine, healthy, &event, NULL, 0, &count, NULL), SIGMATAG_OK);
  CHECK(count == 2);
  STATUS(sigmatag_reload(engine, argv[1], strlen(argv[1]), &error), SIGMATAG_OK);
  scratch = scratch_of(engine);
  STATUS(sigmatag_match(engine, scratch, &event, NULL, 0, &count, NULL), SIGMATAG_OK);
  CHECK(count == 2);
  STATUS(sigmatag_get_stats(engine, &stats), SIGMATAG_OK);
  CHECK(stats.panics == 4 && stats.reloads == 1 && stats.failed_reloads == 1 && stats.calls == 2);
  sigmatag_scratch_free(scratch);
  sigmatag_scratch_free(healthy);
  sigmatag_free(engine);
  return check_done("panic");
}
