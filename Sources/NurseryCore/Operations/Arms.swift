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
    /// Whether each leaves its value in the slot.
    @usableFromInline var arePlain = true
    /// Whether a choice of them is one of `Leaves`.
    @usableFromInline var areLeaves: Bool

    /// - Parameter plainSlotSize: what the value of the arms takes.
    @usableFromInline
    init(_ arms: Arms, plainSlotSize: Int) {
      areLeaves = !arms.isEmpty && arms.count <= Leaves.most
      for arm in arms {
        areLeaves = areLeaves && arm.timeout.isNone && arm.leaf != nil
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
  /// Its only leaf, wraps left aside; nil if it has several, or one that has to be asked.
  @inlinable var leaf: Leaf? {
    @inline(__always) get {
      source._withUnsafeGuaranteedRef { source in
        source.isPlain ? Leaf(self.source, argument) : source.known(as: CompositeSource.self).leaf
      }
    }
  }

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
  func leaves(of arms: Arms, isBiased: Bool) -> Leaves? { areLeaves ? Leaves(of: arms, isBiased: isBiased) : nil }

  @inlinable
  init<Value>(_ operations: UnsafeBufferPointer<Op<Value>>) {
    self.init(Arms(operations), plainSlotSize: Performance.slotSize(for: Value.self))
  }
}
