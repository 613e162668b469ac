import CSwitch

/// The return addresses on the stack of a performer that does not run, innermost first.
///
/// None if it is about to leave its stack, or comes back: then `savedStack` has changed.
enum StackWalk {
  static func frames(of performer: FiberRef) -> [UInt] {
    let saved = performer.pointee.savedStack.load(ordering: .acquiring)
    guard saved != 0 else { return [] }
    let frames =
      switch performer.pointee.kind {
      case .task: TaskPerformer.frames(saved)
      case .thread: StackFrames.from(saved + UInt(CS_SAVED_FRAME_POINTER), upTo: performer.endOfThreadStack)
      default: StackFrames.from(saved + UInt(CS_SAVED_FRAME_POINTER))
      }
    return performer.pointee.savedStack.load(ordering: .acquiring) == saved ? frames : []
  }
}

extension FiberRef {
  /// Where the stack ends on which a plain thread is parked.
  fileprivate var endOfThreadStack: UInt {
    let saved = pointee.savedStack.load(ordering: .relaxed)
    let bottom = pointee.worker.pointee.plain.stackBottom.load(ordering: .relaxed)
    let top = pointee.worker.pointee.plain.stackTop.load(ordering: .relaxed)
    // The thread may have lent itself to a fiber, on whose stack it is.
    return saved >= bottom && saved < top ? top : .max
  }
}
