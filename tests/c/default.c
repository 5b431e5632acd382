/* The rule pack inside the library: it loads, twice the same, and can be replaced.
 * usage: default */
#include "check.h"

int main(void) {
  sigmatag *first = NULL, *second = NULL;
  sigmatag_scratch *scratch;
  sigmatag_options options = empty_options();
  sigmatag_info_t a = empty_info(), b = empty_info();
  sigmatag_error error = empty_error();
  sigmatag_event event = json_event(HARMLESS);
  size_t count = 99;
  options.min_level = SIGMATAG_LEVEL_HIGH;
  STATUS(sigmatag_init_default(NULL, &first, &error), SIGMATAG_OK);
  STATUS(sigmatag_init_default(&options, &second, &error), SIGMATAG_OK);
  if (first == NULL || second == NULL) {
    fprintf(stderr, "%s\n", error.message);
    return check_done("default");
  }
  STATUS(sigmatag_info(first, &a), SIGMATAG_OK);
  STATUS(sigmatag_info(second, &b), SIGMATAG_OK);
  CHECK(a.rules > 0 && a.skipped_rules == 0 && memcmp(&a, &b, sizeof a) == 0);
  scratch = scratch_of(second);
  sigmatag_free(first);
  STATUS(sigmatag_match(second, scratch, &event, NULL, 0, &count, NULL), SIGMATAG_OK);
  CHECK(count != 99);
  sigmatag_scratch_free(scratch);
  sigmatag_free(second);
  return check_done("default");
}
