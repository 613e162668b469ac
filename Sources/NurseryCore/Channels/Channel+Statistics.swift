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

extension Channel {
  /// What has happened in this channel, and what waits there now.
  ///
  /// All figures are of one instant. Takes time in proportion to the number of waiters.
  public var statistics: ChannelStatistics {
    state.pointee.lock.withLock {
      ChannelStatistics(
        count: state.pointee.count, peak: state.pointee.peak, dropped: state.pointee.droppedCount,
        reserved: state.pointee.capacity - state.pointee.room,
        waitingSenders: state.pointee.senders.count + state.pointee.reservers.count,
        waitingReceivers: state.pointee.receivers.count)
    }
  }
}
