import Nursery
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reports of stack overflows.
@Suite(.disabled(if: isSanitized, "sanitizers report the fault themselves"))
struct OverflowTests {
  @inline(never)
  private static func recurse(_ depth: Int) -> Int {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 16) { numbers in
      numbers[0] = depth
      return recurse(depth + 1) + numbers[0]
    }
  }

  @Test func theMessageNamesTheFiberItsNurseryAndTheSize() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        try runFibers(Configuration(parallelism: 1, stackSize: 128 << 10)) {
          try withNursery("outer") { _ in
            try withNursery("inner") { nursery in
              _ = nursery.goAsync("diver") { Self.recurse(0) }
            }
          }
        }
      }
    }
    let text = standardError(result)
    #expect(text.contains("stack overflow"))
    #expect(text.contains("fiber \"diver\""))
    #expect(text.contains("outer/inner"))
    #expect(text.contains("131072 bytes"))
    #expect(text.contains("stackSize: 524288"))
    #expect(text.contains(", spawned at NurseryTests/OverflowTests.swift:"))
  }

  @Test func onAnyWorkerToo() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        try runFibers(Configuration(parallelism: 3)) {
          try withNursery("pool") { nursery in
            for number in 0..<50 {
              nursery.goAsync("worker \(number)") { () -> Int in
                for _ in 0..<number { Fiber.yield() }
                return number == 49 ? Self.recurse(0) : 0
              }
            }
          }
        }
      }
    }
    #expect(standardError(result).contains("stack overflow in fiber \"worker 49\" in nursery \"pool\""))
  }

  @Test func aCoroutinesOverflowIsOneToo() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let coroutine = try Coroutine<Void, Int, Int> { _, _ in Self.recurse(0) }
      _ = try coroutine.resume()
    }
    #expect(standardError(result).contains("stack overflow in a coroutine: its "))
  }

  /// Like a function that writes first to the beginning of a buffer of 60 KiB.
  @Test func aLargeFrameThatReachesBelowTheStackIsAnOverflow() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        try runFibers(Configuration(parallelism: 1, stackSize: 128 << 10)) {
          try withNursery { nursery in
            _ = nursery.goAsync("diver") { Self.write(atDistance: -(128 + 50) << 10) }
          }
        }
      }
    }
    #expect(standardError(result).contains("stack overflow in fiber \"diver\""))
  }

  @Test func aWriteBeyondTheUpperEndIsACrashAndNoOverflow() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        try runFibers(Configuration(parallelism: 1, stackSize: 128 << 10)) {
          try withNursery { nursery in
            let neighbour = Condition()
            nursery.goAsync("writer") {
              try neighbour.wait()
              Self.write(atDistance: 32 << 10)
            }
            nursery.goAsync("neighbour") {
              neighbour.signal()
              try Op<Void>.never.perform()
            }
          }
        }
      }
    }
    #expect(standardError(result).contains("crash (SIGSEGV) in fiber \"writer\""))
    #expect(!standardError(result).contains("overflow"))
  }

  /// The faults that a runtime repairs itself must not be reported.
  @Test func aHandlerThatRepairsTheFaultGetsItAlone() async {
    let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
      try synchronously {
        Mended.page = mmap(nil, Mended.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        signal(SIGSEGV) { _ in mprotect(Mended.page, Mended.size, PROT_READ | PROT_WRITE) }
        try withNursery { nursery in
          _ = nursery.goAsync { Mended.page?.storeBytes(of: 1, as: UInt8.self) }
        }
      }
    }
    #expect(!standardError(result).contains("nursery:"))
  }

  /// Writes at this distance from a variable on the stack.
  ///
  /// The address is computed as an integer, because an optimiser may assume that a pointer to the variable stays inside
  /// it.
  @inline(never)
  private static func write(atDistance distance: Int) {
    let address = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { Int(bitPattern: $0.baseAddress!) }
    UnsafeMutableRawPointer(bitPattern: address &+ distance)!.storeBytes(of: 1, as: UInt8.self)
  }
}

private enum Mended {
  static let size = 1 << 16
  nonisolated(unsafe) static var page: UnsafeMutableRawPointer?
}
