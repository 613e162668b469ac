// Interrupting system calls of ours on another thread.
#ifndef NURSERY_CSWITCH_INTERRUPT_H
#define NURSERY_CSWITCH_INTERRUPT_H

#include <stdbool.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

#ifdef __cplusplus
extern "C" {
#endif

// System calls that one thread makes, and others may interrupt.
typedef struct cs_interruption cs_interruption;

cs_interruption *cs_interruption_make(void);
void cs_interruption_free(cs_interruption *interruption);
// Before the calls, on their thread; false if they have been interrupted already, and then they are not made.
bool cs_interruption_enter(cs_interruption *interruption);
// After them.
void cs_interruption_leave(cs_interruption *interruption);
// From any thread: blocked calls return -EINTR from now on, until the thread leaves. Never blocks for long.
void cs_interruption_raise(cs_interruption *interruption);
// Whether the calling thread's calls are to end at EINTR.
bool cs_is_interrupted(void);
// The number of the signal that is used; 0 before the first use.
int cs_interrupt_signal_in_use(void);

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
