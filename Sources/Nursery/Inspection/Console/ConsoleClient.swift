/// One connection to a console; used on the console's thread alone.
final class ConsoleClient {
  let descriptor: Int32
  private let limits: ConsoleLimits
  private var input: [UInt8] = []
  /// The last reply, sent up to `sent`.
  private var output: [UInt8] = []
  private var sent = 0
  /// When the reply has to have left; `.max` if there is none.
  private var replyDeadline = Int64.max
  /// Whether it sends no more requests.
  private var hasEnded = false
  private var isBroken = false

  init(_ descriptor: Int32, _ limits: ConsoleLimits) {
    self.descriptor = descriptor
    self.limits = limits
  }

  func close() { System.close(descriptor) }

  private var hasReply: Bool { sent < output.count }
  private var nextLine: Int? { input.firstIndex(of: UInt8(ascii: "\n")) }
  /// Whether there is a request to be answered without a wait.
  private var hasRequest: Bool { !hasReply && (nextLine != nil || hasEnded && !input.isEmpty) }

  /// The readiness to wait for.
  ///
  /// A client that has not taken its reply is not read from.
  var interest: Interest { hasReply ? .writable : hasEnded ? .none : .readable }

  /// The latest time for the next look at it.
  var deadline: Int64 { hasRequest ? .min : replyDeadline }

  /// Whether nothing more comes, or is to be sent.
  func isOver(_ now: Int64) -> Bool {
    isBroken || now >= replyDeadline || (hasEnded && input.isEmpty && !hasReply)
  }

  /// Reads and answers one request, or sends the rest of a reply.
  func attend(_ ready: Interest, _ commands: inout ConsoleCommands) {
    if hasReply {
      if !ready.isEmpty { send() }
    } else if !hasRequest, !ready.isEmpty {
      receive()
    }
    if hasRequest { answer(&commands) }
  }

  private func receive() {
    withUnsafeTemporaryAllocation(byteCount: limits.requestSize, alignment: 1) { buffer in
      let count = System.receive(
        descriptor, UnsafeMutableRawBufferPointer(rebasing: buffer[..<(limits.requestSize - input.count)]))
      if count > 0 {
        input += buffer[..<count]
      } else if count != -Int(System.wouldBlock) {
        // An error is no reason to leave the requests before it unanswered.
        hasEnded = true
      }
    }
    if input.count == limits.requestSize, nextLine == nil {
      dismiss("a request is a line of less than \(limits.requestSize) bytes; see help")
    }
  }

  private func answer(_ commands: inout ConsoleCommands) {
    let end = nextLine ?? input.count
    let line = String(decoding: input[..<end], as: UTF8.self)
    input.removeFirst(min(end + 1, input.count))
    if let answer = commands.answer(line) { reply(answer) }
  }

  /// Sends a reply, or as much of it as there is room for.
  func reply(_ text: String) {
    output = Array(text.utf8)
    output.append(UInt8(ascii: "\n"))
    sent = 0
    replyDeadline = System.monotonicNow() + limits.replyTime.nanosecondsClamped
    send()
  }

  /// Sends an error, and takes no further request.
  func dismiss(_ error: String) {
    input = []
    hasEnded = true
    reply(ConsoleReply.error(error))
  }

  private func send() {
    while hasReply {
      let count = output[sent...].withUnsafeBytes { System.send(descriptor, $0) }
      if count > 0 {
        sent += count
      } else {
        isBroken = count != -Int(System.wouldBlock)
        return
      }
    }
    output = []
    sent = 0
    replyDeadline = .max
  }
}
