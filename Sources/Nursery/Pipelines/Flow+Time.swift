/// A feed that is waited for with a deadline.
final class TimedFeed<Element: Sendable>: Stage {
  enum Arrival {
    case element(Element)
    /// The elements have ended, also if by an error: `finish()` throws it, after what is due before it.
    case ended
    case late
  }

  private let feed: Feed<Element>
  private let nextOp: Op<Element?>
  @exclusivity(unchecked) private var isEnded = false

  init(_ feed: Feed<Element>) {
    self.feed = feed
    nextOp = feed.elements.nextOp()
  }

  /// Waits for the next element or an instant; nil for none.
  func arrival(before deadline: FiberClock.Instant?) throws -> Arrival {
    if isEnded { return .ended }
    do {
      let op = deadline.map { nextOp.orTimeout(after: $0 - FiberClock.now) } ?? nextOp
      if let element = try op.perform() { return .element(element) }
      isEnded = true
      return .ended
    } catch is TimeoutError {
      return .late
    }
  }

  func finish() throws { try feed.finish() }

  override func stop() { feed.stop() }
}

extension Flow {
  /// Gathers the elements in arrays, and hands one out when it has `count` elements, when its first element has waited
  /// for a time, or at the end, whichever is first.
  ///
  /// Never hands out an empty array. The elements before an error are handed out first. While the loop is busy with an
  /// array, upstream is held back.
  public func chunked(
    count: Int, orAfter duration: Duration, file: StaticString = #fileID, line: UInt = #line
  ) -> Flow<[Element]> {
    require(count >= 1, "chunked(count: \(count)): a chunk holds at least one element; write 1 or more")
    return timed("chunked", SourceSite(file: file, line: line), ()) { feed, _ in
      var chunk: [Element] = []
      var deadline: FiberClock.Instant?
      while chunk.count < count {
        switch try feed.arrival(before: deadline) {
        case .element(let element):
          if chunk.isEmpty { deadline = FiberClock.now + duration }
          chunk.append(element)
        case .late: return chunk
        case .ended:
          if !chunk.isEmpty { return chunk }
          try feed.finish()
          return nil
        }
      }
      return chunk
    }
  }

  /// Hands out an element when no other has come for a time, and drops the ones before it; the last one comes at the
  /// end, also if that is an error.
  public func debounce(
    for duration: Duration, file: StaticString = #fileID, line: UInt = #line
  ) -> Flow<Element> {
    timed("debounce", SourceSite(file: file, line: line), ()) { feed, _ in
      var latest: Element?
      var due: FiberClock.Instant?
      while true {
        switch try feed.arrival(before: due) {
        case .element(let element):
          latest = element
          due = FiberClock.now + duration
        case .late: return latest
        case .ended:
          if latest == nil { try feed.finish() }
          return latest
        }
      }
    }
  }

  /// Hands out at most one element in a time: the first at once, then the latest that came, or the next one that comes.
  ///
  /// - Parameters:
  ///   - duration: the least time between two elements.
  ///   - latest: whether the last element of those that came too early is handed out when the time is over, and before
  ///     the end or an error; otherwise they are dropped.
  public func throttle(
    for duration: Duration, latest: Bool = true, file: StaticString = #fileID, line: UInt = #line
  ) -> Flow<Element> {
    timed("throttle", SourceSite(file: file, line: line), FiberClock.Instant?.none) { feed, next in
      var kept: Element?
      while true {
        switch try feed.arrival(before: kept == nil ? nil : next) {
        case .element(let element):
          if let next, FiberClock.now < next {
            if latest { kept = element }
            continue
          }
          kept = element
        case .late: break
        case .ended:
          guard kept != nil, let next else {
            try feed.finish()
            return nil
          }
          try sleep(until: next)
        }
        next = FiberClock.now + duration
        return kept
      }
    }
  }

  /// Hands out the latest element at each instant of a grid, if one has come since the instant before; the last one
  /// comes at the end, also if that is an error.
  ///
  /// The grid begins when the first element is asked for. A period of zero or less is a mistake that traps.
  public func sample(
    every period: Duration, file: StaticString = #fileID, line: UInt = #line
  ) -> Flow<Element> {
    require(period > .zero, "sample(every: \(period)): write a period longer than zero")
    return timed("sample", SourceSite(file: file, line: line), FiberClock.Instant?.none) { feed, start in
      let origin = start ?? FiberClock.now
      start = origin
      var latest: Element?
      // No timer while there is nothing to hand out.
      var due: FiberClock.Instant?
      while true {
        switch try feed.arrival(before: due) {
        case .element(let element):
          latest = element
          due = due ?? origin.next(every: period)
        case .late: return latest
        case .ended:
          if latest == nil { try feed.finish() }
          return latest
        }
      }
    }
  }

  private func timed<State: Sendable, Output>(
    _ name: String, _ site: SourceSite, _ state: State,
    _ step: @escaping @Sendable (TimedFeed<Element>, inout State) throws -> Output?
  ) -> Flow<Output> {
    Flow<Output> { nursery in Step(TimedFeed(feed(name, in: nursery, site)), state, step) }
  }
}

extension FiberClock.Instant {
  /// The first instant after now of the grid that begins with this one.
  fileprivate func next(every period: Duration) -> FiberClock.Instant {
    let step = max(period.nanosecondsClamped, 1)
    let passed = (FiberClock.now - self).nanosecondsClamped
    return self + .nanoseconds(passed - passed % step) + period
  }
}
