extension Flow where Element == String {
  /// The lines of a stream, without their `\n` or `\r\n`; see `BufferedReader.readLine`.
  ///
  /// The flow does not close the stream. A run reads ahead, and a later run or reader does not see those bytes.
  public static func lines(
    of stream: any ReadableStream, limit: Int = BufferedReader.usualLineLimit
  ) -> Flow<String> {
    Flow { _ in
      let reader = BufferedReader(stream)
      return SourceProducer { try reader.readLine(limit: limit) }
    }
  }

  /// The lines of a file, which each run opens, and closes at its end.
  public static func lines(ofFile path: String, limit: Int = BufferedReader.usualLineLimit) -> Flow<String> {
    Flow { _ in
      let file = try FileStream(path)
      let reader = BufferedReader(file)
      return SourceProducer {
        try reader.readLine(limit: limit)
      } release: {
        file.close()
      }
    }
  }

  /// The lines that a command writes to its standard output; each run starts it.
  ///
  /// When the run ends before the command, the command is terminated, and the run waits for it. If it has failed, the
  /// flow ends with `CommandFailedError` after the lines. The command belongs to the ambient nursery of the fiber that
  /// begins the flow: it is ended when that nursery ends, also before the run.
  public static func lines(
    of command: Command, limit: Int = BufferedReader.usualLineLimit, file: StaticString = #fileID, line: UInt = #line
  ) -> Flow<String> {
    lines(of: Pipeline([command]), limit: limit, file: file, line: line)
  }

  /// The lines that the last of several connected commands writes; as those of a single command.
  public static func lines(
    of commands: Pipeline, limit: Int = BufferedReader.usualLineLimit, file: StaticString = #fileID, line: UInt = #line
  ) -> Flow<String> {
    var connected = commands.commands
    connected[connected.count - 1].output = .pipe
    return Flow { [pipeline = Pipeline(connected)] _ in
      let processes = try pipeline.start(file: file, line: line)
      let reader = BufferedReader(processes.last!.output!)
      return SourceProducer {
        if let line = try reader.readLine(limit: limit) { return line }
        let statuses = try processes.map { try $0.wait() }
        try CapturedOutput(statuses: statuses, output: [], error: []).requireSuccess()
        return nil
      } release: {
        for process in processes { process.terminate() }
      }
    }
  }
}

extension Flow where Element == FileChange {
  /// The changes of files and directories, from the beginning of each run on; see `FileChanges`.
  ///
  ///     let changed = Flow.fileChanges(at: "Sources").debounce(for: .milliseconds(200))
  ///
  /// Ends when nothing is left of what is watched.
  public static func fileChanges(at paths: String...) -> Flow<FileChange> {
    Flow { _ in
      let changes = try FileChanges(at: paths)
      return SourceProducer {
        do { return try changes.wait() } catch is StreamClosedError { return nil }
      } release: {
        changes.close()
      }
    }
  }
}

/// Elements of something that is released at the end.
private final class SourceProducer<Element>: PlainProducer<Element> {
  private let take: () throws -> Element?
  private let release: () -> Void
  @exclusivity(unchecked) private var isEnded = false

  init(_ take: @escaping () throws -> Element?, release: @escaping () -> Void = {}) {
    self.take = take
    self.release = release
  }

  override func produce() throws -> Element? {
    if isEnded { return nil }
    do {
      if let element = try take() { return element }
    } catch {
      stop()
      throw error
    }
    stop()
    return nil
  }

  override func stop() {
    if isEnded { return }
    isEnded = true
    release()
  }
}
