// What every workload of Boost.Fiber shares: the list, the stacks and the checks.
#ifndef WORKLOAD_HPP
#define WORKLOAD_HPP

#include <boost/fiber/all.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "../../timing.h"

namespace fibers = boost::fibers;
using Channel = fibers::unbuffered_channel<long>;

// Registers a workload before main; they all run on one thread, whose main fiber runs the body.
struct Workload {
  Workload(const char *name, void (*run)());
};

inline void require(bool condition, const char *message) {
  if (condition) return;
  fprintf(stderr, "%s\n", message);
  exit(1);
}

// The least that these bodies need, reused by a pool: the quickest of the library's allocators.
inline fibers::pooled_fixedsize_stack &pooled_stacks() {
  static fibers::pooled_fixedsize_stack stacks{16 * 1024};
  return stacks;
}

template <typename Body>
fibers::fiber start(Body body) {
  return fibers::fiber(fibers::launch::post, std::allocator_arg, pooled_stacks(), std::move(body));
}

// How much of something a workload does: the count, or the other number where the programs are only to show that they
// work.
inline long size_or(long count, long quickly) { return getenv("BENCHMARK_QUICK") ? quickly : count; }
inline long size(long count) { return size_or(count, std::max(1L, count / 100)); }

// Runs the body for a tenth of the items as warm-up, then times it.
template <typename Body>
void each(const char *name, long full, Body body) {
  const long items = size(full);
  body(items / 10);
  int64_t start = now_ns();
  body(items);
  report(name, double(now_ns() - start) / double(items), "ns");
}

inline void join(std::vector<fibers::fiber> &all) {
  for (auto &fiber : all) fiber.join();
}

#endif
