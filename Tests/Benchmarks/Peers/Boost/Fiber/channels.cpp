// Fair: the library's channels as they are meant to be used, in fibers of one thread; they may have several receivers.
#include "workload.hpp"

template <typename Sent>
static fibers::fiber sender(Sent &channel, long first, long end, long step) {
  return start([&channel, first, end, step] {
    for (long i = first; i < end; i += step) channel.push(i);
  });
}

template <typename Received>
static long received(Received &channel) {
  long sum = 0, value;
  while (channel.pop(value) == fibers::channel_op_status::success) sum += value;
  return sum;
}

static void rendezvous(long messages) {
  Channel channel;
  auto sending = start([&] {
    for (long i = 0; i < messages; i++) channel.push(i);
    channel.close();
  });
  require(received(channel) == messages * (messages - 1) / 2, "a message was lost");
  sending.join();
}

static void pump(long messages) {
  fibers::buffered_channel<long> channel{128};
  auto sending = start([&] {
    for (long i = 0; i < messages; i++) channel.push(i);
    channel.close();
  });
  require(received(channel) == messages * (messages - 1) / 2, "a message was lost");
  sending.join();
}

// Each receive waits under a timeout that never fires.
static void timeout(long messages) {
  Channel channel;
  auto sending = sender(channel, 0, messages, 1);
  long sum = 0, value = 0;
  for (long i = 0; i < messages; i++) {
    auto status = channel.pop_wait_for(value, std::chrono::seconds(1));
    require(status == fibers::channel_op_status::success, "the timeout fired");
    sum += value;
  }
  require(sum == messages * (messages - 1) / 2, "a message was lost");
  sending.join();
}

// As many senders as receivers over one channel.
template <typename Shared>
static void share(Shared &channel, long ends, long messages) {
  std::vector<fibers::fiber> senders, receivers;
  long sum = 0;
  for (long i = 0; i < ends; i++) senders.push_back(sender(channel, i, messages, ends));
  for (long i = 0; i < ends; i++) receivers.push_back(start([&] { sum += received(channel); }));
  join(senders);
  channel.close();
  join(receivers);
  require(sum == messages * (messages - 1) / 2, "a message was lost");
}

static void fan(long messages) {
  fibers::buffered_channel<long> channel{128};
  share(channel, 4, messages);
}

static void contend(long count, long messages) {
  Channel channel;
  share(channel, count / 2, messages);
}

static Workload rendezvous_("rendezvous", [] { each("rendezvous", 2000000, rendezvous); });
static Workload pipe_("pipe", [] { each("pipe", 5000000, pump); });
static Workload timeout_("timeout", [] { each("timeout", 2000000, timeout); });
static Workload fan_("fan", [] { each("fan", 5000000, fan); });
static Workload channel_2("channel-2", [] { each("channel-2", 1000000, [](long n) { contend(2, n); }); });
static Workload channel_8("channel-8", [] { each("channel-8", 1000000, [](long n) { contend(8, n); }); });
static Workload channel_64("channel-64", [] { each("channel-64", 1000000, [](long n) { contend(64, n); }); });
