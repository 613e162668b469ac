#if DEBUG
  import Nursery
  @testable import NurseryCore
  import TestSupport
  import Testing

  #if canImport(Glibc)
    import Glibc
  #elseif canImport(Musl)
    import Musl
  #elseif canImport(Darwin)
    import Darwin
  #endif

  /// After a call that would block, the descriptor's record has a note, so that no waiter repeats the call before an
  /// event.
  struct DescriptorNoteTests {
    /// Calls `body` with both ends of a pipe that does not block.
    private func withPipe(_ body: (_ reader: Descriptor, _ writer: Int32) throws -> Void) throws {
      var ends: [Int32] = [-1, -1]
      try #require(pipe(&ends) == 0)
      #expect(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
      let reader = Descriptor(adopting: ends[0])
      defer {
        reader.close()
        close(ends[1])
      }
      try body(reader, ends[1])
    }

    private static func readByte(_ number: Int32) -> Int {
      var byte: UInt8 = 0
      let count = read(number, &byte, 1)
      return count < 0 ? -Int(errno) : count
    }

    @Test func aCallThatIsKnownToBlockIsNotRepeatedBeforeAnEvent() throws {
      try runFibers(Configuration(parallelism: 1)) {
        try withPipe { reader, writer in
          let calls = Counter()
          try withNursery { nursery in
            for _ in 0..<3 {
              nursery.goAsync {
                let result = try reader.perform(.readable) { number in
                  calls.add()
                  return Self.readByte(number)
                }
                if case .done(1) = result { return }
                Issue.record("\(result)")
              }
              waitUntilAllParked()
            }
            // The first waiter's call would block; the others wait without a call.
            expectEqual(calls.value, 1)
            expectEqual(write(writer, "abc", 3), 3)
          }
          #expect(calls.value >= 4)
        }
      }
    }

    /// A call is in flight when the descriptor is closed.
    ///
    /// The close signals all waiters, but cannot end before the call returns. The call would block, and its note has
    /// the epoch after the last signal: a waiter that relied on the note would wait for ever.
    @Test func aNoteOfADescriptorThatIsBeingClosedDoesNotCount() throws {
      try runFibers(Configuration(parallelism: 1)) {
        try withPipe { reader, _ in
          let record = reader.record
          #expect(record.beginUse(reader.generation))
          reader.close()
          expectEqual(record.callAndNote(.readable, wanted: nil, Self.readByte), -Int(EAGAIN))
          try withNursery { nursery in
            let waiter = nursery.goAsync {
              try withTimeout(.seconds(20)) { try reader.perform(.readable, Self.readByte) }
            }
            waitUntilAllParked()
            record.endUse()
            if case .closed = try waiter.wait() { return }
            Issue.record("it is closed")
          }
        }
      }
    }
  }
#endif
