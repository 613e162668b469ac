/// What is known of the errors that are on their way, by the box each lives in.
///
/// Boxes are held weakly: an error goes when its last user lets go of it, and what was known of it goes with the next
/// errors that are added. Failures are rare, and one lock for all of them will do.
enum FailureRegister {
  private struct Entry {
    weak var box: AnyObject?
    var steps: [FailureTrace.Step]
  }

  private struct Entries: ~Copyable {
    var byIdentity: [ErrorIdentity: Entry] = [:]
    /// How many there may be before those of dead errors are thrown out.
    var capacity = 64
    let lock = SpinLock(.leaf)
  }

  nonisolated(unsafe) private static let entries = UnsafeMutablePointer.new(Entries())

  /// An error that is kept and thrown over and over, such as a static one, has only its first steps.
  private static let longestTrace = 64

  static func add(_ step: FailureTrace.Step, to error: any Error) {
    let identity = ErrorIdentity(error)
    let box = ErrorIdentity.box(of: error)
    // Errors that were looked at may have become ours to release: not under the lock, for their deinit may fail in a
    // nursery again.
    var survivors: [AnyObject] = []
    entries.pointee.lock.lock()
    defer {
      entries.pointee.lock.unlock()
      survivors = []
    }
    // A dead error's box may have been at the same address.
    if entries.pointee.byIdentity[identity]?.box === box {
      if entries.pointee.byIdentity[identity]!.steps.count < longestTrace {
        entries.pointee.byIdentity[identity]!.steps.append(step)
      }
      return
    }
    entries.pointee.byIdentity[identity] = Entry(box: box, steps: [step])
    guard entries.pointee.byIdentity.count > entries.pointee.capacity else { return }
    survivors.reserveCapacity(entries.pointee.byIdentity.count)
    entries.pointee.byIdentity = entries.pointee.byIdentity.filter { _, entry in
      guard let box = entry.box else { return false }
      survivors.append(box)
      return true
    }
    entries.pointee.capacity = max(64, 2 * entries.pointee.byIdentity.count)
  }

  static func steps(of error: any Error) -> [FailureTrace.Step]? {
    entries.pointee.lock.withLock {
      let entry = entries.pointee.byIdentity[ErrorIdentity(error)]
      return entry?.box === ErrorIdentity.box(of: error) ? entry?.steps : nil
    }
  }
}
