/* Files that are no rule file, damaged, cut, or of another version: status, place and repair.
 * usage: files RULES.sgt RULES.yml FOLDER */
#include "check.h"

static char path[4096];

static const char *write_file(const char *folder, const char *name, const void *bytes, size_t len) {
  FILE *file;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  file = fopen(path, "wb");
  NEED(file != NULL);
  NEED(fwrite(bytes, 1, len, file) == len);
  NEED(fclose(file) == 0);
  return path;
}

/* The file is refused with a status; its name and the words are in the message. */
static void refused(const char *file, int32_t want, const char *words, int line) {
  sigmatag *out = NULL;
  sigmatag_error error = empty_error();
  check_status(sigmatag_init(file, strlen(file), NULL, &out, &error), want, __FILE__, line, file);
  CHECK(out == NULL && error.status == want);
  if (!contains(error.message, file) || !contains(error.message, words)) {
    fprintf(stderr, "%s:%d: message `%s` lacks `%s` or `%s`\n", __FILE__, line, error.message, file,
            words);
    CHECK(!"the message names the file and the repair");
  }
}
#define REFUSED(file, status, words) refused((file), (status), (words), __LINE__)

static int32_t load(const uint8_t *bytes, size_t len, sigmatag_error *error) {
  sigmatag *out = NULL;
  int32_t status = sigmatag_init_bytes(bytes, len, NULL, &out, error);
  sigmatag_free(out);
  return status;
}

static int is_reason(int32_t status) {
  return status <= SIGMATAG_NOT_SGT && status >= SIGMATAG_TOO_LARGE;
}

/* Every place near the ends of a file, some between: each takes a check of the whole file, and
   this runs in valgrind as well. tests/hostile_file.rs tries every bit. */
static size_t next_place(size_t i, size_t len) {
  return i < 2048 || i + 512 > len ? i + 1 : i + 101;
}

int main(int argc, char **argv) {
  static const uint8_t elf[] = "\x7f" "ELF\x02\x01\x01 and so on, as an executable begins";
  sigmatag_error error = empty_error();
  const char *folder;
  uint8_t *bytes, *copy;
  sigmatag *none = NULL;
  size_t len, i;
  NEED(argc > 3);
  folder = argv[3];
  bytes = file_bytes(argv[1], &len);
  NEED(len > 64);
  copy = (uint8_t *)malloc(len + 1);
  NEED(copy != NULL);

  REFUSED("/nonexistent/rules.sgt", SIGMATAG_IO, "cannot be opened");
  REFUSED(folder, SIGMATAG_IO, "is a directory");
  REFUSED("/dev/null", SIGMATAG_IO, "not a regular file");
  REFUSED(argv[2], SIGMATAG_NOT_SGT, "run `sigmatag compile");
  REFUSED(write_file(folder, "rules", "title: x\ndetection:\n", 20), SIGMATAG_NOT_SGT,
          "run `sigmatag compile");
  REFUSED(write_file(folder, "binary.sgt", elf, sizeof elf), SIGMATAG_NOT_SGT, "sigmatag compile");
  REFUSED(write_file(folder, "empty.sgt", "", 0), SIGMATAG_TRUNCATED, "empty");
  REFUSED(write_file(folder, "cut.sgt", bytes, len / 2), SIGMATAG_TRUNCATED, "copy");

  /* A line of text in the path stays one line in the message. */
  STATUS(sigmatag_init("/nonexistent/a\nb", 16, NULL, &none, &error), SIGMATAG_IO);
  CHECK(!contains(error.message, "\n") && contains(error.message, "/nonexistent/a b"));

  /* Cut short: never taken, never without a reason. */
  for (i = 0; i < len; i = next_place(i, len)) {
    error = empty_error();
    CHECK(is_reason(load(bytes, i, &error)) && error.message[0] != 0);
  }
  CHECK(load(bytes, len / 2, &error) == SIGMATAG_TRUNCATED);
  STATUS(load(bytes, len, &error), SIGMATAG_OK);

  /* A byte wrong. */
  memcpy(copy, bytes, len);
  for (i = 0; i < len; i = next_place(i, len)) {
    copy[i] = (uint8_t)(bytes[i] ^ 0x41);
    CHECK(is_reason(load(copy, len, NULL)));
    copy[i] = bytes[i];
  }
  copy[len - 1] = (uint8_t)~bytes[len - 1];
  STATUS(load(copy, len, &error), SIGMATAG_CORRUPT);
  copy[len - 1] = bytes[len - 1];
  copy[len] = 0;
  STATUS(load(copy, len + 1, &error), SIGMATAG_CORRUPT);
  CHECK(error.offset == len);

  /* Version 7, to be read by version 7 or later. */
  copy[8] = 7;
  copy[12] = 7;
  REFUSED(write_file(folder, "newer.sgt", copy, len), SIGMATAG_UNSUPPORTED_VERSION, "version 7");
  STATUS(load(copy, len, &error), SIGMATAG_UNSUPPORTED_VERSION);
  CHECK(error.offset == 8);

  /* A reload with such a file leaves the old rules in force. */
  {
    sigmatag *engine = engine_of(argv[1]);
    sigmatag_info_t before = empty_info(), after = empty_info();
    sigmatag_stats_t stats = empty_stats();
    STATUS(sigmatag_info(engine, &before), SIGMATAG_OK);
    STATUS(sigmatag_reload(engine, path, strlen(path), &error), SIGMATAG_UNSUPPORTED_VERSION);
    STATUS(sigmatag_reload_bytes(engine, bytes, len - 1, NULL), SIGMATAG_TRUNCATED);
    STATUS(sigmatag_info(engine, &after), SIGMATAG_OK);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    STATUS(sigmatag_get_stats(engine, &stats), SIGMATAG_OK);
    CHECK(stats.failed_reloads == 2 && stats.reloads == 0);
    sigmatag_free(engine);
  }
  free(copy);
  free(bytes);
  return check_done("files");
}
