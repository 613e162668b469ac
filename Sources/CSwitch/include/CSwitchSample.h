// The stack of a thread that runs, taken by a signal to it.
#ifndef NURSERY_CSWITCH_SAMPLE_H
#define NURSERY_CSWITCH_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#else
#define _Nullable
#define _Nonnull
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum { CS_SAMPLE_FRAMES = 64, CS_SAMPLE_WORDS = 512 };

// What a thread was doing at one moment. Addresses outside of `instruction` are return addresses, or any words.
typedef struct cs_sample {
  uintptr_t instruction;
  uintptr_t stack_pointer;
  // The values at the two addresses that were given to cs_sample_thread.
  uintptr_t first_mark, second_mark;
  // Along the frame pointers, the innermost first; none if the thread sleeps in a system call.
  size_t frame_count;
  uintptr_t frames[CS_SAMPLE_FRAMES];
  // The stack from the stack pointer up to the innermost of the frames, at most. On arm64 the link register comes
  // first.
  size_t word_count;
  uintptr_t words[CS_SAMPLE_WORDS];
} cs_sample;

// Lets the calling thread be sampled: unblocks the signal. Returns whether it was blocked; then cs_sample_refuse must
// be called on the thread afterwards.
bool cs_sample_admit(void);
// Blocks the signal on the calling thread.
void cs_sample_refuse(void);
// The signal's number; 0 before the first use, and if there is none to use.
int cs_sample_signal_in_use(void);

// Takes a sample of another thread, which has admitted it. Waits for the thread's answer, and for a caller that samples
// another thread. `task` is the thread's number in the kernel.
//
// A thread that sleeps in a system call that the signal would end is not signalled: the kernel says where it sleeps.
//
// Returns 0; -ETIMEDOUT if the thread has not answered in time; -EPERM if it blocks the signal; -ENOSYS if there is no
// signal, or in a build with a sanitizer, which may keep the signal for long.
int cs_sample_thread(uintptr_t thread, int task, const void *first_mark, const void *second_mark, int64_t nanoseconds,
                     cs_sample *sample);
// The calling thread's number in the kernel; 0 if it has none.
int cs_this_task(void);

// Whether a call instruction ends at this address, so that it can be a return address.
bool cs_follows_call(uintptr_t address);

typedef struct cs_symbol {
  const char *_Nullable image;  // the file's name, without its folder
  const char *_Nullable name;   // of the exported function; null for others
  uintptr_t start;              // of that function
} cs_symbol;

// What the dynamic linker knows of an address. False if it is in no image.
bool cs_find_symbol(uintptr_t address, cs_symbol *symbol);
// The readable form of a mangled name of Swift's, to be freed; null for other names.
char *_Nullable cs_demangled(const char *name);

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
