/// One event of the flight recorder: four words.
///
///     time       of the ring's clock; in a `Recording` nanoseconds
///     info       kind (8 bits), detail (8), place (48)
///     subject    a fiber, or what `Kind` says
///     object     another fiber, or what `Kind` says
package struct RecordedEvent: Sendable, Equatable {
  package enum Kind: UInt8, Sendable {
    /// The worker runs `subject` from now on. `detail`: how the fiber before has left (`Departure`). `place`: on how
    /// many branches it waits (16 bits), and the lower half of its number. `object`: the kind of the first branch.
    case switched = 1
    /// `subject` can run. `object`: the fiber that has woken it. `detail`: `Cause`. `place`: the branch that won.
    case woken
    /// `subject` is a new fiber. `object`: its line. `place`: the scope that is its home. Its name follows.
    case spawned
    /// `subject` has ended. `detail`: `Ending`. `place`: the scope that is its home.
    case ended
    /// Text that belongs to the event before: `detail` bytes in `subject` and `object`.
    case text
    /// The fiber that runs here has opened the scope `place`. `subject`: the scope around. `object`: the line.
    /// `detail`: `Scope`. A name follows.
    case opened
    /// The scope `place` is closed. `subject`: the scope around.
    case closed
    /// The scope `place`, or else the fiber `subject`, is cancelled by the fiber `object`. `detail`: `Reason`.
    case cancelled
    /// The worker has taken `place` fibers over from the worker `object`, the first of which is `subject`.
    case stolen
    /// The descriptor `subject` is ready, as `detail` says.
    case descriptor
    /// The thread `object` begins, or ends, the blocking call of the fiber `subject`.
    case callBegan, callEnded
    /// The fiber `subject` has passed a mark, or begins or ends a span; `object` is the address of the name.
    case mark, spanBegan, spanEnded
    /// The fiber `subject` has just closed the scope `place`, whose deadline has ended it; an error with the number
    /// `object` is about to say so.
    case timedOut
    /// The fiber that runs here has left the scope `place` and those around it, up to the scope `subject`, because the
    /// coroutine whose body has them open yields; or is in them again, and the outermost is in the scope `subject`.
    case suspended, resumed
  }

  /// How a fiber leaves its worker.
  package enum Departure: UInt8, Sendable {
    case yields, waits
    /// Waits for children, or for a wakeup that is on its way.
    case joins
    case ends
    /// It was no fiber: the worker had nothing to run.
    case idles
  }

  /// Why a fiber can run again.
  package enum Cause: UInt8, Sendable {
    /// A fiber, or a thread, has done its part.
    case fiber
    case timer
    /// A descriptor is ready, or a deadline has passed: the worker has looked outside.
    case outside
    case cancellation
    /// It is its turn in a nursery with a limit.
    case turn
  }

  package enum Ending: UInt8, Sendable {
    case completed, failed, cancelled
  }

  package enum Scope: UInt8, Sendable {
    case scope, shield, nursery, call, daemons, run
  }

  package enum Reason: UInt8, Sendable {
    case requested, deadline, failure, drained, ended
  }

  /// The number that stands for no fiber; the root fiber's is 0.
  package static let nobody = UInt64.max

  package var time: Int64
  package var info: UInt64
  package var subject: UInt64
  package var object: UInt64

  package init(
    _ kind: Kind, detail: UInt8 = 0, place: UInt64 = 0, subject: UInt64 = nobody, object: UInt64 = 0, time: Int64 = 0
  ) {
    self.time = time
    info = UInt64(kind.rawValue) | UInt64(detail) << 8 | place << 16
    self.subject = subject
    self.object = object
  }

  init(time: Int64, info: UInt64, subject: UInt64, object: UInt64) {
    self.time = time
    self.info = info
    self.subject = subject
    self.object = object
  }

  package var kind: Kind? { Kind(rawValue: UInt8(truncatingIfNeeded: info)) }
  package var detail: UInt8 { UInt8(truncatingIfNeeded: info >> 8) }
  package var place: UInt64 { info >> 16 }

  /// Texts of this length go into one event.
  static let textSize = 16
  /// A name's bytes beyond these are cut off.
  static let longestText = 64

  /// The bytes of a text.
  package var textBytes: [UInt8] {
    let words = [subject, object]
    return words.withUnsafeBytes { Array($0.prefix(min(Int(detail), Self.textSize))) }
  }
}
