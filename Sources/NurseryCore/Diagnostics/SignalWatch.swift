import CSwitch
import Synchronization

/// A thread that waits for a signal, and for nothing that fibers do: it reports when no worker would.
package enum SignalWatch {
  private static let threads = Atomic<Int>(0)

  private final class Watch: Sendable {
    let listener: System.Listener
    let report: @Sendable () -> Void

    init(_ listener: System.Listener, _ report: @escaping @Sendable () -> Void) {
      self.listener = listener
      self.report = report
    }
  }

  /// For the deadlock detector: these threads wake no fiber.
  static var threadCount: Int { threads.load(ordering: .acquiring) }

  /// Calls `report`, which must not wait for fibers, whenever the signal arrives.
  package static func start(_ signal: Int32, _ report: @escaping @Sendable () -> Void) throws(SystemError) {
    let listener = try System.Listener([signal])
    let watch = Unmanaged.passRetained(Watch(listener, report))
    do {
      System.detachThread(try System.startThread("fibers-signal", watch.toOpaque(), body))
      threads.add(1, ordering: .releasing)
    } catch {
      listener.stop()
      System.close(listener.number)
      watch.release()
      throw error
    }
  }

  private static let body: System.ThreadBody = { argument in
    let watch = Unmanaged<Watch>.fromOpaque(argument!).takeUnretainedValue()
    while true {
      System.waitUntilReadable(watch.listener.number)
      while watch.listener.take() > 0 { watch.report() }
    }
  }
}
