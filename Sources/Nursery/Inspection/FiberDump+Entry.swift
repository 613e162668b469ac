extension FiberDump {
  /// One fiber, or a plain thread that waits in an operation.
  public struct Entry: Sendable, Identifiable {
    /// What it was doing.
    public enum State: String, Sendable {
      /// It ran.
      case running
      /// It could run, and waited for its worker, or had not begun.
      case ready
      /// It waited in an operation.
      case waiting
      /// Its body, or that of a nursery on it, had ended, and it waited for the children.
      case joining
      /// It waited for its turn in a nursery with a limit.
      case awaitingTurn
    }

    /// One branch of the operation that it waited in.
    public struct Wait: Sendable {
      /// What the branch waits for: "receive from a Channel<Int>".
      public let description: String
      /// A number for the object that it waits on; branches of any fiber that wait on the same one have the same.
      public let object: Int
      /// What could commit the branch.
      public let waker: Waker
    }

    /// What could commit a branch, as far as the object that it waits on knows.
    public enum Waker: Sendable, Hashable {
      /// Any holder of the object: a sender, a receiver, a signaller.
      case unknown
      /// Nothing ever.
      case nothing
      /// The clock, after so long.
      case clock(Duration)
      /// The end of the fiber with this number, if it is in the dump.
      case end(of: UInt64)
      /// The fiber or thread with this number, which has held the lock since that line.
      case holder(UInt64, since: SourceSite)
      /// The kernel, when the descriptor with this number is ready.
      case descriptor(Int32)
      /// A thread or task, when the call that it makes returns.
      case call
    }

    /// The fiber's number, as its handle has it; 0 for a root.
    public let id: UInt64
    /// Which fiber: "fiber "reader"", "the root fiber", "a plain thread".
    public let label: String
    /// The names of the nurseries around it.
    public let nurseryPath: String
    /// Where it was spawned; line 0 for a root and a thread.
    public let site: SourceSite
    /// What it was doing.
    public let state: State
    /// How long it had waited; nil if it did not wait.
    public let waited: Duration?
    /// The branches that it waited on, in the order they are written.
    public let waits: [Wait]
    /// How long until the first deadline around it; nil if there is none.
    public let deadline: Duration?
    /// Where the scope was opened whose deadline that is.
    public let deadlineSite: SourceSite?
    /// Why the innermost scope around it that was cancelled itself was cancelled; nil if none was.
    public let cancellation: CancellationReason?
    let index: Int
    private let frames: [UInt]

    /// The line of the program where it waited: "Server/Accept.swift:14"; nil if it did not wait, or its stack could not be
    /// read.
    ///
    /// The first question reads the program's debug information, which takes a while.
    public var line: String? { SourceLines.line(of: frames) }

    init(at index: Int, _ tree: DumpTree) {
      let fiber = tree.snapshot.fibers[index]
      self.index = index
      id = fiber.performer.number
      label = tree.label(index)
      nurseryPath = tree.path(of: fiber)
      site = fiber.site
      state =
        switch fiber.state {
        case .ready: .ready
        case .running: .running
        case .waiting: .waiting
        case .joining: .joining
        case .awaitingTurn: .awaitingTurn
        }
      waited = tree.waited(fiber)
      waits = tree.snapshot.waits(of: fiber).map { wait in
        Wait(
          description: tree.snapshot.texts[Int(wait.text)], object: tree.object(wait),
          waker: Waker(wait.waker, now: tree.now(for: fiber)))
      }
      let earliest = tree.deadline(of: fiber)
      deadline = earliest.map { .nanoseconds($0.instant - tree.now(for: fiber)) }
      deadlineSite = earliest.map { tree.snapshot.scopes[$0.scope].site }
      cancellation = tree.cancellation(of: fiber)
      frames = fiber.stack < 0 ? [] : tree.snapshot.stacks[Int(fiber.stack)]
    }
  }
}

extension FiberDump.Entry.Waker {
  fileprivate init(_ waker: NurseryCore.Waker, now: Int64) {
    self =
      switch waker {
      case .unknown: .unknown
      case .nothing: .nothing
      case .clock(let instant): .clock(.nanoseconds(max(0, instant - now)))
      case .end(let fiber): .end(of: fiber.number)
      case .holder(let fiber, let site): .holder(fiber.number, since: site)
      case .descriptor(let number): .descriptor(number)
      case .call: .call
      }
  }
}
