extension Op {
  /// The operation whose value is `transform` of this one's.
  ///
  /// `transform` runs once, after the commit, on the performing fiber; what it throws, `perform()` throws, but the
  /// commit stands.
  @inlinable
  public func wrap<NewValue>(_ transform: @escaping (Value) throws -> NewValue) -> Op<NewValue> {
    Op<NewValue>(WrappedOperation(self, transform))
  }

  /// The operation that asks `handler` when this one's committed branch throws: a wrap's error, a closed channel's, a
  /// failed fiber's.
  ///
  /// It does not see the performer's own cancellation, nor a guard's error: then nothing of this operation has
  /// committed.
  @inlinable
  public func recover(_ handler: @escaping (any Error) throws -> Value) -> Op<Value> {
    Op(RecoveringOperation(self, handler))
  }
}

@usableFromInline
final class WrappedOperation<Base, Value>: ValueSource<Value>, @unchecked Sendable {
  @usableFromInline let base: Op<Base>
  @usableFromInline let transform: (Base) throws -> Value

  @inlinable
  init(_ base: Op<Base>, _ transform: @escaping (Base) throws -> Value) {
    self.base = base
    self.transform = transform
    super.init(
      slotSize: base.slotSize, needsResolution: base.needsResolution,
      leafCount: base.leafCount, leaf: base.leaf,
      collect: { source, performance, index in
        source.known(as: WrappedOperation<Base, Value>.self).base.collect(&performance, from: index)
      },
      take: { source, performance, index in
        let source = source.known(as: WrappedOperation<Base, Value>.self)
        return try source.transform(source.base.take(&performance, from: index))
      })
  }

  override func resolve(_ resolution: Resolution) throws -> Op<Value> {
    guard needsResolution else { return Op(self) }
    return Op(WrappedOperation(try base.resolved(resolution), transform))
  }

  override var waitDescription: String { base.source.waitDescription }
}

@usableFromInline
final class RecoveringOperation<Value>: ValueSource<Value>, @unchecked Sendable {
  @usableFromInline let base: Op<Value>
  @usableFromInline let handler: (any Error) throws -> Value

  @inlinable
  init(_ base: Op<Value>, _ handler: @escaping (any Error) throws -> Value) {
    self.base = base
    self.handler = handler
    super.init(
      slotSize: base.slotSize, needsResolution: base.needsResolution,
      leafCount: base.leafCount, leaf: base.leaf,
      collect: { source, performance, index in
        source.known(as: RecoveringOperation<Value>.self).base.collect(&performance, from: index)
      },
      take: { source, performance, index in
        let source = source.known(as: RecoveringOperation<Value>.self)
        do {
          return try source.base.take(&performance, from: index)
        } catch {
          return try source.handler(error)
        }
      })
  }

  override func resolve(_ resolution: Resolution) throws -> Op<Value> {
    guard needsResolution else { return Op(self) }
    return Op(RecoveringOperation(try base.resolved(resolution), handler))
  }

  override var waitDescription: String { base.source.waitDescription }
}
