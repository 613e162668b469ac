import Nursery

/// A store of elements from which each client takes the oldest element that it wants.
struct Mailbox<Element: Sendable>: Sendable {
  private struct Request: Sendable {
    let wants: @Sendable (Element) -> Bool
    let reply = Channel<Element>()
    let abandoned: Nack
  }

  private enum Event {
    case put(Element)
    case request(Request)
    case taken(request: Int, element: Int)
    case abandoned(request: Int)
  }

  private let puts = Channel<Element>()
  private let requests = Channel<Request>(.unbounded)

  /// Creates a mailbox whose server fiber lives in the innermost nursery that is open here.
  init() {
    goAsync("mailbox", daemon: true) { [self] in try serve() }
  }

  // MARK: For clients

  /// The operation that puts an element in.
  func putOp(_ element: Element) -> Op<Void> { puts.sendOp(element) }

  /// The operation that takes the oldest element for which `wants` is true.
  func takeOp(where wants: @escaping @Sendable (Element) -> Bool) -> Op<Element> {
    .withNack { abandoned in
      let request = Request(wants: wants, abandoned: abandoned)
      _ = try requests.trySend(request)  // an unbounded channel always has room
      return request.reply.receiveOp()
    }
  }

  // MARK: The server

  private func serve() throws {
    var elements: [Element] = []
    var waiting: [Request] = []
    defer {
      puts.close()
      requests.close()
      while let request = requests.tryReceive() { request.reply.close() }
      for request in waiting { request.reply.close() }
    }
    while true {
      var branches: [Op<Event>] = []
      for (index, request) in waiting.enumerated() {
        branches.append(request.abandoned.waitOp().wrap { .abandoned(request: index) })
        if let element = elements.firstIndex(where: request.wants) {
          branches.append(
            request.reply.sendOp(elements[element]).wrap { .taken(request: index, element: element) })
        }
      }
      branches.append(.choice([puts.receiveOp().wrap { .put($0) }, requests.receiveOp().wrap { .request($0) }]))
      switch try Op.biased(branches).perform() {
      case .put(let element):
        elements.append(element)
      case .request(let request):
        waiting.append(request)
      case .taken(let request, let element):
        waiting.remove(at: request)
        elements.remove(at: element)
      case .abandoned(let request):
        waiting.remove(at: request)
      }
    }
  }
}
