// Happy eyeballs (RFC 8305): the addresses of both versions alternate, and an address that does not answer delays the
// next only briefly.
extension TCPStream {
  /// How long an attempt may take before the next one begins in parallel (RFC 8305, section 5).
  static let attemptDelay = Duration.milliseconds(250)

  /// Connects to a host by its name or numeric address.
  ///
  /// Finds its addresses with `resolve(host:)` and tries them in turn, beginning with version 6. The next attempt
  /// begins when the one before has failed, or a quarter of a second after it. The first address that answers is used,
  /// and the other attempts are abandoned. A cancellation point. It takes several steps, so there is no operation for
  /// it. To limit its time use `withTimeout`, which leaves nothing behind.
  ///
  /// - Throws: `ResolveError` if there is no such host; the first address's `SystemError` if none answers;
  ///   `CancellationError`.
  @available(*, noasync, message: "it blocks its thread; in async code, call it inside 'try await withNursery { }'")
  public static func connect(host: String, port: UInt16, options: SocketOptions = SocketOptions()) throws -> TCPStream {
    let addresses = try resolve(host: host)
    return try connect(toFirstOf: inTurns(addresses).map { .ip($0, port: port) }, options)
  }

  /// The addresses of both versions in alternation, each version in its order.
  static func inTurns(_ addresses: [IPAddress]) -> [IPAddress] {
    let six = addresses.filter(\.isV6)
    let four = addresses.filter { !$0.isV6 }
    return (0..<max(six.count, four.count)).flatMap { place in
      [six, four].compactMap { place < $0.count ? $0[place] : nil }
    }
  }

  private enum Event {
    case ended(place: Int, Result<TCPStream, any Error>)
    case nextIsDue
  }

  /// Connects to the address that answers first.
  static func connect(toFirstOf addresses: [SocketAddress], _ options: SocketOptions) throws -> TCPStream {
    var waiting = addresses[...]
    var attempts: [Connector.Attempt] = []
    var firstFailure: (any Error)?
    // A successful attempt is removed from the list first: its stream owns the socket.
    defer { for attempt in attempts { attempt.giveUp() } }
    func begin() {
      // If an attempt fails at once, the next one begins at once.
      while let address = waiting.popFirst() {
        do { return attempts.append(try Connector.Attempt(to: address, options)) } catch {
          firstFailure = firstFailure ?? error
        }
      }
    }
    begin()
    while true {
      if attempts.isEmpty { throw firstFailure ?? SystemError(code: System.noAddress, action: "connect to no address") }
      var branches = attempts.enumerated().map { place, attempt in
        attempt.op.wrap { Event.ended(place: place, $0) }
      }
      if !waiting.isEmpty { branches.append(timeoutOp(after: attemptDelay).wrap { .nextIsDue }) }
      switch try Op.choice(branches).perform() {
      case .nextIsDue: begin()
      case .ended(let place, .success(let stream)):
        attempts.remove(at: place)
        return stream
      case .ended(let place, .failure(let error)):
        attempts.remove(at: place)
        firstFailure = firstFailure ?? error
        begin()
      }
    }
  }
}

extension Connector {
  /// An attempt that outlives the performs that wait for it.
  struct Attempt {
    private let socket: Descriptor
    private let address: SocketAddress

    init(to address: SocketAddress, _ options: SocketOptions) throws {
      self.address = address
      socket = try Connector.begin(address, options)
    }

    /// The operation that commits when the attempt has succeeded or failed.
    var op: Op<Result<TCPStream, any Error>> {
      socket.op(.writable) {
        do {
          return try Connector.finish(socket, address).map { .success(TCPStream(socket, remoteAddress: address)) }
        } catch { return .failure(error) }
      }
    }

    func giveUp() { socket.close() }
  }
}
