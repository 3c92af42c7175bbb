#ifndef FLAT_LOOP_H
#define FLAT_LOOP_H
#include <stdint.h>

/// What a decision comes down to, written by hand over flat arrays: a price, and for each of five limits its window,
/// its bound and its counter. No lock, no reservation, no repeat, no reason, no rule.

enum { FLAT_LIMITS = 5, FLAT_MODELS = 64 };

struct flat_plan {
    int64_t bound[FLAT_LIMITS];
    /// 0: spend, 1: requests, 2: tokens.
    uint8_t unit[FLAT_LIMITS];
};

struct flat_price {
    int64_t input, cached, output;
};

struct flat_tenant {
    int64_t used[FLAT_LIMITS];
    int64_t window_end[FLAT_LIMITS];
    uint32_t plan;
};

struct flat_table {
    struct flat_tenant *tenants;
    struct flat_plan plans[4];
    struct flat_price prices[FLAT_MODELS];
    int64_t day;
};

/// Returns 1 and counts the amounts where every limit holds them.
int flat_decide(
    struct flat_table *table, uint32_t tenant, uint32_t model, int64_t time, int64_t input, int64_t cached,
    int64_t output);
#endif
