import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Counts the words of files: how often each occurs, the most frequent first.
///
///     wordcount [OPTION...] [FILE...]
///
/// A word is a run of ASCII letters, and case does not matter; every other byte and the end of a file separate words.
/// So the counts of a text are those of
///
///     cat FILE | tr -cs 'A-Za-z' '\n' | tr 'A-Z' 'a-z' | sort | uniq -c
///
/// The work is a pipeline of fibers:
///
///     file ──> reader ──┐              ┌──> counter ──┐
///     file ──> reader ──┼──> [chunks] ─┤              ├──> merged ──> printed
///     file ──> reader ──┘              └──> counter ──┘
///
/// The channel is bounded, so fast readers wait for slow counters, and memory stays small for files of any size. If a
/// file fails, the other readers and the counters end, and the error is thrown here as by an ordinary function call.
@main
struct WordCount {
  static func main() {
    ignoreBrokenPipes()
    do {
      let options = try Options(CommandLine.arguments.dropFirst())
      guard !options.wantsHelp else { return try writeOutput(Array(Options.help.utf8)) }
      let (words, failures) = try countWords(options)
      failures.forEach(report)
      try writeOutput(words.list(options.limit))
      exit(failures.isEmpty ? 0 : 1)
    } catch let error as UsageError {
      report(error)
      writeError(Options.usage)
      exit(2)
    } catch let group as ErrorGroup {
      group.errors.forEach(report)
      exit(1)
    } catch {
      report(error)
      exit(1)
    }
  }
}

/// A piece of a file that does not begin or end within a word.
typealias Chunk = ArraySlice<UInt8>

/// Runs the pipeline.
///
/// - Returns: the words and, with `--keep-going`, the errors of the files that are left out.
/// - Throws: an `ErrorGroup` with the failures of files.
func countWords(_ options: Options) throws -> (words: WordTable, failures: [any Error]) {
  try withNursery("wordcount") { nursery in
    let chunks = Channel<Chunk>(.bounded(2 * options.counters))
    let bytesRead = ByteCounter()

    let counters = (1...options.counters).map { number in
      nursery.goAsync("counter \(number)", placement: .spread) {
        var words = WordTable()
        for chunk in chunks { words.add(chunk) }
        return words
      }
    }
    let progress = nursery.goAsync("progress") { try showProgress(bytesRead) }

    let failures = try readFiles(options, into: chunks, bytesRead)
    chunks.close()

    var words = WordTable()
    for counter in counters { words.merge(try counter.wait()) }
    progress.cancel()
    return (words, failures)
  }
}

/// Reads the files, each in a fiber of its own, at most `options.readers` at a time.
///
/// The readers have a nursery of their own: when it ends, everything has been read and sent.
func readFiles(_ options: Options, into chunks: Channel<Chunk>, _ bytesRead: ByteCounter) throws -> [any Error] {
  let permits = FiberSemaphore(options.readers)
  do {
    try withNursery("readers", onFailure: options.keepsGoing ? .supervise : .collect) { nursery in
      for path in options.paths {
        let permit = try permits.acquire()
        nursery.goAsync(path, placement: .spread) {
          defer { permit.release() }
          try readFile(path, within: options.timeout, into: chunks, bytesRead)
        }
      }
    }
    return []
  } catch let group as ErrorGroup where options.keepsGoing {
    return group.errors
  }
}

/// Reads one file to its end and sends it on in chunks.
func readFile(
  _ path: String, within limit: Duration?, into chunks: Channel<Chunk>, _ bytesRead: ByteCounter
) throws {
  let file = try InputFile(path)
  // Made once, performed for every block. The deadline is for the whole file. But a file with available bytes is not
  // late, because an expired timer commits only if no other branch can.
  var readable = readableOp(file.descriptor)
  if let limit {
    let (name, deadline) = (file.name, FiberClock.now.advanced(by: limit))
    readable = readable.or(sleepOp(until: deadline).wrap { throw LateError(name: name, limit: limit) })
  }

  let chunkSize = 128 << 10
  var buffer = [UInt8](repeating: 0, count: chunkSize)
  var used = 0
  while true {
    try readable.perform()
    guard let count = try buffer.withUnsafeMutableBytes({ try file.read(into: $0[used...]) }) else { continue }
    if count == 0 { break }
    used += count
    bytesRead.add(count)
    guard used == buffer.count else { continue }

    // The word at the end may continue in the file, so it begins the next chunk.
    if let separator = buffer.lastIndex(where: { !isLetter($0) }) {
      try chunks.send(buffer[...separator])
      let word = buffer[(separator + 1)...]
      used = word.count
      buffer = word + [UInt8](repeating: 0, count: chunkSize)
    } else {
      // The whole buffer is one word. Doubling the buffer keeps the time linear in the word's length.
      buffer += repeatElement(0, count: buffer.count)
    }
  }
  try chunks.send(buffer[..<used])
}

/// A file was not read within the allowed time.
struct LateError: Error, CustomStringConvertible {
  let name: String
  let limit: Duration

  var description: String { "\(name) was not delivered within \(limit)" }
}
