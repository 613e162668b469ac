import Harness
import Nursery

// Fair: the plain idiom, a fiber that sends and closes, and `for` over an unbuffered channel.
let rendezvous = Workload.oneAndTwo("rendezvous") { name in
  let messages = size(5_000_000)
  try exchange(messages / 10)
  report(name, try nanoseconds(each: messages) { try exchange(messages) }, "ns")
}

func exchange(_ messages: Int) throws {
  try withNursery { nursery in
    let channel = Channel<Int>(.unbuffered)
    nursery.goAsync {
      for i in 0..<messages { try channel.send(i) }
      channel.close()
    }
    var sum = 0
    for value in channel { sum &+= value }
    require(sum == messages * (messages - 1) / 2, "a message was lost")
  }
}
