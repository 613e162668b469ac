/// What has happened in a channel, and what waits there now.
public struct ChannelStatistics: Sendable, Hashable, CustomStringConvertible {
  /// How many elements are buffered.
  public let count: Int
  /// The most that have been buffered at once.
  public let peak: Int
  /// How many elements a channel of the newest or oldest ones has dropped.
  public let dropped: Int
  /// How many places are reserved.
  public let reserved: Int
  /// How many senders wait for a receiver or for room, to send or to reserve.
  public let waitingSenders: Int
  /// How many receivers wait for an element.
  public let waitingReceivers: Int

  /// "3 buffered (at most 8), 0 dropped, 2 senders and 0 receivers wait".
  public var description: String {
    "\(count) buffered (at most \(peak)), \(dropped) dropped, \(waitingSenders) senders and \(waitingReceivers) receivers wait"
  }
}

extension ChannelState {
  /// All figures of one instant.
  fileprivate static func statistics(_ state: UnsafeMutablePointer<ChannelState>) -> ChannelStatistics {
    state.pointee.lock.withLock {
      ChannelStatistics(
        count: state.pointee.count, peak: state.pointee.peak, dropped: state.pointee.droppedCount,
        reserved: state.pointee.capacity - state.pointee.room,
        waitingSenders: state.pointee.senders.count + state.pointee.reservers.count,
        waitingReceivers: state.pointee.receivers.count)
    }
  }

  /// Adds what it holds, unless it is there.
  static func note(_ state: UnsafeMutablePointer<ChannelState>, in loads: inout [UInt: ChannelLoad]) {
    let address = UInt(bitPattern: state)
    guard loads[address] == nil else { return }
    let now = statistics(state)
    loads[address] = ChannelLoad(
      name: "Channel<\(Element.self)>", capacity: state.pointee.capacity == .max ? nil : state.pointee.capacity,
      count: now.count, peak: now.peak, dropped: now.dropped, waitingSenders: now.waitingSenders,
      waitingReceivers: now.waitingReceivers)
  }
}

extension Channel {
  /// What has happened in this channel, and what waits there now.
  ///
  /// All figures are of one instant. Takes time in proportion to the number of waiters.
  public var statistics: ChannelStatistics { ChannelState.statistics(state) }
}
