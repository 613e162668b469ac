// CSwitch: the parts of Nursery that cannot be written in Swift. No policy lives here.
//
//   switch: the switch, stacks, faults and threads
//     switch_<cpu>.S   saves one stack and continues another
//     CSwitchPair.h    the same for a coroutine's two stacks, inlined
//     sanitizers.c     tells the address and thread sanitizers about switches
//     stack.c          stack memory: reservations, guard pages, return to the kernel
//     measure.c        measures how deep a stack has been used
//     exclusivity.c    the Swift runtime's per-thread list of open accesses
//     tasklocals.c     the Swift runtime's per-thread values of task-locals, and the current task
//     block.c          a shared object's thread-local block, which these two search
//     fault.c          reports a crash and the fiber that crashed; a stack overflow among them
//     code.c           tells addresses of code from other words, and shows addresses to what walks along a stack
//     debug.c          a table for debuggers
//     CSwitchThreads.h, thread.c: threads, the per-thread pointer, fences
//   system: calls of the operating system
//     syscalls.c       system calls that return -errno, and the asymmetric fence
//     processors.c     how many processors the process may use, and whether their counters of time are alike
//     readiness.c      epoll, poll and eventfd
//     interrupt.c      interrupts a blocked system call of another thread
//     sample.c         takes the stack of a thread that runs
//     signals.c        catching signals
//     files.c, pipes.c, sockets.c, addresses.c, resolve.c
//     standard.c       descriptors 0, 1 and 2, and reopening shared files
//   processes: children
//     processes.c      news from children and orders to them; their pipes and terminals
//     launcher.c       the thread that makes keepers
//     keeper.c         the process between this one and a child; it owns everything that the child starts
//     launch.c         the child until it executes its program
//     tree.c           finds everything that a child has started
//     raw.h            system calls without the C library, for the keeper
//
// Every function that can fail returns a negative errno value. None reads `errno` after a point where a switch can
// happen: glibc declares the address of `errno` constant, so the compiler may keep it, and a fiber may migrate.
#ifndef NURSERY_CSWITCH_H
#define NURSERY_CSWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "CSwitchDebug.h"
#include "CSwitchFiles.h"
#include "CSwitchInterrupt.h"
#include "CSwitchPair.h"
#include "CSwitchProcesses.h"
#include "CSwitchReadiness.h"
#include "CSwitchResolve.h"
#include "CSwitchSample.h"
#include "CSwitchSockets.h"
#include "CSwitchTaskLocals.h"
#include "CSwitchThreads.h"

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

// The sanitizers' data for one stack. Unused, but present, in ordinary builds: the layout must not depend on flags that
// the Swift importer does not see.
typedef struct cs_stack_notes {
  void *_Nullable thread_sanitizer_fiber;   // made by cs_notes_begin, or the thread's own
  void *_Nullable fake_stack;               // the address sanitizer's, while the stack is suspended
  const void *_Nullable bottom;             // lowest usable address
  size_t size;
} cs_stack_notes;

// Continues the stack with the saved pointer `target` and suspends the current one.
//
// Pushes the callee-saved registers and the floating-point control state on the current stack. Then stores its stack
// pointer in `*save`, with release order, as the last access to the old stack. Any thread that sees a non-null `*save`
// may continue that stack. Returns when the stack is continued. `from` and `to` are used by sanitized builds only.
// `from` is null if the current stack ends here; `*save` is written nevertheless.
void cs_switch(void *_Nullable *_Nonnull save, void *target,
               cs_stack_notes *_Nullable from, cs_stack_notes *_Nullable to);

// Lays the first frame on a fresh stack and returns the `target` for cs_switch. The first switch calls
// `entry(argument)`, which must never return. A backtrace ends cleanly at the entry.
void *cs_prepare(void *top, void (*entry)(void *), void *argument);

// Must be the first call inside an entry function.
void cs_entered(void);

// A suspended stack, for a walk along its frame pointers: where in the frame that cs_switch has saved the frame pointer
// lies, and the return address.
#if defined(__x86_64__)
enum { CS_SAVED_FRAME_POINTER = 48, CS_SAVED_RETURN_ADDRESS = 56 };
#else
enum { CS_SAVED_FRAME_POINTER = 144, CS_SAVED_RETURN_ADDRESS = 152 };
#endif

// Copies memory of this process that may be in use, or gone. Returns 0 or -errno.
int cs_read_memory(void *to, const void *from, size_t size);

// How many strong references there are to a Swift object; -1 if there are weak or unowned ones, too.
static inline long cs_strong_references(const void *object) {
  extern size_t swift_retainCount(const void *), swift_unownedRetainCount(const void *), swift_weakRetainCount(const void *);
  // Without such references both counts are 1: the object's own.
  if (swift_unownedRetainCount(object) != 1 || swift_weakRetainCount(object) != 1) return -1;
  return (long)swift_retainCount(object);
}

// The size of a block of the allocator's: what was asked for, or a few bytes more.
size_t cs_block_size(const void *block);

// Calls `body(argument)` below frames that pretend to return to these addresses, the innermost first: what walks along
// the frame pointers sees them last.
void cs_call_below(void (*body)(void *), void *argument, const uintptr_t *addresses, size_t count);
// As many addresses as it takes.
#define CS_MOST_FRAMES 256

// Prepares the notes of a fresh stack, and forgets them. Cheap no-ops in ordinary builds. cs_notes_end must not be
// called on the stack it describes.
void cs_notes_begin(cs_stack_notes *notes, const void *bottom, size_t size);
void cs_notes_end(cs_stack_notes *notes);
// Fills the notes for the calling thread's own stack.
void cs_notes_thread(cs_stack_notes *notes);

// Tells the thread sanitizer that everything before the release happens before everything after the acquire, for the
// same address. Needed for reference counts, which it cannot see. Does nothing in other builds.
void cs_notes_release(const void *address);
void cs_notes_acquire(const void *address);

// 0 = ordinary build, 1 = address sanitizer, 2 = thread sanitizer.
int cs_sanitizer(void);
// Whether cs_sanitizer() is not 0, without a call.
extern const bool cs_is_sanitized;

// MARK: Stack memory

// Reserves `size` bytes (a multiple of the page size) without committing memory, aligned to `alignment` (a power of
// two). Huge pages are switched off for the range. Returns 0 or -errno.
int cs_reserve(size_t size, size_t alignment, void *_Nullable *_Nonnull memory);
int cs_unreserve(void *memory, size_t size);

// Makes [memory, memory + size) fault on any access. Uses guards that do not split the mapping if the kernel has them,
// else mprotect; this is decided once per process. Returns 0 or -errno; -ENOMEM from mprotect means that the limit on
// mappings (vm.max_map_count) is reached.
int cs_guard(void *memory, size_t size);
// The same for up to `count` ranges, each `stride` above the one before. Returns how many are guarded, at least one, or
// -errno. If the kernel allows it, one call guards several, which saves 0.3 us for each guard of 64 KiB.
ssize_t cs_guard_each(void *memory, size_t size, size_t stride, size_t count);
// Whether guards split mappings, so that about 32,000 stacks is the limit.
bool cs_guards_split_mappings(void);
// For tests of the fallback: from now on, in this process, guards are made by mprotect.
void cs_guards_use_mprotect(void);

// Returns the pages of [memory, memory + size) to the kernel; they read as zero afterwards. Guards stay.
int cs_return_pages(void *memory, size_t size);

size_t cs_page_size(void);

// cs_clear_unused sets everything from `bottom`, the lowest usable address of the running stack, up to the running
// frame to zero. cs_lowest_used finds the lowest address that has been used since, this call included. Neither touches
// a page that has never been touched. Meaningless in sanitized builds, where frames are elsewhere or larger.
void cs_clear_unused(void *bottom);
void *cs_lowest_used(void *bottom);

// The address of the caller's frame.
void *cs_frame_address(void);
// Where the frame of the calling Swift function begins: its saved frame pointer, and above that its return address.
void *cs_caller_frame(void);
// The file of the code in which an address lies, empty for the program's own. Null if it is no address of code, or
// where that cannot be found out. Valid until the file is unloaded.
const char *_Nullable cs_image_of_code(uintptr_t address);

// MARK: Exclusivity

// Swift keeps open accesses (`mutate(&object.field)`) in a list. Its head is a thread-local word, and its nodes live on
// the stack. A fiber that suspends inside such an access must take its list along.

// The address of the calling thread's head word. It is found once per thread: cs_exclusivity_head opens an access and
// searches for it in libswiftCore's thread-local block. Null if the self-check fails; then use cs_exclusivity_enter and
// cs_exclusivity_exit.
void *_Nullable *_Nullable cs_exclusivity_head(void);

// Exchanges the current list of open accesses with `*accesses`. For coroutines, which must look up their thread at
// every switch.
void cs_exclusivity_exchange(void *_Nullable *_Nonnull accesses);

// The runtime's own functions, about 6 ns. `state` is four words per fiber, zero at first.
void cs_exclusivity_enter(uintptr_t *state);
void cs_exclusivity_exit(uintptr_t *state);

// MARK: Faults

typedef struct cs_fault {
  int signal;
  // The address of a fault that the kernel detected; null for a signal that was sent.
  const void *_Nullable address;
  const void *_Nullable stack_pointer;
  // Whether the process will end: no previous handler, other than the Swift runtime's, could recover.
  bool is_fatal;
  // Whether Swift's runtime ends the process because an error has left main.
  bool is_error_in_main;
} cs_fault;

// Called on the alternate signal stack; must be async-signal-safe. Returns the number of bytes of the message written
// to `buffer`, or 0 for no message. A signal with a message ends the process.
typedef size_t (*cs_describe_fault)(const cs_fault *fault, char *buffer, size_t capacity);

// Installs the reporter once per process, for SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE and SIGABRT. The message goes to
// standard error. Then, with or without a message, the previous handler gets the signal: Swift's prints its backtrace.
int cs_install_fault_reporter(cs_describe_fault describe);
// Gives the calling thread an alternate signal stack unless it has one; freed when the thread ends.
int cs_install_signal_stack(void);

// MARK: System calls

// The effective user of the process.
uint32_t cs_user(void);
// Waits while `*word == expected`, for at most `nanoseconds` (negative: for ever). Returns 0, -EAGAIN, -EINTR or
// -ETIMEDOUT.
int cs_futex_wait(const uint32_t *word, uint32_t expected, int64_t nanoseconds);
// Wakes at most `count` waiters; returns how many.
int cs_futex_wake(const uint32_t *word, int count);

// Nanoseconds: of the monotonic clock; of the wall clock since 1970.
int64_t cs_monotonic_now(void);
// The monotonic clock at the kernel's last tick; never ahead of the exact clock.
int64_t cs_coarse_monotonic_now(void);
int64_t cs_wall_now(void);

// The processor's counter of time, read in a few nanoseconds. cs_ticks_are_steady says whether it advances at a constant
// rate, and alike on all processors.
static inline int64_t cs_ticks(void) {
#if defined(__x86_64__)
  return (int64_t)__builtin_ia32_rdtsc();
#else
  int64_t ticks;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#endif
}
bool cs_ticks_are_steady(void);

// The plain calls, returning -errno and restarted on EINTR unless they are interrupted (`cs_interruption_raise`).
ssize_t cs_read(int fd, void *buffer, size_t count);
ssize_t cs_write(int fd, const void *buffer, size_t count);
int cs_open(const char *path, int flags, mode_t mode);
int cs_close(int fd);

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
