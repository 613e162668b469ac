import MemcachedServer
import Nursery
import TestSupport
import Testing

@Suite struct MemcachedDrainTests {
  @Test func drainingAcceptsNoClientAndLetsEachFinish() throws {
    try runFibers(Configuration(parallelism: 1)) {
      let listener = try TCPListener(port: 0)
      try withNursery { nursery in
        nursery.goAsync { try Server().serve(listener) }
        let idle = try TCPStream.connect(to: listener.address)
        let stream = try TCPStream.connect(to: listener.address)
        let answers = BufferedReader(stream)
        try stream.writeAll("version\r\nset a 0 0 3\r\n")
        expectEqual(try answers.readLine(), "VERSION 1.5.3")
        nursery.drain(grace: .seconds(100))
        expectEqual(try idle.read(upTo: 1), [])
        waitUntilAllParked()
        expectThrows(SystemError.self) { try TCPStream.connect(to: listener.address) }
        try stream.writeAll("abc\r\n")
        expectEqual(try answers.readLine(), "STORED")
        expectEqual(try answers.readLine(), nil)
        idle.close()
        stream.close()
      }
    }
  }
}
