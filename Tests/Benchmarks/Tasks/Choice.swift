import Harness
import Nursery

// Fair: two tasks send, and a third takes from either channel, as `merge` does. The choice is made once and performed
// often, as `merge` is.
let choice = AsyncWorkload("task-choice-2", workers: 1) {
  let messages = size(100_000)
  try await chooseAmongTwo(messages / 10)
  report("task-choice-2", try await nanoseconds(each: messages) { try await chooseAmongTwo(messages) }, "ns")
}

private func chooseAmongTwo(_ messages: Int) async throws {
  let channels = [Channel<Int>(.unbuffered), Channel<Int>(.unbuffered)]
  try await withThrowingTaskGroup { group in
    for channel in channels {
      group.addTask { for i in 0..<messages / 2 { try await channel.send(i) } }
    }
    let any = Op.choice(channels.map { $0.receiveOp() })
    var sum = 0
    for _ in 0..<messages / 2 * 2 { sum &+= try await any.perform() }
    require(sum == messages / 2 * (messages / 2 - 1), "a message was lost")
    try await group.waitForAll()
  }
}
