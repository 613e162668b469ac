import AsyncAlgorithms
import Harness

// Fair: the plain idiom, a task that sends and finishes, and `for await`; a send waits for its receiver.
let rendezvous = ["rendezvous", "task-rendezvous"].flatMap { AsyncWorkload.oneAndTwo($0, run: exchange) }

@Sendable private func exchange(_ name: String) async {
  let messages = size(200_000)
  await pass(messages / 10)
  report(name, await nanoseconds(each: messages) { await pass(messages) }, "ns")
}

private func pass(_ messages: Int) async {
  let channel = AsyncChannel<Int>()
  async let sender: Void = {
    for i in 0..<messages { await channel.send(i) }
    channel.finish()
  }()
  var sum = 0
  for await value in channel { sum &+= value }
  await sender
  require(sum == messages * (messages - 1) / 2, "a message was lost")
}
