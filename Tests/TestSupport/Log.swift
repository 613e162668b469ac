/// A list that fibers of any worker may append to.
package final class Log<Element: Sendable>: Sendable {
  private let storage = Guarded<[Element]>([])

  package init() {}

  package var entries: [Element] { storage.withLock { $0 } }

  package func append(_ element: Element) { storage.withLock { $0.append(element) } }
}
