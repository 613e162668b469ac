import Harness
import Nursery

// Fair: four senders and four receivers share one channel with a buffer of 128, in the peers as here.
let fan = Workload.oneAndTwo("fan") { name in
  let messages = size(8_000_000)
  try fanInAndOut(messages / 10)
  report(name, try nanoseconds(each: messages) { try fanInAndOut(messages) }, "ns")
}

private func fanInAndOut(_ messages: Int) throws {
  let (ends, each) = (4, messages / 4)
  let sum = try withNursery { nursery in
    let channel = Channel<Int>(.bounded(128))
    let senders = (0..<ends).map { _ in
      nursery.goAsync {
        for i in 0..<each { try channel.send(i) }
      }
    }
    let receivers = (0..<ends).map { _ in
      nursery.goAsync { channel.reduce(0, &+) }
    }
    for sender in senders { try sender.wait() }
    channel.close()
    return try receivers.reduce(0) { try $0 &+ $1.wait() }
  }
  require(sum == ends * each * (each - 1) / 2, "a message was lost")
}
