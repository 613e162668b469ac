/// Answers `nursery-console` while a run lasts, on a thread of its own.
///
/// A request is a line, a reply is a JSON object in a line; see the guide "What is it doing?". Clients are served in
/// turn. None can hold up the thread, or make it keep more than a request and a reply: the thread does not read from a
/// client whose reply has not left, and disconnects it if it does not take the reply in time.
final class ConsoleServer: Attendant, @unchecked Sendable {
  private let socket: ConsoleSocket
  private let thread: AttendantThread
  private let limits: ConsoleLimits

  // Used on the thread alone.
  @exclusivity(unchecked) private var clients: [ConsoleClient] = []
  /// When connections are accepted again; the process had no descriptor left.
  @exclusivity(unchecked) private var restsUntil: Int64 = 0

  private static let rest: Int64 = 1_000_000_000

  init(_ path: String, _ limits: ConsoleLimits) throws {
    self.limits = limits
    thread = try AttendantThread()
    socket = try ConsoleSocket(path)
  }

  deinit { socket.close() }

  func begin(_ scheduler: Scheduler) throws {
    try thread.start("fibers-console") { [self] in
      var commands = ConsoleCommands(scheduler, limits)
      while attend(&commands) {}
      for client in clients { client.close() }
      clients = []
    }
  }

  func end() { thread.stop() }

  /// Waits for requests and answers them; false when the run is over.
  private func attend(_ commands: inout ConsoleCommands) -> Bool {
    let now = System.monotonicNow()
    clients.removeAll { client in
      let isOver = client.isOver(now)
      if isOver { client.close() }
      return isOver
    }
    let accepts = now >= restsUntil
    var awaited = clients.map { AttendantThread.Awaited($0.descriptor, $0.interest) }
    if accepts { awaited.append(AttendantThread.Awaited(socket.descriptor, .readable)) }
    let next = clients.map(\.deadline).min() ?? .max
    let limit = accepts ? next : min(next, restsUntil)
    guard thread.wait(for: &awaited, nanoseconds: limit == .max ? -1 : limit <= now ? 0 : limit - now) else {
      return false
    }
    for (client, awaited) in zip(clients, awaited) { client.attend(awaited.ready, &commands) }
    if accepts, !awaited[clients.count].ready.isEmpty { accept() }
    return true
  }

  private func accept() {
    let descriptor = socket.accept()
    if descriptor < 0 {
      if System.isExhaustion(-descriptor) { restsUntil = System.monotonicNow() + Self.rest }
      return
    }
    let client = ConsoleClient(descriptor, limits)
    clients.append(client)
    if !socket.admits(descriptor) {
      client.dismiss("this console answers its own user and root only")
    } else if clients.count > limits.clients {
      client.dismiss("\(limits.clients) clients are attached already, the most there may be; detach one")
    } else {
      client.reply(ConsoleReply.greeting)
    }
  }
}
