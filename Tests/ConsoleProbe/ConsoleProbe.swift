import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A program with a console, for its tests: fibers of each kind, until a line comes or standard input ends.
///
///     ConsoleProbe SOCKET [held|stuck]
///
/// With `held`, both workers compute until the nursery is cancelled; with `stuck`, it ends in a deadlock that only the
/// console, or the detector, ends.
@main struct ConsoleProbe {
  static func main() {
    let arguments = CommandLine.arguments
    guard arguments.count > 1 else {
      print("usage: ConsoleProbe SOCKET [held|stuck]")
      exit(2)
    }
    do {
      switch arguments.dropFirst(2).first {
      case "held": try held(arguments[1])
      case "stuck": try stuck(arguments[1])
      default: try run(arguments[1])
      }
      print("fine")
    } catch {
      print(error)
    }
  }

  private static func run(_ socket: String) throws {
    try runFibers(Configuration(parallelism: 2, onDeadlock: .wait, console: .at(socket))) {
      try withNursery("shop") { nursery in
        let orders = Channel<Int>(.bounded(2))
        for _ in 0..<100 { nursery.goAsync { _ = try Channel<String>().receive() } }
        nursery.goAsync("taker") {
          try withNursery("orders") { nursery in
            nursery.goAsync("order") { try sleep(for: .seconds(3600)) }
          }
          _ = try Channel<Int>().receive()
        }
        nursery.goAsync("sender") { for order in 0... { try orders.send(order) } }
        waitUntilAllParked()
        print("ready")
        fflush(nil)
        try readableOp(STDIN_FILENO).perform()
        nursery.cancel()
      }
    }
  }

  private static func held(_ socket: String) throws {
    try runFibers(Configuration(parallelism: 2, console: .at(socket))) {
      try withNursery("mill") { nursery in
        for _ in 0..<2 {
          nursery.goAsync("grinder", placement: .spread) { while !Fiber.isCancelled {} }
        }
        print("ready")
        fflush(nil)
        while !Fiber.isCancelled {}
      }
    }
  }

  private static func stuck(_ socket: String) throws {
    try runFibers(Configuration(parallelism: 1, console: .at(socket))) {
      print("ready")
      fflush(nil)
      try withNursery("stuck") { _ in _ = try Channel<Int>().receive() }
    }
  }
}
