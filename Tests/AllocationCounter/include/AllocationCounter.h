#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdbool.h>

// How many blocks of memory the calling thread has taken from the heap so far: the process's malloc is replaced by one
// that counts and passes on. False, and no count, where that cannot be done: under sanitizers, who replace it
// themselves, and without glibc.
bool allocation_count(long *count);

#endif
