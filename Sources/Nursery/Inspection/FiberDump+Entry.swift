extension FiberDump {
  /// One fiber, or a plain thread or task that waits in an operation.
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
      /// Where the descriptor leads that it waits for, if the kernel tells: the addresses of a socket and its peer,
      /// "127.0.0.1:80 to 127.0.0.1:51234", or the name of a file, "pipe:[4711]".
      ///
      /// Asked for when the dump was taken. Wrong if the descriptor was closed at that moment, and its number was given
      /// to another.
      public let target: String?
    }

    /// A fiber-local that its `shownAs` lets dumps show.
    public struct Local: Sendable, Hashable {
      /// What it is called.
      public let name: String
      /// The text of the value, made when it was bound; of a long one the beginning.
      public let value: String
    }

    /// A call in the program's code.
    public struct Call: Sendable, Hashable, CustomStringConvertible {
      /// The function, without its module and arguments: "closure #1 in Client.fetch()".
      public let function: String
      /// The module of the function.
      public let module: String
      /// Where the call is: "Server/Accept.swift:14"; nil without debug information.
      public let line: String?
      /// "in closure #1 in Client.fetch() at Server/Accept.swift:14".
      public let description: String

      init(_ place: SourceLines.Place) {
        function = place.function
        module = place.module
        line = place.line
        description = place.description
      }
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

    /// The fiber's number, as its handle has it; 0 for a root and a task.
    public let id: UInt64
    /// Which fiber: "fiber "reader"", "the root fiber", "a plain thread", "a task".
    public let label: String
    /// The names of the nurseries around it.
    public let nurseryPath: String
    /// Where it was spawned; line 0 for a root, a thread and a task.
    public let site: SourceSite
    /// What it was doing.
    public let state: State
    /// How long it had waited; nil if it did not wait.
    public let waited: Duration?
    /// The branches that it waited on, in the order they are written.
    public let waits: [Wait]
    /// The fiber-locals that are shown, and that were bound while it waited; empty if it did not wait in an operation.
    public let locals: [Local]
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

    /// The calls that led to the wait, the innermost first: those in the program's own code, and in that of libraries
    /// other than Nursery and Swift's.
    ///
    /// Of a task the async functions. Empty if it did not wait, if the stack could not be read, and under a sanitizer.
    /// The first question reads the program's debug information, which takes a while.
    public var stack: [Call] { SourceLines.places(of: frames).map { Call($0) } }

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
        var target: String?
        if case .descriptor(let number) = wait.waker { target = tree.snapshot.targets[number]?.text }
        return Wait(
          description: tree.snapshot.texts[Int(wait.text)], object: tree.object(wait),
          waker: Waker(wait.waker, now: tree.now(for: fiber)), target: target)
      }
      let shown = fiber.locals < 0 ? [] : tree.snapshot.locals[Int(fiber.locals)]
      locals = shown.map { Local(name: $0.name, value: $0.value) }
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
      case .unknown, .reference: .unknown
      case .nothing: .nothing
      case .clock(let instant): .clock(.nanoseconds(max(0, instant - now)))
      case .end(let fiber): .end(of: fiber.number)
      case .holder(let fiber, let site): .holder(fiber.number, since: site)
      case .descriptor(let number): .descriptor(number)
      case .call: .call
      }
  }
}
