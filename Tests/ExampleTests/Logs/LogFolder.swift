import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A temporary folder with a log, as a server writes it.
final class LogFolder: Sendable {
  let folder: String
  var log: String { "\(folder)/access.log" }

  init() throws {
    var name = Array("/tmp/log-pipeline-XXXXXX".utf8CString)
    folder = mkdtemp(&name).map { String(cString: $0) } ?? "/"
  }

  deinit {
    for name in ["access.log", "access.log.1"] { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }

  func append(_ text: String, to path: String? = nil) throws {
    let file = try FileStream(path ?? log, .append, [.create])
    defer { file.close() }
    try file.writeAll(text)
    // What was accepted is in the file.
    try file.sync(dataOnly: true)
  }

  /// Renames the log, as logrotate does.
  func rotate() { rename(log, "\(log).1") }

  func truncate() throws {
    let file = try FileStream(log, .write, [.truncate])
    file.close()
  }

  /// A line of the common format, at a time.
  static func common(_ time: WallTime, host: String = "10.0.0.1", status: Int = 200, latency: String = "") -> String {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let parts = time.description.dropLast().split(separator: "T").map(String.init)
    let date = parts[0].split(separator: "-")
    let written = "\(date[2])/\(months[Int(date[1])! - 1])/\(date[0]):\(parts[1]) +0000"
    return "\(host) - - [\(written)] \"GET / HTTP/1.1\" \(status) 17 \"-\" \"test\"\(latency)\n"
  }

  static func json(_ time: WallTime, host: String = "10.0.0.1", status: Int = 200) -> String {
    "{\"time\":\"\(time)\",\"remote_addr\":\"\(host)\",\"status\":\(status),\"request_time\":0.25}\n"
  }
}
