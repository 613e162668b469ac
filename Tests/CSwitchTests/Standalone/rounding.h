// The rounding mode of every unit that calculates.
#ifndef ROUNDING_H
#define ROUNDING_H

#include <fenv.h>

#if defined(__x86_64__)
// Two units, each with a rounding mode of its own; fesetround sets both, fegetround reads one.
static inline unsigned rounding(void) {
  unsigned short x87;
  unsigned vector;
  __asm__ volatile("fnstcw %0\n stmxcsr %1" : "=m"(x87), "=m"(vector));
  return (x87 & 0xc00u) << 16 | (vector & 0x6000);
}
#else
static inline unsigned rounding(void) { return (unsigned)fegetround(); }
#endif

#endif
