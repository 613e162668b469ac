// System calls that return -errno, and the asymmetric fence.
//
// Nothing switches inside these functions, so errno is read on the thread that made the call.
//
// Sources: futex(2), membarrier(2), clock_gettime(2), getrandom(2), strerror(3).
#define _GNU_SOURCE
#include "../internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#endif

// MARK: Fences

bool cs_fences_are_asymmetric = false;

#if defined(__linux__)

// Before main, so that no light fence runs before the answer is known.
__attribute__((constructor)) static void register_membarrier(void) {
  cs_fences_are_asymmetric = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

static void forget_membarrier_if_refused(void) {
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) cs_fences_are_asymmetric = false;
}

void cs_settle_fences(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  if (cs_fences_are_asymmetric) pthread_once(&once, forget_membarrier_if_refused);
}

void cs_fence_heavy(void) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (!cs_fences_are_asymmetric) return;
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0) return;
  // The other threads relied on membarrier when they took light fences. If the process went on, their writes could be
  // missed.
  char message[600], reason[100];
  cs_error_text(errno, reason, sizeof reason);
  int length = snprintf(message, sizeof message,
    "nursery: the kernel refuses membarrier(2) now (%s), which it allowed at the start. "
    "Was a sandbox (seccomp) entered meanwhile? Workers cannot go on without it. "
    "Allow membarrier in the filter, enter the sandbox before this program starts, "
    "or run fibers on one worker: runFibers(Configuration(parallelism: 1)) { ... }\n", reason);
  if (length > 0) (void)!write(STDERR_FILENO, message, (size_t)length);
  abort();
}

#else

void cs_settle_fences(void) {}
void cs_fence_heavy(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

#endif

// MARK: Waiting on a word

#if defined(__linux__)

int cs_futex_wait(const uint32_t *word, uint32_t expected, int64_t nanoseconds) {
  struct timespec limit = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  return cs_status(syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, nanoseconds < 0 ? NULL : &limit, NULL, 0));
}

int cs_futex_wake(const uint32_t *word, int count) {
  return cs_status(syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0));
}

#elif defined(__APPLE__)  // not yet verified

// Private but stable interface of libSystem, which libc++ and others use. See xnu, bsd/sys/ulock.h.
extern int __ulock_wait2(uint32_t operation, void *address, uint64_t value, uint64_t nanoseconds, uint64_t value2);
extern int __ulock_wake(uint32_t operation, void *address, uint64_t value);
enum { UL_COMPARE_AND_WAIT = 1, ULF_WAKE_ALL = 0x100, ULF_NO_ERRNO = 0x1000000 };

int cs_futex_wait(const uint32_t *word, uint32_t expected, int64_t nanoseconds) {
  if (nanoseconds == 0) return __atomic_load_n(word, __ATOMIC_SEQ_CST) == expected ? -ETIMEDOUT : -EAGAIN;
  uint64_t limit = nanoseconds < 0 ? 0 : (uint64_t)nanoseconds;  // 0 means for ever
  int result = __ulock_wait2(UL_COMPARE_AND_WAIT | ULF_NO_ERRNO, (void *)word, expected, limit, 0);
  return result < 0 ? result : 0;
}

int cs_futex_wake(const uint32_t *word, int count) {
  int woken = 0;
  while (woken < count && __ulock_wake(UL_COMPARE_AND_WAIT | ULF_NO_ERRNO, (void *)word, 0) >= 0) woken++;
  return woken;
}

#endif

// MARK: Clocks

static int64_t now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t cs_monotonic_now(void) { return now(CLOCK_MONOTONIC); }
#if defined(CLOCK_MONOTONIC_COARSE)
int64_t cs_coarse_monotonic_now(void) { return now(CLOCK_MONOTONIC_COARSE); }
#else
int64_t cs_coarse_monotonic_now(void) { return now(CLOCK_MONOTONIC); }
#endif

int64_t cs_wall_now(void) { return now(CLOCK_REALTIME); }

// MARK: Files

ssize_t cs_read(int fd, void *buffer, size_t count) {
  for (;;) {
    ssize_t result = read(fd, buffer, count);
    if (result >= 0) return result;
    if (!cs_restarts()) return -errno;
  }
}

ssize_t cs_write(int fd, const void *buffer, size_t count) {
  for (;;) {
    ssize_t result = write(fd, buffer, count);
    if (result >= 0) return result;
    if (!cs_restarts()) return -errno;
  }
}

int cs_open(const char *path, int flags, mode_t mode) {
  for (;;) {
    int result = open(path, flags, mode);
    if (result >= 0) return result;
    if (!cs_restarts()) return -errno;
  }
}

int cs_close(int fd) {
  if (close(fd) == 0) return 0;
  // An interrupted close has closed the descriptor nevertheless. A second close could close another thread's new one.
  return errno == EINTR ? 0 : -errno;
}

int cs_read_memory(void *to, const void *from, size_t size) {
#if defined(__linux__)
  struct iovec local = {to, size}, remote = {(void *)from, size};
  // The system call itself: a sanitizer need not know of it.
  long result = syscall(SYS_process_vm_readv, (long)getpid(), &local, 1ul, &remote, 1ul, 0ul);
  if (result < 0) return -errno;
  return result == (long)size ? 0 : -EFAULT;
#else
  (void)to, (void)from, (void)size;
  return -ENOSYS;
#endif
}

// MARK: Error text and randomness

void cs_error_text(int error, char *buffer, size_t capacity) {
  if (capacity == 0) return;
#if defined(__GLIBC__)
  // The GNU function of this name may return a constant and not use the buffer.
  char own[256];
  snprintf(buffer, capacity, "%s", strerror_r(error, own, sizeof own));
#else
  buffer[0] = 0;
  if (strerror_r(error, buffer, capacity) != 0 && buffer[0] == 0) snprintf(buffer, capacity, "error %d", error);
#endif
}

uint64_t cs_random_seed(void) {
  uint64_t seed = 0;
#if defined(__linux__)
  enum { DO_NOT_WAIT = 1 };  // early in boot the pool may be empty; do not wait for a seed
  if (syscall(SYS_getrandom, &seed, sizeof seed, DO_NOT_WAIT) == sizeof seed) return seed;
#elif defined(__APPLE__)  // not yet verified
  extern void arc4random_buf(void *, size_t);
  arc4random_buf(&seed, sizeof seed);
  return seed;
#endif
  // splitmix64 of values that differ between runs.
  seed = (uint64_t)cs_monotonic_now() ^ (uint64_t)(uintptr_t)&seed ^ (uint64_t)getpid() << 32;
  seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9;
  seed = (seed ^ seed >> 27) * 0x94d049bb133111eb;
  return seed ^ seed >> 31;
}
