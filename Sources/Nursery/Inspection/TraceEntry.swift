/// An event of a recording, with its text.
struct TraceEntry {
  let event: RecordedEvent
  /// The index of its track.
  let track: Int
  var text: String?

  /// The events of all tracks by their times; those of one track keep their order.
  static func all(of recording: Recording) -> [TraceEntry] {
    var entries: [(time: Int64, entry: TraceEntry)] = []
    for (index, track) in recording.tracks.enumerated() {
      var latest = Int64.min
      var bytes: [UInt8] = []
      var isFirst = true
      for event in track.events {
        if event.kind == .text {
          // The event that it belongs to may have been overwritten.
          if isFirst { continue }
          bytes += event.textBytes
          entries[entries.count - 1].entry.text = String(decoding: bytes, as: UTF8.self)
        } else {
          isFirst = false
          bytes = []
          latest = max(latest, event.time)
          entries.append((latest, TraceEntry(event: event, track: index)))
        }
      }
    }
    // `sort` is stable.
    entries.sort { $0.time < $1.time }
    return entries.map(\.entry)
  }
}
