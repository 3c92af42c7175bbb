#pragma once

/* Reads JSON lines of a shape that was seen before, as words of 64 bytes where the processor has them.

   The quotation marks and line ends of some lines are found first. Where the distances of a line's marks and the keys
   between them are those of an earlier line, nothing is looked for any more: where each value begins and ends is known at
   once. */

#include "usual_text.h"
#include <stdlib.h>

#if defined(__x86_64__)

#define BURSAR_WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi2,bmi,bmi2,popcnt")))

enum {
    /* Lines of different shapes are told apart by how many quotation marks they have. */
    bursar_shape_count = 8,
    /* With the line's end, as many marks as two words hold. */
    bursar_shape_marks = 64, bursar_shape_keys = 32, bursar_shape_numbers = 8,
    /* In which marks are found at a time, and how much of what comes after them is asked for at each line. */
    bursar_found_bytes = 4096, bursar_ahead_bytes = 512,
    /* Of a key from before its first quotation mark on, and how many of them come before it. */
    bursar_key_bytes = 32, bursar_key_lead = 4,
    /* More lines than this in a row of another shape replace the one that is known; after lines that are none, it takes so
       many more. */
    bursar_shape_patience = 3, bursar_shape_pause = 1000
};

/* What lines that are written alike have in common. Marks are named by their place among a line's. */
struct bursar_shape {
    /* How many quotation marks they have; 0: no line is known. */
    int32_t quotes;
    int32_t misses;
    /* From each mark to the next. */
    uint16_t gaps[bursar_shape_marks];
    /* Of the gaps, those that are alike on all lines, and those that are text values, as bits. */
    uint64_t fixed, values;
    int32_t key_count;
    /* Bytes before the first mark. */
    int32_t lead;
    /* The first mark of each key. */
    uint8_t key_marks[bursar_shape_keys];
    struct {
        uint8_t bytes[bursar_key_bytes];
        /* 0xFF for every byte that is the key's or surrounds it. */
        uint8_t mask[bursar_key_bytes];
    } keys[bursar_shape_keys];
    /* By place among a record's texts: the marks around the value, and which there are, as bits. */
    uint16_t opens[32], closes[32];
    uint32_t texts;
    /* Numbers in the order of the line: how many, the first mark of the key and of the next key, bytes from the one to the
       value and from the value to the other, and what each is multiplied by. */
    int32_t number_count;
    uint16_t number_keys[32], number_nexts[32];
    int64_t before[bursar_shape_numbers], behind[bursar_shape_numbers];
    uint64_t factors[bursar_shape_numbers];
    /* By place among a record's numbers: which of them it is, and which there are, as bits. */
    uint64_t number_order[16];
    uint32_t numbers;
    /* The mark that opens the time, and its place as a bit; 0: there is none. */
    int32_t time_mark;
    uint32_t time;
    /* What stands in it from the hour on where all digits are zero, how much more each byte may be, and a bit for each. */
    uint8_t clock[16], clock_most[16];
    uint16_t clock_bytes;
};

/* What a thread knows of lines. */
struct bursar_lines {
    /* The text in which marks were found last, and the first line in it; NULL: none. */
    const uint8_t *text, *first;
    /* The line whose turn it is, and how many are whole. */
    int32_t line, line_count;
    /* Of each line: behind which mark it ends. */
    uint16_t ends[bursar_found_bytes / 64 + 1];
    /* Where quotation marks and line ends stand in the text; beyond them, what is stored or loaded at once with the last
       ones. */
    uint16_t marks[bursar_found_bytes / 2 + bursar_shape_marks + 1];
    struct bursar_shape shapes[bursar_shape_count];
};

/* Finds the marks of the lines that begin at `place`, as far as nothing else in them needs a look. */
BURSAR_WIDE static void bursar_find_marks(const struct bursar_line *line, struct bursar_lines *lines, intptr_t place) {
    static const uint8_t places[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    /* Words that lie in one line of the cache are read faster; what stands before `place` is no mark. */
    const intptr_t before = place < 64 ? 0 : (intptr_t)((uintptr_t)(line->text + place) & 63);
    const uint8_t *const text = line->text + place - before;
    intptr_t bytes_left = line->end - place + before;
    if (bytes_left > bursar_found_bytes) bytes_left = bursar_found_bytes;
    uint64_t wanted = ~(uint64_t)0 << before;
    __m512i offsets = _mm512_setzero_si512();
    const __m512i numbers = _mm512_loadu_si512(places);
    intptr_t count = 0, line_count = 0;
    for (intptr_t offset = 0; offset + 64 <= bytes_left; offset += 64) {
        const __m512i bytes = _mm512_loadu_si512(text + offset);
        const uint64_t ends = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\n')) & wanted;
        const uint64_t found = (_mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"')) & wanted) | ends;
        /* As signed numbers, control characters and all beyond ASCII are less than a space. */
        const uint64_t others = (_mm512_cmplt_epi8_mask(bytes, _mm512_set1_epi8(0x20))
            | _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\\'))) & wanted;
        const intptr_t added = __builtin_popcountll(found);
        /* Or a line is shorter than any record. */
        if ((others ^ ends) | (ends & (ends - 1)) | (added > 32)) break;
        const __m256i packed = _mm512_castsi512_si256(_mm512_maskz_compress_epi8(found, numbers));
        _mm512_storeu_si512(lines->marks + count, _mm512_add_epi16(_mm512_cvtepu8_epi16(packed), offsets));
        offsets = _mm512_add_epi16(offsets, _mm512_set1_epi16(64));
        /* Whether one ends here is not asked, because it would be guessed wrong; what is stored in vain is replaced. */
        lines->ends[line_count] = (uint16_t)(count + __builtin_popcountll(found & (ends ^ (ends - 1))));
        line_count += ends != 0;
        count += added;
        wanted = ~(uint64_t)0;
    }
    lines->text = text;
    lines->first = text + before;
    lines->line = 0;
    lines->line_count = (int32_t)line_count;
}

/* A time as the shape has it, on the day of the last time. */
BURSAR_WIDE BURSAR_INLINE bool bursar_time_wide(
    const struct bursar_line *line, const struct bursar_shape *shape, const uint8_t *text, int64_t *time) {
    uint64_t date;
    uint16_t date_end;
    __builtin_memcpy(&date, text, sizeof date);
    __builtin_memcpy(&date_end, text + 8, sizeof date_end);
    if (date != line->date || date_end != line->date_end || text[10] != 'T') return false;
    /* Digits that are not there are zeros. */
    const __m128i clock = _mm_maskz_sub_epi8(
        shape->clock_bytes, _mm_loadu_si128((const __m128i *)(text + 11)),
        _mm_loadu_si128((const __m128i *)shape->clock));
    if (_mm_cmpgt_epu8_mask(clock, _mm_loadu_si128((const __m128i *)shape->clock_most))) return false;
    /* Hours, minutes, seconds and a zero; the microseconds two by two, and a zero. */
    const __m128i digits = _mm_shuffle_epi8(
        clock, _mm_setr_epi8(0, 1, 3, 4, 6, 7, -1, -1, 9, 10, 11, 12, 13, 14, -1, -1));
    const __m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010A));
    if (_mm_cmpgt_epi16_mask(pairs, _mm_setr_epi16(23, 59, 59, 0, 99, 99, 99, 0))) return false;
    const __m128i sums = _mm_madd_epi16(pairs, _mm_setr_epi16(3600, 60, 1, 0, 10000, 100, 1, 0));
    const __m128i totals = _mm_add_epi32(sums, _mm_srli_epi64(sums, 32));
    const int64_t seconds = _mm_cvtsi128_si32(totals), micros = _mm_extract_epi32(totals, 2);
    *time = (line->day * 86400 + seconds) * 1000000 + micros;
    return true;
}

/* Learns how a usual time of so many bytes is written. */
static void bursar_learn_time(struct bursar_shape *shape, int32_t bytes) {
    const int32_t count = bytes - 11;
    __builtin_memcpy(shape->clock, "00:00:00.000000", (size_t)count - 1);
    shape->clock[count - 1] = 'Z';
    for (int32_t index = 0; index < count; index++) shape->clock_most[index] = shape->clock[index] == '0' ? 9 : 0;
    shape->clock_bytes = (uint16_t)((1u << count) - 1);
}

/* Converts the whole numbers of one to seven digits of a line, all at once. False: one of them is another.

   `first`, `second`: the line's marks, that count from `text` on. */
BURSAR_WIDE BURSAR_INLINE bool bursar_numbers_wide(
    const struct bursar_shape *shape, __m512i first, __m512i second, const uint8_t *text, __m512i *values) {
    const __mmask8 used = (__mmask8)((1u << shape->number_count) - 1);
    const __m512i keys = _mm512_permutex2var_epi16(first, _mm512_loadu_si512(shape->number_keys), second);
    const __m512i nexts = _mm512_permutex2var_epi16(first, _mm512_loadu_si512(shape->number_nexts), second);
    const __m512i starts = _mm512_add_epi64(
        _mm512_cvtepu16_epi64(_mm512_castsi512_si128(keys)), _mm512_loadu_si512(shape->before));
    const __m512i ends = _mm512_sub_epi64(
        _mm512_cvtepu16_epi64(_mm512_castsi512_si128(nexts)), _mm512_loadu_si512(shape->behind));
    const __m512i count = _mm512_maskz_sub_epi64(used, ends, starts);
    /* Wrapped around where the next key begins before the value could. */
    if (_mm512_mask_cmpgt_epu64_mask(used, _mm512_sub_epi64(count, _mm512_set1_epi64(1)), _mm512_set1_epi64(6))) {
        return false;
    }
    /* The eight bytes that end with each, and of them its own. */
    const __m512i words = _mm512_mask_i64gather_epi64(
        _mm512_setzero_si512(), used, _mm512_sub_epi64(ends, _mm512_set1_epi64(8)), text, 1);
    const __m512i others = _mm512_slli_epi64(_mm512_sub_epi64(_mm512_set1_epi64(8), count), 3);
    const __m512i digits = _mm512_and_si512(
        _mm512_xor_si512(words, _mm512_set1_epi8('0')), _mm512_sllv_epi64(_mm512_maskz_set1_epi64(used, -1), others));
    if (_mm512_cmpgt_epu8_mask(digits, _mm512_set1_epi8(9))) return false;
    const __m512i pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010A));
    const __m512i fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x00010064));
    const __m512i whole = _mm512_add_epi64(
        _mm512_mul_epu32(fours, _mm512_set1_epi64(10000)), _mm512_srli_epi64(fours, 32));
    /* By how many digits there are, the smallest number that needs them: a smaller one begins with a zero. */
    const __m512i smallest = _mm512_permutexvar_epi64(
        count, _mm512_setr_epi64(0, 0, 10, 100, 1000, 10000, 100000, 1000000));
    if (_mm512_mask_cmplt_epu64_mask(used, whole, smallest)) return false;
    *values = _mm512_mul_epu32(whole, _mm512_loadu_si512(shape->factors));
    return true;
}

/* Writes a record's texts, those that are absent too. */
BURSAR_WIDE BURSAR_INLINE void bursar_write_texts(
    const struct bursar_shape *shape, __m512i first, __m512i second, uint64_t start, uint64_t *texts) {
    const __m512i opens = _mm512_permutex2var_epi16(first, _mm512_loadu_si512(shape->opens), second);
    const __m512i closes = _mm512_permutex2var_epi16(first, _mm512_loadu_si512(shape->closes), second);
    const __m512i lengths = _mm512_sub_epi16(closes, opens);
    /* The value begins behind its mark, and is one byte shorter than the gap. */
    const __m512i base = _mm512_set1_epi64((int64_t)(start + 1 + ((uint64_t)(bursar_present - 1) << 32)));
#define BURSAR_TEXTS(part) \
    _mm512_maskz_add_epi64( \
        (__mmask8)(shape->texts >> (8 * part)), base, \
        _mm512_add_epi64( \
            _mm512_cvtepu16_epi64(_mm512_extracti32x4_epi32(opens, part)), \
            _mm512_slli_epi64(_mm512_cvtepu16_epi64(_mm512_extracti32x4_epi32(lengths, part)), 32)))
    _mm512_storeu_si512(texts, BURSAR_TEXTS(0));
    _mm512_storeu_si512(texts + 8, BURSAR_TEXTS(1));
    const __m512i rest = BURSAR_TEXTS(2);
#undef BURSAR_TEXTS
    _Static_assert(bursar_text_fields == 21, "what is stored is as much as a record has");
    _mm256_storeu_si256((__m256i *)(texts + 16), _mm512_castsi512_si256(rest));
    _mm_storeu_si64(texts + 20, _mm512_extracti32x4_epi32(rest, 2));
}

/* Writes a record's numbers, those that are absent too. */
BURSAR_WIDE BURSAR_INLINE void bursar_write_numbers(
    const struct bursar_shape *shape, __m512i values, int64_t time, int64_t *numbers) {
    const __m512i absent = _mm512_set1_epi64(INT64_MIN);
    const __m512i first = _mm512_mask_permutexvar_epi64(
        absent, (__mmask8)shape->numbers, _mm512_loadu_si512(shape->number_order), values);
    const __m512i second = _mm512_mask_permutexvar_epi64(
        absent, (__mmask8)(shape->numbers >> 8), _mm512_loadu_si512(shape->number_order + 8), values);
    _Static_assert(bursar_number_fields == 10, "what is stored is as much as a record has");
    _mm512_storeu_si512(numbers, _mm512_mask_set1_epi64(first, (__mmask8)shape->time, time));
    _mm_storeu_si128((__m128i *)(numbers + 8), _mm512_castsi512_si128(second));
}

/* Reads a line that may have a known shape: its marks, the last of which is its end, and its beginning count from `text`
   on. False: it has another one, or a value is not usual. */
BURSAR_WIDE BURSAR_INLINE bool bursar_read_shaped(
    const struct bursar_line *line, const struct bursar_shape *shape, const uint16_t *marks, intptr_t start,
    const uint8_t *text) {
    if (marks[0] - start != shape->lead || text[marks[shape->quotes] - 1] != '}') return false;
    const __m512i first = _mm512_loadu_si512(marks), second = _mm512_loadu_si512(marks + 32);
    const __m512i first_gaps = _mm512_sub_epi16(_mm512_loadu_si512(marks + 1), first);
    const __m512i second_gaps = _mm512_sub_epi16(_mm512_loadu_si512(marks + 33), second);
    const __mmask32 different_gaps =
        _mm512_mask_cmpneq_epu16_mask((__mmask32)shape->fixed, first_gaps, _mm512_loadu_si512(shape->gaps))
        | _mm512_mask_cmpneq_epu16_mask(
            (__mmask32)(shape->fixed >> 32), second_gaps, _mm512_loadu_si512(shape->gaps + 32));
    /* An empty text is as good as none. */
    const __mmask32 empty = _mm512_mask_cmpeq_epu16_mask((__mmask32)shape->values, first_gaps, _mm512_set1_epi16(1))
        | _mm512_mask_cmpeq_epu16_mask((__mmask32)(shape->values >> 32), second_gaps, _mm512_set1_epi16(1));
    if (different_gaps | empty) return false;
    __m256i different = _mm256_setzero_si256();
    for (int32_t index = 0; index < shape->key_count; index++) {
        const uint8_t *const key = text + marks[shape->key_marks[index]] - bursar_key_lead;
        const __m256i difference = _mm256_xor_si256(
            _mm256_loadu_si256((const __m256i *)key), _mm256_loadu_si256((const __m256i *)shape->keys[index].bytes));
        /* What there was, or what differs where the mask has a bit. */
        different = _mm256_ternarylogic_epi32(
            different, difference, _mm256_loadu_si256((const __m256i *)shape->keys[index].mask), 0xF8);
    }
    if (!_mm256_testz_si256(different, different)) return false;
    int64_t time = 0;
    if (shape->time && !bursar_time_wide(line, shape, text + marks[shape->time_mark] + 1, &time)) return false;
    __m512i values;
    if (!bursar_numbers_wide(shape, first, second, text, &values)) return false;
    bursar_write_texts(shape, first, second, (uint64_t)(text - line->text), line->texts);
    bursar_write_numbers(shape, values, time, line->numbers);
    return true;
}

/* Learns the shape of a line that was read key by key, where it is a shape. */
BURSAR_WIDE static void bursar_learn_shape(
    struct bursar_shape *shape, const struct bursar_key *key, int32_t key_count, const uint16_t *marks, int32_t quotes) {
    __builtin_memset(shape, 0, sizeof *shape);
    /* Where it is none, the next ones will not be either. */
    shape->misses = -bursar_shape_pause;
    if (quotes >= bursar_shape_marks || key_count > bursar_shape_keys) return;
    shape->lead = key->lead;
    int32_t mark = 0;
    for (int32_t index = 0; index < key_count; index++, key = key->next) {
        const int32_t length = key->count - key->lead;
        if (key->lead > bursar_key_lead || length > bursar_key_bytes - bursar_key_lead) return;
        __builtin_memcpy(shape->keys[index].bytes + bursar_key_lead - key->lead, key->literal, (size_t)key->count);
        __builtin_memset(shape->keys[index].mask + bursar_key_lead - key->lead, 0xFF, (size_t)key->count);
        shape->key_marks[index] = (uint8_t)mark;
        /* A brace ends the last value as a comma and perhaps spaces do the others. */
        const int32_t behind = index + 1 < key_count ? key->next->lead : 1;
        if (!bursar_is_text(key) && key->kind != bursar_time) {
            const int32_t number = shape->number_count++;
            if (number == bursar_shape_numbers) return;
            shape->number_keys[number] = (uint16_t)mark;
            shape->number_nexts[number] = (uint16_t)(mark + 2);
            shape->before[number] = length;
            shape->behind[number] = behind;
            /* Durations are kept in microseconds. */
            shape->factors[number] = key->kind == bursar_duration ? 1000 : 1;
            shape->number_order[key->place] = (uint64_t)number;
            shape->numbers |= (uint32_t)1 << key->place;
            mark += 2;
            continue;
        }
        /* From the key to the mark that opens the value, and from the one that closes it to what follows. */
        shape->gaps[mark + 1] = (uint16_t)(length - (marks[mark + 1] - marks[mark]));
        shape->gaps[mark + 3] = (uint16_t)(behind + 1);
        shape->fixed |= (uint64_t)5 << (mark + 1);
        if (key->kind == bursar_time) {
            if (shape->time) return;
            /* Between its marks. */
            const int32_t bytes = marks[mark + 3] - marks[mark + 2] - 1;
            shape->gaps[mark + 2] = (uint16_t)(bytes + 1);
            shape->fixed |= (uint64_t)1 << (mark + 2);
            bursar_learn_time(shape, bytes);
            shape->time_mark = mark + 2;
            shape->time = (uint32_t)1 << key->place;
        } else if (key->kind == bursar_text) {
            shape->values |= (uint64_t)1 << (mark + 2);
            shape->opens[key->place] = (uint16_t)(mark + 2);
            shape->closes[key->place] = (uint16_t)(mark + 3);
            shape->texts |= (uint32_t)1 << key->place;
        }
        mark += 4;
    }
    shape->key_count = key_count;
    shape->quotes = quotes;
    shape->misses = 0;
}

BURSAR_WIDE BURSAR_INLINE bool bursar_matches_wide(const struct bursar_key *key, const uint8_t *text) {
    if (key->count <= 32) {
        return _mm256_mask_cmpneq_epi8_mask(
                   (uint32_t)key->bits, _mm256_loadu_si256((const __m256i *)text),
                   _mm256_loadu_si256((const __m256i *)key->literal)) == 0;
    }
    return _mm512_mask_cmpneq_epi8_mask(key->bits, _mm512_loadu_si512(text), _mm512_loadu_si512(key->literal)) == 0;
}

/* Reads a line key by key, by its `count` quotation marks; they count from `start` on. */
BURSAR_WIDE static bursar_stop bursar_read_keys(
    struct bursar_line *line, struct bursar_shape *shape, const uint16_t *quotes, int32_t count, intptr_t start) {
    const uint8_t *const text = line->text;
    intptr_t place = line->place;
    uint64_t seen = 0;
    struct bursar_key *previous = 0, *const first = line->expected, *key = first;
    bursar_stop stop = bursar_unusual_key;
    int32_t quote = 0, keys = 0;
    /* A key has two marks, a text two more. */
    while (key && quote + 2 <= count) {
        if (start + quotes[quote] - key->lead != place || !bursar_matches_wide(key, text + place)) break;
        if (seen & key->field_bit) {
            stop = bursar_twice;
            break;
        }
        seen |= key->field_bit;
        previous = key;
        place += key->count;
        intptr_t end;
        if (bursar_is_text(key)) {
            const bool isThere = quote + 4 <= count && start + quotes[quote + 2] == place;
            end = isThere ? start + quotes[quote + 3] + 1 : 0;
            if (isThere) bursar_take_text(line, key, place, end - 1);
            quote += 4;
        } else {
            end = bursar_take_number(line, key, place);
            quote += key->kind == bursar_time ? 4 : 2;
        }
        if (!end) {
            stop = bursar_unusual_value;
            break;
        }
        place = end;
        keys++;
        key = key->next;
    }
    stop = bursar_stopped(line, stop, place, seen, previous, key);
    if (stop == bursar_object_end && quote == count && line->place == start + quotes[count]) {
        if (++shape->misses > bursar_shape_patience) bursar_learn_shape(shape, first, keys, quotes, count);
    }
    return stop;
}

/* Reads a line from its beginning. */
BURSAR_WIDE static bursar_stop bursar_read_line(struct bursar_line *line) {
    struct bursar_lines *const lines = line->lines;
    const uint8_t *const text = line->text + line->place;
    /* A little at a time: a processor waits for no more than some lines of the cache at once. */
    for (int32_t offset = 0; offset < bursar_ahead_bytes; offset += 64) {
        _mm_prefetch((const char *)(text + bursar_found_bytes + offset), _MM_HINT_T0);
    }
    int32_t first = 0;
    const uint8_t *expected = lines->first;
    if (lines->line > 0) {
        first = lines->ends[lines->line - 1];
        expected = lines->text + lines->marks[first - 1] + 1;
    }
    if (lines->line >= lines->line_count || expected != text) {
        bursar_find_marks(line, lines, line->place);
        if (lines->line_count == 0) return bursar_read_on(line);
        first = 0;
    }
    const uint16_t *const marks = lines->marks + first;
    const int32_t count = lines->ends[lines->line] - 1 - first;
    lines->line++;
    const intptr_t start = lines->text - line->text;
    /* So that whole words can be loaded at every key, and ones that end with a number or begin before a key. */
    if (start + marks[count] > line->end - bursar_literal_bytes || line->place < 8) return bursar_read_on(line);
    struct bursar_shape *const shape = &lines->shapes[(count >> 1) % bursar_shape_count];
    if (shape->quotes != count || count == 0 || !bursar_read_shaped(line, shape, marks, line->place - start, lines->text)) {
        return bursar_read_keys(line, shape, marks, count, start);
    }
    shape->misses = 0;
    line->place = start + marks[count];
    return bursar_object_end;
}

static inline bool bursar_has_wide(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vbmi2")
        && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

static inline struct bursar_lines *bursar_new_lines(void) {
    return (struct bursar_lines *)calloc(1, sizeof(struct bursar_lines));
}

/* Other text may stand where the last one stood. */
static inline void bursar_forget_text(struct bursar_lines *lines) { lines->line_count = 0; }

#else

static inline bool bursar_has_wide(void) { return false; }
static inline struct bursar_lines *bursar_new_lines(void) { return 0; }
static inline void bursar_forget_text(struct bursar_lines *lines) { (void)lines; }

#endif

static inline void bursar_free_lines(struct bursar_lines *lines) { free(lines); }

/* Reads on from `place`, where the expected key is to stand.

   `wide`: the processor has the words for it, and the line begins there. */
static inline bursar_stop bursar_read_usual(struct bursar_line *line, bool wide) {
#if defined(__x86_64__)
    if (wide) return bursar_read_line(line);
#endif
    (void)wide;
    return bursar_read_on(line);
}
