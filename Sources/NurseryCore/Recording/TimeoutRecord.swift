/// Which timeout of a recording an error is about, so that it can tell later where its time went.
///
/// Keeps the recorder alive, and not the scheduler, which may keep the error.
package final class TimeoutRecord: Sendable {
  let recorder: FlightRecorder
  let isDeterministic: Bool
  /// The number of the timeout among those that the recorder has seen.
  package let number: UInt64
  /// The fiber that has set it, whose spawn may no longer be recorded.
  package let hostName: String?
  package let hostSite: SourceSite

  init(
    _ recorder: FlightRecorder, number: UInt64, hostName: String?, hostSite: SourceSite, isDeterministic: Bool
  ) {
    self.recorder = recorder
    self.number = number
    self.hostName = hostName
    self.hostSite = hostSite
    self.isDeterministic = isDeterministic
  }
}
