// A million fibers waiting in one channel.
//
// Fair: stacks that touch the fewest pages, see stacks.hpp; a small warm-up only, because a fiber's first stack is what
// is measured.
#include "stacks.hpp"

// The memory resident now, page tables included.
static long resident_bytes() {
  FILE *file = fopen("/proc/self/status", "r");
  require(file, "no /proc/self/status");
  long kilobytes = 0, value;
  for (char line[256]; fgets(line, sizeof line, file);) {
    if (sscanf(line, "VmRSS: %ld", &value) == 1 || sscanf(line, "VmPTE: %ld", &value) == 1) kilobytes += value;
  }
  fclose(file);
  return kilobytes * 1024;
}

static void park(long count, bool reporting) {
  Channel channel;
  long parked = 0, sum = 0;
  std::vector<fibers::fiber> all;
  all.reserve(count);
  long before = resident_bytes();
  int64_t start = now_ns();
  for (long i = 0; i < count; i++) {
    all.push_back(start_small([&] {
      long value = 0;
      parked++;
      channel.pop(value);
      sum += value;
    }));
  }
  while (parked < count) boost::this_fiber::yield();
  double create = double(now_ns() - start) / double(count);
  double bytes = double(resident_bytes() - before) / double(count);
  start = now_ns();
  for (long i = 0; i < count; i++) channel.push(i);
  join(all);
  double wake = double(now_ns() - start) / double(count);
  require(sum == count * (count - 1) / 2, "a message was lost");
  if (!reporting) return;
  report("parked, memory each", bytes, "bytes");
  report("parked, create each", create, "ns");
  report("parked, wake each", wake, "ns");
}

static Workload parked("parked", [] {
  park(1000, false);
  park(size(1000000), true);
});
