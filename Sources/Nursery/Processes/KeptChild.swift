/// A child process and the descriptor through which its keeper reports events.
struct KeptChild {
  private let child: System.Child
  private let channel: Descriptor

  init(_ child: System.Child) {
    self.child = child
    channel = Descriptor(adopting: child.channel)
  }

  /// Waits for the next event.
  ///
  /// A cancellation point.
  func nextNews() throws -> System.ChildNews {
    var news = System.ChildNews.lost
    guard case .done(1...) = try channel.perform(.readable, { _ in child.takeNews(&news) }) else { return .lost }
    return news
  }

  /// Sends a signal to the child alone, or to it and all processes it has started; false if the channel is full.
  func signal(_ signal: Signal, tree: Bool) -> Bool {
    child.signal(signal.rawValue, tree: tree) != -Int(System.wouldBlock)
  }

  /// Sends a signal to the child and all processes it has started; waits while the channel is full.
  ///
  /// A cancellation point.
  func signalTree(_ signal: Signal) throws {
    _ = try channel.perform(.writable) { _ in child.signal(signal.rawValue, tree: true) }
  }

  /// Kills the child and all processes it has started, until none is left.
  ///
  /// No signal may be sent afterwards.
  func killTree() { child.killTree() }

  /// Frees everything, and waits for the keeper, which has ended or is about to end.
  ///
  /// Called once, as the last call.
  func release() {
    channel.close()
    child.release()
  }
}
