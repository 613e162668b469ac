#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdbool.h>

// Counts the heap blocks that the calling thread has allocated: the process's malloc is replaced by one that counts and
// forwards. Returns false, and no count, under sanitizers, which replace malloc themselves, and without glibc.
bool allocation_count(long *count);

#endif
