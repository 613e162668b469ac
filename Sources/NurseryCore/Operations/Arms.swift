/// The branches of a choice as they lie in memory, whatever their type: reading them counts no references.
@usableFromInline
typealias Arms = UnsafeBufferPointer<Arm>

/// Laid out as an `Op` of any value.
@usableFromInline
struct Arm {
  @usableFromInline let source: Unmanaged<OperationSource>
  @usableFromInline let argument: UInt
  @usableFromInline let limit: OperationLimit
}

extension Arms {
  /// The total that a number of branches need.
  @usableFromInline
  struct Extent {
    @usableFromInline var slotSize = 0
    @usableFromInline var needsResolution = false
    @usableFromInline var leafCount = 0
    /// Whether each is one leaf that leaves its value in the slot.
    @usableFromInline var arePlain = true

    @usableFromInline
    init(_ arms: Arms) {
      for arm in arms {
        arm.source._withUnsafeGuaranteedRef { source in
          slotSize = Swift.max(slotSize, source.slotSize)
          needsResolution = needsResolution || source.needsResolution
          leafCount += source.leafCount + arm.limit.leafCount
          arePlain = arePlain && source.delivery == .slot && arm.limit.isNone
        }
      }
    }
  }
}

extension Array {
  @inlinable
  @inline(__always)
  func withArms<Value, Result>(_ body: (Arms) -> Result) -> Result where Element == Op<Value> {
    withUnsafeBufferPointer { operations in
      operations.withMemoryRebound(to: Arm.self, body)
    }
  }
}
