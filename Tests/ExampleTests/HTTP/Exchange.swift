import Nursery
@_exported import TestSupport

@testable import HTTPServer

/// Answers with the request's method, target and body.
let mirror: Service.Handler = { request, response in
  let body = try request.body.readAll()
  try response.send("\(request.methodName) \(request.target) [\(String(decoding: body, as: UTF8.self))]")
}

/// Sends the bytes in pieces, and the end of the input; returns all answers, without the dates.
func exchange(
  _ bytes: some Sequence<UInt8>, chunks: [Int] = [], service: Service = Service(handler: mirror)
) throws -> String {
  try runFibers(.virtual()) {
    let output = MemoryWriter()
    try service.serve(MemoryReader(Array(bytes), chunks: chunks), output) {}
    return withoutDates(output.text)
  }
}

func exchange(_ text: String, chunks: [Int] = [], service: Service = Service(handler: mirror)) throws -> String {
  try exchange(text.utf8, chunks: chunks, service: service)
}

/// The text without the `Date` headers, which always differ.
func withoutDates(_ text: String) -> String {
  text.split(separator: "\r\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("Date: ") }
    .joined(separator: "\r\n")
}

/// A response of the mirror, or of any handler that sends a text.
func response(_ body: String, _ status: String = "200 OK", fields: String = "") -> String {
  "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
}

/// The statuses of the responses in a text of responses without bodies that look like responses.
func statuses(_ text: String) -> [Int] {
  text.split(separator: "HTTP/1.1 ", omittingEmptySubsequences: false).dropFirst().compactMap { Int($0.prefix(3)) }
}

/// A client at the other end of a connection in memory.
struct Client {
  let requests = MemoryPipe()
  let responses = MemoryPipe()
  let reader: Box<BufferedReader>

  init() { reader = Box(BufferedReader(responses.reader)) }

  func send(_ text: String) throws { try requests.writer.writeAll(text) }

  /// The next response's status and headers, without the date.
  func readHead() throws -> String {
    let end = "\r\n\r\n"
    let head = try reader.value.readUntil(Array(end.utf8), limit: 10_000) ?? []
    return withoutDates(String(decoding: head, as: UTF8.self) + end)
  }

  func readBody(_ count: Int) throws -> String { String(decoding: try reader.value.readExactly(count), as: UTF8.self) }

  func readToEnd() throws -> String {
    withoutDates(String(decoding: try reader.value.readAll(limit: 1 << 20), as: UTF8.self))
  }
}

/// Runs a server for one connection, and its client, in virtual time; returns the client's result.
@discardableResult
func withClient<Value>(
  _ service: Service = Service(handler: mirror), _ body: (Client, Nursery) throws -> Value
) throws -> Value {
  try runFibers(.virtual()) {
    try withNursery { nursery in
      let client = Client()
      nursery.goAsync("server") {
        try service.serve(client.requests.reader, client.responses.writer) { client.responses.writer.close() }
        client.responses.writer.close()
        client.requests.reader.close()
      }
      defer { client.requests.writer.close() }
      return try body(client, nursery)
    }
  }
}

/// The time of the fibers' clock since an instant, in whole seconds.
func secondsSince(_ start: FiberClock.Instant) -> Int { Int(start.duration(to: FiberClock.now).components.seconds) }
