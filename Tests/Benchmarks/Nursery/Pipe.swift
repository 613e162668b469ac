import Harness
import Nursery

// Fair: as the rendezvous, with a buffer of 128 elements, so that most messages cost no switch.
let pipe = Workload.oneAndTwo("pipe") { name in
  let messages = size(10_000_000)
  try transport(messages / 10)
  report(name, try nanoseconds(each: messages) { try transport(messages) }, "ns")
}

private func transport(_ messages: Int) throws {
  try withNursery { nursery in
    let channel = Channel<Int>(.bounded(128))
    nursery.goAsync {
      for i in 0..<messages { try channel.send(i) }
      channel.close()
    }
    var sum = 0
    for value in channel { sum &+= value }
    require(sum == messages * (messages - 1) / 2, "a message was lost")
  }
}
