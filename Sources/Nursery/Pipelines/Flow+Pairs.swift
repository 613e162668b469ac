/// Two feeds that are waited for together.
@usableFromInline
final class Pair<Left: Sendable, Right: Sendable>: Stage {
  /// The next element of one side; an inner nil at its end.
  @usableFromInline
  enum Arrival {
    case left(Left?)
    case right(Right?)
  }

  @usableFromInline let left: Feed<Left>
  @usableFromInline let right: Feed<Right>
  @usableFromInline let next: Op<Arrival>

  /// - Parameter isRightFirst: whether the right side is asked first; otherwise it is a fair choice.
  @inlinable
  init(_ left: Feed<Left>, _ right: Feed<Right>, isRightFirst: Bool = false) {
    self.left = left
    self.right = right
    let (ofLeft, ofRight) = (left.elements.nextOp(), right.elements.nextOp())
    let arrivals = [ofRight.wrap { Arrival.right($0) }, ofLeft.wrap { Arrival.left($0) }]
    next = isRightFirst ? .biased(arrivals) : .choice(arrivals)
    super.init()
  }

  /// Waits for an element of a side that is wanted.
  @inlinable
  func arrival(left wantsLeft: Bool = true, right wantsRight: Bool = true) throws -> Arrival {
    if !wantsRight { return .left(try left.next()) }
    if !wantsLeft { return .right(try right.next()) }
    return try next.perform()
  }

  @usableFromInline
  override func stop() {
    left.stop()
    right.stop()
  }
}

extension Flow {
  /// The first elements of both flows as a pair, then the second ones, and so on; both are awaited at the same time.
  ///
  /// Ends, and cancels the other flow, as soon as one ends; an element of the other one that has come already is lost.
  @inlinable
  public func zip<Other>(
    _ other: Flow<Other>, file: StaticString = #fileID, line: UInt = #line
  ) -> Flow<(Element, Other)> {
    pair(with: other, "zip", SourceSite(file: file, line: line), ()) { pair, _ in
      try Fiber.checkCancellation()
      // Two attempts cost less than a choice.
      var (left, right) = (pair.left.elements.tryReceive(), pair.right.elements.tryReceive())
      while true {
        if let left, let right { return (left, right) }
        switch try pair.arrival(left: left == nil, right: right == nil) {
        case .left(let element?): left = element
        case .right(let element?): right = element
        case .left(nil):
          try pair.left.finish()
          return nil
        case .right(nil):
          try pair.right.finish()
          return nil
        }
      }
    }
  }

  /// The latest elements of both flows as a pair, whenever one of them has a new one and both have one.
  ///
  /// Ends when both have ended, or one has without any element.
  public func combineLatest<Other>(
    _ other: Flow<Other>, file: StaticString = #fileID, line: UInt = #line
  ) -> Flow<(Element, Other)> {
    pair(with: other, "combineLatest", SourceSite(file: file, line: line), Latest<Element, Other>()) { pair, latest in
      while latest.isLeftOpen || latest.isRightOpen {
        switch try pair.arrival(left: latest.isLeftOpen, right: latest.isRightOpen) {
        case .left(let element?): latest.left = element
        case .right(let element?): latest.right = element
        case .left(nil):
          try pair.left.finish()
          if latest.left == nil { return nil }
          latest.isLeftOpen = false
          continue
        case .right(nil):
          try pair.right.finish()
          if latest.right == nil { return nil }
          latest.isRightOpen = false
          continue
        }
        if let left = latest.left, let right = latest.right { return (left, right) }
      }
      return nil
    }
  }

  /// Ends when an operation commits, which each run performs once, from its beginning, in a child.
  ///
  ///     lines.until { quit.waitOp() }
  ///     prices.until { sleepOp(for: .seconds(60)) }
  ///
  /// The operation runs in a child. Elements may still come until that child has ended; from then on none comes, ready
  /// or not, and what is upstream is cancelled. If the operation fails, its error ends the flow.
  public func until<Ignored>(
    file: StaticString = #fileID, line: UInt = #line, _ operation: @escaping @Sendable () throws -> Op<Ignored>
  ) -> Flow<Element> {
    let site = SourceSite(file: file, line: line)
    return Flow { nursery in
      let end = Feed<Never>()
      end.start("until", in: nursery, site) { _, _ in _ = try operation().perform() }
      let pair = Pair(feed("until", in: nursery, site), end, isRightFirst: true)
      return Step(pair, ()) { pair, _ in
        switch try pair.arrival() {
        case .left(let element?): return element
        case .left(nil): try pair.left.finish()
        case .right: try pair.right.finish()
        }
        pair.stop()
        return nil
      }
    }
  }

  @inlinable
  func pair<Other, State: Sendable, Output>(
    with other: Flow<Other>, _ name: String, _ site: SourceSite, _ state: State,
    _ step: @escaping @Sendable (Pair<Element, Other>, inout State) throws -> Output?
  ) -> Flow<Output> {
    Flow<Output> { nursery in
      let pair = Pair(feed(name, in: nursery, site), other.feed(name, in: nursery, site))
      return Step(pair, state) { pair, state in
        do {
          if let output = try step(pair, &state) { return output }
        } catch {
          pair.stop()
          throw error
        }
        pair.stop()
        return nil
      }
    }
  }
}

/// The latest elements of two flows.
private struct Latest<Left: Sendable, Right: Sendable>: Sendable {
  var left: Left?
  var right: Right?
  var isLeftOpen = true
  var isRightOpen = true
}
