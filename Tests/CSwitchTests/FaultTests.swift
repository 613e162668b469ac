import CSwitch
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The address range in which the reporter below recognises faults.
///
/// Set before the fault, in a process of its own.
nonisolated(unsafe) private var guarded: UnsafeMutableRawPointer?

/// The reporter of overflows: its message, the faults that it ignores, and the stack on which it runs.
@Suite struct FaultTests {
  @Test func aRecognisedFaultIsReported() async throws {
    // A sanitizer's handler, to which the fault is passed on, exits.
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      installReporter()
      guarded?.storeBytes(of: 1, as: UInt8.self)
      exit(0)
    }
    #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains("overflow here\n"))
  }

  @Test func anExhaustedStackIsReportedFromTheAlternateStack() async throws {
    // A sanitizer's handler, to which the fault is passed on, exits.
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      installReporter()
      overflow()
    }
    #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains("overflow here\n"))
  }

  @Test func anotherFaultIsPassedToTheHandlerBefore() async {
    await #expect(processExitsWith: .exitCode(7)) {
      signal(SIGSEGV) { _ in _exit(7) }
      installReporter()
      UnsafeMutableRawPointer(bitPattern: 8)?.storeBytes(of: 1, as: UInt8.self)
    }
  }

  @Test func anotherFaultDiesOfTheDefaultAction() async {
    await #expect(processExitsWith: .signal(SIGSEGV)) {
      signal(SIGSEGV, SIG_DFL)
      installReporter()
      UnsafeMutableRawPointer(bitPattern: 8)?.storeBytes(of: 1, as: UInt8.self)
    }
  }

  @Test func aSignalSentByHandDiesOfTheDefaultAction() async {
    await #expect(processExitsWith: .signal(SIGSEGV)) {
      signal(SIGSEGV, SIG_DFL)
      installReporter()
      kill(getpid(), SIGSEGV)
      sleep(5)
    }
  }

  @Test func signalStacksAreGivenOnceAndFreed() {
    // Many threads in turn. If their stacks were kept, the address space would grow. The second call must not replace
    // the stack.
    for _ in 0..<200 {
      var thread: UInt = 0
      let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { _ in
        var first = stack_t()
        var second = stack_t()
        #expect(cs_install_signal_stack() == 0)
        sigaltstack(nil, &first)
        #expect(cs_install_signal_stack() == 0)
        sigaltstack(nil, &second)
        return first.ss_sp == second.ss_sp && first.ss_size >= 16384 ? UnsafeMutableRawPointer(bitPattern: 1) : nil
      }
      #expect(cs_thread_start("signal-stack", body, nil, &thread) == 0)
      #expect(cs_thread_join(thread) == 0)
    }
  }
}

private func installReporter() {
  var memory: UnsafeMutableRawPointer?
  let page = cs_page_size()
  guard cs_reserve(64 * page, 0, &memory) == 0, let memory, cs_guard(memory, page) == 0 else { exit(2) }
  guarded = memory
  guard cs_install_signal_stack() == 0 else { exit(3) }
  let status = cs_install_fault_reporter { fault, buffer, capacity in
    guard let guarded, UInt(bitPattern: fault.pointee.address) &- UInt(bitPattern: guarded) < UInt(cs_page_size())
    else { return 0 }
    let message: StaticString = "overflow here\n"
    guard message.utf8CodeUnitCount <= capacity else { return 0 }
    memcpy(buffer, message.utf8Start, message.utf8CodeUnitCount)
    return message.utf8CodeUnitCount
  }
  guard status == 0 else { exit(4) }
}

/// Recurses on a stack of its own until it reaches the guard.
private func overflow() {
  guard let guarded else { return }
  let target = cs_prepare(
    guarded + 64 * cs_page_size(),
    { _ in
      cs_entered()
      exit(recurse(1) == 0 ? 1 : 0)
    }, guarded)
  var notes = cs_stack_notes()
  var here = cs_stack_notes()
  cs_notes_begin(&notes, guarded, 64 * cs_page_size())
  cs_notes_thread(&here)
  var saved: UnsafeMutableRawPointer?
  cs_switch(&saved, target, &here, &notes)
}

/// Each call writes into its caller's frame, so that the optimiser cannot turn the recursion into a loop.
@inline(never) private func recurse(_ depth: Int, _ caller: UnsafeMutablePointer<Int>? = nil) -> Int {
  withUnsafeTemporaryAllocation(of: Int.self, capacity: 64) { words in
    words.initialize(repeating: depth)
    caller?.pointee = depth
    return recurse(depth + 1, words.baseAddress) &+ words[0]
  }
}
