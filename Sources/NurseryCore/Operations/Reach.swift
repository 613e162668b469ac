import CSwitch

/// An object that can be used only through a strong reference to it.
///
/// If the fibers that wait for it hold all of them, it is out of reach for everyone else, and they wait for ever. It is
/// kept as an address, because each reference here would count.
package struct Reach {
  let object: UInt
  /// An object through which it can be used as well, unless it is the only one that refers to that; 0 for none.
  private let companion: UInt

  init(_ object: UInt, companion: UInt = 0) {
    self.object = object
    self.companion = companion
  }

  /// How many references there are; nil if it may be used without one.
  ///
  /// Asked while the object is kept alive.
  var references: Int? {
    if let companion = UnsafeRawPointer(bitPattern: companion), cs_strong_references(companion) != 1 { return nil }
    let references = cs_strong_references(UnsafeRawPointer(bitPattern: object)!)
    return references > 0 ? references : nil
  }

  static func address(_ object: AnyObject) -> UInt { UInt(bitPattern: Unmanaged.passUnretained(object).toOpaque()) }
}
