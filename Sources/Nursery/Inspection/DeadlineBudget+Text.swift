extension DeadlineBudget: CustomStringConvertible {
  /// A line for each part, below a line that says of how much time.
  public var description: String {
    if parts.isEmpty { return "where the time went is no longer recorded" }
    var head = "where \(recorded.inDigits) went"
    let isGone = isOverwritten ? "no longer recorded" : "not recorded"
    switch unrecorded {
    case .zero?: break
    case let lost?: head = "the first \(lost.inDigits) are \(isGone); where the other \(recorded.inDigits) went"
    case nil: head = "the beginning is \(isGone); where the last \(recorded.inDigits) went"
    }
    if overrun >= .milliseconds(1) { head += ", and \(overrun.inDigits) more until all had ended" }
    let listed = parts.prefix(Self.mostParts).map { "\n  \($0)" }.joined()
    let others = parts.count - Self.mostParts
    return "\(head):\(listed)\(others > 0 ? "\n  and fibers of \(others) more lines" : "")"
  }

  private static let mostParts = 50
}

extension DeadlineBudget.Part: CustomStringConvertible {
  /// How long they waited, for all there was to wait for.
  public var waiting: Duration { waits.reduce(.zero) { $0 + $1.duration } }

  /// "fiber "reader" spawned at Shop/Main.swift:8: ran 1.2 ms, waited 2 s: 1.5 s for receive from a Channel<Int>, 500 ms
  /// for a timer".
  public var description: String {
    var doings: [String] = []
    if running > .zero { doings.append("ran \(running.inDigits)") }
    if ready > .zero { doings.append("could run \(ready.inDigits)") }
    if waits.count == 1 { doings.append("waited \(waits[0].duration.inDigits) for \(waits[0].description)") }
    if waits.count > 1 {
      var list = waits.prefix(Self.mostWaits).map { "\($0.duration.inDigits) for \($0.description)" }
      if waits.count > Self.mostWaits { list.append("the rest for \(waits.count - Self.mostWaits) others") }
      doings.append("waited \(waiting.inDigits): \(list.joined(separator: ", "))")
    }
    let place = site.line > 0 ? " spawned at \(site)" : ""
    let together = count > 1 ? " together" : ""
    return "\(label)\(place):\(together) \(doings.isEmpty ? "did nothing" : doings.joined(separator: ", "))"
  }

  private static let mostWaits = 8
}

extension Duration {
  /// "37 ns", "54.1 µs", "20 ms", "2.13 s": three digits, rounded.
  var inDigits: String {
    let nanoseconds = max(0, nanosecondsClamped)
    var unit = 0
    var scale: Int64 = 1
    while unit < 3, nanoseconds >= scale * 1000 - scale / 2 {
      unit += 1
      scale *= 1000
    }
    // In hundredths of the unit; as many of them are shown as make three digits.
    let exact = scale == 1 ? nanoseconds * 100 : (nanoseconds + scale / 200) / (scale / 100)
    let step: Int64 = exact >= 10_000 ? 100 : exact >= 1000 ? 10 : 1
    let rounded = (exact + step / 2) / step * step
    var fraction = "\(100 + rounded % 100)".dropFirst()
    while fraction.last == "0" { fraction.removeLast() }
    return "\(rounded / 100)\(fraction.isEmpty ? "" : ".\(fraction)") \(["ns", "µs", "ms", "s"][unit])"
  }
}
