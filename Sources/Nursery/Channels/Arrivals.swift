/// Wakes all who wait for a later state of an object than they have seen; each looks at the object again.
///
/// Not generic, so that a wait runs no unspecialised code, which looks up its types at run time.
@usableFromInline
final class Arrivals: @unchecked Sendable {
  private let lock = SpinLock(.object)
  @exclusivity(unchecked) private var latest = 0
  private let numbers: PermitQueue

  /// - Parameter describe: what a wait is called in reports.
  @usableFromInline
  init(_ describe: @escaping @Sendable () -> String) {
    numbers = PermitQueue(0) { _, _ in describe() }
  }

  /// The object has reached the state of this number; called without its lock, so a later state may have come first.
  @usableFromInline
  func announce(_ number: Int) {
    lock.lock()
    guard number > latest else { return lock.unlock() }
    latest = number
    let tasks = numbers.setFreeUnderLock(number)
    lock.unlock()
    tasks.resume()
  }

  /// Waits until a state later than this one has been announced.
  ///
  /// A cancellation point.
  @usableFromInline
  func wait(after number: Int) throws { try numbers.availableOp(number + 1).perform() }
}
