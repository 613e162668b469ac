import Nursery
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

// What the program asks of the system. A fiber may continue on another thread after it has waited, while `errno`
// belongs to one thread and the compiler may remember whose. So what fibers call here never waits, is not inlined, and
// looks at `errno` itself.

/// A file open for reading, closed when it goes out of scope.
struct InputFile: ~Copyable {
  let name: String
  let descriptor: Int32

  /// Opens a file; `-` is standard input.
  ///
  /// Non-blocking, or opening a FIFO would wait for its writer, and the thread's other fibers with it. Waiting is for
  /// `readableOp`, in whose place a timeout or a cancellation can happen.
  @inline(never)
  init(_ path: String) throws {
    name = path == "-" ? "standard input" : path
    descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    if descriptor < 0 { throw SystemError(code: errno, action: "open \(name)") }
  }

  deinit {
    if descriptor > STDIN_FILENO { close(descriptor) }
  }

  /// Reads what there is, as far as it fits: how many bytes, zero at the end of the file; nil when it has to be waited
  /// for.
  @inline(never)
  borrowing func read(into space: Slice<UnsafeMutableRawBufferPointer>) throws -> Int? {
    let space = UnsafeMutableRawBufferPointer(rebasing: space)
    let count = systemRead(descriptor, space.baseAddress, space.count)
    if count >= 0 { return count }
    if errno == EAGAIN || errno == EINTR { return nil }
    throw SystemError(code: errno, action: "read \(name)")
  }
}

/// Within a type that has a `read` of its own, the system's is out of sight.
private let systemRead = read

// MARK: Output

/// Makes writing into a closed pipe an error like any other instead of a signal that ends the program.
func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

/// Writes to standard output.
///
/// A reader that has gone, as in `wordcount FILE | head -1`, has seen enough: that is not an error.
func writeOutput(_ bytes: [UInt8]) throws {
  var written = 0
  while written < bytes.count {
    let count = bytes[written...].withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    if count >= 0 {
      written += count
    } else if errno == EPIPE {
      return
    } else if errno != EINTR {
      throw SystemError(code: errno, action: "write to standard output")
    }
  }
}

/// Writes to standard error, as far as that is possible.
func writeError(_ text: String) {
  var text = text
  text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// Tells the user about a problem.
func report(_ problem: any Error) { writeError("wordcount: \(problem)\n") }

/// Whether somebody may be watching standard error.
func isErrorOutputTerminal() -> Bool { isatty(STDERR_FILENO) == 1 }

/// The number of processors of this machine.
func processorCount() -> Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
