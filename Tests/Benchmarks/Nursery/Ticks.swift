import Harness
import Nursery

// Fair: a tick every millisecond; how late each one is seen, on the grid that began with the ticker.
let ticks = Workload("ticker", workers: 1) {
  let count = size(1000)
  let start = FiberClock.now
  let ticker = Ticker(every: .milliseconds(1), missed: .burst)
  var late: [Duration] = []
  for _ in 0..<count {
    let due = try ticker.wait().due
    late.append(FiberClock.now - due)
  }
  require(FiberClock.now - start >= .milliseconds(count), "the ticks came too early")
  late.sort()
  report("ticker, median error", late[count / 2] / .microseconds(1), "us")
  report("ticker, error of 99 %", late[count * 99 / 100] / .microseconds(1), "us")
}
