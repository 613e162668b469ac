// Tests the switch alone, in C, so that it can be cross-compiled and run on every CPU that it supports.
//
// Each check is a function that returns true; main counts them. Built and started by `run`.
#define _GNU_SOURCE
#include "coroutine.h"
#include "rounding.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unwind.h>

// MARK: Values

static void adder(context *self) {
  long sum = 0;
  for (int i = 0; i < 10; i++) {
    sum += self->value;
    self->value = sum;
    yield(self);
  }
}

static bool values_survive(void) {
  context self = thread_context(), *other = make(adder);
  bool good = true;
  long sum = 0;
  for (long i = 1; i <= 10; i++) {
    other->value = i;
    resume(&self, other);
    good = good && other->value == (sum += i);
  }
  resume(&self, other);
  good = good && other->ended;
  drop(other);
  return good;
}

// In registers.c and pair.c.
bool registers_survive(void);
bool pair_keeps_values(void);
bool pair_keeps_rounding(void);
bool pair_backtrace_ends(void);

// MARK: Floating point

static void rounds_up(context *self) {
  self->value = fegetround() == FE_TONEAREST;  // not the mode that was set when the stack was prepared
  fesetround(FE_UPWARD);
  for (int i = 0; i < 3; i++) {
    unsigned mode = rounding();
    yield(self);
    if (fegetround() != FE_UPWARD || rounding() != mode) self->value = 0;
  }
}

static bool rounding_is_per_stack(void) {
  context self = thread_context();
  fesetround(FE_DOWNWARD);
  context *other = make(rounds_up);
  fesetround(FE_TOWARDZERO);
  unsigned mode = rounding();
  bool good = true;
  while (!other->ended) {
    resume(&self, other);
    good = good && fegetround() == FE_TOWARDZERO && rounding() == mode;
  }
  fesetround(FE_TONEAREST);
  good = good && other->value == 1;
  drop(other);
  return good;
}

// MARK: Alignment

static void alignment_body(context *self) {
  self->value = (long)((uintptr_t)__builtin_frame_address(0) % 16);
  // The C library formats floating point with aligned vector stores: a misaligned stack crashes here.
  char text[64];
  snprintf(text, sizeof text, "%.3f %Lf", 1.5, (long double)2.5);
  if (strcmp(text, "1.500 2.500000") != 0) self->value = -1;
}

static bool stack_is_aligned(void) {
  context self = thread_context();
  bool good = true;
  for (size_t offset = 0; offset < 64; offset++) {
    context *other = make(alignment_body);
    atomic_store(&other->saved, cs_prepare(other->memory + STACK - offset, entry, other));
    resume(&self, other);
    good = good && other->ended && other->value == 0;
    drop(other);
  }
  return good;
}

// MARK: Many switches

static void counts(context *self) {
  for (;;) {
    self->value++;
    yield(self);
  }
}

static bool a_million_switches(void) {
  context self = thread_context(), *other = make(counts);
  for (int i = 0; i < 500000; i++) resume(&self, other);
  bool good = other->value == 500000;
  drop(other);
  return good;
}

// The stack is switched away from at the bottom of a deep recursion, and unwound afterwards.
__attribute__((noinline)) static long deep(context *self, int depth) {
  if (depth == 0) {
    yield(self);
    return 0;
  }
  return 1 + deep(self, depth - 1);
}

static void deep_body(context *self) { self->value = deep(self, 200); }

static bool ten_thousand_contexts(void) {
  // Thread sanitizer can only hold about 8,000 fibers.
  const int count = cs_sanitizer() == 2 ? 1000 : 10000;
  context self = thread_context(), **all = calloc((size_t)count, sizeof *all);
  for (int i = 0; i < count; i++) all[i] = make(i % 2 ? counts : deep_body);
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < count; i++) {
      if (!all[i]->ended) resume(&self, all[i]);
    }
  }
  bool good = true;
  for (int i = 0; i < count; i++) {
    good = good && (i % 2 ? all[i]->value == 5 : all[i]->ended && all[i]->value == 200);
    drop(all[i]);
  }
  free(all);
  return good;
}

// MARK: Migration

enum { MIGRATIONS = 100000 };
static context *traveller;
static _Atomic int turn;  // which thread continues it next
static _Thread_local int here;

// Not inlined: a thread-local's address must not be kept across a switch.
__attribute__((noinline)) static int where(void) { return here; }

static void travels(context *self) {
  for (int i = 0; i < MIGRATIONS; i++) {
    if (where() == i % 2) self->value++;
    // The other thread may want to continue this context before it has left this stack: it waits for the saved pointer.
    context *caller = self->caller;
    atomic_store_explicit(&turn, (i + 1) % 2, memory_order_release);
    switch_to(self, caller);
  }
  atomic_store(&turn, 2);
}

static void *carrier(void *argument) {
  here = (int)(intptr_t)argument;
  context self = thread_context();
  for (;;) {
    int next = atomic_load_explicit(&turn, memory_order_acquire);
    if (next == 2) return NULL;
    if (next != here) {
      cs_thread_yield();
      continue;
    }
    // Take the pointer before setting the context's caller: until then the context still uses the old one.
    void *target;
    while ((target = atomic_load_explicit(&traveller->saved, memory_order_acquire)) == NULL) cs_pause();
    atomic_store_explicit(&traveller->saved, NULL, memory_order_relaxed);
    traveller->caller = &self;
    cs_switch((void **)&self.saved, target, &self.notes, &traveller->notes);
  }
}

static bool migrates_between_threads(void) {
  traveller = make(travels);
  atomic_store(&turn, 0);
  pthread_t threads[2];
  for (intptr_t i = 0; i < 2; i++) pthread_create(&threads[i], NULL, carrier, (void *)i);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  bool good = traveller->ended && traveller->value == MIGRATIONS;
  drop(traveller);
  return good;
}

// MARK: Backtraces

typedef struct trace {
  int frames;
  bool entry, past_entry;
  uintptr_t near;
} trace;

static _Unwind_Reason_Code count_frame(struct _Unwind_Context *unwind, void *argument) {
  trace *seen = argument;
  uintptr_t address = _Unwind_GetIP(unwind);
  if (address == 0) return _URC_NO_REASON;
  if (seen->entry) {
    // One frame may follow the entry: the trampoline, next to cs_prepare.
    seen->past_entry |= address < seen->near - 128 || address > seen->near + 128;
  }
  seen->entry |= _Unwind_FindEnclosingFunction((void *)(address - 1)) == (void *)entry;
  return ++seen->frames < 1000 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

__attribute__((noinline)) static int trace_from(trace *seen, int depth) {
  if (depth > 0) return trace_from(seen, depth - 1) + 1;
  seen->near = (uintptr_t)&cs_prepare;
  return _Unwind_Backtrace(count_frame, seen) == _URC_END_OF_STACK ? 0 : -1000;
}

static trace seen_inside;
static void traces(context *self) { self->value = trace_from(&seen_inside, 5); }

static bool backtrace_ends_at_the_entry(void) {
  context self = thread_context(), *other = make(traces);
  memset(&seen_inside, 0, sizeof seen_inside);
  resume(&self, other);
  bool good = other->value == 5 && seen_inside.entry && !seen_inside.past_entry && seen_inside.frames >= 3 &&
              seen_inside.frames <= 12;
  if (!good) {
    printf("  frames %d, entry %d, past it %d\n", seen_inside.frames, seen_inside.entry, seen_inside.past_entry);
  }
  drop(other);
  return good;
}

// MARK: The rest of the library, where it needs no Swift

static bool guards_work_both_ways(void) {
  size_t page = cs_page_size();
  for (int way = 0; way < 2; way++) {
    void *memory;
    if (cs_reserve(16 * page, 16 * page, &memory) != 0 || (uintptr_t)memory % (16 * page) != 0) return false;
    if (cs_guard(memory, page) != 0) return false;
    memset((char *)memory + page, 1, 15 * page);
    if (cs_return_pages((char *)memory + page, 15 * page) != 0) return false;
    if (((char *)memory)[page] != 0 || cs_unreserve(memory, 16 * page) != 0) return false;
    cs_guards_use_mprotect();
  }
  return cs_guards_split_mappings();
}

// Dekker's exchange: each side writes its own word, then reads the other's. With the pair of fences in between
// at least one of them sees the other; without, both may miss it.
enum { ROUNDS = 200000 };
// A line of the cache each: the store waits for its line while the load goes ahead.
static struct { _Alignas(128) _Atomic int value; } written[2], seen_by[2], arrived[2];

static _Atomic bool enough;

// Each side publishes its stage and waits for the other. On a busy machine the other may not be running.
static void meet(int side, int stage) {
  atomic_store_explicit(&arrived[side].value, stage, memory_order_release);
  for (int spins = 0; atomic_load_explicit(&arrived[1 - side].value, memory_order_acquire) < stage; spins++) {
    if (spins % 1000 == 999) cs_thread_yield();
    cs_pause();
  }
}

static void exchange(int side, int round, bool last) {
  meet(side, 2 * round);
  atomic_store_explicit(&written[side].value, round, memory_order_relaxed);
  side == 0 ? cs_fence_light() : cs_fence_heavy();
  atomic_store(&seen_by[side].value, atomic_load_explicit(&written[1 - side].value, memory_order_relaxed));
  // Set while the other side is in the same round, so that neither waits for a round that the other omits.
  if (last) atomic_store(&enough, true);
  meet(side, 2 * round + 1);
}

static void *light_side(void *unused) {
  for (int round = 1; !atomic_load(&enough); round++) exchange(0, round, false);
  return unused;
}

static bool fences_hold(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, light_side, NULL);
  bool good = true;
  int64_t start = cs_monotonic_now();
  for (int round = 1; !atomic_load(&enough); round++) {
    exchange(1, round, round == ROUNDS || cs_monotonic_now() - start > 1000000000);
    good = good && (atomic_load(&seen_by[0].value) == round || atomic_load(&seen_by[1].value) == round);
  }
  pthread_join(thread, NULL);
  return good;
}

static bool the_processor_count_follows_the_mask(void) {
#if defined(__linux__)
  cpu_set_t before, one;
  if (sched_getaffinity(0, sizeof before, &before) != 0) return true;
  int lowest = 0;
  while (!CPU_ISSET(lowest, &before)) lowest++;
  CPU_ZERO(&one);
  CPU_SET(lowest, &one);
  int all = cs_processor_count();
  if (sched_setaffinity(0, sizeof one, &one) != 0) return true;
  int alone = cs_processor_count();
  sched_setaffinity(0, sizeof before, &before);
  return all >= 1 && all <= CPU_COUNT(&before) && alone == 1 && cs_processor_count() == all;
#else
  return cs_processor_count() >= 1;
#endif
}

// What walks along the frame pointers, or from one of them along asynchronous contexts, sees the addresses in order.
static const uintptr_t shown[3] = {0x1001, 0x2001, 0x3001};

static void walk(void *result) {
  uintptr_t *frame = __builtin_frame_address(0);
  while (frame[1] != shown[0]) frame = (uintptr_t *)frame[0];
  uintptr_t *context = (uintptr_t *)frame[-1];
  bool along_frames = true, along_contexts = true;
  for (int i = 0; i < 3; i++, frame = (uintptr_t *)frame[0]) {
    along_frames = along_frames && (uintptr_t)frame % 16 == 0 && frame[1] == shown[i];
    if (i == 0) continue;
    along_contexts = along_contexts && context[1] == shown[i] - 1;
    context = (uintptr_t *)context[0];
  }
  *(bool *)result = along_frames && along_contexts && frame[0] == 0 && frame[1] == 0 && context[0] == 0;
}

static bool addresses_are_shown(void) {
  bool result = false;
  cs_call_below(walk, &result, shown, 3);
  return result;
}

static bool absent_runtime_is_tolerated(void) {
  uintptr_t state[4] = {0};
  cs_exclusivity_enter(state);
  cs_exclusivity_exit(state);
  bool hasTaskLocals = cs_task_locals_word() != NULL || cs_task_locals_first() != NULL;
  bool hasTask = cs_is_in_task() || cs_task_exchange(NULL) != NULL;
  return cs_exclusivity_head() == NULL && !hasTaskLocals && !hasTask;
}

int main(void) {
  static const struct { const char *name; bool (*check)(void); } checks[] = {
    {"values survive a switch", values_survive},
    {"callee-saved registers survive", registers_survive},
    {"the rounding mode is per stack", rounding_is_per_stack},
    {"the stack is aligned at the entry", stack_is_aligned},
    {"a million switches", a_million_switches},
    {"ten thousand contexts in turn", ten_thousand_contexts},
    {"migration between two threads", migrates_between_threads},
    {"a backtrace ends at the entry", backtrace_ends_at_the_entry},
    {"a pair keeps what the compiler keeps", pair_keeps_values},
    {"a pair has two rounding modes", pair_keeps_rounding},
    {"a backtrace ends at the entry of a pair", pair_backtrace_ends},
    {"both kinds of guard", guards_work_both_ways},
    {"the pair of fences", fences_hold},
    {"the processor count follows the mask", the_processor_count_follows_the_mask},
    {"a walk sees the addresses that it is shown", addresses_are_shown},
    {"works without the Swift runtime", absent_runtime_is_tolerated},
  };
  int passed = 0, failed = 0;
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
    bool good = checks[i].check();
    good ? passed++ : failed++;
    printf("%s: %s\n", good ? "ok" : "FAILED", checks[i].name);
    fflush(stdout);
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
