/* The framing of a chunk, for calls that the engine did not examine. */
#ifndef SIGMATAG_CHUNK_H
#define SIGMATAG_CHUNK_H

#include <stddef.h>
#include <stdint.h>

/* Records of a chunk (concatenated msgpack values); one that is cut off counts as well. */
uint64_t records_in_chunk(const uint8_t *data, size_t len);

#endif
