#pragma once

/* What processors can do and Swift has no word for. */

#include <stdbool.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

/* Asks for a line of memory before it is needed, so that several cold lines are waited for at once and not in turn. */
static inline void bursar_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

/* Tells the processor that the thread waits for another one. */
static inline void bursar_pause(void) {
#if defined(__SSE2__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

#if defined(__SSE2__)
/* Bit i: the byte at i is a quotation mark, a backslash, a control character or beyond ASCII. */
static inline uint32_t bursar_marks(__m128i bytes) {
    /* As signed numbers, control characters and all beyond ASCII are less than a space. */
    const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
    const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i slashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quotes, slashes)));
}
#elif defined(__ARM_NEON)
/* The same with four bits for each byte. */
static inline uint64_t bursar_marks(uint8x16_t bytes) {
    const uint8x16_t low = vcltq_s8(vreinterpretq_s8_u8(bytes), vdupq_n_s8(0x20));
    const uint8x16_t marked = vorrq_u8(
        low, vorrq_u8(vceqq_u8(bytes, vdupq_n_u8('"')), vceqq_u8(bytes, vdupq_n_u8('\\'))));
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(marked), 4)), 0);
}
#endif

/* How many of the 32 bytes at `text` come before the first quotation mark, backslash, control character or byte beyond
   ASCII. */
static inline intptr_t bursar_plain_prefix(const uint8_t *text) {
#if defined(__SSE2__)
    const uint32_t first = bursar_marks(_mm_loadu_si128((const __m128i *)text));
    const uint32_t second = bursar_marks(_mm_loadu_si128((const __m128i *)(text + 16)));
    return __builtin_ctzll((uint64_t)first | (uint64_t)second << 16 | (uint64_t)1 << 32);
#elif defined(__ARM_NEON)
    const uint64_t first = bursar_marks(vld1q_u8(text)), second = bursar_marks(vld1q_u8(text + 16));
    if (first) return __builtin_ctzll(first) >> 2;
    return second ? 16 + (__builtin_ctzll(second) >> 2) : 32;
#else
    intptr_t count = 0;
    while (count < 32 && text[count] >= 0x20 && text[count] < 0x80 && text[count] != '"' && text[count] != '\\') count++;
    return count;
#endif
}

/* A number, by way of a guess of it: where the guess is right, what follows need not wait for the number itself. */
static inline intptr_t bursar_guessed(intptr_t number, intptr_t guess) {
    if (__builtin_expect(number != guess, 0)) return number;
    /* So that the compiler does not see that both are the same. */
    __asm__ volatile("" : "+r"(guess));
    return guess;
}

/* Whether the 32 bytes at `text` are those at `pattern` wherever the bytes at `mask` are 0xFF; elsewhere the pattern's
   are zero. */
static inline bool bursar_matches(const uint8_t *text, const void *pattern, const void *mask) {
#if defined(__SSE2__)
    const __m128i *wanted = (const __m128i *)pattern, *cared = (const __m128i *)mask;
    const __m128i first = _mm_and_si128(_mm_loadu_si128((const __m128i *)text), _mm_loadu_si128(cared));
    const __m128i second = _mm_and_si128(_mm_loadu_si128((const __m128i *)(text + 16)), _mm_loadu_si128(cared + 1));
    const __m128i equal = _mm_and_si128(
        _mm_cmpeq_epi8(first, _mm_loadu_si128(wanted)), _mm_cmpeq_epi8(second, _mm_loadu_si128(wanted + 1)));
    return _mm_movemask_epi8(equal) == 0xFFFF;
#elif defined(__ARM_NEON)
    const uint8_t *wanted = (const uint8_t *)pattern, *cared = (const uint8_t *)mask;
    const uint8x16_t first = vandq_u8(vld1q_u8(text), vld1q_u8(cared));
    const uint8x16_t second = vandq_u8(vld1q_u8(text + 16), vld1q_u8(cared + 16));
    const uint8x16_t equal = vandq_u8(vceqq_u8(first, vld1q_u8(wanted)), vceqq_u8(second, vld1q_u8(wanted + 16)));
    return vminvq_u8(equal) == 0xFF;
#else
    uint64_t found[4], wanted[4], cared[4];
    __builtin_memcpy(found, text, sizeof found);
    __builtin_memcpy(wanted, pattern, sizeof wanted);
    __builtin_memcpy(cared, mask, sizeof cared);
    uint64_t difference = 0;
    for (int word = 0; word < 4; word++) difference |= (found[word] & cared[word]) ^ wanted[word];
    return difference == 0;
#endif
}
