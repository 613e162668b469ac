import Nursery

/// A request's body; read it like any other stream, in pieces or as a whole.
///
///     let form = try request.body.readAll()
///     try copy(from: request.body, to: file)
///
/// If the client waits for permission to send it (`Expect: 100-continue`), the first read that waits gives it. Valid
/// until the handler returns. For one fiber at a time.
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
  /// The time spent waiting for the client; the handler's own time does not count.
  private var waited = Duration.zero
  /// The error of every further read: after it, the beginning of the next request is unknown.
  private var failure: HTTPError?
  /// Sends "100 Continue"; nil once that has been done.
  private var invite: (() throws -> Void)?

  /// The announced length; nil for a chunked body, which has none.
  private(set) var length: Int?
  /// How many bytes have been read.
  private(set) var received = 0

  /// Begins the body that follows a head.
  ///
  /// - Parameter invite: sends "100 Continue" if the client waits for it; called once, and may wait.
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

  /// Called when the next request begins: a kept body can no longer be read.
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

  /// How many announced bytes have not been read.
  var remaining: Int { if case .length(let remaining) = state { remaining } else { 0 } }
  /// Whether the client still waits for "100 Continue".
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
    // The announced bytes may never come, so do not reserve memory for all.
    all.reserveCapacity(min(length ?? 0, Timeouts.portion))
    while true {
      let piece = try read(upTo: min(max(1024, length ?? 8192), Timeouts.portion))
      if piece.isEmpty { return all }
      all += piece
    }
  }

  /// Reads the part that the handler did not read; returns false if that is more than `limit`.
  func discard(limit: Int) throws -> Bool {
    var rest = limit
    while !isAtEnd {
      if remaining > rest || rest == 0 { return false }
      rest -= try read(upTo: min(rest, 8192)).count
    }
    return true
  }

  /// Does nothing: the server closes the connection.
  func close() {}

  private static var isOver: HTTPError { HTTPError(.internalError, "the request to which this body belongs is over") }
  private var tooLarge: HTTPError { HTTPError(.contentTooLarge, "a body may have \(limit) bytes") }
}
