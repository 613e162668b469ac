/// What a channel holds, for lists of channels.
package struct ChannelLoad: Sendable {
  /// "Channel<Int>".
  package let name: String
  /// How many elements it may hold; nil for any number.
  package let capacity: Int?
  package let count: Int
  package let peak: Int
  package let dropped: Int
  package let waitingSenders: Int
  package let waitingReceivers: Int

  package init(
    name: String, capacity: Int?, count: Int, peak: Int, dropped: Int, waitingSenders: Int, waitingReceivers: Int
  ) {
    self.name = name
    self.capacity = capacity
    self.count = count
    self.peak = peak
    self.dropped = dropped
    self.waitingSenders = waitingSenders
    self.waitingReceivers = waitingReceivers
  }
}
