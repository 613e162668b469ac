// Nursery's own switch as a bare C call, without the coroutine around it: cs_switch from Sources/CSwitch.
//
// Fair: the same loop as ../Boost/switch.c. A number goes in and out with each switch, through memory here, because
// cs_switch carries no value.
#include "../timing.h"
#include "CSwitch.h"

enum { STACK = 64 * 1024, ROUND_TRIPS = 30 * 1000 * 1000 };

typedef struct pair { void *caller, *fiber; intptr_t value; } pair;

static void add_one(void *argument) {
  pair *both = argument;
  cs_entered();
  for (;;) {
    both->value++;
    // No notes: they are for sanitized builds only.
    cs_switch(&both->fiber, both->caller, NULL, NULL);
  }
}

static intptr_t round_trips(pair *both, int count) {
  both->value = 0;
  for (int i = 0; i < count; i++) cs_switch(&both->caller, both->fiber, NULL, NULL);
  return both->value;
}

int main(void) {
  char *stack = aligned_alloc(16, STACK);
  // On the heap, as the library's records are. As a local of main the processor would guess wrongly which store
  // each load through its stack pointer belongs to, and take 3 ns longer.
  pair *both = aligned_alloc(64, 64);
  both->fiber = cs_prepare(stack + STACK, add_one, both);
  round_trips(both, ROUND_TRIPS / 10);
  int64_t start = now_ns();
  intptr_t sum = round_trips(both, ROUND_TRIPS);
  double elapsed = (double)(now_ns() - start);
  if (sum != ROUND_TRIPS) return 1;
  report("switch", elapsed / (2.0 * ROUND_TRIPS), "ns");
  return 0;
}
