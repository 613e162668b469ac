import Nursery
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

// The program's system calls. If fibers migrate (`Configuration.migration`), a fiber may continue on another thread
// after a wait. But the compiler may keep the address of the first thread's `errno`. So these functions never wait, are
// not inlined, and read `errno` themselves.

/// A file open for reading, closed when it goes out of scope.
struct InputFile: ~Copyable {
  let name: String
  let descriptor: Int32

  /// Opens a file; `-` is standard input.
  ///
  /// Non-blocking: otherwise opening a FIFO would wait for its writer and block the thread's other fibers. `readableOp`
  /// waits instead, so a timeout or a cancellation can end the wait.
  @inline(never)
  init(_ path: String) throws {
    name = path == "-" ? "standard input" : path
    descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    if descriptor < 0 { throw SystemError(code: errno, action: "open \(name)") }
  }

  deinit {
    if descriptor > STDIN_FILENO { close(descriptor) }
  }

  /// Reads as many available bytes as fit: returns their number, zero at the end of the file, nil if none are
  /// available.
  @inline(never)
  borrowing func read(into space: Slice<UnsafeMutableRawBufferPointer>) throws -> Int? {
    let space = UnsafeMutableRawBufferPointer(rebasing: space)
    let count = systemRead(descriptor, space.baseAddress, space.count)
    if count >= 0 { return count }
    if errno == EAGAIN || errno == EINTR { return nil }
    throw SystemError(code: errno, action: "read \(name)")
  }
}

/// Inside a type that has its own `read`, the system's is shadowed.
private let systemRead = read

// MARK: Output

/// Makes a write into a closed pipe an ordinary error instead of a signal that ends the program.
func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

/// Writes to standard output.
///
/// If the reader has ended, as in `wordcount FILE | head -1`, that is not an error.
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

/// Whether standard error is a terminal.
func isErrorOutputTerminal() -> Bool { isatty(STDERR_FILENO) == 1 }

/// The number of processors of this machine.
func processorCount() -> Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
