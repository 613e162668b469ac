import Nursery

/// How a perform or poll has ended.
enum Outcome: Hashable, Sendable {
  case value
  case wrongValue
  /// With an error of this type, which is the operation's own.
  case failed(String)
  case cancelled
  case timedOut
  /// A poll that committed nothing.
  case nothing

  init<Value>(_ fixture: Fixture<Value>, _ body: () throws -> Value?) {
    do {
      let value = try body()
      self = value.map { fixture.isRight($0) ? .value : .wrongValue } ?? .nothing
    } catch is CancellationError {
      self = .cancelled
    } catch is TimeoutError {
      self = .timedOut
    } catch {
      self = .failed("\(type(of: error))")
    }
  }
}
