// A minimal coroutine on top of the switch: one caller, `resume` and `yield`.
#ifndef COROUTINE_H
#define COROUTINE_H

#include "CSwitch.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { STACK = 64 * 1024 };

typedef struct context {
  void *_Atomic saved;   // null while it runs
  cs_stack_notes notes;
  char *memory;
  struct context *caller;
  void (*body)(struct context *);
  long value;
  bool ended;
} context;

static void switch_to(context *from, context *to) {
  void *target;
  // A context that another thread has just handed over may still be on its way off its stack.
  while ((target = atomic_load_explicit(&to->saved, memory_order_acquire)) == NULL) cs_pause();
  atomic_store_explicit(&to->saved, NULL, memory_order_relaxed);
  cs_switch((void **)&from->saved, target, from->ended ? NULL : &from->notes, &to->notes);
}

static void entry(void *argument) {
  cs_entered();
  context *self = argument;
  self->body(self);
  self->ended = true;
  switch_to(self, self->caller);
}

static inline context *make(void (*body)(context *)) {
  context *made = calloc(1, sizeof *made);
  void *memory;
  if (cs_reserve(STACK, 0, &memory) != 0) abort();
  made->memory = memory;
  made->body = body;
  cs_notes_begin(&made->notes, made->memory, STACK);
  atomic_store(&made->saved, cs_prepare(made->memory + STACK, entry, made));
  return made;
}

static inline void drop(context *made) {
  cs_notes_end(&made->notes);
  cs_unreserve(made->memory, STACK);
  free(made);
}

static inline void resume(context *self, context *to) {
  to->caller = self;
  switch_to(self, to);
}

static inline void yield(context *self) { switch_to(self, self->caller); }

static inline context thread_context(void) {
  context self = {.saved = NULL};
  cs_notes_thread(&self.notes);
  return self;
}

#endif
