// The values of Swift's task-locals outside of tasks, and the current task, found in the runtime's thread-local storage.
//
// Neither word has a public name. To find the first, bind a value of our own outside of tasks. The runtime's function
// for reading returns the value's address, so the address of its item is known, and exactly one word of the
// thread-local block points to storage that begins with that address. To find the second, search for the current task.
// Both are checked by what the runtime answers while the word is null. The offsets of the words are the same in each
// thread.
//
// Sources: swift/include/swift/ABI/TaskLocal.h; swift/stdlib/public/Concurrency/TaskLocal.cpp, Task.cpp.
#define _GNU_SOURCE
#include "../internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Weak: plain C programs use this library without the Swift runtime. These have Swift's calling convention, which for
// pointers alone is C's.
extern void swift_task_localValuePush(const void *key, void *value, const void *type) __attribute__((weak));
extern void *swift_task_localValueGet(const void *key) __attribute__((weak));
extern void swift_task_localValuePop(void) __attribute__((weak));
extern void *swift_task_getCurrent(void) __attribute__((weak));
// The metadata of Int. GCC cannot write its name; it compiles this for plain C programs only.
#if defined(__APPLE__)
extern const char int_metadata __asm__("_$sSiN") __attribute__((weak_import));
static const void *int_type(void) { return &int_metadata; }
#elif defined(__clang__)
extern const char int_metadata __asm__("$sSiN") __attribute__((weak));
static const void *int_type(void) { return &int_metadata; }
#else
static const void *int_type(void) { return NULL; }
#endif

enum { MARK = 0x5eed, KIND = 7, VALUE = 0, VALUE_IN_TASK_GROUP = 2, LINK_TO_PARENT = 4, END_OF_LOOKUP = 6 };

static const char key;
static _Atomic bool forgotten;

__attribute__((noreturn)) static void end_process(const char *what) {
  char message[400];
  int length = snprintf(message, sizeof message,
    "nursery: this Swift runtime keeps %s in a way that Nursery does not know, so fibers would read each other's "
    "task-local values. Use a newer Nursery, or another version of Swift\n", what);
  if (length > 0) (void)!write(STDERR_FILENO, message, (size_t)length);
  abort();
}

static bool is_there(void) {
  return swift_task_localValuePush && swift_task_localValueGet && swift_task_localValuePop && swift_task_getCurrent
    && int_type() != NULL;
}

static void push(void) {
  uintptr_t value = MARK;
  swift_task_localValuePush(&key, &value, int_type());
}

// The item of `push`; null if it has another layout.
static const cs_task_local *pushed(void) {
  const uintptr_t *value = swift_task_localValueGet(&key);
  if (value == NULL || cs_load_word(value) != MARK) return NULL;
  const cs_task_local *item = (const cs_task_local *)value - 1;
  uintptr_t kind = item->next & KIND;
  bool isValue = kind == VALUE || kind == VALUE_IN_TASK_GROUP;
  return isValue && item->key == &key && item->type == int_type() ? item : NULL;
}

// The first value among an item and those behind it.
static const cs_task_local *first_value(uintptr_t address) {
  while (address != 0) {
    const cs_task_local *item = (const cs_task_local *)address;
    switch (item->next & KIND) {
      case VALUE:
      case VALUE_IN_TASK_GROUP: return item;
      case LINK_TO_PARENT: break;
      case END_OF_LOOKUP: return NULL;
      default: end_process("task-local values");
    }
    address = item->next & ~(uintptr_t)KIND;
  }
  return NULL;
}

const cs_task_local *cs_task_locals_next(const cs_task_local *item) {
  return first_value(item->next & ~(uintptr_t)KIND);
}

const cs_task_local *cs_task_locals_first(void) {
  if (!is_there()) return NULL;
  void **word = cs_is_in_task() ? NULL : cs_task_locals_word();
  if (word != NULL) return *word == NULL ? NULL : first_value(cs_load_word(*word));
  push();
  const cs_task_local *item = pushed();
  uintptr_t next = item == NULL ? 0 : item->next & ~(uintptr_t)KIND;
  swift_task_localValuePop();
  if (item == NULL) end_process("task-local values");
  return first_value(next);
}

bool cs_is_in_task(void) { return swift_task_getCurrent && swift_task_getCurrent() != NULL; }

void **cs_task_locals_unknown(void) {
  static void *word = &word;
  return &word;
}

void cs_task_locals_forget(void) { forgotten = true; }

void **cs_task_unknown(void) {
  static void *word;
  return &word;
}

#if defined(__linux__)

#include <sys/mman.h>

static bool is_mapped(uintptr_t address) {
  unsigned char isResident;
  return mincore((void *)(address & ~((uintptr_t)cs_page_size() - 1)), 1, &isResident) == 0;
}

// Whether a word points to storage that begins with the item.
CS_UNSANITIZED static bool leads_to(const uintptr_t *word, const cs_task_local *item) {
  uintptr_t storage = cs_load_word(word);
  bool isPointer = storage != 0 && storage % sizeof(uintptr_t) == 0;
  return isPointer && is_mapped(storage) && cs_load_word((const void *)storage) == (uintptr_t)item;
}

// The offset plus 1 of the word of the current task, once it has been found on some thread.
static _Atomic size_t known_task;

// The calling thread's word that holds the current task.
CS_UNSANITIZED static void **find_task(void *task) {
  cs_block tls = cs_find_block(&swift_task_getCurrent);
  for (size_t i = known_task == 0 ? 0 : known_task - 1; i < tls.count; i++) {
    void **word = (void **)&tls.words[i];
    if (cs_load_word(word) != (uintptr_t)task) continue;
    *(void *volatile *)word = NULL;
    bool isCurrent = swift_task_getCurrent() == NULL;
    *(void *volatile *)word = task;
    if (!isCurrent) continue;
    known_task = i + 1;
    return word;
  }
  return NULL;
}

// The calling thread's word of the current task; found while there is one.
static void **task_word(void *task) {
  CS_THREAD_LOCAL void **word;
  if (word == NULL) word = find_task(task);
  return word;
}

CS_UNSANITIZED void **cs_task_word(void) {
  CS_THREAD_LOCAL void **word;
  if (!is_there() || cs_task_locals_word() == NULL) return NULL;
  if (word != NULL) return word;
  void *task = swift_task_getCurrent();
  if (task != NULL) return word = task_word(task);
  size_t known = known_task;
  cs_block tls = cs_find_block(&swift_task_getCurrent);
  if (known == 0 || known > tls.count) return NULL;
  void **found = (void **)&tls.words[known - 1];
  return cs_load_word(found) == 0 ? word = found : NULL;
}

void *cs_task_exchange(void *task) {
  void *current = swift_task_getCurrent ? swift_task_getCurrent() : NULL;
  if (current == task) return current;
  void **word = task_word(current);
  if (word == NULL) end_process("the current task");
  *(void *volatile *)word = task;
  return current;
}

// The calling thread's word, outside of tasks.
CS_UNSANITIZED static void **find_values(void) {
  static _Atomic size_t known;  // the offset plus 1
  size_t only = known;
  uintptr_t *word = NULL;
  bool isHidden = false;
  push();
  const cs_task_local *item = pushed();
  uintptr_t rest = 0;
  if (item != NULL) {
    rest = item->next & ~(uintptr_t)KIND;
    cs_block tls = cs_find_block(&swift_task_localValuePush);
    size_t matches = 0;
    for (size_t i = only == 0 ? 0 : only - 1; i < (only == 0 ? tls.count : only); i++) {
      if (!leads_to(&tls.words[i], item)) continue;
      word = &tls.words[i];
      only = i + 1;
      matches++;
    }
    if (matches != 1) word = NULL;
  }
  if (word != NULL) {
    uintptr_t storage = cs_load_word(word);
    *(volatile uintptr_t *)word = 0;
    isHidden = swift_task_localValueGet(&key) == NULL;
    *(volatile uintptr_t *)word = storage;
  }
  swift_task_localValuePop();
  if (!isHidden) return NULL;
  // The storage goes with the last value, or begins with the value before.
  uintptr_t storage = cs_load_word(word);
  bool isRestored = rest == 0 ? storage == 0 : storage != 0 && cs_load_word((const void *)storage) == rest;
  if (!isRestored) return NULL;
  known = only;
  return (void **)word;
}

void **cs_task_locals_word(void) {
  CS_THREAD_LOCAL void **word;
  CS_THREAD_LOCAL bool looked;
  if (!looked && is_there()) {
    void *task = swift_task_getCurrent();
    if (task == NULL || task_word(task) != NULL) {
      cs_task_exchange(NULL);
      word = find_values();
      cs_task_exchange(task);
    }
  }
  looked = true;
  return forgotten ? NULL : word;
}

#else

// Darwin keeps both in reserved thread-specific slots, which are not searched. Not yet verified.
void **cs_task_locals_word(void) { return NULL; }

void **cs_task_word(void) { return NULL; }

void *cs_task_exchange(void *task) {
  void *current = swift_task_getCurrent ? swift_task_getCurrent() : NULL;
  if (current != task) end_process("the current task");
  return current;
}

#endif
