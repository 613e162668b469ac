#if os(Linux)
  /// An asynchronous function that begins on the thread and the stack of the fiber that calls it.
  ///
  /// The fiber does not return before the function has ended, so the result lies in the fiber's frame, and what waits for
  /// the end need not know its type: code that is generic, and not specialised, costs as much as the task.
  @usableFromInline
  enum CallHere {
    /// Whether the caller is a fiber, outside of tasks, whose scheduler is not a deterministic one.
    @usableFromInline
    static var isPossible: Bool {
      let me = Performer.current()
      return me.runsOnScheduler && !me.pointee.worker.isInTask && me.pointee.worker.pointee.decisions == nil
    }

    @inlinable
    static func run<Value: Sendable>(
      _ priority: TaskPriority?, _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
      try withUnsafeTemporaryAllocation(of: Result<Value, any Error>?.self, capacity: 1) { frame in
        nonisolated(unsafe) let slot = frame.baseAddress!
        slot.initialize(to: nil)
        defer { slot.deinitialize(count: 1) }
        do {
          try runToEnd(priority) {
            do { slot.pointee = .success(try await body()) } catch { slot.pointee = .failure(error) }
          }
        } catch {
          if case .failure(let lost) = slot.pointee { report(lost) }
          throw error
        }
        return try slot.pointee!.get()
      }
    }

    /// Reports the error of a function whose caller is cancelled.
    @usableFromInline
    static func report(_ lost: any Error) {
      if !(lost is CancellationError) { Scheduler.reportSuppressed(lost) }
    }

    /// Runs `body` in a task of its own, here until it suspends first, and waits for its end.
    ///
    /// - Throws: `CancellationError` if the current scope is cancelled; the task has been cancelled then, and has ended.
    @usableFromInline
    static func runToEnd(_ priority: TaskPriority?, _ body: @escaping @Sendable () async -> Void) throws {
      let me = Performer.enter()
      if me.isCancelled { throw CancellationError() }
      let inherited = priority ?? InheritedPriority.current
      let call = AsyncCall<Void>(nil)
      let task = PlainThread.onStack(of: me) {
        Task.immediate(priority: inherited) {
          await body()
          call.end(.success(()))
        }
      }
      if call.noteBegun({ task.cancel() }) != nil { return }
      var isPerformed = false
      do {
        try Op<Void>.guarded {
          isPerformed = true
          return Op(base: call).onAbandon { call.giveUp(.awaits) }.wrap { _ in }
        }.perform()
      } catch {
        // Cancelled before the guard could run.
        if !isPerformed { call.giveUp(.awaits) }
        throw error
      }
    }
  }
#endif
