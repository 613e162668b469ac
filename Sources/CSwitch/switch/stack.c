// Stack memory: reserves it without committing it, guards it, and returns it to the kernel.
//
// A guard made by mprotect splits the mapping in two. The kernel allows a process 65,530 mappings by default, which is
// enough for about 32,000 stacks. Since 6.13 Linux has guards that are marks in the page table and split nothing
// (MADV_GUARD_INSTALL). Making one, once, shows whether they work.
//
// Sources: madvise(2), process_madvise(2), mmap(2), mprotect(2); Documentation/admin-guide/sysctl/vm.rst
// (max_map_count).
#define _GNU_SOURCE
#include "../internal.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

#if defined(__linux__) && !defined(MADV_GUARD_INSTALL)
#define MADV_GUARD_INSTALL 102
#endif

#if defined(__APPLE__)  // not yet verified
#define CS_MAP_FLAGS (MAP_PRIVATE | MAP_ANON | MAP_NORESERVE)
#else
#define CS_MAP_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK)
#endif

size_t cs_page_size(void) {
  static atomic_size_t known;
  size_t size = atomic_load_explicit(&known, memory_order_relaxed);
  if (size == 0) {
    size = (size_t)sysconf(_SC_PAGESIZE);
    atomic_store_explicit(&known, size, memory_order_relaxed);
  }
  return size;
}

int cs_reserve(size_t size, size_t alignment, void **memory) {
  size_t page = cs_page_size();
  if (size == 0 || size % page != 0 || (alignment & (alignment - 1)) != 0) return -EINVAL;
  // The kernel aligns to pages only, so reserve more and trim both ends.
  size_t extra = alignment > page ? alignment - page : 0;
  if (size + extra < size) return -ENOMEM;
  char *base = mmap(NULL, size + extra, PROT_READ | PROT_WRITE, CS_MAP_FLAGS, -1, 0);
  if (base == MAP_FAILED) return -errno;
  size_t head = extra ? (size_t)(-(uintptr_t)base & (alignment - 1)) : 0;
  if (head > 0) munmap(base, head);
  if (extra > head) munmap(base + head + size, extra - head);
#if defined(MADV_NOHUGEPAGE)
  // A stack that touches one page must not get a huge page. A kernel without huge pages returns an error, which is
  // harmless.
  (void)madvise(base + head, size, MADV_NOHUGEPAGE);
#endif
  *memory = base + head;
  return 0;
}

int cs_unreserve(void *memory, size_t size) { return cs_status(munmap(memory, size)); }

enum { UNDECIDED, SPLITTING, MARKING };
static _Atomic int guard_method = UNDECIDED;

#if defined(MADV_GUARD_INSTALL)
static int decide(void) {
  size_t page = cs_page_size();
  void *probe = mmap(NULL, page, PROT_READ | PROT_WRITE, CS_MAP_FLAGS, -1, 0);
  if (probe == MAP_FAILED) return SPLITTING;
  int method = madvise(probe, page, MADV_GUARD_INSTALL) == 0 ? MARKING : SPLITTING;
  munmap(probe, page);
  return method;
}
#else
static int decide(void) { return SPLITTING; }
#endif

static int method(void) {
  int current = atomic_load_explicit(&guard_method, memory_order_relaxed);
  if (current != UNDECIDED) return current;
  int decided = decide();
  // Keeps the decision of another thread, or of a test, if there is one by now.
  atomic_compare_exchange_strong(&guard_method, &current, decided);
  return atomic_load_explicit(&guard_method, memory_order_relaxed);
}

int cs_guard(void *memory, size_t size) {
#if defined(MADV_GUARD_INSTALL)
  if (method() == MARKING) {
    if (madvise(memory, size, MADV_GUARD_INSTALL) == 0) return 0;
    // Early kernels refuse to guard locked memory (mlockall); mprotect does not.
    if (errno != EINVAL) return -errno;
  }
#endif
  return cs_status(mprotect(memory, size, PROT_NONE));
}

ssize_t cs_guard_each(void *memory, size_t size, size_t stride, size_t count) {
#if defined(MADV_GUARD_INSTALL) && defined(SYS_process_madvise)
  static atomic_bool is_refused;
  enum { MOST = 16, ITSELF = -10001 };  // PIDFD_SELF
  if (count > 1 && method() == MARKING && !atomic_load_explicit(&is_refused, memory_order_relaxed)) {
    struct iovec ranges[MOST];
    if (count > MOST) count = MOST;
    for (size_t i = 0; i < count; i++) ranges[i] = (struct iovec){(char *)memory + i * stride, size};
    long bytes = syscall(SYS_process_madvise, ITSELF, ranges, count, MADV_GUARD_INSTALL, 0);
    if (bytes >= (long)size) return bytes / (long)size;
    atomic_store_explicit(&is_refused, true, memory_order_relaxed);
  }
#else
  (void)stride;
  (void)count;
#endif
  int result = cs_guard(memory, size);
  return result < 0 ? result : 1;
}

bool cs_guards_split_mappings(void) { return method() != MARKING; }

void cs_guards_use_mprotect(void) { atomic_store(&guard_method, SPLITTING); }

int cs_return_pages(void *memory, size_t size) {
#if defined(__APPLE__)  // not yet verified: MADV_DONTNEED does not zero there, a fresh mapping does
  void *fresh = mmap(memory, size, PROT_READ | PROT_WRITE, CS_MAP_FLAGS | MAP_FIXED, -1, 0);
  return fresh == MAP_FAILED ? -errno : 0;
#else
  return cs_status(madvise(memory, size, MADV_DONTNEED));
#endif
}

CS_NOINLINE void *cs_caller_frame(void) { return *(void **)__builtin_frame_address(0); }

void *cs_frame_address(void) { return __builtin_frame_address(0); }
