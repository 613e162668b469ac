import CSwitch
import Synchronization

/// The return addresses on the stack of a fiber that does not run, innermost first.
///
/// Along the frame pointers, which Swift's code keeps. Everything is read through the kernel, so a stack that begins to
/// run meanwhile, or is gone, costs frames and faults nowhere.
enum StackWalk {
  private static let mostFrames = 64

  static func frames(of fiber: FiberRef) -> [UInt] {
    let saved = fiber.pointee.savedStack.load(ordering: .acquiring)
    guard saved != 0 else { return [] }
    var frames: [UInt] = []
    // Both words of a frame lie together: the frame pointer that the function has saved, and its return address.
    var address = saved + UInt(CS_SAVED_FRAME_POINTER)
    while frames.count < mostFrames, let frame = read(address), frame.returnAddress != 0 {
      frames.append(frame.returnAddress)
      guard frame.next > address, frame.next % 8 == 0 else { break }
      address = frame.next
    }
    return fiber.pointee.savedStack.load(ordering: .acquiring) == saved ? frames : []
  }

  private static func read(_ address: UInt) -> (next: UInt, returnAddress: UInt)? {
    var words: (next: UInt, returnAddress: UInt) = (0, 0)
    let size = 2 * MemoryLayout<UInt>.size
    return cs_read_memory(&words, UnsafeRawPointer(bitPattern: address)!, size) == 0 ? words : nil
  }
}
