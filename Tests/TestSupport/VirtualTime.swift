import NurseryCore

/// Every rule that does not depend on the number of workers is checked with one and with two.
package let parallelisms = [1, 2]

extension Configuration {
  /// A virtual clock: sleeping takes no time.
  package static func virtual(_ parallelism: Int = 1, seed: UInt64? = nil) -> Configuration {
    Configuration(parallelism: parallelism, clock: .virtual, seed: seed)
  }
}

/// Lets every other fiber of the worker run until it parks.
package func letOthersRun() {
  for _ in 0..<20 { Performer.yield() }
}
