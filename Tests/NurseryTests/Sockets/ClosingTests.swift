import Nursery
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Descriptors that are closed while fibers wait for them, and numbers that are reused at once.
struct ClosingTests {
  private func pipeEnds() -> (reader: Int32, writer: Int32) {
    var ends: [Int32] = [0, 0]
    precondition(pipe(&ends) == 0, "no pipe")
    return (ends[0], ends[1])
  }

  @Test(arguments: World.all) func aWaiterForADescriptorGetsAnErrorWhenItIsClosed(world: World) throws {
    try world.run { nursery in
      let (reader, writer) = pipeEnds()
      let waiters = (0..<3).map { _ in
        nursery.goAsync { () -> Bool in
          do { try readableOp(reader).perform() } catch is SystemError { return true }
          return false
        }
      }
      waitUntilAllParked()
      closeDescriptor(reader)
      expectEqual(try waitAll(waiters), [true, true, true])
      closeDescriptor(writer)
    }
  }

  /// Its owner has closed it with close(2), and the kernel has given the number to a stream.
  @Test(arguments: World.all) func aWaiterForANumberThatAStreamAdoptsGetsAnError(world: World) throws {
    try world.run { nursery in
      let (reader, writer) = pipeEnds()
      let old = nursery.goAsync { () -> Bool in
        do { try readableOp(reader).perform() } catch is SystemError { return true }
        return false
      }
      waitUntilAllParked()
      // Replaces the file behind that number, as close and open would.
      let (successor, other) = try UnixStream.pair()
      _ = dup2(successor.fileDescriptor, reader)
      let stream = try PipeStream(adopting: reader, name: "a successor")
      expectEqual(try old.wait(), true)
      let waiting = nursery.goAsync { try stream.read(upTo: 9) }
      waitUntilAllParked()
      try other.writeAll("successor")
      expectEqual(try waiting.wait(), Array("successor".utf8))
      close(writer)
    }
  }

  /// The file behind the number stays open elsewhere, as in a program that has inherited it.
  @Test(arguments: World.all.filter { $0.workers == 1 })
  func aDescriptorThatIsClosedHereAndOpenElsewhereWakesNoWaiter(world: World) throws {
    let sleeps = try world.run { nursery in
      let (left, right) = try UnixStream.pair()
      let elsewhere = dup(left.fileDescriptor)
      defer { close(elsewhere) }
      let waiting = nursery.goAsync { try left.read(upTo: 1) }
      waitUntilAllParked()
      try right.writeAll("x")
      _ = try waiting.wait()
      left.close()
      // While a fiber waits for a descriptor, the worker sleeps in the reactor, where events of this one would wake it.
      let (reader, writer) = try PipeStream.pair()
      nursery.goAsync { _ = try reader.read(upTo: 1) }
      let before = Scheduler.current!.statistics.sleeps
      for _ in 0..<50 {
        try right.writeAll("y")
        try sleep(for: .milliseconds(1))
      }
      writer.close()
      return Scheduler.current!.statistics.sleeps - before
    }
    #expect(sleeps < 75, "events of another descriptor have woken the scheduler")
  }

  @Test(arguments: World.all) func aNumberThatIsUsedAgainWakesNoOldWaiter(world: World) throws {
    try world.run { nursery in
      for _ in 0..<200 {
        let (reader, writer) = try PipeStream.pair()
        let number = reader.fileDescriptor
        let old = nursery.goAsync { () -> Bool in
          do { _ = try reader.read(upTo: 1) } catch is StreamClosedError { return true }
          return false
        }
        waitUntilAllParked()
        reader.close()
        let (successor, other) = try PipeStream.pair()
        try other.writeAll("for the successor")
        expectEqual(try old.wait(), true)
        expectEqual(try successor.read(upTo: 100), Array("for the successor".utf8))
        _ = number
        writer.close()
        other.close()
        successor.close()
      }
    }
  }

  /// Several fibers read, write and close at the same time: each call moves bytes or throws, and none affects another
  /// file that gets the number.
  @Test(arguments: World.all) func closingRacesWithEverything(world: World) throws {
    let strangers = Counter()
    try world.run { nursery in
      for round in 0..<30 {
        try withNursery(onFailure: .supervise) { inner in
          for pair in 0..<8 {
            let mark = UInt8(pair)
            let (left, right) = try UnixStream.pair()
            for stream in [left, right] {
              inner.goAsync {
                do {
                  while true { for byte in try stream.read(upTo: 16) where byte != mark { strangers.add() } }
                } catch is StreamClosedError {} catch is SystemError {}
              }
              inner.goAsync {
                do { while true { try stream.writeAll([mark, mark, mark]) } } catch is StreamClosedError {
                } catch is SystemError {}
              }
            }
            inner.goAsync {
              try sleep(for: .microseconds((round * 8 + pair) * 7 % 900))
              left.close()
              Fiber.yield()
              right.close()
            }
          }
        }
      }
    }
    #expect(strangers.value == 0)
  }

  @Test func streamsThatTwoSchedulersShareWakeBoth() throws {
    let (left, right) = try UnixStream.pair()
    let thread = PlainThread {
      try runFibers(Configuration(parallelism: 1)) {
        for _ in 0..<500 { try left.writeAll(try left.read(upTo: 1)) }
      }
    }
    try runFibers(Configuration(parallelism: 1)) {
      for byte in 0..<500 {
        try right.writeAll([UInt8(truncatingIfNeeded: byte)])
        expectEqual(try right.read(upTo: 1), [UInt8(truncatingIfNeeded: byte)])
      }
    }
    try thread.join()
  }
}
