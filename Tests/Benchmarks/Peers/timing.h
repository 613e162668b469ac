// What every C program of the comparison shares: a clock and the line that the driver reads.
#ifndef TIMING_H
#define TIMING_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static inline void report(const char *name, double value, const char *unit) {
  printf("%s\t%.3f\t%s\n", name, value, unit);
}

#endif
