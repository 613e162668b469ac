// The Swift runtime's list of open accesses, found in its thread-local storage.
//
// swift_beginAccess links a node (the caller's buffer) at the head of a list. The head is the first word of a
// thread-local of the runtime and has no public name. To find it, open an access with a buffer of our own. Then search
// the runtime's thread-local block for the word that now holds the buffer's address. End the access and check that the
// word returns to its old value. If anything is unexpected, the result is null, and the caller uses the runtime's own,
// slower functions.
//
// Sources: swift/stdlib/public/runtime/Exclusivity.cpp, AccessSet.h, ThreadLocalStorage.h; dl_iterate_phdr(3).
#define _GNU_SOURCE
#include "../internal.h"

#include <string.h>

// Weak: plain C programs use this library without the Swift runtime.
extern void swift_beginAccess(void *pointer, void *buffer, uintptr_t flags, void *pc) __attribute__((weak));
extern void swift_endAccess(void *buffer) __attribute__((weak));
extern void swift_task_enterThreadLocalContext(char *state) __attribute__((weak));
extern void swift_task_exitThreadLocalContext(char *state) __attribute__((weak));

void cs_exclusivity_enter(uintptr_t *state) {
  if (swift_task_enterThreadLocalContext) swift_task_enterThreadLocalContext((char *)state);
}

void cs_exclusivity_exit(uintptr_t *state) {
  if (swift_task_exitThreadLocalContext) swift_task_exitThreadLocalContext((char *)state);
}

#if defined(__linux__)

#include <link.h>

enum { MODIFY = 1, TRACKING = 0x20, BUFFER_WORDS = 4 };

// The calling thread's thread-local block of the shared object that contains `code`.
typedef struct block {
  uintptr_t code;
  uintptr_t *words;
  size_t count;
} block;

static int visit(struct dl_phdr_info *info, size_t size, void *context) {
  block *wanted = context;
  if (size < offsetof(struct dl_phdr_info, dlpi_tls_data) + sizeof info->dlpi_tls_data) return 1;
  bool contains = false;
  size_t bytes = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    // An underflow makes the offset huge, so one comparison checks both ends.
    if (header->p_type == PT_LOAD) contains |= wanted->code - info->dlpi_addr - header->p_vaddr < header->p_memsz;
    if (header->p_type == PT_TLS) bytes = header->p_memsz;
  }
  if (!contains) return 0;
  uintptr_t start = (uintptr_t)info->dlpi_tls_data;
  uintptr_t aligned = (start + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
  if (start != 0 && bytes >= aligned - start) {
    wanted->words = (uintptr_t *)aligned;
    wanted->count = (bytes - (aligned - start)) / sizeof(uintptr_t);
  }
  return 1;
}

// Volatile: the runtime changes these words behind the compiler's back.
CS_UNSANITIZED static uintptr_t load(const uintptr_t *word) { return *(const volatile uintptr_t *)word; }

CS_UNSANITIZED static void **find(void) {
  if (!swift_beginAccess || !swift_endAccess) return NULL;
  // The runtime allocates the block at its first use on this thread, so use it once before the search.
  uintptr_t dummy = 0, buffer[BUFFER_WORDS] = {0};
  swift_beginAccess(&dummy, buffer, MODIFY | TRACKING, NULL);
  swift_endAccess(buffer);

  block tls = {.code = (uintptr_t)&swift_beginAccess};
  dl_iterate_phdr(visit, &tls);
  if (tls.words == NULL) return NULL;

  uintptr_t *head = NULL;
  size_t matches = 0;
  swift_beginAccess(&dummy, buffer, MODIFY | TRACKING, NULL);
  for (size_t i = 0; i < tls.count; i++) {
    if (load(&tls.words[i]) != (uintptr_t)buffer) continue;
    head = &tls.words[i];
    matches++;
  }
  swift_endAccess(buffer);
  if (matches != 1) return NULL;

  // After the end the head is the access that was open before, not our buffer. Do it once more from that state, because
  // a word that matched by chance would not follow.
  uintptr_t before = load(head);
  uintptr_t second[BUFFER_WORDS] = {0};
  swift_beginAccess(&dummy, second, MODIFY | TRACKING, NULL);
  bool follows = load(head) == (uintptr_t)second;
  swift_endAccess(second);
  bool restored = before != (uintptr_t)buffer && load(head) == before;

  return follows && restored ? (void **)head : NULL;
}

void **cs_exclusivity_head(void) {
  CS_THREAD_LOCAL void **head;
  CS_THREAD_LOCAL bool looked;
  if (!looked) {
    head = find();
    looked = true;
  }
  return head;
}

#else

// Darwin keeps the runtime's context in a reserved thread-specific slot, which is not searched. Not yet verified.
void **cs_exclusivity_head(void) { return NULL; }

#endif

void cs_exclusivity_exchange(void **accesses) {
  void **head = cs_exclusivity_head();
  if (!head) return;
  void *current = *head;
  *head = *accesses;
  *accesses = current;
}
