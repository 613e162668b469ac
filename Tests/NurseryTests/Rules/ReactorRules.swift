import Nursery
import TestSupport
import Testing

/// The rules of waiting for descriptors, each under many schedules of a small script.
///
/// The kernel takes part in each script, so no exploration is complete: it is bounded instead.
struct ReactorRules {
  @Test func inEveryOrderBothDirectionsOfAConnectionDeliverAllBytes() throws {
    try underManySchedules {
      try withNursery { nursery in
        let (left, right) = try UnixStream.pair()
        let leftRead = nursery.goAsync { try left.read(upTo: 1) + left.read(upTo: 1) }
        let rightRead = nursery.goAsync { try right.read(upTo: 1) + right.read(upTo: 1) }
        for byte: UInt8 in 1...2 {
          try left.writeAll([byte])
          try right.writeAll([byte + 10])
          Fiber.yield()
        }
        try hold(try rightRead.wait() == [1, 2], "the bytes from the left")
        try hold(try leftRead.wait() == [11, 12], "the bytes from the right")
      }
    }
  }

  @Test func inEveryOrderTwoReadersOfAPipeShareItsBytes() throws {
    try underManySchedules {
      let log = Log<UInt8>()
      try withNursery { nursery in
        let (reader, writer) = try PipeStream.pair()
        for _ in 0..<2 { nursery.goAsync { log.append(try reader.read(upTo: 1)[0]) } }
        try writer.writeAll([1, 2])
      }
      try hold(log.entries.sorted() == [1, 2], "\(log.entries)")
    }
  }

  @Test func inEveryOrderAWriterContinuesWhenThereIsSpace() throws {
    let bytes = [UInt8](repeating: 7, count: 70_000)  // a pipe takes 65,536
    try underManySchedules(limit: 60) {
      try withNursery { nursery in
        let (reader, writer) = try PipeStream.pair()
        nursery.goAsync {
          try writer.writeAll(bytes)
          writer.close()
        }
        var count = 0
        while true {
          let found = try reader.read(upTo: 65_536).count
          if found == 0 { break }
          count += found
        }
        try hold(count == bytes.count, "\(count)")
      }
    }
  }

  @Test func inEveryOrderACloseReachesTheWaitersOfBothDirections() throws {
    try underManySchedules {
      let closed = Counter()
      try withNursery { nursery in
        let (left, right) = try UnixStream.pair()
        try [UInt8](repeating: 0, count: 65_536).withUnsafeBytes { while try left.tryWrite($0) != nil {} }
        nursery.goAsync { do { _ = try left.read(upTo: 1) } catch is StreamClosedError { closed.add() } }
        nursery.goAsync { do { try left.writeAll([1]) } catch is StreamClosedError { closed.add() } }
        nursery.goAsync { left.close() }
        // A waiter that comes later finds it closed.
        do { _ = try left.read(upTo: 1) } catch is StreamClosedError { closed.add() }
        withExtendedLifetime(right) {}
      }
      try hold(closed.value == 3, "\(closed.value) of 3 waiters")
    }
  }

  @Test func inEveryOrderAReadThatIsCancelledHasTakenNothing() throws {
    try underManySchedules {
      try withNursery { nursery in
        let (reader, writer) = try PipeStream.pair()
        let fiber = nursery.goAsync { try reader.read(upTo: 1) }
        nursery.goAsync { fiber.cancel() }
        try writer.writeAll([1])
        do {
          try hold(fiber.wait() == [1], "another byte")
        } catch is CancellationError {
          try hold(reader.read(upTo: 1) == [1], "the byte is lost")
        }
      }
    }
  }

  @Test func inEveryOrderAReadThatIsNotChosenHasTakenNothing() throws {
    try underManySchedules {
      try withNursery { nursery in
        let (reader, writer) = try PipeStream.pair()
        let other = Condition()
        nursery.goAsync { try writer.writeAll([1]) }
        nursery.goAsync { other.signal() }
        let first = try reader.readOp(upTo: 1).or(other.waitOp().wrap { [] }).perform()
        if first.isEmpty { try hold(reader.read(upTo: 1) == [1], "the byte is lost") }
        try hold(first.isEmpty || first == [1], "\(first)")
      }
    }
  }

  /// While a fiber waits for a descriptor virtual time stands still, so a fiber moves the deadline instead.
  @Test func inEveryOrderATimeoutLeavesTheByteOrTheReadTakesIt() throws {
    try underManySchedules {
      try withNursery { nursery in
        let (reader, writer) = try PipeStream.pair()
        let opened = Channel<CancelScope>(.bounded(1))
        let fiber = nursery.goAsync {
          try withCancelScope { scope in
            try opened.send(scope)
            return try reader.read(upTo: 1)
          }
        }
        let scope = try opened.receive()
        nursery.goAsync { scope.deadline = FiberClock.now }
        nursery.goAsync { try writer.writeAll([1]) }
        if let found = try fiber.wait() { return try hold(found == [1], "\(found)") }
        try hold(scope.reason == .deadline, "\(String(describing: scope.reason))")
        try hold(reader.read(upTo: 1) == [1], "the byte is lost")
      }
    }
  }

  @Test func inEveryOrderAWaiterOfAClosedDescriptorTakesNothingOfTheNextOne() throws {
    try underManySchedules {
      try withNursery { nursery in
        let (reader, writer) = try PipeStream.pair()
        nursery.goAsync { try holdThrows(StreamClosedError.self) { try reader.read(upTo: 1) } }
        nursery.goAsync {
          reader.close()
          writer.close()
          // Its numbers are those of the first pipe, unless another thread of the process has taken them.
          let (newReader, newWriter) = try PipeStream.pair()
          try newWriter.writeAll([1])
          try hold(newReader.read(upTo: 1) == [1], "another reader has taken the byte")
        }
      }
    }
  }

  @Test func inEveryOrderTheFibersOfTwoSchedulersShareADescriptor() throws {
    try underManySchedules(limit: 60) {
      let log = Log<UInt8>()
      let (reader, writer) = try PipeStream.pair()
      try withNursery { nursery in
        nursery.goAsync {
          try blocking {
            try runFibers(Configuration(parallelism: 1)) { log.append(try reader.read(upTo: 1)[0]) }
          }
        }
        nursery.goAsync { log.append(try reader.read(upTo: 1)[0]) }
        nursery.goAsync { for byte: UInt8 in 1...2 { try writer.writeAll([byte]) } }
      }
      reader.close()
      writer.close()
      try hold(log.entries.sorted() == [1, 2], "\(log.entries)")
    }
  }
}
