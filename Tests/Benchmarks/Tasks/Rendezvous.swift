import Harness
import Nursery

// Fair: the idiom of the peer, a task that sends and finishes, and a loop over the channel; both are unbuffered.
let rendezvous = AsyncWorkload.oneAndTwo("task-rendezvous") { name in
  let messages = size(200_000)
  try await exchange(messages / 10)
  report(name, try await nanoseconds(each: messages) { try await exchange(messages) }, "ns")
}

private func exchange(_ messages: Int) async throws {
  let channel = Channel<Int>(.unbuffered)
  async let sender: Void = {
    for i in 0..<messages { try await channel.send(i) }
    channel.close()
  }()
  var sum = 0
  while let value = try await channel.next() { sum &+= value }
  try await sender
  require(sum == messages * (messages - 1) / 2, "a message was lost")
}
