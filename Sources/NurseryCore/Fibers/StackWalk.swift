import CSwitch

/// The return addresses on the stack of a fiber that does not run, innermost first.
enum StackWalk {
  static func frames(of fiber: FiberRef) -> [UInt] {
    let saved = fiber.pointee.savedStack.load(ordering: .acquiring)
    guard saved != 0 else { return [] }
    let frames = StackFrames.from(saved + UInt(CS_SAVED_FRAME_POINTER))
    return fiber.pointee.savedStack.load(ordering: .acquiring) == saved ? frames : []
  }
}
