// Interrupts blocked system calls of this library on another thread.
#ifndef NURSERY_CSWITCH_INTERRUPT_H
#define NURSERY_CSWITCH_INTERRUPT_H

#include <stdbool.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

#ifdef __cplusplus
extern "C" {
#endif

// A sequence of system calls that one thread makes and other threads may interrupt.
typedef struct cs_interruption cs_interruption;

cs_interruption *cs_interruption_make(void);
void cs_interruption_free(cs_interruption *interruption);
// Called before the calls, on their thread. Returns false if they have already been interrupted; then they must not be
// made.
bool cs_interruption_enter(cs_interruption *interruption);
// Called after them.
void cs_interruption_leave(cs_interruption *interruption);
// Called on any thread. Blocked calls return -EINTR from now on, until the thread leaves. Never blocks for long.
void cs_interruption_raise(cs_interruption *interruption);
// Whether the calling thread's calls end at EINTR instead of being restarted.
bool cs_is_interrupted(void);
// The signal's number; 0 before the first use.
int cs_interrupt_signal_in_use(void);

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
