/// The body of a fiber that yields a `Value`.
@usableFromInline
package final class FiberCore<Value>: FiberBody, @unchecked Sendable {
  /// Holds the closure as a field of its own: inside an Optional or an enum's payload a function is stored more abstractly, at
  /// the price of a thunk and an allocation.
  @usableFromInline
  struct Closure {
    @usableFromInline let call: () throws -> Value

    @usableFromInline
    init(_ call: consuming @escaping () throws -> Value) {
      self.call = call
    }
  }

  /// Nil once it has been called, so that what it captures goes as soon as it can.
  @usableFromInline @exclusivity(unchecked) var closure: Closure?

  @inlinable
  package init(record: FiberRef, _ call: consuming @escaping () throws -> Value) {
    closure = Closure(call)
    super.init(record: record) { body, task in
      let core = unsafeDowncast(body, to: FiberCore<Value>.self)
      switch task {
      case .run: return core.callClosure()
      case .destroyBody:
        core.closure = nil
        return nil
      case .destroyResult:
        core.destroyResult()
        return nil
      }
    }
  }

  @inlinable
  func callClosure() -> (any Error)? {
    // Moved out, not copied: no reference is counted.
    let moved = withUnsafeMutablePointer(to: &closure) { pointer in
      let closure = pointer.move()
      pointer.initialize(to: nil)
      return closure
    }
    guard let moved else { return nil }
    do {
      let value = try moved.call()
      makeResultStorage().initialize(to: value)
      status = .completed
      return nil
    } catch {
      self.error = error
      status = .failed
      return error
    }
  }

  // MARK: The result

  /// Small results lie in the record, others on the heap.
  @inlinable
  static var isResultInline: Bool {
    MemoryLayout<Value>.size <= FiberRecord.inlineResultSize && MemoryLayout<Value>.alignment <= 8
  }

  @inlinable
  func makeResultStorage() -> UnsafeMutablePointer<Value> {
    let inline = record.inlineResult
    if Self.isResultInline { return inline.assumingMemoryBound(to: Value.self) }
    let storage = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    inline.storeBytes(of: storage, as: UnsafeMutablePointer<Value>.self)
    return storage
  }

  @inlinable
  var resultStorage: UnsafeMutablePointer<Value> {
    let inline = record.inlineResult
    if Self.isResultInline { return inline.assumingMemoryBound(to: Value.self) }
    return inline.load(as: UnsafeMutablePointer<Value>.self)
  }

  @inlinable
  func destroyResult() {
    let storage = resultStorage
    storage.deinitialize(count: 1)
    if !Self.isResultInline { storage.deallocate() }
  }

  /// Waits until the fiber has ended and returns its value.
  @inlinable
  package func wait() throws -> Value {
    guard join(Performer.enter()) else { throw CancellationError() }
    return try outcome()
  }

  /// The result of a fiber that has ended.
  @inlinable
  package func outcome() throws -> Value {
    switch status {
    case .completed: return resultStorage.pointee
    case .failed: throw error!
    case .pending, .dropped: fatalError("the result of a fiber was asked for before it had ended")
    }
  }
}
