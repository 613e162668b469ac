import CSwitch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin  // not yet verified
#endif

// The stack of another thread that runs; see sample.c.
extension System {
  /// Lets the calling thread be sampled; true if `refuseSamples` must be called on it afterwards.
  static func admitSamples() -> Bool { cs_sample_admit() }

  /// Restores what was before.
  static func refuseSamples() { cs_sample_refuse() }

  /// The calling thread's number in the kernel; 0 if it has none.
  static var thisTask: Int32 { cs_this_task() }

  /// What a thread was doing at one moment.
  struct Sample: Sendable {
    let instruction: UInt
    let stackPointer: UInt
    /// Return addresses along the frame pointers, the innermost first.
    let frames: [UInt]
    /// The stack from the stack pointer to the innermost frame, or a part of it.
    let words: [UInt]
    /// The words at the two addresses, at that moment.
    let marks: (UInt, UInt)

    enum Failure: Error {
      case isBlocked
      case isLate
      case isUnavailable
    }

    /// How long the thread has to answer, in nanoseconds.
    private static let patience: Int64 = 30_000_000

    /// For a thread to go on with what it does, before another look.
    static func pause() { usleep(1000) }

    /// Takes one of a thread that has admitted it.
    ///
    /// - Parameters:
    ///   - task: the thread's number in the kernel.
    ///   - marks: the addresses of two words that the thread writes.
    init(thread: UInt, task: Int32, marks: (UnsafeRawPointer, UnsafeRawPointer)) throws(Failure) {
      var sample = cs_sample()
      switch cs_sample_thread(thread, task, marks.0, marks.1, Self.patience, &sample) {
      case 0: break
      case -EPERM: throw .isBlocked
      case -ETIMEDOUT: throw .isLate
      default: throw .isUnavailable
      }
      instruction = sample.instruction
      stackPointer = sample.stack_pointer
      self.marks = (sample.first_mark, sample.second_mark)
      frames = withUnsafeBytes(of: sample.frames) { Array($0.bindMemory(to: UInt.self).prefix(sample.frame_count)) }
      words = withUnsafeBytes(of: sample.words) { Array($0.bindMemory(to: UInt.self).prefix(sample.word_count)) }
    }
  }
}
