#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Calls `body` on a plain thread; `join` returns the result.
package final class PlainThread<Value>: @unchecked Sendable {
  private var thread = pthread_t()
  private var body: (() throws -> Value)?
  private var result: Result<Value, any Error>?

  package init(_ body: @escaping () throws -> Value) {
    self.body = body
    let argument = Unmanaged.passRetained(self as AnyObject).toOpaque()
    let status = pthread_create(&thread, nil, { ($0 as UnsafeMutableRawPointer?).map(runPlainThread) ?? nil }, argument)
    precondition(status == 0, "no thread")
  }

  /// Blocks until the thread has ended; may be called once.
  @discardableResult
  package func join() throws -> Value {
    pthread_join(thread, nil)
    return try result!.get()
  }

  /// Lets the body go, which may hold the thread's owner.
  fileprivate func run() {
    result = Result { try body!() }
    body = nil
  }
}

private protocol Runnable: AnyObject { func run() }
extension PlainThread: Runnable {}

private func runPlainThread(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
  (Unmanaged<AnyObject>.fromOpaque(argument).takeRetainedValue() as! any Runnable).run()
  return nil
}
