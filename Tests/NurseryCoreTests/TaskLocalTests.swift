import CSwitch
import NurseryCore
import TestSupport
import Testing

private enum Trace {
  @TaskLocal static var id = 0
}

/// Where the word is not found that holds the values: nothing may be answered wrongly.
struct TaskLocalTests {
  @Test func fibersThatBindNothingRunWithoutTheWord() async {
    await #expect(processExitsWith: .success) {
      cs_task_locals_forget()
      try PlainThread {
        for workers in parallelisms {
          try Scheduler.run(.virtual(workers)) {
            let fibers = (0..<20).map { number in
              spawn {
                for _ in 0..<5 { Performer.yield() }
                return number
              }
            }
            let sum = try fibers.map { try $0.wait() }.reduce(0, +)
            require(sum == 190, "a fiber has not run")
          }
        }
      }.join()
    }
  }

  @Test func aFiberThatWaitsInsideABindingTrapsWithoutTheWord() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      cs_task_locals_forget()
      try PlainThread {
        try Scheduler.run(.virtual()) {
          spawn { Trace.$id.withValue(1) { Performer.yield() } }
          try spawn {}.wait()
        }
      }.join()
    }
    #expect(standardError(result).contains("bind a FiberLocal in place of the TaskLocal"))
  }

  @Test func aRunInsideABindingIsRefusedWithoutTheWord() async {
    await #expect(processExitsWith: .success) {
      cs_task_locals_forget()
      try PlainThread {
        Trace.$id.withValue(1) {
          _ = expectThrows(ConfigurationError.self) { try Scheduler.run { () } }
        }
      }.join()
    }
  }
}
