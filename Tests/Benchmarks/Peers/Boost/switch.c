// Boost.Context's bare switch, called from C through the two functions that its C++ classes are made of: nothing
// but the assembly routine is timed.
//
// Fair: the same loop as ../CSwitch/switch.c. A number goes in and out with each switch, in a register here. Both
// routines keep the callee-saved registers and the floating-point control words.
#include "../timing.h"

typedef void *fcontext_t;
typedef struct transfer_t { fcontext_t fctx; void *data; } transfer_t;
extern transfer_t jump_fcontext(fcontext_t to, void *data);
extern fcontext_t make_fcontext(void *top, size_t size, void (*entry)(transfer_t));

enum { STACK = 64 * 1024, ROUND_TRIPS = 30 * 1000 * 1000 };

static void add_one(transfer_t transfer) {
  for (;;) transfer = jump_fcontext(transfer.fctx, (void *)((intptr_t)transfer.data + 1));
}

static intptr_t round_trips(fcontext_t *fiber, int count) {
  transfer_t transfer = {*fiber, 0};
  for (int i = 0; i < count; i++) transfer = jump_fcontext(transfer.fctx, transfer.data);
  *fiber = transfer.fctx;
  return (intptr_t)transfer.data;
}

int main(void) {
  char *stack = aligned_alloc(16, STACK);
  fcontext_t fiber = make_fcontext(stack + STACK, STACK, add_one);
  round_trips(&fiber, ROUND_TRIPS / 10);
  int64_t start = now_ns();
  intptr_t sum = round_trips(&fiber, ROUND_TRIPS);
  double elapsed = (double)(now_ns() - start);
  if (sum != ROUND_TRIPS) return 1;
  report("switch", elapsed / (2.0 * ROUND_TRIPS), "ns");
  return 0;
}
