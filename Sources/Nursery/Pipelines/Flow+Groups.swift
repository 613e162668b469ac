extension Flow {
  /// Sends a copy of each element to a channel before handing it out, and closes the channel when the flow ends in any
  /// way.
  ///
  ///     nursery.goAsync { try log(copies) }
  ///     try lines.tee(to: copies).forEach { try handle($0) }
  ///
  /// The channel holds the flow back when it is full. Once its receiver has closed it, the elements only pass.
  public func tee(to channel: Channel<Element>) -> Flow<Element> {
    Flow { nursery in
      Diversion(try producer(in: nursery, closing: channel), channel) { _ in (isSent: true, isKept: true) }
    }
  }

  /// Sends the elements that satisfy a condition to a channel in place of handing them out, and closes the channel when
  /// the flow ends in any way.
  ///
  ///     let errors = Channel<Line>(.bounded(16))
  ///     nursery.goAsync { for line in errors { try report(line) } }
  ///     try lines.partition(to: errors) { $0.isError }.forEach { try handle($0) }
  ///
  /// The channel holds the flow back when it is full. Once its receiver has closed it, such elements are dropped.
  public func partition(
    to channel: Channel<Element>, where isSent: @escaping @Sendable (Element) throws -> Bool
  ) -> Flow<Element> {
    Flow { nursery in
      Diversion(try producer(in: nursery, closing: channel), channel) { element in
        let isSent = try isSent(element)
        return (isSent: isSent, isKept: !isSent)
      }
    }
  }

  /// Runs `body` for each group of elements with the same key, in a child, with a channel of the group's elements;
  /// hands out the results as they come.
  ///
  ///     let counts = requests.groupBy(limit: 1000, { $0.host }) { host, requests in
  ///       (host, requests.reduce(0) { sum, _ in sum + 1 })
  ///     }
  ///
  /// The channel is closed when upstream ends, also if by an error, which arrives after the results. When `body`
  /// returns before, the group is over, and the next element with its key begins a new one: a body that returns after
  /// a silence makes sessions. A group that is not ready for its element holds all others back.
  ///
  /// The first error of a body ends the flow; results that the others have not handed out are lost.
  ///
  /// - Parameter limit: how many groups may be open at a time; a further one ends the flow with `GroupLimitError`,
  ///   after the results of those that are open.
  public func groupBy<Key: Hashable & Sendable, Output: Sendable>(
    limit: Int, file: StaticString = #fileID, line: UInt = #line, _ key: @escaping @Sendable (Element) throws -> Key,
    _ body: @escaping @Sendable (_ key: Key, _ elements: Channel<Element>) throws -> Output
  ) -> Flow<Output> {
    require(limit >= 1, "groupBy(limit: \(limit)): no group could be open; write 1 or more")
    let site = SourceSite(file: file, line: line)
    return Flow<Output> { nursery in
      let results = Feed<Output>()
      results.start("groupBy", in: nursery, site) { results, nursery in
        // With a limit of its own, so that groups that still hand out their results hold new ones back.
        try openNursery("groups", site, .failFast, limit: limit) { groups in
          var open: [Key: Channel<Element>] = [:]
          do {
            let upstream = try self.open(nursery.record)
            defer { upstream.stop() }
            while let element = try upstream.next() {
              let key = try key(element)
              if let group = open[key], try group.sendIfOpen(element) { continue }
              if open.count >= limit { open = open.filter { !$0.value.isClosed } }
              open[key] = nil
              if open.count >= limit { throw GroupLimitError(limit: limit) }
              let group = Channel<Element>()
              open[key] = group
              _ = groups.record.spawnChild("group", daemon: false, nil, site) {
                let result = Result { try body(key, group) }
                // Before the result is sent, which may wait: the group is over.
                group.close()
                switch result {
                case .success(let output): try results.elements.send(output)
                case .failure(let error):
                  results.fail(error)
                  nursery.cancel("a group has failed")
                }
              }
              _ = try group.sendIfOpen(element)
            }
          } catch {
            results.fail(error)
          }
          for group in open.values { group.close() }
        }
      }
      return results
    }
  }
}

/// More groups were open at a time than `groupBy` allows.
public struct GroupLimitError: Error, Hashable, CustomStringConvertible {
  /// How many may be open.
  public let limit: Int

  /// What to write.
  public var description: String {
    "an element would begin group \(limit + 1) while \(limit) are open; raise groupBy(limit:), use fewer keys, or let "
      + "the body return when its group is quiet"
  }
}

extension Flow {
  /// Opens the flow, or closes the channel if that fails.
  fileprivate func producer(in nursery: NurseryRef, closing channel: Channel<Element>) throws -> Producer<Element> {
    do {
      return try open(nursery)
    } catch {
      channel.close()
      throw error
    }
  }
}

extension Channel {
  /// False, and nothing is sent, if the channel is closed.
  fileprivate func sendIfOpen(_ element: Element) throws -> Bool {
    do {
      try send(element)
      return true
    } catch is ChannelClosedError {
      return false
    }
  }
}

/// Sends some of the elements to a channel, which is closed with it.
private final class Diversion<Element: Sendable>: PlainProducer<Element> {
  private let upstream: Producer<Element>
  private let channel: Channel<Element>
  private let route: (Element) throws -> (isSent: Bool, isKept: Bool)

  init(
    _ upstream: Producer<Element>, _ channel: Channel<Element>,
    _ route: @escaping (Element) throws -> (isSent: Bool, isKept: Bool)
  ) {
    self.upstream = upstream
    self.channel = channel
    self.route = route
  }

  override func produce() throws -> Element? {
    do {
      while let element = try upstream.next() {
        let (isSent, isKept) = try route(element)
        if isSent { _ = try channel.sendIfOpen(element) }
        if isKept { return element }
      }
    } catch {
      channel.close()
      throw error
    }
    channel.close()
    return nil
  }

  override func stop() {
    channel.close()
    upstream.stop()
  }
}
