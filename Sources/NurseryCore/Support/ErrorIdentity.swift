/// Which error it is: the same when it is rethrown, another when one like it is thrown.
///
/// An error that is thrown lives in a box that is passed on. (The structure keeps the compiler from opening the box,
/// whose contents would be looked at otherwise.)
package struct ErrorIdentity: Hashable {
  private struct Boxed {
    let error: any Error
  }

  private let address: UInt

  package init(_ error: any Error) {
    address = unsafeBitCast(Boxed(error: error), to: UInt.self)
  }

  /// The box itself, to know whether it still lives.
  static func box(of error: any Error) -> AnyObject { unsafeBitCast(Boxed(error: error), to: AnyObject.self) }
}
