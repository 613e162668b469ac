/// A fiber that yields a `Value`, as its handles see it.
@usableFromInline
package struct FiberCore<Value>: @unchecked Sendable {
  @usableFromInline package let body: FiberBody

  @inlinable
  package init(_ body: FiberBody) {
    self.body = body
  }

  @inlinable package var record: FiberRef { body.record }
  @inlinable package var isEnded: Bool { body.isEnded }
  package func cancel() { body.cancel() }

  /// Waits until the fiber has ended and returns its value.
  @inlinable
  package func wait() throws -> Value {
    guard body.join() else { throw CancellationError() }
    return try outcome()
  }

  /// The operation that commits when the fiber has ended; its value is the fiber's, its error the fiber's.
  @inlinable
  package func waitOp() -> Op<Value> { Op(body) }

  /// The result of a fiber that has ended.
  @inlinable
  package func outcome() throws -> Value {
    // While it is held no other fiber uses the record.
    try withExtendedLifetime(body) {
      switch body.status {
      case .completed: return Self.result(body.record).pointee
      case .failed: throw body.error!
      case .pending, .dropped: fatalError("the result of a fiber was asked for before it had ended")
      }
    }
  }
}

/// What a fiber runs, and what it yields, lie one after the other in the same scratch space of its record.
extension FiberCore {
  /// Holds the closure as a field of its own: inside an Optional or an enum's payload a function is stored more
  /// abstractly, at the price of a thunk and an allocation.
  @usableFromInline
  struct Closure {
    @usableFromInline let call: () throws -> Value

    @inlinable
    init(_ call: consuming @escaping () throws -> Value) {
      self.call = call
    }
  }

  /// Tells a new fiber what to run.
  ///
  /// The closure is formed here, where the type is known: a virtual method of a generic class would run unspecialised,
  /// at 100 ns a fiber.
  @inlinable
  @inline(__always)
  static func load(_ body: FiberBody, _ call: consuming @escaping () throws -> Value) {
    body.isResultTrivial = _isPOD(Value.self) && isResultInline
    closure(body.record).initialize(to: Closure(call))
    body.captures = body.record.scratch.load(fromByteOffset: MemoryLayout<UInt>.size, as: UInt.self)
    body.perform = { record, task in
      switch task {
      case .run: run(record)
      case .destroyBody: closure(record).deinitialize(count: 1)
      case .destroyResult: destroyResult(record)
      case .copyResult(let place): place.assumingMemoryBound(to: Value.self).initialize(to: result(record).pointee)
      }
    }
  }

  @inlinable
  static func closure(_ record: FiberRef) -> UnsafeMutablePointer<Closure> {
    record.scratch.assumingMemoryBound(to: Closure.self)
  }

  /// What the closure captures goes before the result comes.
  @inlinable
  static func run(_ record: FiberRef) {
    do {
      let value = try closure(record).move().call()
      makeResult(record).initialize(to: value)
      record.completeBody()
    } catch {
      record.failBody(error)
    }
  }

  /// Small results lie in the record, others on the heap.
  @inlinable
  static var isResultInline: Bool { FiberRecord.hasScratch(for: Value.self) }

  @inlinable
  static func makeResult(_ record: FiberRef) -> UnsafeMutablePointer<Value> {
    let inline = record.scratch
    if isResultInline { return inline.assumingMemoryBound(to: Value.self) }
    let storage = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    inline.storeBytes(of: storage, as: UnsafeMutablePointer<Value>.self)
    return storage
  }

  @inlinable
  static func result(_ record: FiberRef) -> UnsafeMutablePointer<Value> {
    let inline = record.scratch
    if isResultInline { return inline.assumingMemoryBound(to: Value.self) }
    return inline.load(as: UnsafeMutablePointer<Value>.self)
  }

  @inlinable
  static func destroyResult(_ record: FiberRef) {
    let storage = result(record)
    storage.deinitialize(count: 1)
    if !isResultInline { storage.deallocate() }
  }
}
