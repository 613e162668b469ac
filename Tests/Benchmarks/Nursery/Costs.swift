import Harness
import Nursery

/// An operation for `count`, which takes the difference of the instructions, allocations and switches of two runs with
/// different counts.
///
/// The body repeats the operation `count` times, a multiple of eight, and does as little else as possible.
struct Cost {
  let name: String
  let run: @Sendable (Int) throws -> Void

  init(_ name: String, recorder: Configuration.Recorder = .off, body: @escaping @Sendable (Int) throws -> Void) {
    self.name = name
    run = { count in try runFibers(.init(parallelism: 1, recorder: recorder)) { try body(count) } }
  }
}

let costs = [
  // Two fibers in turn; each yield counts.
  Cost("yield") { try yieldAll(2, $0 / 2) },
  // The same with the recorder on: an event for each.
  Cost("yield-recorded", recorder: .on()) { try yieldAll(2, $0 / 2) },
  // One element over an unbuffered channel: sent, received, and the switches between the two fibers.
  Cost("message") { try exchange($0) },
  Cost("message-recorded", recorder: .on()) { try exchange($0) },
  Cost("spawn-wait") { count in
    try withNursery { nursery in
      for _ in 0..<count { try nursery.goAsync {}.wait() }
    }
  },
  // A message from one of the channels; all their senders are ready.
  Cost("choice-2") { try chooseAmong(2, $0) },
  Cost("choice-8") { try chooseAmong(8, $0) },
  Cost("choice-2-wrapped") { try chooseAmongWrapped(2, $0) },
  // A message, received by an operation with a limit.
  Cost("or-timeout") { try receiveInTime($0) },
  Cost("with-timeout") { count in
    let ready = Condition()
    ready.signal()
    for _ in 0..<count { try withTimeout(.seconds(60)) { try ready.wait() } }
  },
  // A resume and the yield that answers it.
  Cost("coroutine") { try resume(counting(), $0) },
  Cost("condition") { try returnSignals($0) },
  Cost("send-receive") { count in
    let channel = Channel<Int>(.bounded(1))
    for i in 0..<count {
      try channel.send(i)
      _ = try channel.receive()
    }
  },
]

/// A signal from one fiber to another and one back, each over a new condition.
private func returnSignals(_ count: Int) throws {
  final class Court: @unchecked Sendable {
    @exclusivity(unchecked) var there = Condition()
    @exclusivity(unchecked) var back = Condition()
  }
  let court = Court()
  try withNursery { nursery in
    nursery.goAsync {
      for _ in 0..<count {
        try court.there.wait()
        court.there = Condition()
        court.back.signal()
      }
    }
    for _ in 0..<count {
      let back = Condition()
      court.back = back
      court.there.signal()
      try back.wait()
    }
  }
}
