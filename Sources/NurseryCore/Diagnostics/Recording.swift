import Synchronization

/// What the flight recorder of one scheduler has in its rings, with the names of the fibers and scopes that are there.
package struct Recording: Sendable {
  /// A fiber that has not ended: its spawn may be recorded no more.
  package struct Fiber: Sendable {
    package let name: String?
    package let site: SourceSite
    /// The address of the scope that it is a child of.
    package let home: UInt64
  }

  /// A scope that is open.
  package struct Scope: Sendable {
    package let address: UInt64
    /// The address of the scope around; 0 for none.
    package let parent: UInt64
    package let kind: RecordedEvent.Scope
    /// The names of the nurseries around and its own.
    package let path: String
    package let site: SourceSite
    /// Whether a coroutine that is suspended has it open.
    package let isSuspended: Bool
  }

  package let tracks: [FlightRecorder.Track]
  /// The time at which it was taken, in nanoseconds of the clock of the events.
  package let now: Int64
  /// Whether the numbers of fibers say nothing: another run gives others.
  package let isDeterministic: Bool
  /// By their numbers.
  package internal(set) var fibers: [UInt64: Fiber] = [:]
  /// The outer ones before those inside.
  package internal(set) var scopes: [Scope] = []

  /// What a wait is called.
  package static func description(of kind: WaitKind) -> String {
    if let text = kind.text { return text }
    return (kind.type as? OperationSource.Type)?.kindDescription ?? "an operation"
  }
}

extension TimeoutRecord {
  /// What is recorded by now; the fibers and scopes that have not ended are not looked at.
  package var recording: Recording {
    var positions: [Int] = []
    let (tracks, now) = recorder.read(from: &positions)
    return Recording(tracks: tracks, now: now, isDeterministic: isDeterministic)
  }
}

extension Scheduler {
  /// What the recorder has, also when the run is over; nil if it has never been on.
  package func takeRecording() -> Recording? {
    var positions: [Int] = []
    return takeRecording(since: &positions)
  }

  /// The same from these positions on, which are brought up to date.
  package func takeRecording(since positions: inout [Int]) -> Recording? {
    guard let recorder else { return nil }
    let (tracks, now) = recorder.read(from: &positions)
    var recording = Recording(tracks: tracks, now: now, isDeterministic: decisions != nil)
    whileItRuns { addLiving(to: &recording) }
    return recording
  }

  /// What the recorders of all schedulers have that run fibers now.
  package static func takeRecordings() -> [Recording] { LiveSchedulers.all.compactMap { $0.takeRecording() } }

  /// Adds the fibers and scopes that are there, under the locks of the scopes.
  private func addLiving(to recording: inout Recording) {
    guard let rootScope else { return }
    var suspenders: [FiberRef] = []
    rootScope.withLock { addLiving(in: rootScope, to: &recording, &suspenders) }
    if suspenders.isEmpty { return }
    // The scopes of suspended coroutines are in no tree.
    SuspendedScopes.lock.withLock {
      while let fiber = suspenders.popLast() {
        fiber.forEachSuspended { scope in scope.withLock { addLiving(in: scope, to: &recording, &suspenders) } }
      }
    }
  }

  /// Adds the scopes from this one inwards, and the fibers that have coroutines suspended in scopes to those that are
  /// to be looked at.
  ///
  /// Called with the lock of the outermost held.
  private func addLiving(in outermost: ScopeRef, to recording: inout Recording, _ suspenders: inout [FiberRef]) {
    outermost.visitInside { scope in
      guard scope.pointee.scheduler?.toOpaque() == Unmanaged.passUnretained(self).toOpaque() else { return false }
      recording.scopes.append(scope.recorded(isRoot: scope == rootScope))
      if scope == rootScope, let root = scope.pointee.host, root.hasSuspendedScopes { suspenders.append(root) }
      scope.pointee.nursery?.forEachChild { fiber in
        recording.fibers[fiber.id] = Recording.Fiber(
          name: fiber.name, site: fiber.site, home: scope.recordedAddress)
        if fiber.hasSuspendedScopes { suspenders.append(fiber) }
      }
      return true
    }
  }
}

extension ScopeRef {
  /// Called with the lock held.
  fileprivate func recorded(isRoot: Bool) -> Recording.Scope {
    var kind: RecordedEvent.Scope = pointee.isShielded ? .shield : .scope
    if let nursery = pointee.nursery {
      kind = isRoot ? .run : pointee.opener == nil ? .daemons : nursery.pointee.traits.isAmbient ? .nursery : .call
    }
    return Recording.Scope(
      address: recordedAddress, parent: pointee.links.parent?.recordedAddress ?? 0, kind: kind,
      path: pointee.nursery?.path ?? "", site: site, isSuspended: pointee.host == nil && pointee.opener != nil)
  }
}
