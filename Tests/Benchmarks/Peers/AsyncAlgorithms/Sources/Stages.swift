import AsyncAlgorithms
import Harness

// Fair: five stages that add one, a task each, with a channel before it. A send waits for its receiver.
let stages = AsyncWorkload.oneAndTwo("pipeline-5") { name in
  let elements = size(50_000)
  await run(elements / 10)
  report(name, await nanoseconds(each: elements) { await run(elements) }, "ns")
}

private func run(_ elements: Int) async {
  let sum = await withTaskGroup(of: Void.self) { group in
    let source = AsyncChannel<Int>()
    group.addTask {
      for i in 0..<elements { await source.send(i) }
      source.finish()
    }
    var last = source
    for _ in 0..<5 {
      let (upstream, out) = (last, AsyncChannel<Int>())
      group.addTask {
        for await value in upstream { await out.send(value &+ 1) }
        out.finish()
      }
      last = out
    }
    var sum = 0
    for await value in last { sum &+= value }
    return sum
  }
  require(sum == elements * (elements - 1) / 2 + 5 * elements, "an element was lost")
}
