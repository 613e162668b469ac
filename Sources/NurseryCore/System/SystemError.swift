import CSwitch

/// A failed system call: which call, the `errno` value and the kernel's text for it.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The `errno` value, positive.
  public let code: Int32
  /// What was attempted, in words: "reserve memory for stacks".
  public let action: String

  /// Creates an error from a positive `errno` value.
  public init(code: Int32, action: String) {
    self.code = code
    self.action = action
  }

  /// "could not reserve memory for stacks: Cannot allocate memory (12)".
  public var description: String {
    "could not \(action): \(errorText(code)) (\(code))"
  }
}
