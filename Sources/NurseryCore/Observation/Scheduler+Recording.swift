import Synchronization

// The flight recorder is turned on and off while fibers run. A worker finds it by its byte of observers; the ring has
// been published before. A recorder stays until the scheduler goes, since a worker that has just loaded the byte may
// write a last event after it was turned off.
extension Scheduler {
  /// The recorder, once there was one, and whether it is on.
  struct RecordingState: ~Copyable {
    fileprivate let recorder = Atomic<UnsafeMutableRawPointer?>(nil)
    let isOn = Atomic<Bool>(false)

    deinit {
      if let pointer = recorder.load(ordering: .acquiring) { Unmanaged<FlightRecorder>.fromOpaque(pointer).release() }
    }
  }

  /// The recorder, if it has ever been on.
  package var recorder: FlightRecorder? {
    guard let pointer = recording.recorder.load(ordering: .acquiring) else { return nil }
    return Unmanaged<FlightRecorder>.fromOpaque(pointer).takeUnretainedValue()
  }

  /// Whether what the fibers do is being recorded.
  public var isRecording: Bool { recording.isOn.load(ordering: .relaxed) }

  /// Records from now on what the fibers do, as `Configuration(recorder:)` does from the beginning.
  ///
  /// Callable from any fiber or thread. What an earlier recording has left is forgotten. `trace()` takes what is
  /// recorded. Does nothing if it is on already, or if the run is over.
  public func startRecording() {
    workers.lock.withLock {
      // The workers stay until this lock is free.
      if recording.isOn.load(ordering: .relaxed) || isStopping.load(ordering: .relaxed) { return }
      if let recorder { recorder.beginAnew(now: isVirtual ? now : 0) } else { makeRecorder() }
      recording.isOn.store(true, ordering: .releasing)
      for index in workers.indices { attachRecorder(to: workers[index]) }
    }
  }

  /// Ends the recording; what was recorded can still be taken.
  public func stopRecording() {
    workers.lock.withLock {
      recording.isOn.store(false, ordering: .releasing)
      if isStopping.load(ordering: .relaxed) { return }
      for index in workers.indices {
        workers[index].pointee.instruments.active.bitwiseAnd(~Worker.Instruments.recorder, ordering: .relaxed)
      }
    }
  }

  /// Called with the workers' lock held, or before there are workers.
  func makeRecorder() {
    let made = FlightRecorder(capacity: settings.eventsPerWorker, isVirtual: isVirtual)
    recording.recorder.store(Unmanaged.passRetained(made).toOpaque(), ordering: .releasing)
  }

  /// Gives a worker its ring if the recorder is on; called with the workers' lock held, or before the worker runs.
  func attachRecorder(to worker: WorkerRef) {
    guard recording.isOn.load(ordering: .relaxed), let recorder else { return }
    worker.pointee.instruments.ring.store(recorder.ring(of: worker.pointee.place.index), ordering: .releasing)
    worker.pointee.instruments.active.bitwiseOr(Worker.Instruments.recorder, ordering: .releasing)
  }
}
