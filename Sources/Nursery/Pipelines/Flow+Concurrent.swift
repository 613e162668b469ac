extension Flow {
  /// Lets what is upstream run ahead, in a child: at most `count` elements that the loop has not asked for.
  @inlinable
  public func buffer(_ count: Int, file: StaticString = #fileID, line: UInt = #line) -> Flow<Element> {
    require(count >= 1, "buffer(\(count)): nothing could run ahead; write 1 or more, or leave it out")
    let site = SourceSite(file: file, line: line)
    return Flow { nursery in
      let feed = Feed<Element>(room: count - 1)
      feed.start("buffer", in: nursery, site) { try $0.send(all: self, $1) }
      return feed
    }
  }

  /// The elements of this flow and of others as they come, each flow in a child of its own.
  ///
  /// Ends when all have ended. The first error ends it, and cancels the other flows; elements that those have not
  /// handed out are lost.
  @inlinable
  public func merge(
    _ others: Flow<Element>..., file: StaticString = #fileID, line: UInt = #line
  ) -> Flow<Element> {
    .merge([self] + others, file: file, line: line)
  }

  /// The elements of all the flows as they come, as `merge(_:)`; those of no flow end at once.
  @inlinable
  public static func merge(
    _ flows: [Flow<Element>], file: StaticString = #fileID, line: UInt = #line
  ) -> Flow<Element> {
    let site = SourceSite(file: file, line: line)
    return Flow { nursery in
      let merged = Feed<Element>()
      merged.start("merge", in: nursery, site) { merged, nursery in
        for flow in flows {
          _ = nursery.record.spawnChild("merge", daemon: false, nil, site) {
            do {
              try merged.send(all: flow, nursery)
            } catch {
              // Not thrown: a flow's own CancellationError would end it in silence.
              merged.fail(error)
              nursery.cancel("a merged flow has failed")
            }
          }
        }
      }
      return merged
    }
  }

  /// Transforms the elements in up to `limit` fibers at once, spread over the workers.
  ///
  ///     let pages = try addresses.pipeline().concurrentMap(limit: 8) { try fetch($0) }.collect()
  ///
  /// At most `limit` elements have been taken from upstream and not been handed out, so a slow loop holds the fibers
  /// back, and in order also a slow element those after it.
  ///
  /// The first failure in the order of the results ends the flow and cancels the other fibers.
  ///
  /// - Parameters:
  ///   - limit: the largest number of fibers; traps if it is less than 1. `.max` for no limit.
  ///   - ordered: whether the results come in the order of the elements, or as they are ready.
  @inlinable
  public func concurrentMap<Output: Sendable>(
    limit: Int, ordered: Bool = true, file: StaticString = #fileID, line: UInt = #line,
    _ transform: @escaping @Sendable (Element) throws -> Output
  ) -> Flow<Output> {
    require(limit >= 1, "concurrentMap(limit: \(limit)): nothing could ever run; write 1 or more, or .max")
    let site = SourceSite(file: file, line: line)
    return Flow<Output> { nursery in
      let window = Window(limit)
      let results = Feed<Finished<Output>>()
      results.start("concurrentMap", in: nursery, site) { results, nursery in
        let work = Channel<(place: Int, element: Element)>()
        do {
          try distribute(to: work, within: window, nursery) { first in
            _ = nursery.record.spawnChild(nil, daemon: false, .spread, site) {
              var item = first
              while true {
                let result = Finished(place: item.place, result: Result { try transform(item.element) })
                try result.send(over: results.elements)
                guard let next = try work.next() else { return }
                item = next
              }
            }
          }
        } catch {
          // It arrives after the results of the elements before it, which are still being made.
          results.fail(error)
        }
        work.close()
      }
      return ordered ? OrderedResults(results, window) : UnorderedResults(results, window)
    }
  }

  /// Numbers the elements and hands each to a fiber that waits, or to a new one.
  @inlinable
  func distribute(
    to work: Channel<(place: Int, element: Element)>, within window: Window, _ nursery: Nursery,
    spawn: ((place: Int, element: Element)) -> Void
  ) throws {
    let upstream = try open(nursery.record)
    defer { upstream.stop() }
    var fibers = 0
    var place = 0
    while true {
      try window.enter()
      guard let element = try upstream.next() else { return }
      let item = (place: place, element: element)
      place += 1
      if try work.trySend(item) { continue }
      if fibers == window.limit {
        try work.send(item)
      } else {
        fibers += 1
        spawn(item)
      }
    }
  }
}
