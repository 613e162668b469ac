// Tells the address and thread sanitizers which stack is running.
//
// Both keep a model of the current stack: its bounds and fake frames (address), its clock and shadow call stack
// (thread). In a sanitized build cs_switch is defined here and updates the model around the assembly routine; in an
// ordinary build the name belongs to the assembly routine itself (a weak definition there).
//
// Sources: sanitizer/common_interface_defs.h, sanitizer/asan_interface.h, sanitizer/tsan_interface.h (compiler-rt).
#define _GNU_SOURCE
#include "../internal.h"

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "Nursery knows x86-64 and arm64 only. Write switch_<cpu>.S for this CPU."
#endif

#if defined(CS_ADDRESS_SANITIZER)

void __sanitizer_start_switch_fiber(void **fake_stack_save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake_stack_save, const void **bottom_old, size_t *size_old);
void __asan_unpoison_memory_region(void const volatile *address, size_t size);

CS_UNSANITIZED void cs_switch(void **save, void *target, cs_stack_notes *from, cs_stack_notes *to) {
  // Null for a stack that ends: its fake frames are freed instead of kept.
  __sanitizer_start_switch_fiber(from ? &from->fake_stack : NULL, to->bottom, to->size);
  cs_switch_raw(save, target);
  __sanitizer_finish_switch_fiber(from ? from->fake_stack : NULL, NULL, NULL);
}

CS_UNSANITIZED void cs_entered(void) { __sanitizer_finish_switch_fiber(NULL, NULL, NULL); }

// Stacks are reused, and a frame that was left by a switch has not unpoisoned its red zones.
void cs_notes_begin(cs_stack_notes *notes, const void *bottom, size_t size) {
  *notes = (cs_stack_notes){.bottom = bottom, .size = size};
  __asan_unpoison_memory_region(bottom, size);
}

void cs_notes_end(cs_stack_notes *notes) {
  if (notes->bottom) __asan_unpoison_memory_region(notes->bottom, notes->size);
  *notes = (cs_stack_notes){0};
}

void cs_notes_thread(cs_stack_notes *notes) {
  void *bottom = NULL;
  size_t size = 0;
  (void)cs_thread_stack(&bottom, &size);
  *notes = (cs_stack_notes){.bottom = bottom, .size = size};
}

int cs_sanitizer(void) { return 1; }
const bool cs_is_sanitized = true;

#elif defined(CS_THREAD_SANITIZER)

void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void __tsan_release(void *address);

CS_UNSANITIZED void cs_switch(void **save, void *target, cs_stack_notes *from, cs_stack_notes *to) {
  (void)from;
  // The sanitizer does not see the assembly's store to `*save`. This call stands for that release.
  __tsan_release(save);
  // Before the raw switch: once `*save` is written, another thread may make the old fiber its current one. Flags 0:
  // everything before the switch happens before everything after it.
  __tsan_switch_to_fiber(to->thread_sanitizer_fiber, 0);
  cs_switch_raw(save, target);
}

void cs_entered(void) {}

void cs_notes_begin(cs_stack_notes *notes, const void *bottom, size_t size) {
  *notes = (cs_stack_notes){.thread_sanitizer_fiber = __tsan_create_fiber(0), .bottom = bottom, .size = size};
}

void cs_notes_end(cs_stack_notes *notes) {
  if (notes->thread_sanitizer_fiber) __tsan_destroy_fiber(notes->thread_sanitizer_fiber);
  *notes = (cs_stack_notes){0};
}

void cs_notes_thread(cs_stack_notes *notes) {
  *notes = (cs_stack_notes){.thread_sanitizer_fiber = __tsan_get_current_fiber()};
}

int cs_sanitizer(void) { return 2; }
const bool cs_is_sanitized = true;

#else

void cs_entered(void) {}

void cs_notes_begin(cs_stack_notes *notes, const void *bottom, size_t size) {
  (void)notes;
  (void)bottom;
  (void)size;
}

void cs_notes_end(cs_stack_notes *notes) { (void)notes; }

void cs_notes_thread(cs_stack_notes *notes) { (void)notes; }

int cs_sanitizer(void) { return 0; }
const bool cs_is_sanitized = false;

#endif

#if defined(CS_THREAD_SANITIZER)
void __tsan_acquire(void *address);
void __tsan_release(void *address);
void cs_notes_release(const void *address) { __tsan_release((void *)(uintptr_t)address); }
void cs_notes_acquire(const void *address) { __tsan_acquire((void *)(uintptr_t)address); }
#else
void cs_notes_release(const void *address) { (void)address; }
void cs_notes_acquire(const void *address) { (void)address; }
#endif
