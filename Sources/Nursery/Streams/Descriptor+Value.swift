extension Descriptor {
  /// Its number; -1 once it has been closed, because then the number may be another file's.
  var openNumber: Int32 { isClosed ? -1 : number }
}

extension IOResult {
  /// What a stream's call returns, the number of bytes or nil if it was too early, or throws.
  ///
  /// - Parameters:
  ///   - verb: the action, for the error's text: "read from".
  ///   - more: text after the stream's name.
  func value(
    _ verb: String, _ stream: some CustomStringConvertible, _ more: @autoclosure () -> String = ""
  ) throws -> Int? {
    switch self {
    case .done(let count): count
    case .wouldBlock: nil
    case .closed: throw StreamClosedError(stream: stream.description)
    case .failed(let code): throw SystemError(code: code, action: "\(verb) \(stream)\(more())")
    }
  }
}
