#include "chunk.h"

#include <stdbool.h>

static uint64_t big_endian(const uint8_t *bytes, size_t n)
{
    uint64_t value = 0;

    while (n-- > 0) {
        value = value << 8 | *bytes++;
    }
    return value;
}

/*
 * One msgpack value's first byte: the bytes behind it that hold its length, the
 * bytes of its content besides, and the values inside it.
 */
struct shape { uint8_t length_bytes, fixed; uint8_t values_each; bool counts_bytes; uint32_t values; };

static struct shape shape_of(uint8_t first)
{
    if (first < 0x80 || first >= 0xe0 || (first >= 0xc0 && first <= 0xc3)) {
        return (struct shape) { 0 };
    }
    if (first < 0x90) {
        return (struct shape) { .values = 2u * (first & 0x0f) };
    }
    if (first < 0xa0) {
        return (struct shape) { .values = first & 0x0f };
    }
    if (first < 0xc0) {
        return (struct shape) { .fixed = first & 0x1f };
    }
    switch (first) {
    case 0xc4: case 0xd9: return (struct shape) { .length_bytes = 1, .counts_bytes = true };
    case 0xc5: case 0xda: return (struct shape) { .length_bytes = 2, .counts_bytes = true };
    case 0xc6: case 0xdb: return (struct shape) { .length_bytes = 4, .counts_bytes = true };
    case 0xc7: return (struct shape) { .length_bytes = 1, .fixed = 1, .counts_bytes = true };
    case 0xc8: return (struct shape) { .length_bytes = 2, .fixed = 1, .counts_bytes = true };
    case 0xc9: return (struct shape) { .length_bytes = 4, .fixed = 1, .counts_bytes = true };
    case 0xdc: return (struct shape) { .length_bytes = 2, .values_each = 1 };
    case 0xdd: return (struct shape) { .length_bytes = 4, .values_each = 1 };
    case 0xde: return (struct shape) { .length_bytes = 2, .values_each = 2 };
    case 0xdf: return (struct shape) { .length_bytes = 4, .values_each = 2 };
    case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8: /* fixext 1..16: type and content */
        return (struct shape) { .fixed = (uint8_t) (1 + (1 << (first - 0xd4))) };
    case 0xca: case 0xce: case 0xd2: return (struct shape) { .fixed = 4 };
    case 0xcb: case 0xcf: case 0xd3: return (struct shape) { .fixed = 8 };
    case 0xcc: case 0xd0: return (struct shape) { .fixed = 1 };
    default: return (struct shape) { .fixed = 2 }; /* 0xcd, 0xd1 */
    }
}

uint64_t records_in_chunk(const uint8_t *data, size_t len)
{
    uint64_t records = 0, open = 0; /* values still to come in the record at hand */

    while (len > 0) {
        struct shape shape = shape_of(data[0]);
        size_t head = 1u + shape.length_bytes, content;
        uint64_t length;

        records += open == 0;
        open = open == 0 ? 1 : open;
        if (head > len) {
            break;
        }
        length = big_endian(data + 1, shape.length_bytes);
        content = shape.fixed + (shape.counts_bytes ? (size_t) length : 0);
        if (content > len - head) {
            break;
        }
        open += shape.values + shape.values_each * length - 1;
        data += head + content;
        len -= head + content;
    }
    return records;
}
