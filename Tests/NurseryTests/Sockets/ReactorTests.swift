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

  /// Worker 0 computes until the fiber of another worker has read: that one notices by itself that the bytes have come.
  @Test(.timeLimit(.minutes(2)), arguments: [Configuration.Readiness.automatic, .poll])
  func aWorkerThatComputesDelaysNoDescriptorOfAnotherWorker(readiness: Configuration.Readiness) throws {
    var rounds = 0
    while rounds < 20 {
      try runFibers(Configuration(parallelism: 2, readiness: readiness)) {
        let (reader, writer) = try PipeStream.pair()
        let (hasRead, hasBegun) = (Counter(), Channel<UInt>(.bounded(1)))
        try withNursery { nursery in
          nursery.goAsync(placement: .spread) {
            try hasBegun.send(threadNumber())
            expectEqual(try reader.read(upTo: 1), [7])
            hasRead.add()
          }
          let isHere = try hasBegun.receive() == threadNumber()
          let thread = PlainThread { try writer.writeAll([7]) }
          // On a busy machine the fiber may have been taken over before it began: not this time, then.
          if !isHere {
            rounds += 1
            while hasRead.value == 0 {}
          }
          try thread.join()
        }
      }
    }
  }

  #if os(Linux)
    @Test(.enabled(if: mayOpen(200), "it needs 200 descriptors")) func aWorkerTakesTwoDescriptorsAtMost() async {
      await #expect(processExitsWith: .success) {
        try synchronously {
          try runFibers(Configuration(parallelism: 4)) {
            let pipes = try (0..<64).map { _ in try PipeStream.pair() }
            let before = Surroundings.descriptorCount
            try withNursery { nursery in
              for (reader, _) in pipes { nursery.goAsync(placement: .spread) { _ = try reader.read(upTo: 1) } }
              waitUntilAllParked()
              let taken = Surroundings.descriptorCount - before
              // The testing library may open some at any time.
              #expect((2...2 * 4 + 20).contains(taken))
              for (_, writer) in pipes { try writer.writeAll([1]) }
            }
          }
        }
      }
    }
  #endif

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
