import Harness
import Nursery

// Fair: every message has a new deadline after one second, which never fires; a partner sends over an unbuffered
// channel, in the peers as here.
let timeout = Workload("timeout", workers: 1) {
  let messages = size(1_500_000)
  try receiveInTime(messages / 10)
  report("timeout", try nanoseconds(each: messages) { try receiveInTime(messages) }, "ns")
}

func receiveInTime(_ messages: Int) throws {
  try withNursery { nursery in
    let channel = Channel<Int>(.unbuffered)
    nursery.goAsync {
      for i in 0..<messages { try channel.send(i) }
    }
    var sum = 0
    for _ in 0..<messages { sum &+= try channel.receiveOp().orTimeout(after: .seconds(1)).perform() }
    require(sum == messages * (messages - 1) / 2, "a message was lost")
  }
}
