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

#if defined(__x86_64__) && defined(__GNUC__) && !defined(WSPROTO_ASYNC_PLAIN)
#define WS_UTF8_BULK 1
#include <immintrin.h>

/* Which errors two octets in a row can make, a bit each (Keiser and Lemire, "Validating UTF-8 in
   less than one instruction per byte", 2021). A pair is wrong where the tables for the first
   octet's high half, its low half and the second octet's high half have a bit in common. */
enum {
    WS_SHORT = 1,      /* a lead octet, and no continuation */
    WS_LONG = 2,       /* ASCII, and a continuation */
    WS_OVER3 = 4,      /* E0 80..9F */
    WS_LARGE = 8,      /* F4 90.. and F5.. 90..BF */
    WS_SURROGATE = 16, /* ED A0..BF */
    WS_OVER2 = 32,     /* C0, C1 */
    WS_OVER4 = 64,     /* F0 80..8F; with F5.. 80..8F */
    WS_CONTS = 128,    /* two continuations, which the third look decides about */
    WS_ANY = WS_SHORT | WS_LONG | WS_CONTS
};

#define WS_TABLE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)
#define WS_BITS(x) ((char)(x))

/* How many octets at the beginning of p[0:n] are whole code points beyond doubt. It looks at 32 at
   a time and leaves the rest, and whatever may be wrong, to the loop that says where. */
__attribute__((target("avx2")))
static size_t ws_utf8_bulk(const uint8_t *p, size_t n)
{
    const __m256i first_high = WS_TABLE(
        WS_LONG, WS_LONG, WS_LONG, WS_LONG, WS_LONG, WS_LONG, WS_LONG, WS_LONG,
        WS_BITS(WS_CONTS), WS_BITS(WS_CONTS), WS_BITS(WS_CONTS), WS_BITS(WS_CONTS),
        WS_SHORT | WS_OVER2, WS_SHORT, WS_SHORT | WS_OVER3 | WS_SURROGATE,
        WS_SHORT | WS_LARGE | WS_OVER4);
    const __m256i first_low = WS_TABLE(
        WS_BITS(WS_ANY | WS_OVER2 | WS_OVER3 | WS_OVER4), WS_BITS(WS_ANY | WS_OVER2),
        WS_BITS(WS_ANY), WS_BITS(WS_ANY), WS_BITS(WS_ANY | WS_LARGE),
        WS_BITS(WS_ANY | WS_LARGE | WS_OVER4), WS_BITS(WS_ANY | WS_LARGE | WS_OVER4),
        WS_BITS(WS_ANY | WS_LARGE | WS_OVER4), WS_BITS(WS_ANY | WS_LARGE | WS_OVER4),
        WS_BITS(WS_ANY | WS_LARGE | WS_OVER4), WS_BITS(WS_ANY | WS_LARGE | WS_OVER4),
        WS_BITS(WS_ANY | WS_LARGE | WS_OVER4), WS_BITS(WS_ANY | WS_LARGE | WS_OVER4),
        WS_BITS(WS_ANY | WS_LARGE | WS_OVER4 | WS_SURROGATE),
        WS_BITS(WS_ANY | WS_LARGE | WS_OVER4), WS_BITS(WS_ANY | WS_LARGE | WS_OVER4));
    const __m256i second_high = WS_TABLE(
        WS_SHORT, WS_SHORT, WS_SHORT, WS_SHORT, WS_SHORT, WS_SHORT, WS_SHORT, WS_SHORT,
        WS_BITS(WS_LONG | WS_OVER2 | WS_CONTS | WS_OVER3 | WS_OVER4),
        WS_BITS(WS_LONG | WS_OVER2 | WS_CONTS | WS_OVER3 | WS_LARGE),
        WS_BITS(WS_LONG | WS_OVER2 | WS_CONTS | WS_SURROGATE | WS_LARGE),
        WS_BITS(WS_LONG | WS_OVER2 | WS_CONTS | WS_SURROGATE | WS_LARGE),
        WS_SHORT, WS_SHORT, WS_SHORT, WS_SHORT);
    const __m256i half = _mm256_set1_epi8(0x0F);
    __m256i before = _mm256_setzero_si256();
    size_t i, start;

    for (i = 0; i + 32 <= n; i += 32) {
        __m256i now = _mm256_loadu_si256((const __m256i *)(p + i));
        __m256i joint = _mm256_permute2x128_si256(before, now, 0x21);
        __m256i back1 = _mm256_alignr_epi8(now, joint, 15);
        __m256i back2 = _mm256_alignr_epi8(now, joint, 14);
        __m256i back3 = _mm256_alignr_epi8(now, joint, 13);
        __m256i pairs = _mm256_and_si256(
            _mm256_and_si256(
                _mm256_shuffle_epi8(first_high, _mm256_and_si256(_mm256_srli_epi16(back1, 4), half)),
                _mm256_shuffle_epi8(first_low, _mm256_and_si256(back1, half))),
            _mm256_shuffle_epi8(second_high, _mm256_and_si256(_mm256_srli_epi16(now, 4), half)));
        /* Third and fourth octets are continuations behind a continuation: there, and only there,
           bit 7 has to be set. */
        __m256i third = _mm256_subs_epu8(back2, _mm256_set1_epi8(WS_BITS(0xE0 - 0x80)));
        __m256i fourth = _mm256_subs_epu8(back3, _mm256_set1_epi8(WS_BITS(0xF0 - 0x80)));
        __m256i wanted = _mm256_and_si256(
            _mm256_or_si256(third, fourth), _mm256_set1_epi8(WS_BITS(0x80)));
        __m256i wrong = _mm256_xor_si256(wanted, pairs);
        if (!_mm256_testz_si256(wrong, wrong))
            break;
        before = now;
    }
    /* The last code point may go on behind what was looked at. */
    for (start = i; start > 0 && i - start < 3 && (p[start - 1] & 0xC0) == 0x80; start--)
        ;
    return start > 0 && p[start - 1] >= 0xC0 ? start - 1 : start;
}

static int ws_has_avx2(void)
{
    static int known = -1;
    if (known < 0)
        known = __builtin_cpu_supports("avx2") ? 1 : 0;
    return known;
}
#endif

/* Returns n, or the index of the first octet that cannot belong to any UTF-8 text. */
static size_t ws_utf8(uint32_t *state, const uint8_t *p, size_t n)
{
    uint32_t s = *state;
    size_t i = 0;
    int bulk = n >= 64;

    while (i < n) {
        if (s == 0) {
            uint64_t word;
#ifdef WS_UTF8_BULK
            if (bulk && ws_has_avx2())
                i += ws_utf8_bulk(p + i, n - i);
            bulk = 0;
#endif
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
