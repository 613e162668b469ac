extension ChannelState {
  /// Makes room for the element by dropping the oldest one, or drops the element itself; called with the channel full
  /// and locked.
  ///
  /// The dropped element is kept until its sender, without the lock, calls `handOverDropped`: its handler and its end
  /// are user code.
  @usableFromInline
  @inline(never)
  mutating func drop(_ element: consuming Element) {
    droppedCount += 1
    if overflow == .dropsOldest {
      dropped.append(pop())
      push(element)
    } else {
      dropped.append(element)
    }
  }

  /// Hands the dropped element that has waited longest to the handler, or ends it.
  @usableFromInline
  @inline(never)
  static func handOverDropped(_ state: UnsafeMutablePointer<ChannelState>) {
    state.pointee.lock.lock()
    let element = state.pointee.dropped.isEmpty ? nil : state.pointee.dropped.removeFirst()
    state.pointee.lock.unlock()
    if let element { state.pointee.onDrop?(element) }
  }
}
