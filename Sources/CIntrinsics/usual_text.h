#pragma once

/* Reads the keys and values of a JSON line that are written as most are, many bytes at a time; of others it says so and
   leaves them to the scanner. Words are loaded whole, whatever line their bytes are of, but never from beyond the text. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

/* In the upper half of a text value's place: there is one. */
static const uint32_t bursar_present = (uint32_t)1 << 30;

#define BURSAR_INLINE static inline __attribute__((always_inline))

/* A record has so many texts and numbers. */
enum { bursar_text_fields = 21, bursar_number_fields = 10 };

/* Of a time, those of the longest that is usual: with six digits of a fraction. */
enum { bursar_literal_bytes = 64, bursar_time_bytes = 27 };

typedef enum {
    bursar_text,
    /* Text that nobody asks for; of other kinds it is never usual. */
    bursar_ignored,
    bursar_whole, bursar_time, bursar_duration,
    /* Read by the scanner alone. */
    bursar_other
} bursar_kind;

/* A key as it stood last, with what surrounds it: from the end of the value before to its own value. */
struct bursar_key {
    /* Zeros beyond `count`. */
    uint8_t literal[64];
    /* 0xFF for every byte of the first half of the literal. */
    uint8_t mask[32];
    /* A bit for every byte of the literal. */
    uint64_t bits;
    /* The field's own, for telling that it stands twice; 0 where the key is ignored. */
    uint64_t field_bit;
    /* The key that followed it last. */
    struct bursar_key *next;
    /* Bytes of the literal; 0: it is longer than there is room for, and stands nowhere. */
    int32_t count;
    /* Of them, those before its first quotation mark. */
    int32_t lead;
    /* -1: ignored. */
    int16_t field;
    /* A `bursar_kind`. */
    uint8_t kind;
    /* Place among a record's texts or numbers. */
    uint8_t place;
};

/* A line that is being read. */
struct bursar_line {
    const uint8_t *text;
    /* Bytes of the text, in which the line is one of many. */
    intptr_t end;
    intptr_t place;
    /* The fields that the line had so far. */
    uint64_t seen;
    struct bursar_key *previous, *expected;
    /* Of the record: where each text value begins, and in the upper half how long it is. */
    uint64_t *texts;
    int64_t *numbers;
    /* Where the processor has words of 64 bytes: what is known of whole lines. */
    struct bursar_lines *lines;
    /* The first ten bytes of the last time that was read, and its day since 1970. */
    uint64_t date;
    uint16_t date_end;
    int64_t day;
};

typedef enum {
    /* The object's closing brace was read. */
    bursar_object_end,
    /* No usual key follows the previous one. */
    bursar_unusual_key,
    /* The value of the previous key is not usual. */
    bursar_unusual_value,
    /* The expected key's field had stood before. */
    bursar_twice
} bursar_stop;

/* Keeps a key as it stands at `text`. */
static inline void bursar_key_stood(struct bursar_key *key, const uint8_t *text, intptr_t count) {
    __builtin_memset(key->literal, 0, sizeof key->literal);
    __builtin_memset(key->mask, 0, sizeof key->mask);
    key->bits = 0;
    key->count = count <= bursar_literal_bytes ? (int32_t)count : 0;
    if (key->count == 0) {
        /* No text holds such bytes. */
        __builtin_memset(key->literal, 0xFF, sizeof key->literal);
        __builtin_memset(key->mask, 0xFF, sizeof key->mask);
        key->bits = ~(uint64_t)0;
    }
    key->lead = 0;
    while (key->lead < count && text[key->lead] != '"') key->lead++;
    for (int32_t index = 0; index < key->count; index++) {
        key->literal[index] = text[index];
        key->bits |= (uint64_t)1 << index;
        if (index < 32) key->mask[index] = 0xFF;
    }
}

/* Eight characters less `0`, the first in the lowest byte. */
BURSAR_INLINE uint64_t bursar_digits(const uint8_t *text) {
    uint64_t word;
    __builtin_memcpy(&word, text, sizeof word);
    return word ^ 0x3030303030303030;
}

/* Marks, in the high bit of each byte, what is no digit. Only the first mark is sure: a carry may pass it. */
BURSAR_INLINE uint64_t bursar_not_digits(uint64_t digits) {
    return ((digits + 0x7676767676767676) | digits) & 0x8080808080808080;
}

/* The number that eight digits are: neighbours are added up in three steps. */
BURSAR_INLINE int64_t bursar_number(uint64_t digits) {
    const uint64_t pairs = (digits * 10 + (digits >> 8)) & 0x00FF00FF00FF00FF;
    const uint64_t fours = (pairs * 100 + (pairs >> 16)) & 0x0000FFFF0000FFFF;
    return (int64_t)((fours * 10000 + (fours >> 32)) & 0xFFFFFFFF);
}

/* A whole number of one to seven digits that a comma or a brace ends: where it ends; 0 where it is none. */
BURSAR_INLINE intptr_t bursar_usual_number(const struct bursar_line *line, intptr_t place, int64_t *number) {
    if (place + 8 > line->end) return 0;
    const uint64_t digits = bursar_digits(line->text + place), others = bursar_not_digits(digits);
    if (!others) return 0;
    const int bits = __builtin_ctzll(others) & ~7;
    if (bits == 0 || (bits > 8 && (digits & 0xFF) == 0)) return 0;
    const intptr_t end = place + (bits >> 3);
    if (line->text[end] != ',' && line->text[end] != '}') return 0;
    *number = bursar_number(digits << (64 - bits));
    return end;
}

/* `"2026-06-01T09:00:00Z"`, with three or six digits of a fraction or none, on the day of the last time: where it ends; 0
   where it is none. */
BURSAR_INLINE intptr_t bursar_usual_time(const struct bursar_line *line, intptr_t place, int64_t *time) {
    const uint8_t *const text = line->text + place + 1;
    if (place + 2 + bursar_time_bytes > line->end || text[-1] != '"') return 0;
    intptr_t bytes;
    uint64_t fraction;
    if (text[19] == 'Z') {
        bytes = bursar_time_bytes - 7;
        fraction = 0;
    } else if (text[23] == 'Z') {
        bytes = bursar_time_bytes - 3;
        fraction = 0xFFFFFF;
    } else {
        bytes = bursar_time_bytes;
        fraction = 0xFFFFFFFFFFFF;
    }
    if (text[bytes - 1] != 'Z' || text[bytes] != '"' || (fraction && text[19] != '.')) return 0;
    uint64_t date, clock;
    uint16_t date_end;
    __builtin_memcpy(&date, text, sizeof date);
    __builtin_memcpy(&date_end, text + 8, sizeof date_end);
    __builtin_memcpy(&clock, text + 11, sizeof clock);
    if (date != line->date || date_end != line->date_end || text[10] != 'T') return 0;
    /* The colons made digits; a byte that was no colon becomes none. */
    clock ^= 0x30303A30303A3030;
    /* Zeros stand for the digits that are not there. */
    const uint64_t micros = (bursar_digits(text + 20) & fraction) << 16;
    if (bursar_not_digits(clock) | bursar_not_digits(micros) | (clock & 0x0000FF0000FF0000)) return 0;
    const int64_t hour = (clock & 0xFF) * 10 + (clock >> 8 & 0xFF);
    const int64_t minute = (clock >> 24 & 0xFF) * 10 + (clock >> 32 & 0xFF);
    const int64_t second = (clock >> 48 & 0xFF) * 10 + (clock >> 56);
    if (hour > 23 || minute > 59 || second > 59) return 0;
    *time = ((line->day * 24 + hour) * 3600 + minute * 60 + second) * 1000000 + bursar_number(micros);
    return place + 2 + bytes;
}

#if defined(__x86_64__)
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

/* How many of the 16 bytes at `text` come before the first that is marked. */
static inline intptr_t bursar_plain_prefix(const uint8_t *text) {
#if defined(__x86_64__)
    return __builtin_ctz(bursar_marks(_mm_loadu_si128((const __m128i *)text)) | (uint32_t)1 << 16);
#elif defined(__ARM_NEON)
    const uint64_t marks = bursar_marks(vld1q_u8(text));
    return marks ? __builtin_ctzll(marks) >> 2 : 16;
#else
    intptr_t count = 0;
    while (count < 16 && text[count] >= 0x20 && text[count] < 0x80 && text[count] != '"' && text[count] != '\\') count++;
    return count;
#endif
}

/* A string of nothing but printable ASCII, without escapes, from its opening mark: where it ends; 0 where it is none. */
static inline intptr_t bursar_usual_string(const uint8_t *text, intptr_t end, intptr_t place) {
    if (place >= end || text[place] != '"') return 0;
    place++;
    while (place + 16 <= end) {
        const intptr_t count = bursar_plain_prefix(text + place);
        place += count;
        if (count < 16) return text[place] == '"' ? place + 1 : 0;
    }
    return 0;
}

/* Whether a key stands at `text` as it stood last; 64 bytes can be read. */
static inline bool bursar_matches(const struct bursar_key *key, const uint8_t *text) {
#if defined(__x86_64__)
    const __m128i *literal = (const __m128i *)key->literal, *mask = (const __m128i *)key->mask;
    const __m128i first = _mm_and_si128(_mm_loadu_si128((const __m128i *)text), _mm_loadu_si128(mask));
    const __m128i second = _mm_and_si128(_mm_loadu_si128((const __m128i *)(text + 16)), _mm_loadu_si128(mask + 1));
    const __m128i equal = _mm_and_si128(
        _mm_cmpeq_epi8(first, _mm_loadu_si128(literal)), _mm_cmpeq_epi8(second, _mm_loadu_si128(literal + 1)));
    if (_mm_movemask_epi8(equal) != 0xFFFF) return false;
#elif defined(__ARM_NEON)
    const uint8x16_t first = vandq_u8(vld1q_u8(text), vld1q_u8(key->mask));
    const uint8x16_t second = vandq_u8(vld1q_u8(text + 16), vld1q_u8(key->mask + 16));
    const uint8x16_t equal = vandq_u8(
        vceqq_u8(first, vld1q_u8(key->literal)), vceqq_u8(second, vld1q_u8(key->literal + 16)));
    if (vminvq_u8(equal) != 0xFF) return false;
#else
    for (int index = 0; index < 32; index++) {
        if ((text[index] & key->mask[index]) != key->literal[index]) return false;
    }
#endif
    return key->count <= 32 || __builtin_memcmp(text + 32, key->literal + 32, (size_t)key->count - 32) == 0;
}

BURSAR_INLINE bool bursar_is_text(const struct bursar_key *key) { return key->kind <= bursar_ignored; }

/* Takes a text value into the record, between its marks. An empty one is as good as none. */
BURSAR_INLINE void bursar_take_text(
    const struct bursar_line *line, const struct bursar_key *key, intptr_t open, intptr_t close) {
    if (key->kind != bursar_text || close <= open + 1) return;
    const uint64_t length = (uint64_t)(close - open - 1) | bursar_present;
    line->texts[key->place] = (uint64_t)(open + 1) | length << 32;
}

/* Takes a value that is no text into the record: where it ends; 0 where it is not usual. */
BURSAR_INLINE intptr_t bursar_take_number(
    const struct bursar_line *line, const struct bursar_key *key, intptr_t value) {
    int64_t number;
    intptr_t next;
    switch ((bursar_kind)key->kind) {
    case bursar_whole: return bursar_usual_number(line, value, &line->numbers[key->place]);
    case bursar_time: return bursar_usual_time(line, value, &line->numbers[key->place]);
    case bursar_duration:
        next = bursar_usual_number(line, value, &number);
        /* Microseconds. */
        if (next) line->numbers[key->place] = number * 1000;
        return next;
    default: return 0;
    }
}

/* Leaves the line as far as it was read. Where the expected key does not stand, the object may be at its end. */
BURSAR_INLINE bursar_stop bursar_stopped(
    struct bursar_line *line, bursar_stop stop, intptr_t place, uint64_t seen, struct bursar_key *previous,
    struct bursar_key *expected) {
    line->place = place;
    line->seen = seen;
    line->previous = previous;
    line->expected = expected;
    if (stop != bursar_unusual_key || !previous || place >= line->end || line->text[place] != '}') return stop;
    line->place++;
    return bursar_object_end;
}

/* Reads on key by key: each is looked for where the value before was found to end. */
static bursar_stop bursar_read_on(struct bursar_line *line) {
    const uint8_t *const text = line->text;
    /* So that whole words can be loaded at every key. */
    const intptr_t last = line->end - bursar_literal_bytes;
    intptr_t place = line->place;
    uint64_t seen = line->seen;
    struct bursar_key *previous = line->previous, *key = line->expected;
    bursar_stop stop = bursar_unusual_key;
    while (key && place <= last && bursar_matches(key, text + place)) {
        if (seen & key->field_bit) {
            stop = bursar_twice;
            break;
        }
        seen |= key->field_bit;
        previous = key;
        place += key->count;
        intptr_t next;
        if (bursar_is_text(key)) {
            next = bursar_usual_string(text, line->end, place);
            if (next) bursar_take_text(line, key, place, next - 1);
        } else {
            next = bursar_take_number(line, key, place);
        }
        if (!next) {
            stop = bursar_unusual_value;
            break;
        }
        place = next;
        key = key->next;
    }
    return bursar_stopped(line, stop, place, seen, previous, key);
}
