import MemcachedServer
import Nursery
import TestSupport
import Testing

@Suite struct MemcachedFuzzTests {
  /// For any input the server answers in whole lines, does not trap, and still serves other clients.
  private func survives(_ bytes: [UInt8], chunks: [Int], on server: Server) throws {
    let answers = try server.answers(to: bytes, chunks: chunks)
    #expect(answers.isEmpty || answers.hasSuffix("\r\n"))
    expectEqual(
      try server.answers(to: "set good 0 0 2\r\nok\r\nget good\r\n"), "STORED\r\nVALUE good 0 2\r\nok\r\nEND\r\n")
  }

  @Test(arguments: 1...20) func garbageAffectsNoOtherClient(seed: UInt64) throws {
    try runFibers(.virtual()) {
      var random = Random(seed: seed)
      let server = server { $0.memoryLimit = 1 << 20 }
      for _ in 0..<100 {
        let bytes = (0..<random.below(3000)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        try survives(bytes, chunks: [1 + random.below(500)], on: server)
      }
    }
  }

  @Test(arguments: 1...20) func garbledCommandsAffectNoOtherClient(seed: UInt64) throws {
    try runFibers(.virtual()) {
      var random = Random(seed: seed)
      let server = server { $0.memoryLimit = 1 << 20 }
      for _ in 0..<200 {
        var bytes: [UInt8] = []
        for _ in 0..<(1 + random.below(8)) { bytes += dialogues[random.below(dialogues.count)].script.utf8 }
        for _ in 0..<random.below(10) { tamper(&bytes, &random) }
        try survives(bytes, chunks: [1 + random.below(100)], on: server)
      }
    }
  }

  /// Changes, drops, doubles or moves something.
  private func tamper(_ bytes: inout [UInt8], _ random: inout Random) {
    guard !bytes.isEmpty else { return }
    let place = random.below(bytes.count)
    let end = min(bytes.count, place + 1 + random.below(8))
    switch random.below(5) {
    case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
    case 1: bytes.removeSubrange(place..<end)
    case 2: bytes.insert(contentsOf: bytes[place..<end], at: random.below(bytes.count))
    case 3: bytes.insert(contentsOf: Array("99999999999999999999".utf8.prefix(1 + random.below(20))), at: place)
    default: bytes.insert(contentsOf: [" ", "\r\n", "-", "noreply"][random.below(4)].utf8, at: place)
    }
  }

  @Test func garbageOnOneConnectionIsNothingToTheOthers() throws {
    try runFibers(Configuration(parallelism: 2)) {
      try withNursery { nursery in
        let listener = try TCPListener(port: 0, limit: 100)
        let server = Server()
        nursery.goAsync(daemon: true) { try server.serve(listener) }
        let address = listener.address
        try withNursery { clients in
          for number in 0..<10 {
            clients.goAsync {
              var options = SocketOptions()
              options.linger = number.isMultiple(of: 2) ? 0 : nil
              let stream = try TCPStream.connect(to: address, options: options)
              var random = Random(seed: UInt64(number + 1))
              let bytes = (0..<20_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
              // The server may be waiting until the client reads its answers, so write only as much as fits.
              _ = try? stream.write(bytes)
              stream.close()
            }
            clients.goAsync {
              let stream = try TCPStream.connect(to: address)
              let reader = BufferedReader(stream)
              for turn in 0..<100 {
                try stream.writeAll("set k\(number) 0 0 3\r\n\(100 + turn)\r\nget k\(number)\r\n")
                for line in ["STORED", "VALUE k\(number) 0 3", "\(100 + turn)", "END"] {
                  expectEqual(try reader.readLine(), line)
                }
              }
              stream.close()
            }
          }
        }
      }
    }
  }
}
