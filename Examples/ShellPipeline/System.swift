#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The `errno` value of a write to a pipe without a reader.
let brokenPipe = EPIPE

/// Writes a message to standard error.
func report(_ problem: Any) {
  let text = "shell-pipeline: \(problem)\n"
  _ = text.withCString { write(2, $0, text.utf8.count) }
}

/// Ends the process.
func exit(_ status: Int32) -> Never {
  #if canImport(Glibc)
    Glibc.exit(status)
  #elseif canImport(Musl)
    Musl.exit(status)
  #elseif canImport(Darwin)
    Darwin.exit(status)
  #endif
}
