extension Listener {
  /// Waits for a connection and accepts it; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func accept() async throws -> Stream { try await acceptOp().perform() }
}

extension TCPStream {
  /// Connects to an address; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public static func connect(
    to address: SocketAddress, options: SocketOptions = SocketOptions()
  ) async throws -> TCPStream {
    try await connectOp(to: address, options: options).perform()
  }
}

extension UnixStream {
  /// Connects to an address; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public static func connect(
    to address: SocketAddress, options: SocketOptions = SocketOptions()
  ) async throws -> UnixStream {
    try await connectOp(to: address, options: options).perform()
  }

  /// Sends a descriptor with some bytes; suspends the task while there is no room.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func send(descriptor passed: Int32, with bytes: [UInt8]) async throws -> Int {
    try await sendOp(descriptor: passed, with: bytes).perform()
  }

  /// Receives bytes and the descriptor that came with them; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func receiveDescriptor(
    upTo count: Int
  ) async throws -> (bytes: [UInt8], descriptor: Int32?) {
    try await receiveDescriptorOp(upTo: count).perform()
  }
}

extension UDPSocket {
  /// Sends a datagram; suspends the task while there is no room.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func send(_ bytes: [UInt8], to peer: SocketAddress? = nil) async throws {
    try await sendOp(bytes, to: peer).perform()
  }

  /// Waits for a datagram and receives it; suspends the task meanwhile.
  ///
  /// A cancellation point; throws as the form for fibers does.
  nonisolated(nonsending) public func receive(upTo count: Int = 65_536) async throws -> Datagram {
    try await receiveOp(upTo: count).perform()
  }
}

/// Finds the addresses of a host; suspends the task meanwhile.
///
/// A cancellation point; throws as the form for fibers does.
nonisolated(nonsending) public func resolve(host: String) async throws -> [IPAddress] {
  try await resolveOp(host: host).perform()
}
