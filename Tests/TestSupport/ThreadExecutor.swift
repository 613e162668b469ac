import NurseryCore

/// Runs tasks on threads of its own.
///
/// A test whose body blocks its thread runs on a thread of the concurrency runtime's pool. If it waits for a task that
/// needs that pool, a few such tests at once wait for ever.
package final class ThreadExecutor: TaskExecutor {
  package static let shared = ThreadExecutor(threads: 2)
  /// Two with one thread each, so that a task can change its thread, or share one.
  package static let left = ThreadExecutor(threads: 1)
  package static let right = ThreadExecutor(threads: 1)

  private let jobs = Channel<UnownedJob>(.unbounded)
  private let threads = Log<PlainThread<Void>>()

  private init(threads count: Int) {
    for _ in 0..<count {
      threads.append(
        PlainThread { [self] in
          for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
        })
    }
  }

  package func enqueue(_ job: consuming ExecutorJob) { _ = try? jobs.trySend(UnownedJob(job)) }
}
