// The values of Swift's task-locals, and the task that is current on the calling thread.
//
// The runtime keeps the values of a task in the task. Outside of tasks, a thread-local word points to them:
//
//     word --> storage, its first word the head --> item bound last --> item bound before --> ... --> null
//
// The storage is allocated with the first value and freed with the last one.
#ifndef NURSERY_CSWITCH_TASK_LOCALS_H
#define NURSERY_CSWITCH_TASK_LOCALS_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#else
#define _Nullable
#define _Nonnull
#endif

#ifdef __cplusplus
extern "C" {
#endif

// A value, in the runtime's layout. The value itself comes after it, at the next address that its type can have.
typedef struct cs_task_local {
  // The address of the next item. The three low bits are the kind: 0 for a value.
  uintptr_t next;
  const void *key;
  const void *type;
} cs_task_local;

// The address of the calling thread's word. It is found once per thread: cs_task_locals_word binds a value and searches
// for the word that leads to it in the thread-local block of the concurrency runtime. Null if the self-check fails.
void *_Nullable *_Nullable cs_task_locals_word(void);
// A word that is never null, in place of one that is not known.
void *_Nullable *_Nonnull cs_task_locals_unknown(void);
// For tests: from now on, no thread finds its word.
void cs_task_locals_forget(void);

// The value that was bound last in the current task, or outside of tasks on this thread; null if there is none. The
// process ends with a message if the items have another layout.
const cs_task_local *_Nullable cs_task_locals_first(void);
// The one that was bound before it. Values that a newer one hides are among them.
const cs_task_local *_Nullable cs_task_locals_next(const cs_task_local *item);

bool cs_is_in_task(void);
// The address of the calling thread's word of the current task, which is to be read only. Null if it is not known: it is
// after the first call in a task, on any thread.
void *_Nullable *_Nullable cs_task_word(void);
// A word that is always null, in place of one that is not known.
void *_Nullable *_Nonnull cs_task_unknown(void);
// Makes another task, or none, the current one of this thread, and returns the one before. The process ends with a
// message if that word is not found.
void *_Nullable cs_task_exchange(void *_Nullable task);

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
