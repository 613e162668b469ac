import CSwitch
import TestSupport
import Testing

@testable import NurseryCore

/// System calls of the library that another thread interrupts.
@Suite struct InterruptionTests {
  @Test func aCallIsInterruptedWheneverThatHappens() throws {
    let (result, reading, writing) = System.pipe()
    #expect(result == 0)
    #expect(System.setNonblocking(reading, false) == 0)
    for round in 0..<200 {
      let interruption = System.Interruption()
      let begun = Counter()
      let thread = PlainThread {
        begun.add()
        try interruption.run {
          try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) {
            _ = try checked("read", System.read(reading, $0))
          }
        }
      }
      while begun.value == 0 { letOthersRun() }
      for _ in 0..<round * 7 { cs_pause() }
      interruption.interrupt()
      interruption.interrupt()
      expectThrows(CancellationError.self) { try thread.join() }
    }
    System.close(reading)
    System.close(writing)
  }

  @Test func aCallThatIsInterruptedBeforeItBeginsDoesNotRun() {
    let interruption = System.Interruption()
    interruption.interrupt()
    expectThrows(CancellationError.self) { try interruption.run { Issue.record("it ran") } }
  }

  @Test func nothingIsInterruptedAfterTheCall() throws {
    let interruption = System.Interruption()
    #expect(try interruption.run { 7 } == 7)
    interruption.interrupt()
    #expect(System.isInterrupted == false)
    // The same thread may be used for another one.
    #expect(try System.Interruption().run { System.isInterrupted } == false)
  }

  @Test func otherSignalsDoNotEndACall() throws {
    let (result, reading, writing) = System.pipe()
    #expect(result == 0)
    #expect(System.setNonblocking(reading, false) == 0)
    let stray = System.Interruption()
    let interruption = System.Interruption()
    let begun = Counter()
    let thread = PlainThread {
      // The signal of an interruption that came too late may still be pending.
      try? stray.run {
        begun.add()
        while !System.isInterrupted { letOthersRun() }
      }
      return try interruption.run {
        try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) {
          begun.add()
          return try checked("read", System.read(reading, $0))
        }
      }
    }
    while begun.value == 0 { letOthersRun() }
    stray.interrupt()
    while begun.value == 1 { letOthersRun() }
    var byte: UInt8 = 1
    withUnsafeBytes(of: &byte) { #expect(System.write(writing, $0) == 1) }
    #expect(try thread.join() == 1)
    System.close(reading)
    System.close(writing)
  }
}
