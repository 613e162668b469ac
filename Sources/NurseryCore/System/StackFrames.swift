import CSwitch

/// Return addresses along the frame pointers, which Swift's code keeps.
///
/// Everything is read through the kernel, so a stack that begins to run meanwhile, or is gone, costs frames and faults
/// nowhere.
enum StackFrames {
  private static let most = 64

  /// Those of the calling thread or fiber, the innermost first.
  @inline(never)
  static func ofCaller() -> [UInt] { from(UInt(bitPattern: cs_caller_frame())) }

  /// - Parameters:
  ///   - first: where the innermost frame begins: both its words lie together, the frame pointer that the function has
  ///     saved, and its return address.
  ///   - end: where the stack ends, above all its frames. Code of others may use the frame pointer for something else,
  ///     as Swift's own optimised async functions do.
  static func from(_ first: UInt, upTo end: UInt = .max) -> [UInt] {
    var frames: [UInt] = []
    var address = first
    while frames.count < most, let frame = read(address), frame.returnAddress != 0 {
      frames.append(frame.returnAddress)
      guard frame.next > address, frame.next < end, frame.next % 8 == 0 else { break }
      address = frame.next
    }
    return frames
  }

  private static func read(_ address: UInt) -> (next: UInt, returnAddress: UInt)? {
    guard let pointer = UnsafeRawPointer(bitPattern: address) else { return nil }
    var words: (next: UInt, returnAddress: UInt) = (0, 0)
    return cs_read_memory(&words, pointer, 2 * MemoryLayout<UInt>.size) == 0 ? words : nil
  }
}
