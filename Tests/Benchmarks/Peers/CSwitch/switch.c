// Nursery's own switch between two stacks, without the coroutine around it: cs_pair_enter and cs_pair_leave from
// Sources/CSwitch, which are what Coroutine uses.
//
// Fair: the same loop as ../Boost/switch.c. A number goes in and out with each switch, through memory here, because the
// switch carries no value. Both keep the callee-saved registers (here the compiler does, as far as it needs them) and
// the floating-point control words.
#include "../timing.h"
#include "CSwitch.h"

enum { STACK = 64 * 1024, ROUND_TRIPS = 30 * 1000 * 1000 };

typedef struct numbered { cs_pair pair; intptr_t value; } numbered;

static void add_one(void *argument) {
  numbered *both = argument;
  cs_entered();
  for (;;) {
    both->value++;
    cs_pair_leave(&both->pair);
  }
}

static intptr_t round_trips(numbered *both, int count) {
  both->value = 0;
  for (int i = 0; i < count; i++) cs_pair_enter(&both->pair);
  return both->value;
}

int main(void) {
  char *stack = aligned_alloc(16, STACK);
  // On the heap, as the library's records are.
  numbered *both = aligned_alloc(64, 64);
  both->pair.inside = cs_prepare(stack + STACK, add_one, both);
  round_trips(both, ROUND_TRIPS / 10);
  int64_t start = now_ns();
  intptr_t sum = round_trips(both, ROUND_TRIPS);
  double elapsed = (double)(now_ns() - start);
  if (sum != ROUND_TRIPS) return 1;
  report("switch", elapsed / (2.0 * ROUND_TRIPS), "ns");
  return 0;
}
