import Harness
import Nursery

// Fair: half of the fibers send, half receive, over one unbuffered channel, in the peers as here.
let contendedChannels = [2, 8, 64].flatMap { fibers in
  Workload.oneAndTwo("channel-\(fibers)") { name in
    let messages = size(3_200_000)
    try crowd(fibers / 2, messages / 10)
    report(name, try nanoseconds(each: messages) { try crowd(fibers / 2, messages) }, "ns")
  }
}

private func crowd(_ pairs: Int, _ messages: Int) throws {
  let each = messages / pairs
  let sum = try withNursery { nursery in
    let channel = Channel<Int>(.unbuffered)
    for _ in 0..<pairs {
      nursery.goAsync {
        for i in 0..<each { try channel.send(i) }
      }
    }
    let receivers = (0..<pairs).map { _ in
      nursery.goAsync {
        var sum = 0
        for _ in 0..<each { sum &+= try channel.receive() }
        return sum
      }
    }
    return try receivers.reduce(0) { try $0 &+ $1.wait() }
  }
  require(sum == pairs * each * (each - 1) / 2, "a message was lost")
}
