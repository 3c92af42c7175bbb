#include "FlatLoop.h"

int flat_decide(struct flat_tenant *tenants, uint32_t tenant, int64_t input, int64_t output) {
    struct flat_tenant *t = &tenants[tenant];
    int64_t cost = (input * 150000 + output * 600000 + 999) / 1000;
    int64_t amounts[4] = {cost, cost, 1, cost};
    for (int i = 0; i < 4; i++) {
        if (t->used[i] + amounts[i] > t->bound[i]) return 0;
    }
    for (int i = 0; i < 4; i++) t->used[i] += amounts[i];
    return 1;
}
