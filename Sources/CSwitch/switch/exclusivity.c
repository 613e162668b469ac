// The Swift runtime's list of open accesses, found in its thread-local storage.
//
// swift_beginAccess links a node (the caller's buffer) at the head of a list. The head is the first word of a
// thread-local of the runtime and has no public name. To find it, open an access with a buffer of our own. Then search
// the runtime's thread-local block for the word that now holds the buffer's address. End the access and check that the
// word returns to its old value. If anything is unexpected, the result is null, and the caller uses the runtime's own,
// slower functions.
//
// Sources: swift/stdlib/public/runtime/Exclusivity.cpp, AccessSet.h, ThreadLocalStorage.h.
#include "../internal.h"

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

enum { MODIFY = 1, TRACKING = 0x20, BUFFER_WORDS = 4 };

CS_UNSANITIZED static void **find(void) {
  if (!swift_beginAccess || !swift_endAccess) return NULL;
  // The runtime allocates the block at its first use on this thread, so use it once before the search.
  uintptr_t dummy = 0, buffer[BUFFER_WORDS] = {0};
  swift_beginAccess(&dummy, buffer, MODIFY | TRACKING, NULL);
  swift_endAccess(buffer);

  cs_block tls = cs_find_block(&swift_beginAccess);
  if (tls.words == NULL) return NULL;

  uintptr_t *head = NULL;
  size_t matches = 0;
  swift_beginAccess(&dummy, buffer, MODIFY | TRACKING, NULL);
  for (size_t i = 0; i < tls.count; i++) {
    if (cs_load_word(&tls.words[i]) != (uintptr_t)buffer) continue;
    head = &tls.words[i];
    matches++;
  }
  swift_endAccess(buffer);
  if (matches != 1) return NULL;

  // After the end the head is the access that was open before, not our buffer. Do it once more from that state, because
  // a word that matched by chance would not follow.
  uintptr_t before = cs_load_word(head);
  uintptr_t second[BUFFER_WORDS] = {0};
  swift_beginAccess(&dummy, second, MODIFY | TRACKING, NULL);
  bool follows = cs_load_word(head) == (uintptr_t)second;
  swift_endAccess(second);
  bool restored = before != (uintptr_t)buffer && cs_load_word(head) == before;

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
