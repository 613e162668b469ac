/// No stack was available for a fiber or coroutine.
///
/// A fiber for which there is no stack fails with this error.
public struct StackError: Error, Sendable, CustomStringConvertible {
  /// The `errno` value of the refused call.
  public let code: Int32
  /// How many stacks of this size existed already.
  public let mapped: Int
  /// The size that was asked for, in bytes.
  public let stackSize: Int

  /// What was refused, and what to change.
  public var description: String {
    let advice =
      System.guardsSplitMappings
      ? "this kernel needs two mappings per stack: raise vm.max_map_count, or run fewer fibers at once"
      : "lower the configuration's stackSize, raise the memory limit, or run fewer fibers at once"
    return "no memory for a fiber's stack of \(stackSize) bytes (\(mapped) exist): \(errorText(code)); \(advice)"
  }
}
