import AsyncAlgorithms
import Harness

// Fair: `merge` is what there is to take from either of two channels.
let choice = AsyncWorkload("task-choice-2", workers: 1) {
  let messages = size(100_000)
  await mergeTwo(messages / 10)
  report("task-choice-2", await nanoseconds(each: messages) { await mergeTwo(messages) }, "ns")
}

private func mergeTwo(_ messages: Int) async {
  let channels = [AsyncChannel<Int>(), AsyncChannel<Int>()]
  await withTaskGroup { group in
    for channel in channels {
      group.addTask {
        for i in 0..<messages / 2 { await channel.send(i) }
        channel.finish()
      }
    }
    var sum = 0
    for await value in merge(channels[0], channels[1]) { sum &+= value }
    require(sum == messages / 2 * (messages / 2 - 1), "a message was lost")
  }
}
