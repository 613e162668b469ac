import Nursery

/// A request's body, to be read like any other stream: in pieces, or as a whole.
///
///     let form = try request.body.readAll()
///     try copy(from: request.body, to: file)
///
/// A client that waits to be told to send it (`Expect: 100-continue`) is told when somebody waits for it first. Good
/// until the handler returns. For the handler's fiber, or one at a time to which it hands it.
final class RequestBody: ReadableStream, @unchecked Sendable {
  private enum State {
    case none
    case length(remaining: Int)
    case chunked(ChunkDecoder)
    case over
  }

  private var state = State.none
  private var input: BufferedReader?
  private var limit = 0
  private var timeout = Duration.zero
  /// How long the client has been waited for: what the handler does meanwhile is not the client's time.
  private var waited = Duration.zero
  /// What every further read throws: nobody knows where the next request begins.
  private var failure: HTTPError?
  /// Tells the client to send the body; nil when that has been done.
  private var invite: (() throws -> Void)?

  /// How many bytes the client has announced; nil if it has not, as of a chunked body.
  private(set) var length: Int?
  /// How many have been read.
  private(set) var received = 0

  /// Begins the body behind a head.
  ///
  /// - Parameter invite: tells the client to send it, if that is what it waits for; called once, and may wait.
  func begin(
    _ framing: RequestHead.Framing, from input: BufferedReader, limit: Int, timeout: Duration,
    invite: (() throws -> Void)?
  ) throws(HTTPError) {
    (self.input, self.limit, self.timeout, self.invite) = (input, limit, timeout, invite)
    (waited, failure, length, received) = (.zero, nil, nil, 0)
    switch framing {
    case .none: (state, length) = (.none, 0)
    case .length(let count):
      guard count <= limit else { throw tooLarge }
      (state, length) = (.length(remaining: count), count)
    case .chunked: state = .chunked(ChunkDecoder())
    }
  }

  /// The next request begins: who still has this body cannot read it.
  func end() {
    state = .over
    input = nil
    invite = nil
  }

  /// Whether all of it has been read.
  var isAtEnd: Bool {
    switch state {
    case .none: true
    case .length(let remaining): remaining == 0
    case .chunked(let decoder): decoder.isAtEnd
    case .over: false
    }
  }

  /// How many bytes are known to be missing.
  var remaining: Int { if case .length(let remaining) = state { remaining } else { 0 } }
  /// Whether the client waits to be told to send it.
  var isUninvited: Bool { invite != nil && received == 0 }

  // MARK: Reading

  func tryRead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    if buffer.isEmpty || isAtEnd { return 0 }
    guard let input, failure == nil else { throw failure ?? Self.isOver }
    do {
      let count = try tryRead(from: input, into: buffer)
      received += count ?? 0
      return count
    } catch let error as HTTPError {
      failure = error
      throw error
    }
  }

  private func tryRead(from input: BufferedReader, into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    func data(_ remaining: Int) throws -> Int? {
      let count = try input.tryRead(into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(remaining)))
      guard count != 0 else { throw HTTPError(.badRequest, "the body ends early") }
      return count
    }
    switch state {
    case .length(let remaining):
      guard let count = try data(remaining) else { return nil }
      state = .length(remaining: remaining - count)
      return count
    case .chunked(var decoder):
      defer { state = .chunked(decoder) }
      while decoder.dataCount == 0 {
        if decoder.isAtEnd { return 0 }
        var byte: UInt8 = 0
        guard let count = try withUnsafeMutableBytes(of: &byte, { try input.tryRead(into: $0) }) else { return nil }
        guard count == 1 else { throw HTTPError(.badRequest, "the body ends early") }
        try decoder.decode(byte)
        guard decoder.dataCount <= limit - received else { throw tooLarge }
      }
      guard let count = try data(decoder.dataCount) else { return nil }
      decoder.take(count)
      return count
    case .none, .over: return 0
    }
  }

  func whenReadableOp<Value>(_ attempt: @escaping () throws -> Value?) -> Op<Value> {
    .guarded { [self] in
      guard let input else { return .failing(Self.isOver) }
      if !isAtEnd, let invite {
        self.invite = nil
        try invite()
      }
      let start = FiberClock.now
      func stopWaiting() { waited += start.duration(to: FiberClock.now) }
      return input.stream.whenReadableOp(attempt)
        .orTimeout(after: timeout * (1 + received / Timeouts.portion) - waited)
        .wrap {
          stopWaiting()
          return $0
        }
        .recover {
          stopWaiting()
          throw $0 is TimeoutError ? HTTPError(.requestTimeout, "the body takes too long") : $0
        }
        .onAbandon(stopWaiting)
    }
  }

  /// The whole body; 413 if it is longer than the server allows.
  func readAll() throws -> [UInt8] {
    var all: [UInt8] = []
    // What has been announced need not come.
    all.reserveCapacity(min(length ?? 0, Timeouts.portion))
    while true {
      let piece = try read(upTo: min(max(1024, length ?? 8192), Timeouts.portion))
      if piece.isEmpty { return all }
      all += piece
    }
  }

  /// Reads what the handler did not want; false if that is more than `limit`.
  func discard(limit: Int) throws -> Bool {
    var rest = limit
    while !isAtEnd {
      if remaining > rest || rest == 0 { return false }
      rest -= try read(upTo: min(rest, 8192)).count
    }
    return true
  }

  /// Nothing: the connection is the server's to close.
  func close() {}

  private static var isOver: HTTPError { HTTPError(.internalError, "the request to which this body belongs is over") }
  private var tooLarge: HTTPError { HTTPError(.contentTooLarge, "a body may have \(limit) bytes") }
}
