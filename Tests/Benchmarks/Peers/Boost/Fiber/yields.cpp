// Fair: the library's own yield.
#include "stacks.hpp"
#include "workload.hpp"

static void yield_all(long count, long each) {
  std::vector<fibers::fiber> all;
  for (long i = 0; i < count; i++) {
    all.push_back(start([each] {
      for (long yields = 0; yields < each; yields++) boost::this_fiber::yield();
    }));
  }
  join(all);
}

static Workload yield_2("yield-2", [] { each("yield-2", 20000000, [](long n) { yield_all(2, n / 2); }); });
static Workload yield_1000("yield-1000", [] {
  each("yield-1000", 5000000, [](long n) { yield_all(1000, n / 1000); });
});

// Five million yields, at least five by each fiber; the clock runs from when the last fiber has started until the first
// has done all its yields, so neither creation nor memory's first touch counts.
//
// The largest needs 5 GB, and is mostly the kernel's work before the clock starts.
static void curve(const char *name, long full) {
  const long count = size(full), each = std::max(size(5000000) / count, 5L);
  long started = 0;
  int64_t first = 0, last = 0;
  std::vector<fibers::fiber> all;
  for (long i = 0; i < count; i++) {
    all.push_back(start_small([&, each, count] {
      if (++started == count) first = now_ns();
      for (long yields = 0; yields < each; yields++) boost::this_fiber::yield();
      if (!last) last = now_ns();
    }));
  }
  join(all);
  // Between the two moments each of the fibers was resumed `each` times, but for one round.
  report(name, double(last - first) / double(count * (each - 1)), "ns");
}

static Workload curve_100("yield-curve-100", [] { curve("yield-curve-100", 100); });
static Workload curve_1000("yield-curve-1000", [] { curve("yield-curve-1000", 1000); });
static Workload curve_10000("yield-curve-10000", [] { curve("yield-curve-10000", 10000); });
static Workload curve_100000("yield-curve-100000", [] { curve("yield-curve-100000", 100000); });
static Workload curve_1000000("yield-curve-1000000", [] { curve("yield-curve-1000000", 1000000); });
