import Synchronization

extension Op {
  /// The operation that is ready at once, with this value.
  @inlinable
  public static func always(_ value: Value) -> Op<Value> { Op(ConstantOperation<Value>(.success(value))) }

  /// The operation that commits at once and throws this error.
  @inlinable
  public static func failing(_ error: any Error) -> Op<Value> { Op(ConstantOperation<Value>(.failure(error))) }

  /// The operation that never commits; performing it alone waits for the scope's cancellation.
  @inlinable
  public static var never: Op<Value> { Op(NeverOperation.shared) }
}

@usableFromInline
final class ConstantOperation<Value>: ValueSource<Value>, @unchecked Sendable {
  @usableFromInline let result: Result<Value, any Error>

  @inlinable
  init(_ result: Result<Value, any Error>) {
    self.result = result
    super.init(
      collect: { source, performance, index in performance.add(source, index: index) },
      take: { source, _, _ in try source.known(as: ConstantOperation<Value>.self).result.get() })
  }

  override func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer {
    guard offer.commits(attempt) else { return .lost }
    offer.win()
    return .committed
  }

  override class var kindDescription: String { "a constant" }
}

extension OfferRef {
  /// Commits the offer's own performer, which is running: a leaf that needs no partner is ready.
  ///
  /// False if another branch was quicker.
  @usableFromInline
  func commits(_ attempt: OperationSource.Attempt) -> Bool {
    !attempt.isPublished || pointee.performer.commitSelf()
  }
}

/// The smallest operation there is, and the first to read.
@usableFromInline
final class NeverOperation: OperationSource, @unchecked Sendable {
  @usableFromInline static let shared = NeverOperation()

  override func attempt(_ offer: OfferRef, _ attempt: Attempt) -> Answer { .pending }
  override class var kindDescription: String { "nothing that ever happens" }
  override func waker(of offer: OfferRef) -> Waker { .nothing }
}
