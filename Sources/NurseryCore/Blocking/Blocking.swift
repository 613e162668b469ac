/// What a call does whose body runs outside of fibers, when its caller is cancelled after the body has begun.
public enum WhenCancelled: Sendable, Hashable {
  /// The call waits for the body, so the body never outlives the caller's scope.
  case awaits
  /// The call throws at once. The body runs on and its value is dropped, so the body must own what it uses.
  case abandons
}

/// Runs `body` on a thread of the blocking pool and returns what it returns.
///
///     let rows = try blocking(onCancel: { database.interrupt() }) { try database.query("select ...") }
///
/// For calls that block their thread: a C library, a database driver, a slow device. Meanwhile the calling fiber is
/// parked and its worker runs others; a calling plain thread sleeps. The pool has a bounded number of threads
/// (`BlockingPool.shared.limit`); further calls wait for their turn, first come, first served.
///
/// A cancellation point until `body` begins: if the caller is cancelled earlier, `body` never runs. Once it has begun,
/// the call waits for it, returns its value or throws its error, and the next call throws. To end such a wait early,
/// pass `onCancel`, which makes `body` return: interrupt the database, close the device, set a flag. With
/// `whenCancelled: .abandons` the call does not wait.
///
/// In `body` there is no fiber: `Fiber.current` is nil, fiber-locals have their defaults, and the caller's cancellation
/// cannot be seen. Task-locals have the caller's values. An operation performed there blocks the pool's thread, and `withNursery` opens a scheduler of its
/// own.
///
/// - Parameters:
///   - whenCancelled: whether a cancelled call waits for a body that has begun.
///   - onCancel: called at most once, on the calling fiber, shielded, when the caller is cancelled while `body` runs.
///     `body`'s thread does nothing else until it has returned. It may come just before the first instruction of
///     `body`. What it throws is reported as suppressed.
///   - body: what is run. If it throws `CancellationError` because it was interrupted, so does the call.
/// - Throws: what the body throws; `CancellationError` if the current scope was cancelled before the body began;
///   `SystemError` if no thread is available.
@available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
@discardableResult
public func blocking<Value>(
  whenCancelled: WhenCancelled = .awaits, onCancel: (() throws -> Void)? = nil,
  _ body: sending @escaping () throws -> Value
) throws -> Value {
  try BlockingPool.shared.call(whenCancelled: whenCancelled, onCancel: onCancel, body)
}

/// The operation that runs `body` on a thread of the blocking pool, and commits when it has ended; see `blocking`.
///
/// Each perform runs `body` anew, and only once it has to wait: a choice that has something ready never runs it, and a
/// poll never commits. If another branch commits, a `body` that has not begun never runs. One that has begun is treated
/// as if its caller were cancelled: the choice calls `onCancel` and waits for `body`, or abandons it; the value is
/// dropped, and an error is reported as suppressed. If the performer is cancelled after `body` has begun, this branch
/// commits, as `blocking` does.
public func blockingOp<Value>(
  whenCancelled: WhenCancelled = .awaits, onCancel: (() throws -> Void)? = nil,
  _ body: @escaping @Sendable () throws -> Value
) -> Op<Value> {
  BlockingPool.shared.callOp(whenCancelled: whenCancelled, onCancel: onCancel, body)
}

extension BlockingPool {
  /// Runs `body` and waits for it.
  package func call<Value>(
    whenCancelled: WhenCancelled = .awaits, onCancel: (() throws -> Void)? = nil,
    _ body: @escaping () throws -> Value
  ) throws -> Value {
    let call = BlockingCall(self, .atEnd, whenCancelled, onCancel: onCancel, body)
    do {
      try Op<Void>(call).perform()
    } catch {
      call.giveUp()
      throw error
    }
    return try call.value()
  }

  /// The operation that runs `body` and commits when it has ended.
  package func callOp<Value>(
    whenCancelled: WhenCancelled = .awaits, onCancel: (() throws -> Void)? = nil,
    _ body: @escaping () throws -> Value
  ) -> Op<Value> {
    .guarded { BlockingCall(self, .atEnd, whenCancelled, onCancel: onCancel, body).op }
  }

  /// As `callOp`, but commits when `body` begins, so a perform that is cancelled or times out has had no effect.
  package func committedOp<Value>(_ body: @escaping () throws -> Value) -> Op<Value> {
    .guarded { BlockingCall(self, .atStart, .awaits, onCancel: nil, body).op }
  }

  /// The operation that runs `body`, which only makes system calls of ours: a signal interrupts them if the call is
  /// given up.
  package func interruptibleOp<Value>(_ body: @escaping @Sendable () throws -> Value) -> Op<Value> {
    .guarded {
      let interruption = System.Interruption()
      return self.callOp(onCancel: interruption.interrupt) { try interruption.run(body) }
    }
  }

  /// Runs `body` as soon as there is a thread, and then calls `completion` there, which must not block.
  ///
  /// Never blocks.
  package func start<Value>(
    _ body: @escaping () throws -> Value, completion: @escaping (Result<Value, any Error>) -> Void
  ) {
    let call = BlockingCall(self, .never, .abandons, onCancel: nil, body)
    call.completion = completion
    submit(call)
  }
}
