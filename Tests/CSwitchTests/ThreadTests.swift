import CSwitch
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Threads, their pointers and the count of processors.
@Suite(.serialized) struct ThreadTests {
  @Test func theProcessorCountIsPossible() {
    #expect(cs_processor_count() >= 1)
    #expect(cs_processor_count() <= Int32(sysconf(Int32(_SC_NPROCESSORS_CONF))))
  }

  #if os(Linux)
    /// At least: other tests have threads, too.
    @Test func theThreadsAreCounted() {
      var threads = [UInt](repeating: 0, count: 16)
      let gate = cs_eventfd()
      defer { cs_close(gate) }
      let waits: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        let gate = Int32(Int(bitPattern: argument))
        while cs_poll_now(gate, 1) == 0 { cs_thread_yield() }
        return nil
      }
      for index in threads.indices {
        #expect(cs_thread_start("counted", waits, UnsafeMutableRawPointer(bitPattern: Int(gate)), &threads[index]) == 0)
      }
      let during = cs_thread_count()
      cs_eventfd_signal(gate)
      for thread in threads { cs_thread_join(thread) }
      #expect(during >= 1 + 16)
    }
  #endif

  @Test func aThreadKnowsItsNameAndStack() {
    #expect(
      onThread("a-name-that-is-too-long") { _ in
        let comm = cs_open("/proc/thread-self/comm", O_RDONLY, 0)
        var name = [UInt8](repeating: 0, count: 32)
        let count = cs_read(comm, &name, 32)
        cs_close(comm)
        let named = count > 0 && String(decoding: name.prefix(count), as: UTF8.self) == "a-name-that-is-\n"
        var bottom: UnsafeMutableRawPointer?
        var size = 0
        guard cs_thread_stack(&bottom, &size) == 0, let bottom, size >= 16384 else { return nil }
        var local = 0
        let inside = withUnsafePointer(to: &local) { UInt(bitPattern: $0) &- UInt(bitPattern: bottom) < UInt(size) }
        return UnsafeMutableRawPointer(bitPattern: named && (inside || cs_sanitizer() == 1) ? 1 : 0)
      } == 1)
  }

  @Test func asynchronousSignalsAreBlocked() {
    var before = sigset_t()
    pthread_sigmask(SIG_SETMASK, nil, &before)
    #expect(
      onThread("signals") { _ in
        var mask = sigset_t()
        pthread_sigmask(SIG_SETMASK, nil, &mask)
        let blocked = [SIGINT, SIGTERM, SIGUSR1, SIGCHLD].allSatisfy { sigismember(&mask, $0) == 1 }
        let open = [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP].allSatisfy { sigismember(&mask, $0) == 0 }
        return UnsafeMutableRawPointer(bitPattern: blocked && open ? 1 : 0)
      } == 1)
    var after = sigset_t()
    pthread_sigmask(SIG_SETMASK, nil, &after)
    #expect(sigismember(&before, SIGINT) == sigismember(&after, SIGINT))
  }

  /// Profilers use it to sample, and Swift's crash reporter to stop threads.
  @Test(arguments: [false, true]) func profilersReachEveryThreadUnlessItsStarterBlocksThem(isBlocked: Bool) {
    var profiling = sigset_t()
    var before = sigset_t()
    sigemptyset(&profiling)
    sigaddset(&profiling, SIGPROF)
    pthread_sigmask(isBlocked ? SIG_BLOCK : SIG_UNBLOCK, &profiling, &before)
    let inside = onThread("profiled") { _ in
      var mask = sigset_t()
      pthread_sigmask(SIG_SETMASK, nil, &mask)
      return UnsafeMutableRawPointer(bitPattern: sigismember(&mask, SIGPROF) == 1 ? 2 : 1)
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
    #expect(inside == (isBlocked ? 2 : 1))
  }

  @Test func thePointerIsPerThreadAndDestroyed() {
    cs_set_thread_pointer_destructor { $0.assumingMemoryBound(to: Int.self).pointee += 1 }
    let count = UnsafeMutablePointer<Int>.allocate(capacity: 1)
    count.initialize(to: 0)
    defer { count.deallocate() }
    let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
      guard cs_thread_pointer() == nil else { return nil }
      cs_set_thread_pointer(argument)
      return cs_thread_pointer() == argument ? UnsafeMutableRawPointer(bitPattern: 1) : nil
    }
    for round in 1...3 {
      var thread: UInt = 0
      #expect(cs_thread_start("pointer", body, count, &thread) == 0)
      #expect(cs_thread_join(thread) == 0)
      #expect(count.pointee == round)
    }
    // The pointer is reset before the end, so nothing is destroyed.
    var thread: UInt = 0
    let clears: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
      cs_set_thread_pointer(argument)
      cs_set_thread_pointer(nil)
      return nil
    }
    #expect(cs_thread_start("pointer", clears, count, &thread) == 0)
    #expect(cs_thread_join(thread) == 0)
    #expect(count.pointee == 3)
  }
}

/// Runs `body` on a thread of its own and returns what it returned, as a number.
private func onThread(
  _ name: String, _ body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?
) -> Int {
  struct Call {
    let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?
    var result = 0
  }
  var call = Call(body: body)
  withUnsafeMutablePointer(to: &call) { pointer in
    var thread: UInt = 0
    let status = cs_thread_start(
      name,
      { argument in
        guard let call = argument?.assumingMemoryBound(to: Call.self) else { return nil }
        call.pointee.result = Int(bitPattern: call.pointee.body(nil))
        return nil
      }, pointer, &thread)
    if status == 0 { cs_thread_join(thread) }
  }
  return call.result
}
