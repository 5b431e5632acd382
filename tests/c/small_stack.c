/* Matching and tagging on a thread of 32 KiB, and how much of it they use: at most 16 KiB.
 * usage: small_stack RULES.sgt */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sys/mman.h>

#include "check.h"

#define STACK ((size_t)32768)
#define PROMISE ((size_t)16384)
#define DEPTH 60

static const sigmatag *engine;
static sigmatag_scratch *scratch;
static uint8_t out[65536];
static char deep[4096];
static sigmatag_hit hits[64];

static const char map[] = "\x81\xa9statement\xb0" "DROP TABLE users";
static const char chunk[] = "\x92\xce\x65\x00\x00\x00\x81\xa9statement\xb0" "DROP TABLE users";
static const char forward[] =
    "\x93\xa5mysql\xce\x65\x00\x00\x00\x81\xa9statement\xb0" "DROP TABLE users";
static const char escaped[] = "{\"statement\":\"select sl\\u0065ep(10) \\\"a\\\" users\"}";

static const char envelope[] =
    "{\"sigma\":1,\"log\":\"[{\\\"a\\\":1},{\\\"sigma\\\":{}},"
    "{\\\"records\\\":[{},{\\\"b\\\":2}]}]\"}";

static void *nothing(void *argument) {
  (void)sigmatag_abi_version();
  return argument;
}

static void examine(const sigmatag_event *event, size_t want) {
  size_t count = 99, needed = 0, written = 0;
  int32_t shape;
  STATUS(sigmatag_match(engine, scratch, event, hits, 64, &count, NULL), SIGMATAG_OK);
  CHECK(count == want);
  STATUS(sigmatag_match_batch(engine, scratch, event, 1, hits, 64, &count, NULL), SIGMATAG_OK);
  CHECK(count == want);
  for (shape = SIGMATAG_NESTED; shape <= SIGMATAG_ECS; shape++) {
    uint32_t flags;
    for (flags = 0; flags < 8; flags++) {
      sigmatag_tagging tagging = empty_tagging();
      int32_t status;
      tagging.shape = shape;
      tagging.flags = flags;
      status = sigmatag_tag_prepare(engine, scratch, event, &tagging, &needed, NULL);
      CHECK(status == SIGMATAG_OK || status == SIGMATAG_UNCHANGED);
      CHECK(status == SIGMATAG_OK || want == 0);
      if (status == SIGMATAG_OK) {
        STATUS(sigmatag_tag_write(scratch, event->data, event->len, out, sizeof out, &written),
               SIGMATAG_OK);
        CHECK(written == needed);
      }
    }
  }
}

static void *work(void *argument) {
  sigmatag_event event = json_event(STATEMENT);
  sigmatag_rule rule = empty_rule();
  examine(&event, 2);
  event = json_event(escaped);
  examine(&event, 2);
  event = json_event(deep);
  examine(&event, 0);
  event = json_event(HARMLESS);
  examine(&event, 0);
  event = json_event(envelope);
  examine(&event, 0);
  event.logsource = (const uint8_t *)"mysql//audit";
  event.logsource_len = 12;
  examine(&event, 0);
  event = event_of(SIGMATAG_MSGPACK, map, sizeof map - 1);
  examine(&event, 2);
  event = event_of(SIGMATAG_FLB_CHUNK, chunk, sizeof chunk - 1);
  examine(&event, 2);
  event = event_of(SIGMATAG_FORWARD, forward, sizeof forward - 1);
  examine(&event, 2);
  STATUS(sigmatag_rule_info(scratch, 0, &rule), SIGMATAG_OK);
  return argument;
}

/* Runs a function on a painted stack; the bytes of paint that are gone. */
static size_t stack_used(void *(*run)(void *)) {
  pthread_attr_t attributes;
  pthread_t thread;
  size_t clean = 0;
  uint8_t *stack = (uint8_t *)mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  NEED((void *)stack != MAP_FAILED);
  memset(stack, 0xa5, STACK);
  NEED(pthread_attr_init(&attributes) == 0);
  NEED(pthread_attr_setstack(&attributes, stack, STACK) == 0);
  NEED(pthread_create(&thread, &attributes, run, NULL) == 0);
  NEED(pthread_join(thread, NULL) == 0);
  pthread_attr_destroy(&attributes);
  while (clean < STACK && stack[clean] == 0xa5) clean++;
  munmap(stack, STACK);
  return STACK - clean;
}

int main(int argc, char **argv) {
  pthread_attr_t attributes;
  pthread_t thread;
  sigmatag *owned;
  size_t base, used, i;
  NEED(argc > 1);
  owned = engine_of(argv[1]);
  engine = owned;
  scratch = scratch_of(engine);
  for (i = 0; i < DEPTH; i++) memcpy(deep + 5 * i, "{\"a\":", 5);
  deep[5 * DEPTH] = '1';
  memset(deep + 5 * DEPTH + 1, '}', DEPTH);

  /* The first calls, as a host makes them: nothing is warm. */
  NEED(pthread_attr_init(&attributes) == 0);
  NEED(pthread_attr_setstacksize(&attributes, STACK) == 0);
  NEED(pthread_create(&thread, &attributes, work, NULL) == 0);
  NEED(pthread_join(thread, NULL) == 0);
  pthread_attr_destroy(&attributes);

  sigmatag_scratch_free(scratch);
  scratch = scratch_of(engine);
  base = stack_used(nothing);
  used = stack_used(work) - base;
  printf("stack used by matching and tagging: %zu bytes\n", used);
  CHECK(used > 0 && used <= PROMISE);
  sigmatag_scratch_free(scratch);
  sigmatag_free(owned);
  return check_done("small_stack");
}
