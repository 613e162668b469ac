import Nursery
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

struct DescriptorNumberTests {
  private func isSocket(_ number: Int32) -> Bool {
    var status = stat()
    return fstat(number, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
  }

  @Test func everyTypeWithADescriptorHasItsNumberAndIsClosed() throws {
    try runFibers {
      let tcp = try TCPListener(port: 0)
      let unix = try UnixListener(abstractName: "nursery-number-\(getpid())")
      let udp = try UDPSocket()
      #expect([tcp.fileDescriptor, unix.fileDescriptor, udp.fileDescriptor].allSatisfy(isSocket))
      #expect([tcp.isClosed, unix.isClosed, udp.isClosed] == [false, false, false])
      tcp.close()
      unix.close()
      udp.close()
      #expect([tcp.isClosed, unix.isClosed, udp.isClosed] == [true, true, true])
      #expect(!StandardStream.error.isClosed)
      #expect(StandardStream.error.fileDescriptor > 2)
    }
  }
}
