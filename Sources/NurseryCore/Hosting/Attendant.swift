import CSwitch
import Synchronization

/// What answers questions about a run from outside the process while it lasts, such as a console.
///
/// It is made before the run begins, so that what it needs is there, or the run fails.
package protocol Attendant: AnyObject, Sendable {
  /// Called when the run has begun; an error ends the run.
  func begin(_ scheduler: Scheduler) throws
  /// Called when the last fiber has ended; afterwards it does not use the scheduler.
  func end()
}

/// The thread of an attendant, which waits for descriptors and wakes no fiber unless it is asked to.
///
/// While it waits it counts as asleep for the deadlock detector; what it may be asked does not keep a deadlock from
/// being reported. (A request that arrives while the detector looks might cancel what is stuck: it was stuck all the
/// same.)
package final class AttendantThread: Sendable {
  private let bell: Int32
  private let isStopping = Atomic<Bool>(false)
  private let thread = Atomic<UInt>(0)

  /// Threads that wait; as long as it stays equal, none of them has begun or ended a wait.
  struct Idle: Equatable {
    var count = 0
    var changes = 0
  }

  private static let lock = SpinLock(.leaf)
  nonisolated(unsafe) private static var waiting = Idle()
  private static let haveBeen = Atomic<Bool>(false)

  /// For the deadlock detector.
  static var idle: Idle {
    guard haveBeen.load(ordering: .acquiring) else { return Idle() }
    return lock.withLock { waiting }
  }

  package init() throws(SystemError) { bell = try checked("make a descriptor for a thread", System.makeBell()) }

  deinit { System.close(bell) }

  /// Runs `body` on the thread; it returns when `wait` has returned false.
  package func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    Self.haveBeen.store(true, ordering: .releasing)
    let job = UnsafeMutablePointer<@Sendable () -> Void>.new(body)
    do throws(SystemError) {
      let started = try System.startThread(name, job) { job in
        let job = job!.assumingMemoryBound(to: (@Sendable () -> Void).self)
        job.pointee()
        job.destroy()
        return nil
      }
      thread.store(started, ordering: .releasing)
    } catch {
      job.destroy()
      throw error
    }
  }

  /// Ends the thread: its wait returns false from now on; returns when it has ended.
  package func stop() {
    let started = thread.exchange(0, ordering: .acquiringAndReleasing)
    guard started != 0 else { return }
    isStopping.store(true, ordering: .releasing)
    System.ring(bell)
    System.joinThread(started)
  }

  /// A descriptor that the thread waits for.
  package struct Awaited {
    package let descriptor: Int32
    package let interest: Interest
    /// What has become ready.
    package internal(set) var ready: Interest = .none

    package init(_ descriptor: Int32, _ interest: Interest) {
      self.descriptor = descriptor
      self.interest = interest
    }
  }

  /// Waits on the thread until one of the descriptors is ready, or the time is up; false if the thread is to end.
  ///
  /// - Parameter nanoseconds: negative for ever.
  package func wait(for awaited: inout [Awaited], nanoseconds: Int64) -> Bool {
    var polled = awaited.map { cs_polled(fd: $0.descriptor, events: Int16($0.interest.rawValue), ready: 0) }
    polled.append(cs_polled(fd: bell, events: Int16(Interest.readable.rawValue), ready: 0))
    Self.note(1)
    polled.withUnsafeMutableBufferPointer { _ = System.poll($0, nanoseconds: nanoseconds) }
    Self.note(-1)
    for index in awaited.indices { awaited[index].ready = Interest(rawValue: UInt32(polled[index].ready)) }
    return !isStopping.load(ordering: .acquiring)
  }

  private static func note(_ change: Int) {
    lock.withLock {
      waiting.count += change
      waiting.changes &+= 1
    }
  }
}
