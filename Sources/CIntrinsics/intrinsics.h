#pragma once

/* What processors can do and Swift has no word for. */

#if defined(__SSE2__)
#include <emmintrin.h>
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
