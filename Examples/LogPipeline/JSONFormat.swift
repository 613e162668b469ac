import Nursery

extension AccessEntry {
  /// Reads an object such as `{"time": "2000-10-10T13:55:36Z", "host": "10.0.0.1", "status": 200, "duration": 0.125}`.
  ///
  /// Other usual names of the fields are known, too. The time may be a number of seconds since 1970; a duration is in
  /// seconds.
  init?(json line: String) {
    guard let fields = JSONFields(line), let status = fields.number("status", "code"),
      let host = fields.text("host", "remote_addr", "remote_ip", "client", "ip"), 0...1000 ~= status
    else { return nil }
    let names = ["time", "ts", "timestamp", "time_iso8601", "@timestamp"]
    let time: WallTime?
    if let text = fields.text(names) {
      time = WallTime(iso: text[...])
    } else {
      // Beyond that it would not be a number of seconds.
      let seconds = fields.number(names).flatMap { 0...9e9 ~= $0 ? $0 : nil }
      time = seconds.map { WallTime(nanosecondsSince1970: 0) + .seconds($0) }
    }
    guard let time else { return nil }
    let latency = fields.number("duration", "request_time", "latency", "elapsed").flatMap { Duration(logged: $0) }
    self.init(time: time, host: host, status: Int(status), latency: latency)
  }
}
