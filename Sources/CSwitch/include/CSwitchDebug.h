// What a debugger reads of a running process, or of a core file: Examples/Debugger/nursery.py.
#ifndef NURSERY_CSWITCH_DEBUG_H
#define NURSERY_CSWITCH_DEBUG_H

#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

#ifdef __cplusplus
extern "C" {
#endif

// Adds an entry to the table `cs_debug`: where a field lies in its record. `name` is kept. One caller at a time.
void cs_debug_add_place(const char *name, uint64_t value);

// Adds a run of fibers, with the scope of its root fiber, and the array of its workers and the word that says how many
// they are. One caller at a time, also for the removal.
void cs_debug_add_run(const void *root, const void *workers, const void *worker_count);
void cs_debug_remove_run(const void *root);

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
