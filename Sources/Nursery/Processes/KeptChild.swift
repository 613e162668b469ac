/// A child of ours and the descriptor that its keeper sends the news through.
struct KeptChild {
  private let child: System.Child
  private let channel: Descriptor

  init(_ child: System.Child) {
    self.child = child
    channel = Descriptor(adopting: child.channel)
  }

  /// Waits for what happens next.
  ///
  /// A cancellation point.
  func nextNews() throws -> System.ChildNews {
    var news = System.ChildNews.lost
    guard case .done(1...) = try channel.perform(.readable, { _ in child.takeNews(&news) }) else { return .lost }
    return news
  }

  /// Sends a signal to the child itself, or to it and everything it has started; false if too many are on their way.
  func signal(_ signal: Signal, tree: Bool) -> Bool {
    child.signal(signal.rawValue, tree: tree) != -Int(System.wouldBlock)
  }

  /// Sends a signal to the child and everything it has started; waits while too many are on their way.
  ///
  /// A cancellation point.
  func signalTree(_ signal: Signal) throws {
    _ = try channel.perform(.writable) { _ in child.signal(signal.rawValue, tree: true) }
  }

  /// Kills the child and everything it has started, until nothing is left.
  ///
  /// The last order.
  func killTree() { child.killTree() }

  /// Frees everything; waits for the keeper, which has ended or is about to.
  ///
  /// Once, and the last thing that is done to it.
  func release() {
    channel.close()
    child.release()
  }
}
