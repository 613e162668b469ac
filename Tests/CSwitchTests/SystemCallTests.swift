import CSwitch
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Waiting on a word, on descriptors and on the clock; texts, seeds and files.
@Suite struct SystemCallTests {
  @Test func aFutexWaitsOnlyForTheExpectedValue() {
    var word: UInt32 = 1
    #expect(cs_futex_wait(&word, 2, -1) == -EAGAIN)
    let start = cs_monotonic_now()
    #expect(cs_futex_wait(&word, 1, 3_000_000) == -ETIMEDOUT)
    #expect(cs_monotonic_now() - start >= 3_000_000)
    #expect(cs_futex_wake(&word, 1) == 0)
  }

  @Test func aFutexIsWoken() {
    let word = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
    word.initialize(to: 0)
    defer { word.deallocate() }
    var thread: UInt = 0
    let status = cs_thread_start(
      "futex",
      { argument in
        guard let word = argument?.assumingMemoryBound(to: UInt32.self) else { return nil }
        while cs_futex_wait(word, 0, 5_000_000_000) == -EINTR {}
        return nil
      }, word, &thread)
    #expect(status == 0)
    // The word never changes, so only the wake ends the wait; the thread may begin to wait late.
    let start = cs_monotonic_now()
    while cs_futex_wake(word, 1) == 0, cs_monotonic_now() - start < 5_000_000_000 { cs_thread_yield() }
    #expect(cs_thread_join(thread) == 0)
    #expect(cs_monotonic_now() - start < 5_000_000_000)
  }

  @Test func readinessIsReportedOncePerChange() throws {
    let epoll = cs_epoll_create()
    let event = cs_eventfd()
    defer { [epoll, event].forEach { cs_close($0) } }
    try #require(epoll >= 0 && event >= 0)
    #expect(cs_epoll_add(epoll, event, 1, 42) == 0)
    #expect(cs_epoll_add(epoll, event, 1, 42) == -EEXIST)
    var ready = [cs_ready](repeating: cs_ready(), count: 4)
    #expect(cs_epoll_wait(epoll, &ready, 4, 0) == 0)
    #expect(cs_eventfd_signal(event) == 0)
    #expect(cs_epoll_wait(epoll, &ready, 4, -1) == 1)
    #expect(ready[0].token == 42 && ready[0].ready == 1)
    #expect(cs_epoll_wait(epoll, &ready, 4, 0) == 0, "an edge is reported once")
    #expect(cs_eventfd_clear(event) == 0)
    #expect(cs_eventfd_clear(event) == 0, "clearing twice is no error")
    #expect(cs_epoll_modify(epoll, event, 2, 43) == 0)
    #expect(cs_epoll_wait(epoll, &ready, 4, -1) == 1)
    #expect(ready[0].token == 43 && ready[0].ready == 2)
    #expect(cs_epoll_remove(epoll, event) == 0)
    #expect(cs_epoll_remove(epoll, event) == -ENOENT)
  }

  @Test func aHangUpIsReported() throws {
    let epoll = cs_epoll_create()
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    #expect(cs_epoll_add(epoll, ends[0], 1, 7) == 0)
    cs_close(ends[1])
    var ready = cs_ready()
    #expect(cs_epoll_wait(epoll, &ready, 1, -1) == 1)
    #expect(ready.token == 7 && ready.ready & 4 != 0)
    cs_close(ends[0])
    cs_close(epoll)
  }

  @Test(arguments: [1, 100_000, 1_000_001, 2_500_000] as [Int64]) func aWaitIsNeverShort(nanoseconds: Int64) {
    let epoll = cs_epoll_create()
    defer { cs_close(epoll) }
    var ready = cs_ready()
    let start = cs_monotonic_now()
    #expect(cs_epoll_wait(epoll, &ready, 1, nanoseconds) == 0)
    #expect(cs_monotonic_now() - start >= nanoseconds)
  }

  @Test func errorsHaveTexts() {
    #expect(errorText(ENOENT) == "No such file or directory")
    #expect(errorText(99999).contains("99999"))
    #expect(errorText(ENOENT, capacity: 8) == "No such")
    var untouched: CChar = 5
    cs_error_text(ENOENT, &untouched, 0)
    #expect(untouched == 5)
  }

  @Test func filesReturnNegativeErrno() {
    #expect(cs_open("/nonexistent/file", O_RDONLY, 0) == -ENOENT)
    var byte: UInt8 = 0
    #expect(cs_read(-1, &byte, 1) == -EBADF)
    #expect(cs_write(-1, &byte, 1) == -EBADF)
    #expect(cs_close(-1) == -EBADF)
    let null = cs_open("/dev/null", O_RDWR, 0)
    #expect(cs_write(null, &byte, 1) == 1)
    #expect(cs_read(null, &byte, 1) == 0)
    #expect(cs_close(null) == 0)
  }

  @Test func clocksAndSeeds() {
    let first = cs_monotonic_now()
    #expect(cs_monotonic_now() >= first)
    #expect(cs_wall_now() > 1_600_000_000_000_000_000)
    #expect(Set((0..<100).map { _ in cs_random_seed() }).count == 100)
  }

  private func errorText(_ error: Int32, capacity: Int = 128) -> String {
    var buffer = [CChar](repeating: 1, count: capacity)
    cs_error_text(error, &buffer, capacity)
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
