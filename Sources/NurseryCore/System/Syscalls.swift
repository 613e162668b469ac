import CSwitch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin  // not yet verified
#endif

// The only place in Swift that makes system calls: this file and its `System+Topic` neighbours. Everything goes through
// CSwitch, which returns -errno: a fiber may continue on another thread, where a remembered address of `errno` would be
// another thread's.

/// Throws unless `result` is zero or positive.
@discardableResult
package func checked<Result: SignedInteger>(_ action: String, _ result: Result) throws(SystemError) -> Result {
  if result < 0 { throw SystemError(code: Int32(-result), action: action) }
  return result
}

package func errorText(_ code: Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
    cs_error_text(code, buffer.baseAddress!, buffer.count)
    return String(cString: buffer.baseAddress!)
  }
}

package enum System {
  static var pageSize: Int { cs_page_size() }
  static var processorCount: Int { Int(cs_processor_count()) }
  static var isSanitized: Bool { cs_sanitizer() != 0 }
  static var randomSeed: UInt64 { cs_random_seed() }

  /// Nanoseconds of the monotonic clock.
  package static func monotonicNow() -> Int64 { cs_monotonic_now() }

  /// The same as of the kernel's last tick: never ahead of it, a few milliseconds behind at most, and read in a quarter
  /// of the time.
  static func coarseMonotonicNow() -> Int64 { cs_coarse_monotonic_now() }

  package static func writeToStandardError(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      if let base = bytes.baseAddress { _ = cs_write(2, base, bytes.count) }
    }
  }

  // MARK: Stack memory

  static func reserve(size: Int, alignment: Int) throws(SystemError) -> UnsafeMutableRawPointer {
    var memory: UnsafeMutableRawPointer?
    try checked("reserve memory for stacks", cs_reserve(size, alignment, &memory))
    return memory!
  }

  static func unreserve(_ memory: UnsafeMutableRawPointer, size: Int) { _ = cs_unreserve(memory, size) }
  static func guardEach(_ memory: UnsafeMutableRawPointer, size: Int, stride: Int, count: Int) -> Int {
    cs_guard_each(memory, size, stride, count)
  }
  static func returnPages(_ memory: UnsafeMutableRawPointer, size: Int) { _ = cs_return_pages(memory, size) }
  static var guardsSplitMappings: Bool { cs_guards_split_mappings() }

  // MARK: Threads

  /// Waits while `word` holds `expected`, at most `nanoseconds` (negative: for ever); true if that was how it ended.
  static func wait(on word: UnsafeRawPointer, expected: UInt32, nanoseconds: Int64) -> Bool {
    cs_futex_wait(word.assumingMemoryBound(to: UInt32.self), expected, nanoseconds) == -ETIMEDOUT
  }

  static func wake(_ word: UnsafeRawPointer, count: Int32 = 1) {
    _ = cs_futex_wake(word.assumingMemoryBound(to: UInt32.self), count)
  }

  package typealias ThreadBody = @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?

  /// Starts a thread that runs `body(argument)`; it must be joined.
  package static func startThread(
    _ name: String, _ argument: UnsafeMutableRawPointer, _ body: ThreadBody
  ) throws(SystemError) -> UInt {
    var thread: UInt = 0
    let result = name.withCString { cs_thread_start($0, body, argument, &thread) }
    try checked("start a worker thread", result)
    return thread
  }

  /// Calls `body` on a new thread with a stack of the usual size, and waits for it; on the caller's if no thread is
  /// available.
  static func callOnThread(_ name: String, _ body: () -> Void) {
    withoutActuallyEscaping(body) { body in
      var body = body
      withUnsafeMutablePointer(to: &body) { pointer in
        let thread = try? startThread(name, pointer) { argument in
          argument!.assumingMemoryBound(to: (() -> Void).self).pointee()
          return nil
        }
        if let thread { joinThread(thread) } else { pointer.pointee() }
      }
    }
  }

  /// How many threads the process has; nil if the kernel does not say.
  static var threadCount: Int? {
    let count = cs_thread_count()
    return count > 0 ? Int(count) : nil
  }

  /// The effective user of this process.
  package static var user: UInt32 { cs_user() }

  static var thisThread: UInt { cs_this_thread() }

  /// The calling thread's stack; empty if it is not known.
  static var stackOfThisThread: Range<UInt> {
    var bottom: UnsafeMutableRawPointer?
    var size = 0
    guard cs_thread_stack(&bottom, &size) == 0 else { return 0..<0 }
    let start = UInt(bitPattern: bottom)
    return start..<start + UInt(size)
  }

  /// Nanoseconds of processor time that a thread has used; nil if it has ended, or the system does not say.
  ///
  /// - Parameter task: the thread's number in the kernel.
  static func processorTime(of task: Int32) -> Int64? {
    let time = cs_thread_time(task)
    return time < 0 ? nil : time
  }

  package static func detachThread(_ thread: UInt) { _ = cs_thread_detach(thread) }
  static func joinThread(_ thread: UInt) { _ = cs_thread_join(thread) }
}
