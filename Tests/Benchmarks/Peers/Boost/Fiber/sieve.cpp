// The first 2000 primes, each a fiber that passes on what it does not divide.
//
// Fair: the plain idiom over unbuffered channels.
#include "workload.hpp"

static void primes(long count, long last) {
  std::vector<std::unique_ptr<Channel>> channels;
  std::vector<fibers::fiber> all;
  channels.push_back(std::make_unique<Channel>());
  // Ends with the last prime, and each filter after its source: a receiver must not close a channel of this version
  // while a sender waits in it, since the next `pop` would still find the message, in a stack that is gone.
  all.push_back(start([out = channels.back().get(), last] {
    for (long number = 2; number <= last; number++) out->push(number);
    out->close();
  }));
  long prime = 0;
  for (long i = 0; i < count; i++) {
    Channel *in = channels.back().get();
    in->pop(prime);
    channels.push_back(std::make_unique<Channel>());
    all.push_back(start([in, out = channels.back().get(), prime] {
      long number;
      while (in->pop(number) == fibers::channel_op_status::success) {
        if (number % prime) out->push(number);
      }
      out->close();
    }));
  }
  require(prime == last, "not the prime it should be");
  join(all);
}

static Workload sieve("sieve", [] {
  primes(200, 1223);
  int64_t start = now_ns();
  primes(size_or(2000, 100), size_or(17389, 541));
  report("sieve", double(now_ns() - start) / 1e6, "ms");
});
