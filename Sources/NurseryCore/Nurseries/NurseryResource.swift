import CSwitch

typealias NurseryResourceRef = UnsafeMutablePointer<NurseryResource>

/// What a nursery closes when all its fibers have ended: the link of a descriptor's record, in memory of its own.
///
/// The resources of a nursery are a list under its scope's lock. Only the thread that has begun to close a resource
/// removes it. The nursery's end closes the resources it finds and waits until the list is empty. So the nursery of a
/// listed resource exists.
struct NurseryResource {
  fileprivate var nursery: NurseryRef?
  fileprivate var next: NurseryResourceRef?
  fileprivate var previous: NurseryResourceRef?
  /// The record that it is the link of.
  private let owner: UnsafeMutableRawPointer
  /// Called with the lock held; returns what closes the resource that is open now, which is false if another thread
  /// closes it.
  private let closer: (UnsafeMutableRawPointer) -> () -> Bool

  init(_ owner: UnsafeMutableRawPointer, closer: @escaping (UnsafeMutableRawPointer) -> () -> Bool) {
    self.owner = owner
    self.closer = closer
  }

  fileprivate func makeCloser() -> () -> Bool { closer(owner) }
}

extension NurseryResourceRef {
  /// Makes the nursery close the resource at the latest when it ends.
  func join(_ nursery: NurseryRef) {
    nursery.scope.withLock {
      pointee.nursery = nursery
      pointee.previous = nil
      pointee.next = nursery.pointee.firstResource
      if let first = nursery.pointee.firstResource { first.pointee.previous = self }
      nursery.pointee.firstResource = self
    }
  }

  /// Leaves the nursery's list; called by the thread that closes the resource.
  func leave() {
    guard let nursery = pointee.nursery else { return }
    nursery.scope.withLock {
      let next = pointee.next
      if let previous = pointee.previous { previous.pointee.next = next } else { nursery.pointee.firstResource = next }
      if let next { next.pointee.previous = pointee.previous }
      pointee.nursery = nil
    }
  }
}

extension NurseryRef {
  /// Closes every resource that was opened in the nursery and is open still.
  package func closeResources() {
    while let close = scope.withLock({ pointee.firstResource?.pointee.makeCloser() }) {
      // If another thread is closing it, that thread is about to remove it.
      if !close() { cs_pause() }
    }
  }
}
