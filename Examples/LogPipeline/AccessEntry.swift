import Nursery

/// One request, as a line of an access log tells it.
package struct AccessEntry: Sendable, Equatable {
  package var time: WallTime
  package var host: String
  package var status: Int
  /// How long the answer took, if the log says so.
  package var latency: Duration?

  package init(time: WallTime, host: String, status: Int, latency: Duration? = nil) {
    self.time = time
    // A host from a log must not control the terminal on which it is shown.
    self.host = String(String.UnicodeScalarView(host.unicodeScalars.map { 0x20...0x7E ~= $0.value ? $0 : "?" }))
    self.status = status
    self.latency = latency
  }

  /// Reads a line in the common format or as JSON; nil for garbage.
  package init?(_ line: String) {
    let entry = line.hasPrefix("{") ? AccessEntry(json: line) : AccessEntry(common: line)
    guard let entry, 100...599 ~= entry.status, !entry.host.isEmpty else { return nil }
    self = entry
  }
}
