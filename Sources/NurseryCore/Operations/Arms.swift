/// The branches of a choice as they lie in memory, whatever their type: reading them counts no references.
@usableFromInline
typealias Arms = UnsafeBufferPointer<Arm>

/// Laid out as an `Op` of any value.
@usableFromInline
struct Arm {
  @usableFromInline let source: Unmanaged<OperationSource>
  @usableFromInline let argument: UInt
  @usableFromInline let timeout: OperationTimeout
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

    /// - Parameter plainSlotSize: what the value of the arms takes.
    @usableFromInline
    init(_ arms: Arms, plainSlotSize: Int) {
      for arm in arms {
        arm.source._withUnsafeGuaranteedRef { source in
          slotSize = Swift.max(slotSize, source.isPlain ? plainSlotSize : source.slotSize)
          needsResolution = needsResolution || source.needsResolution
          leafCount += source.leafCount + arm.timeout.leafCount
          arePlain = arePlain && source.isPlain && arm.timeout.isNone
        }
      }
    }
  }
}

extension Arm {
  @inlinable
  init<Value>(_ operation: Op<Value>) {
    source = .passUnretained(operation.source)
    argument = operation.argument
    timeout = operation.timeout
  }
}

extension Arms {
  /// The operations as arms: an `Op` of any value is laid out as one.
  @inlinable
  @inline(__always)
  init<Value>(_ operations: UnsafeBufferPointer<Op<Value>>) {
    self.init(
      start: UnsafeRawPointer(operations.baseAddress)?.assumingMemoryBound(to: Arm.self), count: operations.count)
  }
}

extension Arms.Extent {
  @inlinable
  init<Value>(_ operations: UnsafeBufferPointer<Op<Value>>) {
    self.init(Arms(operations), plainSlotSize: Performance.slotSize(for: Value.self))
  }
}
