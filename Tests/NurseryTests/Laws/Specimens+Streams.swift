import Nursery

extension Specimens {
  static let streams: [any AnySpecimen] = [
    Specimen("read from memory", tried) { _ in
      let pipe = MemoryPipe()
      let written = Counter()
      return Fixture(
        op: pipe.reader.readOp(upTo: 1), verb: { try pipe.reader.read(upTo: 1) }, other: [3], isRight: { $0 == [7] },
        makeReady: {
          written.add(try pipe.writer.write([7]))
        },
        effects: { written.value - pipe.reader.count }, effectsOfCommit: 1)
    },
    Specimen("read from memory that closes", tried, outcome: .failed("StreamClosedError")) { _ in
      let pipe = MemoryPipe()
      return Fixture(
        op: pipe.reader.readOp(upTo: 1), verb: { try pipe.reader.read(upTo: 1) }, other: [3],
        makeReady: { pipe.reader.close() })
    },
    Specimen("write to memory", tried) { _ in
      let pipe = MemoryPipe(capacity: 1)
      try pipe.writer.writeAll([3])
      let read = Counter()
      return Fixture(
        op: pipe.writer.writeOp([7]), verb: { try pipe.writer.write([7]) }, other: 3,
        makeReady: { read.add(try pipe.reader.read(upTo: 1).count) },
        effects: { pipe.reader.count + read.value - 1 }, effectsOfCommit: 1)
    },
    Specimen("read a line", tried) { _ in
      let pipe = MemoryPipe()
      let reader = BufferedReader(pipe.reader)
      let written = Counter()
      return Fixture(
        op: reader.readLineOp(), verb: { try reader.readLine() }, other: "3", isRight: { $0 == "7" },
        makeReady: {
          written.add(2)
          try pipe.writer.writeAll("7\n")
        },
        effects: { written.value - pipe.reader.count - reader.bufferedCount }, effectsOfCommit: 2)
    },
    Specimen("read an integer that has come in part", tried) { _ in
      let pipe = MemoryPipe()
      let reader = BufferedReader(pipe.reader)
      let written = Counter()
      try pipe.writer.writeAll([0])
      return Fixture(
        op: reader.readIntegerOp(UInt16.self), verb: { try reader.readInteger(UInt16.self) }, other: 3,
        isRight: { $0 == 7 },
        makeReady: {
          written.add()
          try pipe.writer.writeAll([7])
        },
        effects: { written.value + 1 - pipe.reader.count - reader.bufferedCount }, effectsOfCommit: 2)
    },
    Specimen("write to a full buffer", tried) { _ in
      let (pipe, writer) = try full()
      let read = Counter()
      return Fixture(
        op: writer.writeOp([7]), verb: { try writer.write([7]) }, other: (),
        makeReady: { read.add(try pipe.reader.read(upTo: 1).count) },
        effects: { pipe.reader.count + writer.bufferedCount + read.value - 2 }, effectsOfCommit: 1)
    },
    Specimen("flush", tried) { _ in
      let (pipe, writer) = try full()
      return Fixture(
        op: writer.flushOp(), verb: { try writer.flush() }, other: (),
        makeReady: { _ = try pipe.reader.read(upTo: 1) })
    },
  ]

  private static let tried: Set<Trait> = .usual.union([.isTried])

  /// A writer with a byte that does not fit into its stream.
  private static func full() throws -> (MemoryPipe, BufferedWriter) {
    let pipe = MemoryPipe(capacity: 1)
    try pipe.writer.writeAll([3])
    let writer = BufferedWriter(pipe.writer, capacity: 1)
    try writer.write([3])
    return (pipe, writer)
  }
}
