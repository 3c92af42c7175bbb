/* Asks for a line of memory before it is needed, so that several cold lines are waited for at once and not in turn. */
static inline void bursar_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }
