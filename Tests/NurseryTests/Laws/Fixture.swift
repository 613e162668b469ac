import Nursery

/// A fresh instance of an operation, with the functions that the laws need.
struct Fixture<Value: Sendable>: @unchecked Sendable {
  /// The operation under test.
  let op: Op<Value>
  /// The blocking call that does the same as performing it, if there is one.
  var verb: (() throws -> Value)?
  /// A value for other branches; if possible one that the operation does not return.
  let other: Value
  /// Whether a value is one that the operation may return.
  var isRight: (Value) -> Bool = { _ in true }
  /// Lets the operation commit once; called on a separate fiber or plain thread, which it may block.
  var makeReady: () throws -> Void = {}
  /// How often the operation has happened; always zero if it changes nothing.
  var effects: () -> Int = { 0 }
  /// How many effects a commit has.
  var effectsOfCommit = 0
  /// How many waiters it holds, for operations that can count them.
  var waiters: () -> Int = { 0 }
}
