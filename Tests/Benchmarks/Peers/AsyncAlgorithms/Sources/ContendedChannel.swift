import AsyncAlgorithms
import Harness

// Fair: half of the tasks send, half receive, over one channel, until it is finished.
let contendedChannels = [2, 8, 64].flatMap { tasks in
  AsyncWorkload.oneAndTwo("channel-\(tasks)") { name in
    let messages = size(128_000)
    await crowd(tasks / 2, messages / 10)
    report(name, await nanoseconds(each: messages) { await crowd(tasks / 2, messages) }, "ns")
  }
}

private func crowd(_ pairs: Int, _ messages: Int) async {
  let each = messages / pairs
  let channel = AsyncChannel<Int>()
  let total = Counter()
  await withDiscardingTaskGroup { receivers in
    for _ in 0..<pairs {
      receivers.addTask {
        var sum = 0
        for await value in channel { sum &+= value }
        total.add(sum)
      }
    }
    await withDiscardingTaskGroup { senders in
      for _ in 0..<pairs {
        senders.addTask {
          for i in 0..<each { await channel.send(i) }
        }
      }
    }
    channel.finish()
  }
  require(total.value == pairs * each * (each - 1) / 2, "a message was lost")
}
