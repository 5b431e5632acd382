/*
 * Tags frames of standard input onto standard output: four bytes of length, least first, and an
 * event. What cannot be tagged goes on as it came.
 *
 *   frames rules.sgt json|msgpack
 */
#include <sigmatag.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what) {
  fprintf(stderr, "frames: %s\n", what);
  return 1;
}

static void put(const uint8_t *bytes, size_t len) {
  uint8_t head[4];
  int i;
  for (i = 0; i < 4; i++) head[i] = (uint8_t)(len >> (8 * i));
  fwrite(head, 1, 4, stdout);
  fwrite(bytes, 1, len, stdout);
}

int main(int argc, char **argv) {
  sigmatag *engine = NULL;
  sigmatag_scratch *scratch = NULL;
  sigmatag_error error;
  uint8_t head[4], *data = NULL, *out = NULL;
  size_t room = 0, out_room = 0;

  memset(&error, 0, sizeof error);
  error.struct_size = sizeof error;
  if (argc != 3) return fail("usage: frames rules.sgt json|msgpack");
  if (sigmatag_init(argv[1], strlen(argv[1]), NULL, &engine, &error) != SIGMATAG_OK ||
      sigmatag_scratch_new(engine, &scratch, &error) != SIGMATAG_OK)
    return fail(error.message);
  while (fread(head, 1, 4, stdin) == 4) {
    size_t len = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
    size_t out_len = 0, written = 0;
    sigmatag_event event;
    int32_t status;
    if (len > room && (data = realloc(data, room = len)) == NULL) return fail("no memory");
    if (fread(data, 1, len, stdin) != len) return fail("a frame ends too early");
    memset(&event, 0, sizeof event);
    event.struct_size = sizeof event;
    event.format = strcmp(argv[2], "json") == 0 ? SIGMATAG_JSON : SIGMATAG_MSGPACK;
    event.data = data;
    event.len = len;
    status = sigmatag_tag_prepare(engine, scratch, &event, NULL, &out_len, NULL);
    if (status != SIGMATAG_OK) {
      if (status != SIGMATAG_UNCHANGED && status != SIGMATAG_MALFORMED)
        return fail(sigmatag_status_text(status));
      put(data, len);
      continue;
    }
    if (out_len > out_room && (out = realloc(out, out_room = out_len)) == NULL)
      return fail("no memory");
    status = sigmatag_tag_write(scratch, data, len, out, out_room, &written);
    if (status != SIGMATAG_OK) return fail(sigmatag_status_text(status));
    put(out, written);
  }
  sigmatag_scratch_free(scratch);
  sigmatag_free(engine);
  free(data);
  free(out);
  return fflush(stdout) == 0 ? 0 : fail("standard output");
}
