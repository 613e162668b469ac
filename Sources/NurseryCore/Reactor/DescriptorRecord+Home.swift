import CSwitch

// Every descriptor of this library belongs to the nursery it was opened in, which closes it when all its fibers have
// ended: a list through the records, under the scope's lock. Only the thread that has begun to close a descriptor
// removes it from the list. The nursery's end closes the descriptors it finds and waits until the list is empty. So the
// scope of a record in the list exists.
extension DescriptorRef {
  /// Makes the nursery close the descriptor at the latest when it ends.
  func join(_ scope: ScopeRef) {
    scope.pointee.lock.lock()
    pointee.home = scope
    pointee.previousInHome = nil
    pointee.nextInHome = scope.pointee.firstDescriptor
    scope.pointee.firstDescriptor?.pointee.previousInHome = self
    scope.pointee.firstDescriptor = self
    scope.pointee.lock.unlock()
  }

  /// Leaves the nursery's list; called by the thread that closes the descriptor.
  func leaveHome() {
    guard let scope = pointee.home else { return }
    scope.pointee.lock.lock()
    if let previous = pointee.previousInHome {
      previous.pointee.nextInHome = pointee.nextInHome
    } else {
      scope.pointee.firstDescriptor = pointee.nextInHome
    }
    pointee.nextInHome?.pointee.previousInHome = pointee.previousInHome
    pointee.home = nil
    scope.pointee.lock.unlock()
  }
}

extension ScopeRef {
  /// Closes every descriptor that was opened in the nursery and is open still.
  package func closeDescriptors() {
    while true {
      pointee.lock.lock()
      let first = pointee.firstDescriptor
      let generation = first?.generation ?? 0
      pointee.lock.unlock()
      guard let first else { return }
      // If another thread is closing it, that thread is about to remove it.
      if !first.close(generation) { cs_pause() }
    }
  }
}
