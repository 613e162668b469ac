import Nursery
import Testing

/// After a close the kernel gives the descriptor's number to the next one at once.
struct DescriptorReuseTests {
  @Test func anEventOfAClosedDescriptorIsNotTakenForItsSuccessors() throws {
    var spurious = 0
    try runFibers(Configuration(parallelism: 1)) {
      let other = Conduit()
      for _ in 0..<5000 {
        do {
          let closing = Conduit()
          let interrupted = Condition()
          try withNursery { nursery in
            nursery.goAsync { try choose(readableOp(closing.reader), interrupted.waitOp()) }
            waitUntilAllParked()
            // The waiter withdraws, but the descriptor stays in the epoll set until it is closed.
            interrupted.signal()
          }
          closing.put()
        }
        let successor = Conduit()
        let first = try withNursery { nursery in
          let waiter = nursery.goAsync {
            try Op.biased([readableOp(successor.reader).wrap { 1 }, readableOp(other.reader).wrap { 2 }]).perform()
          }
          waitUntilAllParked()
          other.put()
          return try waiter.wait()
        }
        if first != 2 { spurious += 1 }
        other.drain()
      }
    }
    #expect(spurious == 0)
  }
}
