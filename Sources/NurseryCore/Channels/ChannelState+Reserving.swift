extension ChannelState {
  /// Gives a free place to the next sender or reserver, in turns, and returns its offer, which is then resumed; called
  /// with the channel locked.
  @usableFromInline
  @inline(never)
  mutating func admitNext(for performer: FiberRef) -> OfferRef? {
    let isReserversTurn = isReserversTurn
    self.isReserversTurn = !isReserversTurn
    if isReserversTurn, let offer = admitReserver(for: performer) { return offer }
    if let offer = senders.claimFirst(for: performer) {
      push(offer.element(Element.self))
      return offer
    }
    return isReserversTurn ? nil : admitReserver(for: performer)
  }

  private mutating func admitReserver(for performer: FiberRef) -> OfferRef? {
    guard let offer = reservers.claimFirst(for: performer) else { return nil }
    room -= 1
    return offer
  }

  /// Ends the channel for receivers if it is closed and no place is reserved.
  ///
  /// - Returns: the tasks that the caller resumes when it has unlocked.
  mutating func endIfDone() -> WokenTasks {
    guard isClosed, !isEnded, room == capacity else { return WokenTasks() }
    isEnded = true
    return receivers.wakeAll(.closed)
  }

  /// Takes a reserved place back, and lets in those that wait for one; called without the lock.
  ///
  /// - Parameter element: goes to a receiver, or into that place.
  @usableFromInline
  static func giveBackPlace(_ state: UnsafeMutablePointer<ChannelState>, sending element: Element?) {
    let me = Performer.current()
    state.pointee.lock.lock()
    state.pointee.room += 1
    var receiver: OfferRef?
    if let element {
      receiver = state.pointee.receivers.claimFirst(for: me)
      if let receiver {
        receiver.pointee.slot.assumingMemoryBound(to: Element.self).initialize(to: element)
      } else {
        state.pointee.push(element)
      }
    }
    let ended = state.pointee.endIfDone()
    state.pointee.updateFlag()
    state.pointee.lock.unlock()
    ended.resume()
    receiver?.resume(from: me)
    while let offer = admitToFreePlace(state, me) { offer.resume(from: me) }
  }

  private static func admitToFreePlace(_ state: UnsafeMutablePointer<ChannelState>, _ me: FiberRef) -> OfferRef? {
    state.pointee.lock.lock()
    defer { state.pointee.lock.unlock() }
    guard state.pointee.count < state.pointee.room, let offer = state.pointee.admitNext(for: me) else { return nil }
    state.pointee.updateFlag()
    return offer
  }
}
