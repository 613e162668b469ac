import CSwitch

/// The async functions in which a suspended task waits, as return addresses, the innermost first.
///
/// A task has no stack while it is suspended. Each of its async functions has a context, which begins with the context
/// of its caller and the address where the caller goes on:
///
///     the task's record                      a context
///     ...                                    0  the caller's context, null for the first function
///     7  where it goes on                    1  where the caller goes on
///     8  the context of its continuation
///
/// Context 8 is in the frame of the function that waits for the continuation. It was linked before the continuation was
/// handed out, and stays until the task goes on.
///
/// A context begins like that on every system (docs/ABI in Swift's repository). The record's words are the runtime's
/// own business: they are believed only if word 7 is also word 1 of the context, if all addresses are those of code,
/// and if the chain ends. Otherwise there are no frames. Everything is read through the kernel, so a wrong word faults
/// nowhere.
enum AsyncFrames {
  private static let most = 64
  /// The word of the record that says where the task goes on; the context comes after it.
  private static let resumption = 7

  /// - Parameter continuation: an `UnsafeContinuation` of the task that is not resumed meanwhile: the address of the
  ///   task's record.
  static func of(continuation: UInt) -> [UInt] {
    let place = continuation &+ UInt(resumption * MemoryLayout<UInt>.size)
    guard let record = readPair(place), let first = readPair(record.second) else { return [] }
    if first.second != record.first { return [] }
    var frames: [UInt] = []
    var context = first
    while true {
      guard frames.count < most, cs_image_of_code(context.second) != nil else { return [] }
      // Where a function goes on is no return address: the call lies before it, in another part of the function.
      frames.append(context.second &+ 1)
      if context.first == 0 { return frames }
      guard context.first % 8 == 0, let next = readPair(context.first) else { return [] }
      context = next
    }
  }

  private static func readPair(_ address: UInt) -> (first: UInt, second: UInt)? {
    guard let pointer = UnsafeRawPointer(bitPattern: address) else { return nil }
    var words: (first: UInt, second: UInt) = (0, 0)
    return cs_read_memory(&words, pointer, 2 * MemoryLayout<UInt>.size) == 0 ? words : nil
  }
}
