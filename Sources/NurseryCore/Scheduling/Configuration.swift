/// How a scheduler runs: how many workers, how large the stacks, by which clock.
public struct Configuration: Sendable {
  /// Where the time comes from.
  public enum Clock: Sendable, Hashable {
    /// The system's monotonic clock.
    case system
    /// A clock that stands still while any fiber can run, and jumps to the next timer when none can.
    ///
    /// Programs that only wait for each other and for time run at once and the same way every time.
    case virtual
  }

  /// What becomes of a scheduler in which nothing can ever happen again.
  public enum DeadlockResponse: Sendable, Hashable {
    /// Everything is cancelled, and when it has unwound the run throws a `DeadlockError` that lists what each fiber
    /// waited for.
    ///
    /// Where the waits are shielded from the cancellation, the process is ended with the list instead.
    case fail
    /// Nothing: the scheduler waits on, for a signal that ends the process, or for a debugger.
    case wait
  }

  /// The number of workers, at most; nil for as many as the process may use processors.
  ///
  /// Threads are started when there is work for them. A fiber stays on the thread on which it began; see `migration`.
  /// `Scheduler.spawnWorker` and `retireWorker` change the number while the scheduler runs.
  ///
  /// With 1, fibers never run at the same time, and on no other thread than the one that calls: no thread is ever
  /// started for them, and a fiber that computes holds up all others until it waits or yields.
  public var parallelism: Int?
  /// Bytes reserved for the stack of each fiber; only touched pages take memory.
  ///
  /// Below each stack lies a guard of 64 KiB of addresses. A single frame larger than that can step over it: a function
  /// with local arrays of more than 64 KiB needs a stack that is known to hold it.
  public var stackSize: Int
  /// Where the time comes from.
  public var clock: Clock
  /// Determines the random choices of a scheduler with one worker; nil for another seed each time.
  public var seed: UInt64?
  /// How long a fiber may compute, or sit in a system call, before it counts as stalled; from 100 microseconds to a
  /// minute.
  ///
  /// Then `onStall` is called, and what other threads may run of the fibers queued behind it goes to them. A fiber is
  /// never interrupted. What others may run are the fibers that have not begun; with `migration: .whenWaiting` all, and
  /// if no worker gets anywhere a further thread runs them, until one does again. While a worker has nothing to do, it
  /// takes them over sooner.
  public var timeSlice: Duration

  /// Called with each error that no call is left to throw; nil writes a line to standard error.
  ///
  /// That is a further failure in a `.failFast` nursery, which throws the first (called on the fiber that ran the
  /// nursery's body); the error that ends a loop over a listener, a generator or lines; that of a coroutine that was
  /// dropped; that of a fiber that a deadlock has ended; and that of the last write to a file that was not flushed.
  public var onSuppressedError: (@Sendable (any Error) -> Void)?

  /// Called when a fiber has computed, or sat in a system call, for longer than `timeSlice`; once for each time.
  ///
  /// It holds up the fibers that have begun on its thread. Called on the scheduler's monitor thread, which serves
  /// nothing else meanwhile: note the stall and return. With `parallelism: 1` there is such a thread only if this or a
  /// handler for `lints` is set.
  ///
  /// The fiber's stack is taken by a real-time signal to its thread, one that the program does not use. If this or a
  /// handler for `lints` is set, the threads that run fibers let it through during the run, and the caller's blocks it
  /// again afterwards.
  public var onStall: (@Sendable (Scheduler.Stall) -> Void)?

  /// Called when fibers that have begun have had to wait for one worker for 100 milliseconds while another slept; once
  /// for each line that spawns such fibers.
  ///
  /// Only where they wait for long: fibers that talk to each other are quicker on one worker. Called on the scheduler's
  /// monitor thread. Debug builds also write a line to standard error.
  public var onImbalance: (@Sendable (Scheduler.Imbalance) -> Void)?

  /// What to do when every fiber waits and nothing is left that could wake one; deterministic schedulers always fail.
  ///
  /// Found only when it is certain: no timer is set, no descriptor is waited for, and every thread of the process is a
  /// worker of this scheduler, or blocked in an operation. While there is any other thread, which might wake a fiber,
  /// nothing is reported. Found within about half a second, on Linux only. A signal handler does not count as such a
  /// thread (it must not use channels or conditions, but may write to a pipe that a fiber reads): programs that wait
  /// for nothing else write `.wait`.
  public var onDeadlock: DeadlockResponse

  /// Whether to measure how much of its stack each fiber uses; off unless asked for.
  ///
  /// `Scheduler.statistics.stacks` then tells the deepest use for each line that spawns fibers, and what `stackSize` to write. It makes
  /// every fiber dearer by a few microseconds, and takes no memory. Measure the build that you ship: frames differ.
  /// Coroutines and the body of the run itself are not measured, and nothing is in sanitized builds.
  public var measuresStacks: Bool

  /// Whether what the fibers do is recorded, and how much of it is kept.
  ///
  /// `Scheduler.startRecording` and `stopRecording` turn the recorder on and off while the scheduler runs.
  public var recorder: Recorder

  /// Learns when the scheduler begins, stalls and ends, and has it measure itself; nil for no measurements.
  ///
  /// `Scheduler.metrics` are the figures. With one, a switch and a wakeup read the clock, and unless time is virtual
  /// there is a monitor thread also with `parallelism: 1`.
  public var observer: (any SchedulerObserver)?

  /// Whether fibers that have begun may go on on another thread.
  public var migration: Migration

  /// Where the scheduler learns which descriptors are ready.
  public var readiness: Readiness

  /// What happens to lints: habits that cost dearly or hide a fault, found while the program runs.
  ///
  /// By default debug builds write each to standard error, with the line and what to write instead. The guide "What is
  /// it doing?" lists them.
  public var lints: Lint.Reporting

  /// The socket at which the run answers the command `nursery-console`; nil for none.
  ///
  ///     try runFibers(Configuration(console: .at("/run/user/1000/server.console"))) { ... }
  ///
  /// It is open from the beginning of the run until its last fiber has ended. A thread of its own answers, also while
  /// every worker computes or every fiber waits. A client may cancel nurseries; so the socket has mode 0600, and only
  /// processes of this user and root are answered.
  public var console: Console?

  /// Whose guest the first worker is; nil if its thread is the scheduler's own.
  package var guest: Guest?

  /// Whether it is that of `Scheduler.shared`.
  package var isShared = false

  /// Makes what decides in place of chance; for deterministic schedulers, which have one worker.
  package var makeDecisions: (@Sendable () -> Decisions)?

  /// A scheduler that does the same every time: one worker, virtual time, and every choice (which fiber runs next,
  /// which branch is asked first) follows from the seed.
  ///
  /// Every blocking call is a scheduling point, so another seed is another interleaving. When nothing can ever happen
  /// again the root is given a `DeadlockError`; plain threads must therefore stay out.
  public static func deterministic(seed: UInt64) -> Configuration {
    var configuration = Configuration(parallelism: 1, clock: .virtual, seed: seed)
    configuration.makeDecisions = { Decisions(SeededDecisions(seed: seed)) }
    return configuration
  }

  /// Whether fibers that have begun may go on on another thread.
  public enum Migration: Sendable, Hashable {
    /// A fiber stays on the thread on which it began; only fibers that have not begun are taken over by other workers.
    ///
    /// So a fiber may use whatever belongs to a thread, as code on a thread may: a `Mutex`, a thread-local, a C library
    /// that keeps its state in one.
    case never
    /// A fiber that waits may go on on another worker, if that has nothing to do or its own computes for long.
    ///
    /// For programs that compute much. In fibers of such a scheduler no `Mutex` may be locked and no thread-local be
    /// used, not even between waits: the compiler keeps the address of what belongs to a thread, and uses it on the
    /// wrong one.
    case whenWaiting
  }

  /// Where a run can be inspected from outside while it lasts; see `console`.
  public struct Console: Sendable {
    let open: @Sendable () throws -> any Attendant

    package init(_ open: @escaping @Sendable () throws -> any Attendant) { self.open = open }
  }

  /// Where a scheduler learns which descriptors are ready.
  public enum Readiness: Sendable, Hashable {
    /// The best way that the kernel offers: epoll.
    case automatic
    /// poll(2), which is slow with many descriptors; to check the other by.
    case poll
  }

  /// Whether what the fibers do is recorded: spawns, switches, waits and what ended them, cancellations, scopes.
  ///
  /// A fixed part of memory for each worker holds the latest events; nothing is written to a file until a trace is asked
  /// for.
  public enum Recorder: Sendable, Hashable {
    /// Not unless `Scheduler.startRecording` is called; a switch then costs one load more than without a recorder.
    case off
    /// From the beginning; the last `events` of each worker are kept, in 32 bytes each, rounded up to a power of two.
    case on(events: Int = 32_768)

    static let sizes = 64...(1 << 24)

    /// How many events are kept of each worker.
    func resolvedEvents() throws(ConfigurationError) -> Int {
      guard case .on(let events) = self else { return FlightRecorder.usualCapacity }
      guard Self.sizes.contains(events) else {
        throw ConfigurationError(
          "the recorder is to keep \(events) events; write a number from 64 to \(1 << 24), or .on() for 32,768")
      }
      return 1 << (Int.bitWidth - (events - 1).leadingZeroBitCount)
    }
  }

  /// The default size of a fiber's stack.
  ///
  /// Sanitized code has larger frames.
  public static let defaultStackSize = System.isSanitized ? 1 << 20 : 256 << 10

  static let largestParallelism = 1024
  static let timeSlices = Duration.microseconds(100)...Duration.seconds(60)

  /// Creates a configuration; every argument has a default that suits a server.
  public init(
    parallelism: Int? = nil, stackSize: Int = Configuration.defaultStackSize, clock: Clock = .system,
    seed: UInt64? = nil, timeSlice: Duration = .milliseconds(10),
    onSuppressedError: (@Sendable (any Error) -> Void)? = nil, onDeadlock: DeadlockResponse = .fail,
    measuresStacks: Bool = false, migration: Migration = .never, readiness: Readiness = .automatic,
    onStall: (@Sendable (Scheduler.Stall) -> Void)? = nil,
    onImbalance: (@Sendable (Scheduler.Imbalance) -> Void)? = nil,
    lints: Lint.Reporting = .automatic, console: Console? = nil,
    recorder: Recorder = .off, observer: (any SchedulerObserver)? = nil
  ) {
    self.parallelism = parallelism
    self.stackSize = stackSize
    self.clock = clock
    self.seed = seed
    self.timeSlice = timeSlice
    self.onSuppressedError = onSuppressedError
    self.onDeadlock = onDeadlock
    self.measuresStacks = measuresStacks
    self.migration = migration
    self.readiness = readiness
    self.onStall = onStall
    self.onImbalance = onImbalance
    self.lints = lints
    self.console = console
    self.recorder = recorder
    self.observer = observer
  }

  /// The number of workers to use.
  func resolvedParallelism() throws(ConfigurationError) -> Int {
    guard let parallelism else { return min(System.processorCount, Self.largestParallelism) }
    guard (1...Self.largestParallelism).contains(parallelism) else {
      throw ConfigurationError(
        "parallelism is \(parallelism); write a number from 1 to \(Self.largestParallelism), or leave it out to use every processor"
      )
    }
    return parallelism
  }

  /// The time slice in nanoseconds.
  func resolvedTimeSlice() throws(ConfigurationError) -> Int64 {
    guard Self.timeSlices.contains(timeSlice) else {
      throw ConfigurationError(
        "timeSlice is \(timeSlice); write a duration from 100 microseconds to 60 seconds, or leave it out for 10 milliseconds"
      )
    }
    return timeSlice.nanosecondsClamped
  }
}
