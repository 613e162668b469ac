import Nursery

/// An operation set up anew, and what the laws need to see and do.
struct Fixture<Value: Sendable>: @unchecked Sendable {
  /// The operation under test.
  let op: Op<Value>
  /// The blocking call that does the same as performing it, if there is one.
  var verb: (() throws -> Value)?
  /// A value that the operation does not yield, if there is one: for other branches.
  let other: Value
  /// Whether it is what the operation has to yield.
  var isRight: (Value) -> Bool = { _ in true }
  /// Lets the operation commit once; called by a fiber or a plain thread of its own, which it may block.
  var makeReady: () throws -> Void = {}
  /// How often the operation has happened; always zero if it changes nothing.
  var effects: () -> Int = { 0 }
  /// How many effects a commit has.
  var effectsOfCommit = 0
  /// How many waiters have been left with it, for those that can tell.
  var waiters: () -> Int = { 0 }
}
