/* Which rules match one event?  cc match.c -lsigmatag && ./a.out rules.sgt '{"statement":"..."}' */
#include <sigmatag.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  sigmatag *engine = NULL;
  sigmatag_scratch *scratch = NULL;
  sigmatag_error error = {sizeof error, 0, 0, {0}};
  sigmatag_event event = {sizeof event, SIGMATAG_JSON, NULL, 0, 0, NULL, 0, NULL, 0};
  sigmatag_rule rule = {sizeof rule, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0};
  sigmatag_hit hits[64];
  size_t count = 0, i;
  if (argc != 3) return 2;
  if (sigmatag_init(argv[1], strlen(argv[1]), NULL, &engine, &error) != SIGMATAG_OK ||
      sigmatag_scratch_new(engine, &scratch, &error) != SIGMATAG_OK)
    return fprintf(stderr, "%s\n", error.message), 1;
  event.data = (const uint8_t *)argv[2];
  event.len = strlen(argv[2]);
  int32_t status = sigmatag_match(engine, scratch, &event, hits, 64, &count, NULL);
  if (status != SIGMATAG_OK) fprintf(stderr, "%s\n", sigmatag_status_text(status)), count = 0;
  for (i = 0; i < count; i++)
    if (sigmatag_rule_info(scratch, hits[i].rule, &rule) == SIGMATAG_OK)
      printf("%.*s\n", (int)rule.id_len, rule.id);
  sigmatag_scratch_free(scratch);
  sigmatag_free(engine);
  return status;
}
