import CSwitch

/// A function that can be suspended in the middle and resumed: one stack, two directions, no scheduler.
///
/// `resume` runs the body until it yields or returns; the values that pass in both directions are typed:
///
///     let running = try Coroutine<Int, Int, String> { yielder, first in
///       var sum = first
///       while sum < 100 { sum += try yielder.yield(sum) }
///       return "enough"
///     }
///     try running.resume(40)     // .yielded(40)
///     try running.resume(70)     // .returned("enough")
///
/// A coroutine belongs to one fiber or thread at a time. When an unfinished one is dropped, its pending `yield` throws
/// `CancellationError`, so that its body unwinds and releases its resources. Any other error that the body throws then
/// goes to the scheduler's suppressed-error handler.
public final class Coroutine<Input, Output, Return> {
  /// The outcome of a `resume`.
  public enum Step {
    /// The body has yielded a value and waits for the next input.
    case yielded(Output)
    /// The body has returned; the coroutine is finished.
    case returned(Return)
  }

  /// The body's end of the coroutine.
  public struct Yielder {
    @usableFromInline let core: UnsafeMutablePointer<Core>

    @usableFromInline
    init(_ core: UnsafeMutablePointer<Core>) {
      self.core = core
    }
  }

  /// The state that both ends share.
  ///
  /// Values pass through pointers to the other side's stack.
  @usableFromInline
  struct Core {
    @usableFromInline var context: CoroutineContext
    /// Null also for an input without a size, such as `Void`, whose address means nothing.
    @usableFromInline var input: UnsafeMutablePointer<Input>?
    @usableFromInline var output: UnsafeMutablePointer<Result<Step, any Error>>?
    @usableFromInline let body: (Yielder, Input) throws -> Return

    @usableFromInline
    init(context: CoroutineContext, body: @escaping (Yielder, Input) throws -> Return) {
      self.context = context
      self.body = body
    }
  }

  @usableFromInline let core: UnsafeMutablePointer<Core>

  /// A value that the owner attaches to the coroutine; the coroutine itself never reads it.
  public var storage: Any?

  /// Prepares a coroutine; the first `resume` starts the body and passes it the input.
  ///
  /// - Parameter stackSize: bytes reserved for the stack; only touched pages take memory.
  /// - Throws: `ConfigurationError` for an absurd size, `StackError` when there is no memory.
  @inlinable
  public init(
    stackSize: Int = Configuration.defaultStackSize,
    _ body: @escaping (Yielder, Input) throws -> Return
  ) throws {
    let context = try CoroutineContext(stackSize: stackSize)
    core = .allocate(capacity: 1)
    core.initialize(to: Core(context: context, body: body))
    core.pointee.context.prepare(core) { argument in
      Self.run(argument.assumingMemoryBound(to: Core.self))
    }
  }

  deinit {
    if core.pointee.context.state == .suspended { unwind() }
    core.pointee.context.giveBackStack()
    core.deinitialize(count: 1)
    core.deallocate()
  }

  /// Lets a suspended body end, shielded from the scopes around the owner that drops the coroutine.
  ///
  /// No caller is left to catch an error of the body.
  private func unwind() {
    do {
      _ = try ScopeRef.shielding { try exchange(nil, .unwinding) }
    } catch {
      if !(error is CancellationError) { Scheduler.reportSuppressed(error) }
    }
  }

  /// Whether the body has returned or thrown.
  public var isFinished: Bool { core.pointee.context.state == .finished }

  /// Runs the body, from its beginning or its pending `yield`, until it yields or returns.
  ///
  /// Resuming a finished coroutine, or one that is running already, is a mistake that traps.
  ///
  /// - Throws: what the body throws; the coroutine is finished then.
  @inlinable
  @inline(__always)
  public func resume(_ input: Input) throws -> Step {
    if !Self.context(core).isResumable { Self.context(core).refuseToResume() }
    var input = input
    return try withUnsafeMutablePointer(to: &input) { try exchange($0, .running) }
  }

  @inlinable
  @inline(__always)
  func exchange(_ input: UnsafeMutablePointer<Input>?, _ state: CoroutineContext.State) throws -> Step {
    try withUnsafeTemporaryAllocation(of: Result<Step, any Error>.self, capacity: 1) { output in
      let core = core
      core.pointee.input = input
      core.pointee.output = output.baseAddress!
      Self.context(core).enter(state)
      return try output.baseAddress!.move().get()
    }
  }

  /// The context lies at the beginning of the core.
  @inlinable
  static func context(_ core: UnsafeMutablePointer<Core>) -> UnsafeMutablePointer<CoroutineContext> {
    UnsafeMutableRawPointer(core).assumingMemoryBound(to: CoroutineContext.self)
  }

  /// The body's whole life, on its own stack.
  @usableFromInline
  static func run(_ core: UnsafeMutablePointer<Core>) {
    let result: Result<Step, any Error>
    do {
      result = .success(.returned(try core.pointee.body(Yielder(core), core.pointee.input.unsafelyUnwrapped.pointee)))
    } catch {
      result = .failure(error)
    }
    core.pointee.output!.initialize(to: result)
  }
}

extension Coroutine where Input == Void {
  /// Runs the body until it yields or returns.
  @inlinable
  public func resume() throws -> Step { try resume(()) }
}

extension Coroutine.Yielder {
  /// Passes a value to the resumer and waits for the next input.
  ///
  /// - Throws: `CancellationError` when the coroutine is dropped unfinished; let it pass.
  @inlinable
  @inline(__always)
  public func yield(_ output: Output) throws -> Input {
    let context = Coroutine.context(core)
    if context.pointee.state != .running { throw context.refusalToYield() }
    core.pointee.output.unsafelyUnwrapped.initialize(to: .success(.yielded(output)))
    context.leave(.suspended)
    if context.pointee.state != .running { throw context.refusalToYield() }
    return core.pointee.input.unsafelyUnwrapped.pointee
  }

  /// How many bytes of the stack are left below the caller's frame.
  public var remainingStackSize: Int { core.pointee.context.remainingStackSize }
}
