import NurseryCore

/// Finds the addresses of a host, in the order in which to try them.
///
/// Asks the system's resolver (`/etc/hosts`, DNS and others, as configured) on a thread of the blocking pool. A numeric
/// address is answered at once. The resolver may take half a minute to give up, so set a timeout.
///
/// A cancellation point. The resolver cannot be interrupted, so a cancelled call abandons it: its thread returns to the
/// pool when the resolver has answered.
///
/// - Throws: `ResolveError` if there is no such host, or no server answers; `CancellationError` if the current scope is
///   cancelled.
@available(*, noasync, message: "it blocks its thread; in async code, write 'await', and it suspends the task")
public func resolve(host: String) throws -> [IPAddress] { try resolveOp(host: host).perform() }

/// The operation that finds the addresses of a host; see `resolve(host:)`.
public func resolveOp(host: String) -> Op<[IPAddress]> {
  if let address = IPAddress(host) { return .always([address]) }
  if host.isEmpty || host.utf8.contains(0) {
    return .failing(ResolveError(host: host, kind: .noSuchName, reason: "that cannot be a name"))
  }
  // The outcome is a value, so that the error of an abandoned lookup is not reported as suppressed.
  return blockingOp(whenCancelled: .abandons) { Result { try lookUp(host) } }.wrap { try $0.get() }
}

/// Blocks the thread.
private func lookUp(_ host: String) throws -> [IPAddress] {
  switch System.resolve(host) {
  case .failed(let kind, let reason): throw ResolveError(host: host, kind: kind, reason: reason)
  case .addresses(let addresses):
    let found = addresses.compactMap { SocketAddress($0).ip }
    if found.isEmpty { throw ResolveError(host: host, kind: .noSuchName, reason: "it has no address") }
    return found
  }
}

/// A host's addresses could not be found.
public struct ResolveError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The host's name.
  public let host: String
  /// The resolver's message.
  public let reason: String
  private let kind: System.ResolveFailure

  init(host: String, kind: System.ResolveFailure, reason: String) {
    self.host = host
    self.kind = kind
    self.reason = reason
  }

  /// Whether the host certainly does not exist or has no address.
  public var isUnknownHost: Bool { kind == .noSuchName }
  /// Whether a later retry may succeed: no server has answered.
  public var isTemporary: Bool { kind == .tryAgain }

  /// "could not find the host "exmaple.com": Name or service not known; ...".
  public var description: String {
    let advice =
      switch kind {
      case .noSuchName: "; check the spelling, and /etc/hosts for local names"
      case .tryAgain: "; try again later, and check the name servers in /etc/resolv.conf"
      case .other: ""
      }
    return "could not find the host \"\(host)\": \(reason)\(advice)"
  }
}
