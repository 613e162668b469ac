extension Scheduler {
  /// What the fibers that were spawned at one line have used of their stacks.
  public struct StackUse: Sendable, Hashable {
    /// The line that spawned them.
    public var site: SourceSite
    /// How many have ended and were measured.
    public var fibers: Int
    /// The deepest use by one of them, in bytes.
    public var deepest: Int

    package init(site: SourceSite, fibers: Int, deepest: Int) {
      (self.site, self.fibers, self.deepest) = (site, fibers, deepest)
    }

    mutating func add(fibers: Int, deepest: Int) {
      self.fibers += fibers
      self.deepest = max(self.deepest, deepest)
    }
  }

  /// The stacks of a scheduler: how many there are, and in a run that measures them how much of them is used.
  public struct StackStatistics: Sendable, Hashable {
    /// Bytes reserved for each stack.
    public var stackSize = 0
    /// Stacks carved from reservations so far.
    public var mapped = 0
    /// Stacks that are not free: those of fibers and coroutines, and a few in the workers' caches.
    public var inUse = 0
    /// Free stacks that still have memory; that of the others went back to the kernel.
    public var idle = 0
    /// The deepest use for each line that spawns fibers, the deepest first; empty unless `Configuration.measuresStacks`
    /// is set.
    ///
    /// Fibers are counted when their bodies have ended. What the body calls counts, the runtime's own calls included.
    public var uses: [StackUse] = []

    /// How many bytes of a stack fibers can use.
    package var usableSize = 0

    package init() {}
  }
}

extension Scheduler.StackStatistics {
  init(_ pool: StackPool, _ uses: [Scheduler.StackUse]) {
    let statistics = pool.statistics
    self.init()
    stackSize = pool.stackSize
    usableSize = pool.stackSize - StackHeader.largestOffset
    (mapped, inUse, idle) = (statistics.mapped, statistics.inUse, statistics.idle)
    self.uses = uses
  }

  /// What to write for `stackSize`, and why; empty where the present size suits, and where nothing has been measured.
  ///
  /// Sizes leave room: twice the deepest use, and 16 KiB for signal handlers and for what was not seen. A smaller one
  /// is advised only where no fiber has used three quarters of its stack.
  public var advice: [String] {
    guard let deepest = uses.first else { return [] }
    let narrow = uses.filter { $0.deepest > usableSize / 4 * 3 }
    if !narrow.isEmpty {
      return narrow.map { use in
        let share = use.deepest * 100 / usableSize
        return
          "a fiber spawned at \(use.place) has used \(share) % of its stack, \(inKiB(use.deepest)) of \(inKiB(usableSize)): "
          + "raise it with Configuration(stackSize: \(suitableSize(for: use.deepest)))"
      }
    }
    let size = suitableSize(for: deepest.deepest)
    guard size < stackSize else { return [] }
    let fibers = uses.reduce(0) { $0 + $1.fibers }
    return [
      "Configuration(stackSize: \(size)) would do in place of \(stackSize): the deepest use by \(fibers) fibers was "
        + "\(inKiB(deepest.deepest)), by one spawned at \(deepest.place)"
    ]
  }

  /// A power of two with room to spare.
  private func suitableSize(for use: Int) -> Int {
    var size = StackPool.sizes.lowerBound
    while size < use * 2 + (16 << 10), size < StackPool.sizes.upperBound { size *= 2 }
    return size
  }

  private func inKiB(_ bytes: Int) -> String { "\((bytes + 1023) / 1024) KiB" }
}

extension Scheduler.StackUse {
  fileprivate var place: String { site.isKnown ? site.description : "a line unknown" }
}

extension Scheduler.StackStatistics: CustomStringConvertible {
  /// The figures, the deepest use for each spawn site, and the advice; a line each.
  public var description: String {
    var lines = [
      "\(mapped) stacks of \(stackSize) bytes: \(inUse) in use, \(idle) idle, \(mapped - inUse - idle) returned"
    ]
    lines += uses.map { "\($0.place): \($0.deepest) bytes at most, \($0.fibers) fibers" }
    return (lines + advice).joined(separator: "\n")
  }
}
