#include "FlatLoop.h"

int flat_decide(
    struct flat_table *table, uint32_t tenant, uint32_t model, int64_t time, int64_t input, int64_t cached,
    int64_t output) {
    struct flat_tenant *t = &table->tenants[tenant];
    const struct flat_plan *plan = &table->plans[t->plan];
    const struct flat_price *price = &table->prices[model];
    int64_t amounts[3];
    amounts[0] = ((input - cached) * price->input + cached * price->cached + output * price->output + 999) / 1000;
    amounts[1] = 1;
    amounts[2] = input + output;
    for (int i = 0; i < FLAT_LIMITS; i++) {
        if (time >= t->window_end[i]) {
            t->window_end[i] = (time / table->day + 1) * table->day;
            t->used[i] = 0;
        }
        if (t->used[i] + amounts[plan->unit[i]] > plan->bound[i]) return 0;
    }
    for (int i = 0; i < FLAT_LIMITS; i++) t->used[i] += amounts[plan->unit[i]];
    return 1;
}
