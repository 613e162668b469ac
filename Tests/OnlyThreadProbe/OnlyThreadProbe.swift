import CSwitch
import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A process without other threads plays a scene once, and then again with a second thread that takes part.
@main struct OnlyThreadProbe {
  static func main() {
    guard let scene = Scene.all[CommandLine.arguments.dropFirst().first ?? ""] else {
      print("usage: only-thread-probe \(Scene.all.keys.sorted().joined(separator: "|"))")
      exit(2)
    }
    do {
      // If the C library does not say, or a sanitizer has a thread of its own, both plays are the same.
      if cs_sanitizer() == 0, cs_thread_count() > 0 { require(cs_is_only_thread(), "there is another thread") }
      try runFibers(Configuration(parallelism: 1)) { try scene.play() }
      print("alone: fine")
      try runFibers(Configuration(parallelism: 1)) {
        let echo = Echo()
        require(!cs_is_only_thread(), "the second thread does not show")
        try scene.play()
        try echo.exchange(1000)
      }
      print("with another thread: fine")
    } catch {
      print(error)
      exit(1)
    }
  }
}

/// A plain thread that sends back what it receives.
private struct Echo {
  private let there = Channel<Int>()
  private let back = Channel<Int>(.bounded(4))

  init() {
    let (there, back) = (there, back)
    var thread = pthread_t()
    let loop = Loop { for number in there { try back.send(number) } }
    let status = pthread_create(&thread, nil, Loop.start, Unmanaged.passRetained(loop).toOpaque())
    require(status == 0, "no thread")
    pthread_detach(thread)
  }

  func exchange(_ count: Int) throws {
    for number in 0..<count {
      try there.send(number)
      require(try back.receive() == number, "another number came back")
    }
    there.close()
  }
}

private final class Loop: Sendable {
  private let body: @Sendable () throws -> Void

  init(_ body: @escaping @Sendable () throws -> Void) { self.body = body }

  #if canImport(Darwin)
    static let start: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { run($0) }
  #else
    static let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { $0.flatMap(run) }
  #endif

  private static func run(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    try? Unmanaged<Loop>.fromOpaque(argument).takeRetainedValue().body()
    return nil
  }
}

func require(_ condition: Bool, _ message: String) {
  if condition { return }
  print(message)
  exit(1)
}
