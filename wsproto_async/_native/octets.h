/* Loops over octets that Python cannot run fast. Portable C; no state, no Python objects. */
#ifndef WSPROTO_ASYNC_OCTETS_H
#define WSPROTO_ASYNC_OCTETS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* One source, several instruction sets: the loader picks the widest that the machine has.
   Sanitizers run before the loader's choice is made, so they get the plain one. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(WSPROTO_ASYNC_PLAIN)
#define WS_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define WS_CLONES
#endif

#define WS_HIGH_BITS 0x8080808080808080u

/* dst[i] = src[i] ^ key[(phase + i) % 4] for n octets (RFC 6455, section 5.3); dst may be src.
   `key` holds the four octets in memory order. Returns non-zero if an octet written has bit 7
   set, which tells text that is not ASCII without a second pass. */
WS_CLONES
static uint64_t ws_mask(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key, unsigned phase)
{
    uint8_t rotated[8];
    uint64_t wide, word, high = 0;
    size_t i = 0;

    for (unsigned k = 0; k < 8; k++)
        rotated[k] = ((const uint8_t *)&key)[(phase + k) & 3];
    memcpy(&wide, rotated, 8);
    for (; i + 8 <= n; i += 8) {
        memcpy(&word, src + i, 8);
        word ^= wide;
        high |= word;
        memcpy(dst + i, &word, 8);
    }
    for (; i < n; i++) {
        uint8_t octet = src[i] ^ rotated[i & 7];
        high |= (uint64_t)octet;
        dst[i] = octet;
    }
    return high & WS_HIGH_BITS;
}

/* The same without a key. */
WS_CLONES
static uint64_t ws_copy(uint8_t *dst, const uint8_t *src, size_t n)
{
    uint64_t word, high = 0;
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        memcpy(&word, src + i, 8);
        high |= word;
        memcpy(dst + i, &word, 8);
    }
    for (; i < n; i++) {
        high |= src[i];
        dst[i] = src[i];
    }
    return high & WS_HIGH_BITS;
}

/* UTF-8 (RFC 3629), any way of cutting it. The state is what may come next:
   bits 0-7 the lowest and 8-15 the highest value of the next octet, bits 16-17 how many
   continuation octets follow in all; 0 between code points. */
static inline uint32_t ws_utf8_lead(uint8_t octet)
{
    if (octet < 0xC2 || octet > 0xF4)
        return 0;                                /* continuation, overlong or above U+10FFFF */
    if (octet < 0xE0)
        return 0x1BF80;
    if (octet < 0xF0)                            /* E0: no overlong forms; ED: no surrogates */
        return octet == 0xE0 ? 0x2BFA0 : octet == 0xED ? 0x29F80 : 0x2BF80;
    return octet == 0xF0 ? 0x3BF90 : octet == 0xF4 ? 0x38F80 : 0x3BF80;
}

/* Returns n, or the index of the first octet that cannot belong to any UTF-8 text. */
static size_t ws_utf8(uint32_t *state, const uint8_t *p, size_t n)
{
    uint32_t s = *state;
    size_t i = 0;

    while (i < n) {
        if (s == 0) {
            uint64_t word;
            while (i + 8 <= n) {
                memcpy(&word, p + i, 8);
                if (word & WS_HIGH_BITS)
                    break;
                i += 8;
            }
            while (i < n && p[i] < 0x80)
                i++;
            if (i == n)
                break;
            s = ws_utf8_lead(p[i]);
            if (s == 0)
                return i;
            i++;
        }
        while (s != 0 && i < n) {
            if (p[i] < (s & 0xFF) || p[i] > (s >> 8 & 0xFF))
                return i;
            i++;
            s = s >> 16 == 1 ? 0 : ((s >> 16) - 1) << 16 | 0xBF80;
        }
    }
    *state = s;
    return n;
}

/* Writes the header of a frame (RFC 6455, section 5.2) and returns its size, 2 to 14 octets. */
static size_t ws_header(uint8_t *p, uint8_t first, uint64_t length, int masked, uint32_t key)
{
    size_t size = 2;

    p[0] = first;
    if (length < 126) {
        p[1] = (uint8_t)length;
    } else if (length < 65536) {
        p[1] = 126;
        p[2] = (uint8_t)(length >> 8);
        p[3] = (uint8_t)length;
        size = 4;
    } else {
        p[1] = 127;
        for (int i = 0; i < 8; i++)
            p[2 + i] = (uint8_t)(length >> (56 - 8 * i));
        size = 10;
    }
    if (masked) {
        p[1] |= 0x80;
        memcpy(p + size, &key, 4);
        size += 4;
    }
    return size;
}

#endif
