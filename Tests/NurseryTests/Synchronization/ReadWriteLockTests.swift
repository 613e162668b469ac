import Nursery
import Testing

struct ReadWriteLockTests {
  @Test(arguments: parallelisms) func manyReadAndOneWrites(workers: Int) throws {
    let lock = ReadWriteLock(0)
    let reading = Counter()
    let most = Guarded(0)
    try virtually(workers) {
      try withNursery { nursery in
        for number in 0..<12 {
          nursery.goAsync {
            for _ in 0..<5 {
              if number % 3 == 0 {
                try lock.withWriteLock { count in
                  expectEqual(reading.value, 0)
                  let before = count
                  try sleep(for: .milliseconds(1))
                  count = before + 1
                }
              } else {
                try lock.withReadLock { _ in
                  let readers = reading.add()
                  most.withLock { $0 = max($0, readers) }
                  try sleep(for: .milliseconds(1))
                  reading.add(-1)
                }
              }
            }
          }
        }
      }
      expectEqual(try lock.withReadLock { $0 }, 20)
    }
    #expect(most.withLock { $0 } > 1)
  }

  @Test func writersGoFirst() throws {
    let order = Log<String>()
    try virtually {
      let lock = ReadWriteLock(0)
      try withNursery { nursery in
        try lock.withReadLock { _ in
          nursery.goAsync { try lock.withWriteLock { _ in order.append("first writer") } }
          waitUntilAllParked()
          nursery.goAsync { try lock.withReadLock { _ in order.append("reader") } }
          waitUntilAllParked()
          nursery.goAsync { try lock.withWriteLock { _ in order.append("second writer") } }
          waitUntilAllParked()
          try #expect(lock.readLockOp().poll() != nil, "a read inside a read")
        }
      }
    }
    #expect(order.entries == ["first writer", "second writer", "reader"])
  }

  @Test func aReadInsideAReadOfTheSameFiberSucceedsEvenIfAWriterWaits() throws {
    try virtually {
      let lock = ReadWriteLock(1)
      try withNursery { nursery in
        try lock.withReadLock { _ in
          let writer = nursery.goAsync { try lock.withWriteLock { $0 = 2 } }
          waitUntilAllParked()
          expectEqual(try lock.withReadLock { $0 }, 1)
          let inner = try lock.readLockOp().perform()
          expectEqual(inner.withState { $0 }, 1)
          inner.release()
          waitUntilAllParked()
          #expect(!writer.isFinished)
        }
      }
      expectEqual(try lock.withReadLock { $0 }, 2)
    }
  }

  @Test func anUpgradeIsRefusedWithAnErrorThatNamesBothLines() throws {
    try virtually {
      let lock = ReadWriteLock(1)
      let line = #line + 1
      try lock.withReadLock { _ in
        let error = expectThrows(UpgradeError.self) { try lock.withWriteLock { $0 = 2 } }
        expectEqual(error?.held.line, line)
        expectEqual(error?.asked.line, line + 1)
        #expect(error.map { "\($0)" }?.contains("take the write lock from the beginning") == true)
        expectThrows(UpgradeError.self) { _ = try lock.writeLockOp().perform() }
      }
      try lock.withWriteLock { $0 = 3 }
      expectEqual(try lock.withReadLock { $0 }, 3)
    }
  }

  @Test func aWriterThatReadsOrWritesAgainIsTold() throws {
    try virtually {
      let lock = ReadWriteLock(1)
      try lock.withWriteLock { _ in
        expectThrows(RelockError.self) { try lock.withReadLock { $0 } }
        expectThrows(RelockError.self) { try lock.withWriteLock { $0 = 2 } }
        expectThrows(RelockError.self) { _ = try lock.readLockOp().perform() }
        expectThrows(RelockError.self) { _ = try lock.writeLockOp().perform() }
      }
      expectEqual(try lock.withReadLock { $0 }, 1)
    }
  }

  @Test func whenAWaitingWriterLeavesTheReadersBehindItGetIn() throws {
    try virtually {
      let lock = ReadWriteLock(1)
      try withNursery { nursery in
        try lock.withReadLock { _ in
          let writer = nursery.goAsync { try lock.withWriteLock { $0 = 2 } }
          waitUntilAllParked()
          let reader = nursery.goAsync { try lock.withReadLock { $0 } }
          waitUntilAllParked()
          #expect(!reader.isFinished)
          writer.cancel()
          expectEqual(try reader.wait(), 1)
        }
      }
    }
  }

  @Test func aBranchThatLosesHoldsNothing() throws {
    try virtually {
      let lock = ReadWriteLock(1)
      try withNursery { nursery in
        let end = Condition()
        nursery.goAsync { try lock.withWriteLock { _ in try end.wait() } }
        waitUntilAllParked()
        for op in [lock.readLockOp().wrap { _ in }, lock.writeLockOp().wrap { _ in }] {
          expectThrows(TimeoutError.self) { try op.orTimeout(after: .seconds(1)).perform() }
          try #expect(op.poll() == nil)
        }
        end.signal()
        waitUntilAllParked()
        _ = try choose(.biased([.always(()), lock.writeLockOp().wrap { _ in }]), .never)
        try lock.withWriteLock { $0 = 2 }
      }
    }
  }

  @Test func aReportTellsWhichLockIsWaitedForAndWhoHoldsIt() throws {
    let error = expectThrows(DeadlockError.self) {
      try runFibers(.deterministic(seed: 1)) {
        let lock = ReadWriteLock(0)
        try withNursery { nursery in
          nursery.goAsync("writer") { try lock.withWriteLock { _ in try Condition().wait() } }
          waitUntilAllParked()
          try lock.withReadLock { _ in }
        }
      }
    }
    #expect(error.map { "\($0)" }?.contains("to read, a ReadWriteLock, held by fiber \"writer\" since") == true)
  }

  @Test func aReportShowsTheReaderWhoseChildReadsWhileAWriterWaits() throws {
    let line = #line + 5
    let error = expectThrows(DeadlockError.self) {
      try runFibers(.deterministic(seed: 1)) {
        let lock = ReadWriteLock(0)
        try withNursery { nursery in
          try lock.withReadLock { _ in
            nursery.goAsync("writer") { try lock.withWriteLock { _ in } }
            waitUntilAllParked()
            try nursery.goAsync("child") { try lock.withReadLock { _ in } }.wait()
          }
        }
      }
    }
    let text = error.map { "\($0)" } ?? ""
    let lock = "a ReadWriteLock read by the root fiber since NurseryTests/ReadWriteLockTests.swift:\(line)"
    #expect(text.contains("to read, \(lock)"))
    #expect(text.contains("to write, \(lock)"))
  }

  @Test func aReadHoldIsOfNoUseToAnotherFiber() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try virtually {
        let hold = Box(try ReadWriteLock(0).readLockOp().perform())
        try withNursery { nursery in nursery.goAsync { hold.value.release() } }
      }
    }
    #expect(standardError(result).contains("perform readLockOp() here"))
  }

  @Test func aWriteHoldIsOfNoUseToAnotherFiber() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try virtually {
        let hold = Box(try ReadWriteLock(0).writeLockOp().perform())
        try withNursery { nursery in nursery.goAsync { hold.value.withState { $0 = 1 } } }
      }
    }
    #expect(standardError(result).contains("perform writeLockOp() here"))
  }

  @Test func releasingAReadHoldTwiceTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let hold = try ReadWriteLock(0).readLockOp().perform()
        hold.release()
        hold.release()
      }
    }
    #expect(standardError(result).contains("release it once"))
  }

  @Test func releasingAWriteHoldTwiceTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let hold = try ReadWriteLock(0).writeLockOp().perform()
        hold.release()
        hold.release()
      }
    }
    #expect(standardError(result).contains("release it once"))
  }

  @Test func usingAWriteHoldInsideItsOwnUseTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let hold = try ReadWriteLock([1]).writeLockOp().perform()
        hold.withState { _ in hold.withState { $0 = [] } }
      }
    }
    #expect(standardError(result).contains("use the state that the closure gets"))
  }

  @Test func releasingAWriteHoldInsideItsOwnUseTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let hold = try ReadWriteLock([1]).writeLockOp().perform()
        hold.withState { state in
          hold.release()
          state.append(1)
        }
      }
    }
    #expect(standardError(result).contains("release the hold after it"))
  }

  @Test func releasingAReadHoldInsideItsOwnUseTraps() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let hold = try ReadWriteLock([1]).readLockOp().perform()
        hold.withState { _ in hold.withState { _ in hold.release() } }
      }
    }
    #expect(standardError(result).contains("release it after the closure"))
  }

  @Test func aReadHoldMayBeUsedInsideItsOwnUse() throws {
    try virtually {
      let hold = try ReadWriteLock(1).readLockOp().perform()
      expectEqual(hold.withState { outer in hold.withState { outer + $0 } }, 2)
      hold.release()
    }
  }

  @Test func aGuardMayEndOrBeginAnotherReadOfItsPerformer() throws {
    try virtually {
      let lock = ReadWriteLock(1)
      let outer = try lock.readLockOp().perform()
      let inner = try choose(
        lock.readLockOp(),
        .guarded {
          outer.release()
          return .never
        })
      var fromGuard: ReadWriteLock<Int>.ReadHold?
      inner.release()
      let last = try choose(
        lock.readLockOp(),
        .guarded {
          fromGuard = try lock.readLockOp().perform()
          return .never
        })
      last.release()
      let isWritable = try withNursery { nursery in
        try nursery.goAsync { try lock.writeLockOp().poll() != nil }.wait()
      }
      #expect(!isWritable)
      fromGuard?.release()
      try lock.withWriteLock { $0 = 2 }
    }
  }

  @Test func aReaderThatReadsAgainInAChoiceOvertakesAWaitingWriter() throws {
    try virtually {
      let lock = ReadWriteLock(1)
      try withNursery { nursery in
        let outer = try lock.readLockOp().perform()
        let writer = nursery.goAsync { try lock.withWriteLock { $0 = 2 } }
        waitUntilAllParked()
        let inner = try choose(lock.readLockOp(), .never)
        outer.release()
        waitUntilAllParked()
        #expect(!writer.isFinished)
        inner.release()
        try writer.wait()
      }
    }
  }
}
