// Tests the inlined switch of a pair: values that the compiler keeps across it, on either side, must survive.
//
// The sanitizers are not notified of this pair of stacks, so nothing here is instrumented.
#define _GNU_SOURCE
#include "rounding.h"

#include "CSwitch.h"

#include <unwind.h>

bool pair_keeps_values(void);
bool pair_keeps_rounding(void);
bool pair_backtrace_ends(void);

#define BARE __attribute__((noinline, no_sanitize("address"), no_sanitize("thread")))

enum { STACK = 64 * 1024, TIMES = 1000 };

typedef struct test { cs_pair pair; long value; } test;

BARE static void enter(cs_pair *pair) { cs_pair_enter(pair); }
BARE static void leave(cs_pair *pair) { cs_pair_leave(pair); }

BARE static bool run(test *self, void (*inside)(void *), bool (*outside)(test *)) {
  void *memory;
  if (cs_reserve(STACK, 0, &memory) != 0) return false;
  self->pair.inside = cs_prepare((char *)memory + STACK, inside, self);
  bool good = outside(self);
  cs_unreserve(memory, STACK);
  return good;
}

// A value that the compiler cannot recompute and so must keep. Not a call, which would force it out of its register.
static inline __attribute__((always_inline)) long opaque(long value) {
  __asm__ volatile("" : "+r"(value));
  return value;
}

static inline __attribute__((always_inline)) double opaque_number(double value) {
#if defined(__x86_64__)
  __asm__ volatile("" : "+x"(value));
#else
  __asm__ volatile("" : "+w"(value));
#endif
  return value;
}

// Twenty values are more than there are registers; the doubles and the long doubles have units of their own.
#define EACH(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15) M(16) M(17) M(18) M(19)
#define DECLARE(n) long integer##n = opaque(seed + n); double number##n = opaque_number((double)(seed * 3 + n));
#define CHECK(n) good = good && integer##n == seed + n && number##n == (double)(seed * 3 + n);

// One side switches through `SWITCH` in three functions: a leaf with locals in the red zone, one with many values, and
// one with a frame that the frame pointer alone cannot address.
#define SIDE(SWITCH)                                                                        \
  BARE static bool SWITCH##_with_values(cs_pair *pair, long seed) {                         \
    bool good = true;                                                                       \
    EACH(DECLARE)                                                                           \
    long double extended = (long double)opaque(seed) / 3, more = extended * 7;              \
    cs_pair_##SWITCH(pair);                                                                 \
    EACH(CHECK)                                                                             \
    return good && extended == (long double)seed / 3 && more == extended * 7;               \
  }                                                                                         \
  BARE static bool SWITCH##_with_odd_frame(cs_pair *pair, long seed) {                      \
    long first = opaque(seed), second = opaque(seed + 1);                                   \
    volatile char sized[(size_t)(opaque(seed) % 100 + 1)];                                  \
    volatile long aligned[8] __attribute__((aligned(64)));                                  \
    aligned[3] = seed;                                                                      \
    sized[0] = (char)seed;                                                                  \
    cs_pair_##SWITCH(pair);                                                                 \
    return (uintptr_t)aligned % 64 == 0 && aligned[3] == seed && sized[0] == (char)seed &&  \
           first == seed && second == seed + 1;                                             \
  }                                                                                         \
  BARE static bool SWITCH##_in_a_leaf(cs_pair *pair, long seed) {                           \
    volatile long local[8];                                                                 \
    for (int i = 0; i < 8; i++) local[i] = seed + i;                                        \
    cs_pair_##SWITCH(pair);                                                                 \
    bool good = true;                                                                       \
    for (int i = 0; i < 8; i++) good = good && local[i] == seed + i;                        \
    return good;                                                                            \
  }
SIDE(enter)
SIDE(leave)

typedef bool (*way)(cs_pair *, long);

BARE static void keeps_values_inside(void *argument) {
  static const way ways[] = {leave_with_values, leave_with_odd_frame, leave_in_a_leaf, leave_with_values};
  test *self = argument;
  for (long i = 0;; i++) {
    if (ways[i % 4](&self->pair, 7 * i + 3)) self->value++;
  }
}

BARE static bool keeps_values_outside(test *self) {
  // Four ways there and three here, so each is combined with each.
  static const way ways[] = {enter_with_values, enter_with_odd_frame, enter_in_a_leaf};
  bool good = true;
  for (long i = 0; i < TIMES; i++) good = ways[i % 3](&self->pair, 1000 + i) && good;
  return good && self->value == TIMES - 1;
}

bool pair_keeps_values(void) { return run(&(test){.value = 0}, keeps_values_inside, keeps_values_outside); }

// MARK: Floating point

BARE static void keeps_rounding_inside(void *argument) {
  test *self = argument;
  self->value = fegetround() == FE_TONEAREST;
  fesetround(FE_UPWARD);
  unsigned mode = rounding();
  for (;;) {
    leave(&self->pair);
    if (fegetround() != FE_UPWARD || rounding() != mode) self->value = 0;
  }
}

BARE static bool keeps_rounding_outside(test *self) {
  fesetround(FE_TOWARDZERO);
  unsigned mode = rounding();
  bool good = true;
  for (int i = 0; i < 3; i++) {
    enter(&self->pair);
    good = good && fegetround() == FE_TOWARDZERO && rounding() == mode;
  }
  fesetround(FE_TONEAREST);
  return good && self->value == 1;
}

bool pair_keeps_rounding(void) { return run(&(test){.value = 0}, keeps_rounding_inside, keeps_rounding_outside); }

// MARK: Backtraces

static void traced_inside(void *argument);

static _Unwind_Reason_Code count_frame(struct _Unwind_Context *unwind, void *argument) {
  long *frames = argument;
  uintptr_t address = _Unwind_GetIP(unwind);
  if (address == 0) return _URC_NO_REASON;
  bool is_entry = _Unwind_FindEnclosingFunction((void *)(address - 1)) == (void *)traced_inside;
  // Frames below the entry count one, the entry a hundred, what follows it (the trampoline at most) ten thousand.
  *frames += *frames >= 100 ? 10000 : is_entry ? 100 : 1;
  return *frames < 1000000 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

BARE static void traced_inside(void *argument) {
  test *self = argument;
  for (;;) {
    long frames = 0;
    bool ended = _Unwind_Backtrace(count_frame, &frames) == _URC_END_OF_STACK;
    self->value = ended ? frames : -1;
    leave(&self->pair);
  }
}

BARE static bool traced_outside(test *self) {
  bool good = true;
  for (int i = 0; i < 3; i++) {
    enter(&self->pair);
    good = good && self->value >= 100 && self->value < 20000;
  }
  return good;
}

bool pair_backtrace_ends(void) { return run(&(test){.value = 0}, traced_inside, traced_outside); }
