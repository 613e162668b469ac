import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Serves files over HTTP/1.1.
///
///     http-server [OPTION...] [FOLDER]
///
///     listener ──> a fiber per connection: head ──> handler ──> response, again and again
///
/// Each part simply waits: the connection for its next request, the handler for the body, the response for a client
/// that reads slowly. Each other event, a timeout or the server's shutdown, is one more branch of the operation that it
/// waits on.
@main
struct HTTPServer {
  static func main() {
    do {
      let options = try Options(CommandLine.arguments.dropFirst())
      if options.wantsHelp { return try StandardStream.output.writeAll(Options.help) }
      try run(options)
    } catch let error as UsageError {
      report(error)
      try? StandardStream.error.writeAll(Options.usage)
      exit(2)
    } catch {
      report(error)
      exit(1)
    }
  }

  private static func run(_ options: Options) throws {
    let handler = options.isPlainText ? greet : echo(or: FileHandler(root: options.root))
    let service = Service(
      limits: options.limits, timeouts: options.timeouts, report: report,
      handler: options.hasMetrics ? metrics(or: handler) : handler)
    let observer = options.hasMetrics ? MetricsOn() : nil
    try runFibers(Configuration(parallelism: options.workers, observer: observer)) {
      try withGracefulShutdown("server", grace: options.grace) { _ in
        let listener = try TCPListener(options.host, port: options.port, limit: options.connections)
        // The server may have been started without standard output, or with a closed one.
        try? StandardStream.output.writeAll("listening on http://\(listener.address)/\n")
        try service.serve(listener)
      }
    }
  }

  @Sendable private static func greet(_ request: Request, _ response: ResponseWriter) throws {
    try response.send("Hello, World!", type: "text/plain; charset=utf-8")
  }

  private static func echo(or files: FileHandler) -> Service.Handler {
    { request, response in
      guard request.isFor("/echo"), request.method == .post || request.method == .put else {
        return try files(request, response)
      }
      if let type = request["Content-Type"] { try response.add("Content-Type", type) }
      try response.send(from: request.body)
    }
  }

  private static func metrics(or other: @escaping Service.Handler) -> Service.Handler {
    { request, response in
      guard request.isFor("/metrics"), let metrics = Scheduler.current?.metrics else {
        return try other(request, response)
      }
      try response.send(PrometheusText(metrics).text, type: PrometheusText.contentType)
    }
  }

  @Sendable private static func report(_ error: any Error) {
    try? StandardStream.error.writeAll("http-server: \(error)\n")
  }
}
