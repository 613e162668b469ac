/// Decodes the framing of a chunked body, a byte at a time; independent of the source of the bytes.
///
///     5;name=value CR LF  hello CR LF  0 CR LF  Trailer: value CR LF  CR LF
///
/// Extensions and trailers are checked and dropped. Strict in the same way as `HeadParser`.
struct ChunkDecoder {
  private enum State {
    case size, blank, `extension`, sizeEnd
    case data, dataEnd, dataLineFeed
    case trailerStart, trailerName, trailerValue, trailerEnd, lastLineFeed
    case end
  }

  private var state = State.size
  private var digits = 0
  private var size = 0
  /// The length of this line, or of all trailers.
  private var length = 0

  /// The largest length of a chunk's first line, extensions included; and of all trailers.
  static let lineLimit = 256
  static let trailerLimit = 8 << 10

  /// How many bytes of data come next; if 0, framing comes next.
  private(set) var dataCount = 0
  /// Whether the body is complete, trailers included.
  var isAtEnd: Bool { state == .end }

  /// Called after data has been taken.
  mutating func take(_ count: Int) {
    dataCount -= count
    if dataCount == 0, state == .data { state = .dataEnd }
  }

  /// Decodes the next byte of framing.
  mutating func decode(_ byte: UInt8) throws(HTTPError) {
    switch state {
    case .size: try decodeSize(byte)
    case .blank:
      try countLine()
      if byte == UInt8(ascii: ";") { state = .extension } else { try expect(byte.isBlank) }
    case .extension:
      try countLine()
      if byte == .carriageReturn { state = .sizeEnd } else { try expect(byte.isFieldText) }
    case .sizeEnd:
      try expect(byte == .lineFeed)
      (dataCount, state) = size > 0 ? (size, .data) : (0, .trailerStart)
      (digits, size, length) = (0, 0, 0)
    case .dataEnd: try expect(byte == .carriageReturn, then: .dataLineFeed)
    case .dataLineFeed: try expect(byte == .lineFeed, then: .size)
    case .data, .end: preconditionFailure("there is no framing to decode")
    default: try decodeTrailer(byte)
    }
  }

  private mutating func decodeSize(_ byte: UInt8) throws(HTTPError) {
    try countLine()
    if let digit = byte.hexDigit {
      guard size <= Int.max >> 4 else { throw HTTPError(.contentTooLarge, "the length is too large") }
      size = size << 4 | digit
      digits += 1
      return
    }
    try expect(digits > 0)
    if byte == .carriageReturn {
      state = .sizeEnd
    } else if byte == UInt8(ascii: ";") {
      state = .extension
    } else {
      try expect(byte.isBlank, then: .blank)
    }
  }

  private mutating func decodeTrailer(_ byte: UInt8) throws(HTTPError) {
    length += 1
    if length > Self.trailerLimit { throw HTTPError(.headTooLarge, "trailers may have \(Self.trailerLimit) bytes") }
    switch state {
    case .trailerStart where byte == .carriageReturn: state = .lastLineFeed
    case .trailerStart: try expect(byte.isToken, then: .trailerName)
    case .trailerName where byte == .colon: state = .trailerValue
    case .trailerName: try expect(byte.isToken)
    case .trailerValue where byte == .carriageReturn: state = .trailerEnd
    case .trailerValue: try expect(byte.isFieldText)
    case .trailerEnd: try expect(byte == .lineFeed, then: .trailerStart)
    default: try expect(byte == .lineFeed, then: .end)
    }
  }

  private mutating func countLine() throws(HTTPError) {
    length += 1
    if length > Self.lineLimit {
      throw HTTPError(.badRequest, "the line before a chunk may have \(Self.lineLimit) bytes")
    }
  }

  private mutating func expect(_ isRight: Bool, then next: State? = nil) throws(HTTPError) {
    guard isRight else { throw HTTPError(.badRequest, "the chunks are malformed") }
    if let next { state = next }
  }
}
