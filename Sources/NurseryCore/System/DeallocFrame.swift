import CSwitch

/// Tells by a stack whether it runs while an object is destroyed: in a `deinit`, or in what that has called.
///
/// The runtime's function that destroys an object calls its `deinit` at one place. Which one that is shows the stack of
/// an object of ours, so no symbols are needed.
enum DeallocFrame {
  /// The return address at that place; nil if it was not found.
  private static let address: UInt? = find()

  static func isAmong(_ frames: [UInt]) -> Bool { address.map { frames.contains($0) } ?? false }

  private final class Probe {
    let frames: UnsafeMutablePointer<[UInt]>

    init(_ frames: UnsafeMutablePointer<[UInt]>) { self.frames = frames }

    deinit { frames.pointee = StackFrames.ofCaller() }
  }

  @inline(never)
  private static func find() -> UInt? {
    let frames = UnsafeMutablePointer<[UInt]>.new([])
    defer { frames.destroy() }
    destroy(Unmanaged.passRetained(Probe(frames)))
    let outer = StackFrames.ofCaller()
    // Both contain the caller of this function. Before it are this function and `destroy`.
    for address in outer {
      guard let caller = frames.pointee.firstIndex(of: address) else { continue }
      return caller >= 3 ? frames.pointee[caller - 3] : nil
    }
    return nil
  }

  @inline(never)
  private static func destroy(_ probe: Unmanaged<Probe>) {
    probe.release()
    // So that this call is not the last, and the function has a frame.
    cs_pause()
  }
}
