/// Connects without blocking a thread: begins in the operation's guard, and has finished when the socket is writable.
enum Connector {
  static func op<Stream>(
    to address: SocketAddress, _ options: SocketOptions, _ make: @escaping (Descriptor) -> Stream
  ) -> Op<Stream> {
    .guarded {
      let socket = try begin(address, options)
      return socket.op(.writable) { try finish(socket, address).map { make(socket) } }
        .onAbandon { socket.close() }
        .recover { error in
          // For instance, the reactor could not be made.
          socket.close()
          throw error
        }
    }
  }

  static func begin(_ address: SocketAddress, _ options: SocketOptions) throws -> Descriptor {
    let family = address.family
    let number = try checked("make a socket", System.socket(family, .stream))
    do throws(SystemError) {
      try options.apply(to: number, family, .stream)
      if let local = options.localAddress {
        try checked("connect from \(local)", System.bind(number, try local.checkedRaw()))
      }
      let result = System.connect(number, try address.checkedRaw())
      // If the backlog of a Unix socket is full, the result is "again" and not "in progress", and no event would wake
      // the fiber.
      if result != -System.inProgress { try checked("connect to \(address)", result) }
    } catch {
      System.close(number)
      throw error
    }
    return Descriptor(adopting: number)
  }

  /// Nil while the connection is in progress.
  static func finish(_ socket: Descriptor, _ address: SocketAddress) throws -> Void? {
    let result = socket.attempt(.writable) { number in
      if System.pollNow(number, .writable) == 0 { return -Int(System.wouldBlock) }
      return Int(System.socketError(number))
    }
    switch result {
    case .done: return ()
    case .wouldBlock: return nil
    case .failed(let code):
      socket.close()
      throw SystemError(code: code, action: "connect to \(address)")
    case .closed: throw StreamClosedError(stream: "the socket that was to connect to \(address)")
    }
  }
}
