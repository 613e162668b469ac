import NurseryCore
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// An error of the tests' own.
struct Oops: Error, Hashable {
  var number = 0

  init(_ number: Int = 0) { self.number = number }
}

/// Every rule that does not depend on the number of workers is checked with one and with two.
let parallelisms = [1, 2]

/// Runs `body` as the root fiber of a scheduler with a virtual clock: sleeping takes no time.
func virtually<Result>(_ parallelism: Int = 1, seed: UInt64? = nil, _ body: () throws -> Result) throws -> Result {
  try Scheduler.run(Configuration(parallelism: parallelism, clock: .virtual, seed: seed), body)
}

/// Spawns a fiber into the scope around; the core has no nurseries.
@discardableResult
func spawn<Value>(_ name: String? = nil, _ body: @escaping () throws -> Value) -> FiberCore<Value> {
  Performer.current().scope.spawn(name, SourceSite(file: #fileID, line: #line), body)
}

/// Lets every other fiber of the worker run until it parks.
func letOthersRun() {
  for _ in 0..<20 { Performer.yield() }
}

/// Calls `body` on a plain thread; the result is for whoever joins it.
final class PlainThread<Value>: @unchecked Sendable {
  private var thread = pthread_t()
  private let body: () throws -> Value
  private var result: Result<Value, any Error>?

  init(_ body: @escaping () throws -> Value) {
    self.body = body
    let argument = Unmanaged.passRetained(self as AnyObject).toOpaque()
    let status = pthread_create(&thread, nil, { ($0 as UnsafeMutableRawPointer?).map(runPlainThread) ?? nil }, argument)
    precondition(status == 0, "no thread")
  }

  /// Blocks until the thread has ended; may be called once.
  @discardableResult
  func join() throws -> Value {
    pthread_join(thread, nil)
    return try result!.get()
  }

  fileprivate func run() { result = Result { try body() } }
}

private protocol Runnable: AnyObject { func run() }
extension PlainThread: Runnable {}

private func runPlainThread(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
  (Unmanaged<AnyObject>.fromOpaque(argument).takeRetainedValue() as! any Runnable).run()
  return nil
}

/// Counts how many of the objects it has made are alive.
final class Census: Sendable {
  private let living = Atomic<Int>(0)
  private let born = Atomic<Int>(0)

  /// An object that is counted while it lives.
  final class Member: Sendable {
    let census: Census
    let number: Int

    init(_ census: Census, _ number: Int) {
      self.census = census
      self.number = number
      census.living.add(1, ordering: .relaxed)
      census.born.add(1, ordering: .relaxed)
    }

    deinit { census.living.subtract(1, ordering: .relaxed) }
  }

  func make(_ number: Int = 0) -> Member { Member(self, number) }

  /// How many live now.
  var count: Int { living.load(ordering: .acquiring) }
  /// How many there ever were.
  var total: Int { born.load(ordering: .acquiring) }
}

/// Hands a value to another fiber that the compiler would not let pass.
struct Box<Value>: @unchecked Sendable {
  let value: Value

  init(_ value: Value) { self.value = value }
}

/// A counter that fibers of any worker may raise.
final class Counter: Sendable {
  private let storage = Atomic<Int>(0)

  var value: Int { storage.load(ordering: .acquiring) }

  @discardableResult
  func add(_ amount: Int = 1) -> Int { storage.add(amount, ordering: .acquiringAndReleasing).newValue }
}

/// A value behind a lock that the thread sanitizer knows; it does not know Synchronization's.
final class Guarded<State>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var state: State

  init(_ state: State) {
    self.state = state
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func withLock<Result>(_ body: (inout State) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(&state)
  }
}

/// A list that fibers of any worker may append to.
final class Log<Element: Sendable>: Sendable {
  private let storage = Guarded<[Element]>([])

  var entries: [Element] { storage.withLock { $0 } }

  func append(_ element: Element) { storage.withLock { $0.append(element) } }
}

/// The text that an exit test's process wrote to standard error.
func standardError(_ result: ExitTest.Result?) -> String {
  String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
}

/// Expects that `body` throws an error of this type, and returns it.
///
/// A function, and not the macro: closures beside a macro's in nested closures are mixed up by some compilers (Swift 6.3.1).
@discardableResult
func expectThrows<Failure: Error, Result>(
  _ type: Failure.Type, location: SourceLocation = #_sourceLocation, _ body: () throws -> Result
) -> Failure? {
  do {
    let result = try body()
    Issue.record("\(type) was expected, but the result is \(result)", sourceLocation: location)
  } catch let error as Failure {
    return error
  } catch {
    Issue.record("\(type) was expected, but the error is \(error)", sourceLocation: location)
  }
  return nil
}

/// Expects that `body` throws this very error.
func expectThrows<Failure: Error & Equatable, Result>(
  _ expected: Failure, location: SourceLocation = #_sourceLocation, _ body: () throws -> Result
) {
  if let error = expectThrows(Failure.self, location: location, body), error != expected {
    Issue.record("\(expected) was expected, but the error is \(error)", sourceLocation: location)
  }
}

/// Expects two values to be equal; a function for the same reason.
func expectEqual<Value: Equatable>(
  _ actual: Value?, _ expected: Value?, location: SourceLocation = #_sourceLocation
) {
  #expect(actual == expected, sourceLocation: location)
}
