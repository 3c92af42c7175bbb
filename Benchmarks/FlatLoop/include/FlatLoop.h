#ifndef FLAT_LOOP_H
#define FLAT_LOOP_H
#include <stdint.h>

/// Four limits of one tenant: what the engine's decision comes down to, written by hand over flat arrays.
struct flat_tenant {
    int64_t used[4];
    int64_t bound[4];
};

/// Returns 1 and counts the amounts where all four limits hold them.
int flat_decide(struct flat_tenant *tenants, uint32_t tenant, int64_t input, int64_t output);
#endif
