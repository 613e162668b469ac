// Threads, the word that each has, their fences, and the processors that they run on.
#ifndef NURSERY_CSWITCH_THREADS_H
#define NURSERY_CSWITCH_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__has_include) && __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define CS_KNOWS_ONLY_THREAD 1
#endif

#if defined(__clang__)
#pragma clang assume_nonnull begin
#else
#define _Nullable
#define _Nonnull
#endif

#ifdef __cplusplus
extern "C" {
#endif

// The calling thread's pointer, null at first. Not an ordinary read of a thread-local, because the compiler would keep
// its address across a switch. The assembly is volatile, so it is not moved and reads anew each time.
#if defined(__x86_64__) && defined(__ELF__)
static inline void *_Nullable cs_thread_pointer(void) {
  void *pointer;
  __asm__ volatile("movq cs_thread_word@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(pointer));
  return pointer;
}
#else
void *_Nullable cs_thread_pointer(void);
#endif
// Sets it. If the pointer is not null when the thread ends, `destroy` is called with it.
void cs_set_thread_pointer(void *_Nullable pointer);
void cs_set_thread_pointer_destructor(void (*destroy)(void *pointer));

// The kinds of locks that the calling thread holds, and how many of those that nest; for debug builds.
typedef struct cs_held {
  uint32_t ranks;
  uint32_t scopes;
} cs_held;
cs_held *cs_held_locks(void);

// Whether the process has no other thread. Then no locked instruction and no fence is needed. Only this thread can
// change that, by starting another. glibc maintains the flag (sys/single_threaded.h), and libstdc++ and malloc rely on
// it too. Always false with other C libraries.
static inline bool cs_is_only_thread(void) {
#if defined(CS_KNOWS_ONLY_THREAD)
  return __libc_single_threaded != 0;
#else
  return false;
#endif
}

// Starts a joinable thread with a name (at most 15 bytes are shown). Signals are blocked in it except synchronous
// faults and, unless the calling thread blocks it, SIGPROF. Returns 0 or -errno.
int cs_thread_start(const char *name, void *_Nullable (*_Nonnull body)(void *_Nullable), void *_Nullable argument,
                    uintptr_t *thread);
// Renames the calling thread; async-signal-safe.
void cs_thread_rename(const char *name);
// Tells the kernel to end the calling thread's timed waits at most a microsecond late, in place of the usual 50.
//
// Threads that the thread starts inherit that; programs that are launched do not. Returns what was before, for
// cs_timers_relax; 0, and does nothing, where there is no such setting.
long cs_timers_sharpen(void);
void cs_timers_relax(long before);
// The calling thread's slack in nanoseconds, as it was before cs_timers_sharpen.
long cs_timers_slack(void);
int cs_thread_join(uintptr_t thread);
int cs_thread_detach(uintptr_t thread);
void cs_thread_yield(void);
// How many threads the process has, at one instant during the call; -errno if that cannot be found out (Darwin has no
// /proc).
//
// The kernel's own count. Listing /proc/self/task is no substitute, because a thread that ends meanwhile can cut the
// list short. A thread counts from before its first instruction until after its last, so a thread that has been joined
// may still count for a moment.
int cs_thread_count(void);
// The calling thread, as cs_thread_start names one.
uintptr_t cs_this_thread(void);
// Nanoseconds of processor time that a thread has used, by its number in the kernel; -errno if it has ended or that
// cannot be found out.
int64_t cs_thread_time(int task);
// The bounds of the calling thread's stack.
int cs_thread_stack(void *_Nullable *_Nonnull bottom, size_t *size);

// How many processors this process may use (affinity mask, and a cgroup v2 quota rounded up), at least 1.
int cs_processor_count(void);

// A pair of fences: the light side is nearly free (a compiler barrier), the heavy side pays for both (membarrier). If
// the kernel has no membarrier, both are full fences. If it refuses membarrier after a light fence was taken, the
// process ends with a message: no other call can make that fence effective.
extern bool cs_fences_are_asymmetric;
// Called before the first pair of fences. If a sandbox that was entered since the start refuses membarrier, both become
// full fences.
void cs_settle_fences(void);
static inline void cs_fence_light(void) {
  if (__builtin_expect(cs_fences_are_asymmetric, 1)) __asm__ volatile("" ::: "memory");
  else __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
void cs_fence_heavy(void);

// A hint to the processor inside a spin loop.
static inline void cs_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#else
#error "Nursery knows x86-64 and arm64 only. Write switch_<cpu>.S and extend this list."
#endif
}

// Prefetches the cache line at an address, which need not be mapped.
static inline void cs_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#else
#undef _Nullable
#undef _Nonnull
#endif
#endif
