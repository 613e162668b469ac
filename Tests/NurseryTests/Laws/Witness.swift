import Nursery

/// Counts what a form has called: guards, wraps, handlers, nacks and abandonments.
final class Witness: Sendable {
  let guards = Counter()
  let wraps = Counter()
  let handlers = Counter()
  let abandonments = Counter()
  let nacks = Log<Nack>()

  var tally: Tally {
    Tally(
      guards: guards.value, wraps: wraps.value, handlers: handlers.value, abandonments: abandonments.value,
      nacks: nacks.entries.count, firedNacks: nacks.entries.count { $0.isFired })
  }
}

/// How often each of them has been called.
struct Tally: Hashable, Sendable {
  var guards = 0
  var wraps = 0
  var handlers = 0
  var abandonments = 0
  var nacks = 0
  var firedNacks = 0
}
