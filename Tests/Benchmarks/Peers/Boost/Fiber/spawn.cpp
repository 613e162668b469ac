// Fair: the child writes its value where the parent finds it, which spares it the allocation of a future; it runs at
// once (`dispatch`) rather than after a turn in the queue. Where there are many children they are detached and counted:
// a handle would keep the stack of a fiber that has ended.
#include "workload.hpp"

template <typename Body>
static fibers::fiber start_now(Body body) {
  return fibers::fiber(fibers::launch::dispatch, std::allocator_arg, pooled_stacks(), std::move(body));
}

// What a parent waits for; all are on one thread, so the count itself needs no lock.
class Children {
 public:
  explicit Children(long count) : left(count) {}
  void ended() {
    if (--left == 0) none_left.notify_one();
  }
  void wait() {
    std::unique_lock<fibers::mutex> lock(mutex);
    none_left.wait(lock, [this] { return left == 0; });
  }

 private:
  long left;
  fibers::mutex mutex;
  fibers::condition_variable none_left;
};

static void one_by_one(long count) {
  long sum = 0;
  for (long i = 0; i < count; i++) {
    long value = -1;
    start_now([&value, i] { value = i; }).join();
    sum += value;
  }
  require(sum == count * (count - 1) / 2, "a result was lost");
}

static void many(long count) {
  std::vector<long> values(count, -1);
  Children children(count);
  for (long i = 0; i < count; i++) {
    start_now([&values, &children, i] {
      values[i] = i;
      children.ended();
    }).detach();
  }
  children.wait();
  long sum = 0;
  for (long value : values) sum += value;
  require(sum == count * (count - 1) / 2, "a result was lost");
}

static long node(long number, long size) {
  if (size == 1) return number;
  const long share = size / 10;
  long sum = 0;
  Children children(10);
  for (long i = 0; i < 10; i++) {
    start_now([&sum, &children, number, share, i] {
      sum += node(number + i * share, share);
      children.ended();
    }).detach();
  }
  children.wait();
  return sum;
}

static void skynet() {
  const long leaves = size(1000000);
  node(0, leaves / 10);
  int64_t start = now_ns();
  require(node(0, leaves) == leaves * (leaves - 1) / 2, "a leaf was lost");
  report("skynet", double(now_ns() - start) / 1e6, "ms");
}

static Workload spawn_wait("spawn-wait", [] { each("spawn-wait", 3000000, one_by_one); });
static Workload spawn_many("spawn-many", [] { each("spawn-many", 1000000, many); });
static Workload skynet_("skynet", skynet);
