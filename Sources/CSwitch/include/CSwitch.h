// CSwitch: the parts of Nursery that cannot be written in Swift. No policy lives here.
//
//   switch_<cpu>.S   saves one stack and continues another
//   CSwitchPair.h    the same for a coroutine's two stacks, inlined
//   sanitizers.c     tells the address and thread sanitizers about switches
//   stack.c          stack memory: reservations, guard pages, return to the kernel
//   measure.c        finds how far down a stack has been used
//   exclusivity.c    the Swift runtime's per-thread list of open accesses
//   fault.c          recognises a fault in a guard page and reports a stack overflow
//   thread.c         threads and the per-thread pointer
//   processors.c     how many processors there are for us
//   readiness.c      epoll and eventfd
//   addresses.c      socket addresses
//   files.c          files
//   pipes.c          pipes
//   resolve.c        names of hosts
//   sockets.c        sockets
//   syscalls.c       system calls that return -errno
//   processes.c      children, pipes and terminals for them
//   keeper.c         the process that stands between us and a child, and owns what the child starts
//   launch.c         the child until it is another program
//   tree.c           finding what the child has started
//   raw.h            system calls without the C library, for the keeper
//   signals.c        catching signals
//
// Every function that can fail returns a negative errno value; none of them touches `errno` after a
// switch could have happened (glibc declares its address constant per call site, and a fiber migrates).
#ifndef NURSERY_CSWITCH_H
#define NURSERY_CSWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#if defined(__has_include) && __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define CS_KNOWS_ONLY_THREAD 1
#endif

#include "CSwitchFiles.h"
#include "CSwitchInterrupt.h"
#include "CSwitchPair.h"
#include "CSwitchProcesses.h"
#include "CSwitchReadiness.h"
#include "CSwitchResolve.h"
#include "CSwitchSockets.h"

// Nullability is clang's; other compilers read the same header without it.
#if defined(__clang__)
#pragma clang assume_nonnull begin
#else
#define _Nullable
#define _Nonnull
#endif

#ifdef __cplusplus
extern "C" {
#endif

// MARK: Switching

// What the sanitizers must know about one stack. Unused, but present, in ordinary builds: the layout
// must not depend on flags that the Swift importer does not see.
typedef struct cs_stack_notes {
  void *_Nullable thread_sanitizer_fiber;   // made by cs_notes_begin, or the thread's own
  void *_Nullable fake_stack;               // the address sanitizer's, while the stack is suspended
  const void *_Nullable bottom;             // lowest usable address
  size_t size;
} cs_stack_notes;

// Continues the stack whose saved pointer is `target` and suspends the current one.
//
// Callee-saved registers and the floating-point control state are pushed on the current stack, then its
// stack pointer is stored in `*save` as the very last access to the old stack (with release order), so
// whoever sees a non-null `*save` may continue that stack, on any thread. Returns when somebody continues it.
// `from` and `to` are used by sanitized builds only. `from` is null when the current stack ends
// and is never continued (then `*save` is written all the same).
void cs_switch(void *_Nullable *_Nonnull save, void *target,
               cs_stack_notes *_Nullable from, cs_stack_notes *_Nullable to);

// Lays the first frame on a fresh stack and returns what to pass to cs_switch as `target`. The first switch
// calls `entry(argument)`, which must never return. A backtrace ends cleanly at the entry.
void *cs_prepare(void *top, void (*entry)(void *), void *argument);

// Must be the first call inside an entry function.
void cs_entered(void);

// Prepares the notes of a fresh stack, and forgets them. Cheap no-ops in ordinary builds. cs_notes_end must not be
// called on the stack it describes.
void cs_notes_begin(cs_stack_notes *notes, const void *bottom, size_t size);
void cs_notes_end(cs_stack_notes *notes);
// Fills the notes for the calling thread's own stack.
void cs_notes_thread(cs_stack_notes *notes);

// Tells the thread sanitizer that what happened before the one call happens before what follows the other, for the same
// address: by a reference count, which it cannot see. Nothing in other builds.
void cs_notes_release(const void *address);
void cs_notes_acquire(const void *address);

// 0 = ordinary build, 1 = address sanitizer, 2 = thread sanitizer.
int cs_sanitizer(void);
// Whether it is not 0, without a call.
extern const bool cs_is_sanitized;

// MARK: Stack memory

// Reserves `size` bytes (a multiple of the page size) without committing memory, aligned to `alignment` (a power of
// two). Huge pages are switched off for the range. Returns 0 or -errno.
int cs_reserve(size_t size, size_t alignment, void *_Nullable *_Nonnull memory);
int cs_unreserve(void *memory, size_t size);

// Makes [memory, memory + size) fault on any access. The method (guard pages without splitting
// the mapping, where the kernel has them; else mprotect) is decided once per process. Returns 0 or -errno;
// -ENOMEM from mprotect means that the limit on mappings (vm.max_map_count) is reached.
int cs_guard(void *memory, size_t size);
// The same for up to `count` ranges, each `stride` above the one before. Returns how many are guarded, at least one, or
// -errno. With one call for several, where the kernel allows that: 0.3 us less for each guard of 64 KiB.
ssize_t cs_guard_each(void *memory, size_t size, size_t stride, size_t count);
// Whether guards split mappings, so that about 32,000 stacks is the limit.
bool cs_guards_split_mappings(void);
// For tests of the fallback: from now on, in this process, guards are made by mprotect.
void cs_guards_use_mprotect(void);

// Gives the pages of [memory, memory + size) back to the kernel; they read as zero afterwards. Guards stay.
int cs_return_pages(void *memory, size_t size);

size_t cs_page_size(void);

// For the stack that is running, whose lowest usable page begins at `bottom`: sets everything below the running frame
// to zero, and finds the lowest address that has been used since, this call included. Neither touches a page that
// nobody has touched. Without meaning in sanitized builds, whose frames are elsewhere, or larger.
void cs_clear_unused(void *bottom);
void *cs_lowest_used(void *bottom);

// MARK: Exclusivity

// Swift keeps the accesses that are open (`mutate(&object.field)`) in a list whose head is a thread-local word and
// whose nodes live on the stack. A fiber that suspends inside such an access must take its list along.

// The address of the calling thread's head word, found once per thread by opening an access of our own and looking for
// it in libswiftCore's thread-local block; null when the self-check fails, and then the two functions below serve.
void *_Nullable *_Nullable cs_exclusivity_head(void);

// The current list of open accesses changes places with `*accesses`. For coroutines, whose thread must be asked for at
// every switch.
void cs_exclusivity_exchange(void *_Nullable *_Nonnull accesses);

// The runtime's own door, about 6 ns: `state` is four zeroed words per fiber.
void cs_exclusivity_enter(uintptr_t *state);
void cs_exclusivity_exit(uintptr_t *state);

// MARK: Faults

typedef struct cs_fault {
  int signal;
  // Where a fault that the kernel found happened; null for a signal that was sent.
  const void *_Nullable address;
  const void *_Nullable stack_pointer;
  // Whether the process ends of it: no handler that was there before, other than the Swift runtime's, could recover.
  bool is_fatal;
} cs_fault;

// Called on the alternate signal stack, in the middle of anything: must be async-signal-safe. Returns the number of
// bytes of a message written to `buffer`, or 0 when there is nothing to say. A signal with a message ends the process.
typedef size_t (*cs_describe_fault)(const cs_fault *fault, char *buffer, size_t capacity);

// Installs the reporter once per process, for SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE and SIGABRT. The message goes to
// standard error. Then, with or without a message, the previous handler gets the signal: Swift's prints its backtrace.
int cs_install_fault_reporter(cs_describe_fault describe);
// Gives the calling thread an alternate signal stack unless it has one; freed when the thread ends.
int cs_install_signal_stack(void);

// MARK: Threads

// The calling thread's pointer, null at first. Never an ordinary read of a thread-local: the compiler would keep its
// address across a switch. The assembly is volatile, so it stays where it stands and reads anew each time.
#if defined(__x86_64__) && defined(__ELF__)
static inline void *_Nullable cs_thread_pointer(void) {
  void *pointer;
  __asm__ volatile("movq cs_thread_word@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(pointer));
  return pointer;
}
#else
void *_Nullable cs_thread_pointer(void);
#endif
// Sets it. `destroy` is called with the pointer when the thread ends while it is not null.
void cs_set_thread_pointer(void *_Nullable pointer);
void cs_set_thread_pointer_destructor(void (*destroy)(void *pointer));

// Which kinds of locks the calling thread holds, and how many of those that nest; for debug builds.
typedef struct cs_held {
  uint32_t ranks;
  uint32_t scopes;
} cs_held;
cs_held *cs_held_locks(void);

// Whether the process has no other thread, so that nothing needs a locked instruction or a fence against one. Only this
// thread can change that, by starting another; glibc keeps the note (sys/single_threaded.h) and libstdc++ and malloc go
// by it too. False where the C library does not tell.
static inline bool cs_is_only_thread(void) {
#if defined(CS_KNOWS_ONLY_THREAD)
  return __libc_single_threaded != 0;
#else
  return false;
#endif
}

// Starts a joinable thread with a name (at most 15 bytes are shown). Signals are blocked in it except synchronous
// faults and, unless the calling thread blocks it, SIGPROF. Returns 0 or -errno.
int cs_thread_start(const char *name, void *_Nullable (*_Nonnull body)(void *_Nullable), void *_Nullable argument, uintptr_t *thread);
// Renames the calling thread; async-signal-safe.
void cs_thread_rename(const char *name);
int cs_thread_join(uintptr_t thread);
int cs_thread_detach(uintptr_t thread);
void cs_thread_yield(void);
// How many threads the process has, at one instant during the call; -errno where nobody says (there is no /proc on
// Darwin).
//
// The kernel's own count. Listing /proc/self/task is no substitute: a thread that ends meanwhile can cut the list
// short. A thread counts before its first instruction and until after its last, so a thread that others have joined may
// count for a moment still.
int cs_thread_count(void);
// The address of the caller's frame, on whatever stack it runs.
void *cs_frame_address(void);
// The bounds of the calling thread's stack.
int cs_thread_stack(void *_Nullable *_Nonnull bottom, size_t *size);

// How many processors this process may use (affinity mask, and a cgroup v2 quota rounded up), at least 1.
int cs_processor_count(void);

// A pair of fences of which one side is nearly free (a compiler barrier) and the other pays for both (membarrier).
// Where the kernel has no membarrier both are full fences. If it refuses membarrier after a light fence was taken, the
// process ends with a message: no other call gives that light fence its meaning.
extern bool cs_fences_are_asymmetric;
// Called before the first pair of fences: where a sandbox entered since the start refuses membarrier, both are full
// fences.
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

// Asks for the cache line at an address, which need not be mapped; nothing waits for it.
static inline void cs_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

// MARK: System calls

// Waits while `*word == expected`, for at most `nanoseconds` (negative: for ever). Returns 0, -EAGAIN, -EINTR or
// -ETIMEDOUT.
int cs_futex_wait(const uint32_t *word, uint32_t expected, int64_t nanoseconds);
// Wakes at most `count` waiters; returns how many.
int cs_futex_wake(const uint32_t *word, int count);

// Nanoseconds of the monotonic clock; of the wall clock since 1970; for which the calling thread has had a processor.
int64_t cs_monotonic_now(void);
// The monotonic clock as of the kernel's last tick: never ahead of it.
int64_t cs_coarse_monotonic_now(void);
int64_t cs_wall_now(void);
int64_t cs_thread_time(void);

// The plain calls, returning -errno and restarted on EINTR unless they are interrupted (`cs_interruption_raise`).
ssize_t cs_read(int fd, void *buffer, size_t count);
ssize_t cs_write(int fd, const void *buffer, size_t count);
int cs_open(const char *path, int flags, mode_t mode);
int cs_close(int fd);
int cs_fstat_is_regular(int fd);              // 1, 0 or -errno

// The text for an errno value, in a caller's buffer (thread-safe, never fails).
void cs_error_text(int error, char *buffer, size_t capacity);

// Sixty-four bits of randomness from the kernel, for seeds.
uint64_t cs_random_seed(void);

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
