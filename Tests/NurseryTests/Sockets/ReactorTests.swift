import Nursery
import Synchronization
import Testing

struct ReactorTests {
  /// One fiber computes until the other has read, so only a second worker can notice that the bytes have come.
  @Test(arguments: [Configuration.Readiness.automatic, .poll])
  func ifFibersMigrateAFiberThatComputesDelaysNoneThatWaitsForADescriptor(readiness: Configuration.Readiness) throws {
    try runFibers(Configuration(parallelism: 2, migration: .whenWaiting, readiness: readiness)) {
      for _ in 0..<20 {
        let hasRead = Counter()
        try withNursery { nursery in
          let (reader, writer) = try PipeStream.pair()
          nursery.goAsync {
            expectEqual(try reader.read(upTo: 1), [7])
            hasRead.add()
          }
          nursery.goAsync {
            // By then all workers sleep, one of them in the reactor.
            try sleep(for: .milliseconds(3))
            let thread = PlainThread { try writer.writeAll([7]) }
            while hasRead.value == 0 {}
            try thread.join()
          }
        }
      }
    }
  }

  @Test func waitingForADescriptorIsNoDeadlockAndCostsNoSwitches() throws {
    try runFibers(Configuration(parallelism: 1)) {
      let (reader, writer) = try PipeStream.pair()
      try withNursery { nursery in
        nursery.goAsync { expectEqual(try reader.read(upTo: 1), [7]) }
        waitUntilAllParked()
        let before = Scheduler.current!.statistics.switches
        let thread = PlainThread {
          try sleep(for: .milliseconds(30))
          try writer.writeAll([7])
        }
        try Condition().waitOp().or(reader.readOp(upTo: 1).wrap { _ in }).orTimeout(after: .milliseconds(20)).recover {
          _ in
        }.perform()
        #expect(Scheduler.current!.statistics.switches - before < 10)
        try thread.join()
      }
    }
  }

  @Test func virtualTimeStandsStillWhileADescriptorIsWaitedFor() throws {
    try virtually {
      let (reader, writer) = try PipeStream.pair()
      let thread = PlainThread {
        try sleep(for: .milliseconds(5))
        try writer.writeAll([7])
      }
      let start = FiberClock.now
      expectEqual(try reader.readOp(upTo: 1).orTimeout(after: .nanoseconds(1)).perform(), [7])
      expectEqual(FiberClock.now, start)
      try thread.join()
    }
  }
}
