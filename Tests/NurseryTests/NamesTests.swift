// Every public name, unqualified, beside everything that Foundation and Testing import.
import Foundation
import Nursery
import Testing

/// The names of the library do not clash with those of Foundation, Dispatch or Testing.
struct NamesTests {
  @Test func everyNameIsUnambiguous() throws {
    let types: [Any.Type] = [
      Nursery.self, Fiber<Int>.self, FiberIdentity.self, FailurePolicy.self, ErrorGroup.self, TimeoutError.self,
      ChannelClosedError.self, CancelScope.self, Op<Int>.self, Channel<Int>.self, Condition.self, Nack.self,
      (any BaseOperation).self, Waiter<Int>.self, Coroutine<Int, Int, Int>.self, Generator<Int>.self, StackPool.self,
      StackError.self, Scheduler.self, Configuration.self, ConfigurationError.self, FiberClock.self,
      FiberClock.Instant.self, SystemError.self, CancellationError.self, NurseryCancelledError.self,
    ]
    #expect(types.count == 26)
  }

  @Test func everyNameOfInputAndOutputIsUnambiguous() {
    let types: [Any.Type] = [
      TCPListener.self, TCPStream.self, UnixListener.self, UnixStream.self, UDPSocket.self, SocketStream.self,
      SocketAddress.self, SocketOptions.self, IPAddress.self, ResolveError.self, FileStream.self, PipeStream.self,
      StandardStream.self, (any ReadableStream).self, (any WritableStream).self, BufferedReader.self,
      BufferedWriter.self, ByteOrder.self, MemoryReader.self, MemoryWriter.self, MemoryPipe.self, Readiness.self,
      StreamClosedError.self, LineTooLongError.self, InputTooLongError.self, UnexpectedEndError.self, Command.self,
      ChildProcess.self, Pipeline.self, ExitStatus.self, LaunchError.self, Signal.self, SignalListener.self,
      BlockingPool.self, TerminalSize.self, Flow<Int>.self, FlowElements<Int>.self, GroupLimitError.self,
      FileChange.self, FileChanges.self,
    ]
    #expect(types.count == 40)
  }

  @Test func everyFunctionIsUnambiguous() throws {
    try runFibers(Configuration(parallelism: 1, clock: .virtual)) {
      let total = try withNursery("names", onFailure: .failFast) { nursery in
        let fiber = nursery.goAsync("child") { 1 }
        let other = goAsync { 2 }
        let both = try waitAll(fiber, other)
        let first = try waitFirst(fiber, other)
        return try both.reduce(0, +) + (first > 0 ? 1 : 0) + goAndWait { 4 }
      }
      #expect(total == 8)
      try withTimeout(.seconds(1)) { try sleep(for: .milliseconds(1)) }
      _ = try withTimeoutOrNil(.seconds(1)) { try sleep(until: FiberClock.now) }
      try withDeadline(FiberClock.now.advanced(by: .seconds(1))) { try sleepOp(for: .zero).perform() }
      try withShield { try sleepOp(until: FiberClock.now).perform() }
      try withCancelScope { scope in scope.cancel() }
      let choice = try choose(cancellationOp().wrap { 0 }, timeoutOp(after: .zero).wrap { 1 })
      #expect(choice == 1)
      Fiber.yield()
      try Fiber.checkCancellation()
      #expect(Fiber.isCancelled == false)
      #expect(Fiber.current != nil)
    }
  }
}
