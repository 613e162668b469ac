import Logging
import Nursery
import Synchronization
import Testing

/// swift-log: the metadata of a fiber's log lines come from its `FiberLocal`s.
struct LoggingTests {
  static let requestID = FiberLocal<String?>(nil)

  /// A provider that reads fiber-locals; `LoggingSystem.bootstrap` takes one for the whole process.
  static let provider = Logger.MetadataProvider {
    requestID.value.map { ["request": "\($0)"] } ?? [:]
  }

  @Test func everyFiberLogsItsOwnRequest() throws {
    let lines = Lines()
    let logger = Logger(label: "server", factory: { _ in Recorder(lines: lines, metadataProvider: Self.provider) })
    try withNursery { nursery in
      for number in 0..<20 {
        nursery.goAsync {
          try Self.requestID.withValue("\(number)") {
            logger.info("begin \(number)")
            try sleep(for: .microseconds(100))
            // A child has its spawner's values.
            try goAndWait { logger.info("end \(number)") }
          }
        }
      }
    }
    let all = lines.all
    #expect(all.count == 40)
    for line in all { #expect(line.text.split(separator: " ").last.map(String.init) == line.request) }
  }
}

private final class Lines: Sendable {
  private let state = Mutex<[(text: String, request: String?)]>([])
  var all: [(text: String, request: String?)] { state.withLock { $0 } }
  func append(_ text: String, _ request: String?) { state.withLock { $0.append((text, request)) } }
}

private struct Recorder: LogHandler {
  let lines: Lines
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info
  var metadataProvider: Logger.MetadataProvider?

  init(lines: Lines, metadataProvider: Logger.MetadataProvider?) {
    self.lines = lines
    self.metadataProvider = metadataProvider
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(
    level: Logger.Level, message: Logger.Message, metadata: Logger.Metadata?, source: String, file: String,
    function: String, line: UInt
  ) {
    lines.append("\(message)", metadataProvider?.get()["request"].map { "\($0)" })
  }
}
