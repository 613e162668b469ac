/// What an offer asks a `PermitQueue` for, as it travels in the argument of an operation.
struct PermitRequest {
  let count: Int
  let takesNone: Bool

  init(_ count: Int, takesNone: Bool = false) {
    self.count = count
    self.takesNone = takesNone
  }

  init(argument: UInt) {
    count = Int(argument >> 1)
    takesNone = argument & 1 == 1
  }

  var argument: UInt { UInt(count) << 1 | (takesNone ? 1 : 0) }
}

extension OfferRef {
  /// What this offer asks a `PermitQueue` for.
  var permitRequest: PermitRequest { PermitRequest(argument: pointee.argument) }
}
