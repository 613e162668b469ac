#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Prints one measured value in the form that the driver reads: name, value and unit with tabs between.
public func report(_ name: String, _ value: Double, _ unit: String) {
  print("\(name)\t\((value * 1000).rounded() / 1000)\t\(unit)")
}

/// Ends the program: the result of a workload was wrong, so its time means nothing.
public func require(_ condition: Bool, _ message: String) {
  if !condition { fail(message, status: 1) }
}

func fail(_ message: String, status: Int32) -> Never {
  // Not fputs: `stderr` is a mutable global to the compiler.
  _ = (message + "\n").withCString { write(2, $0, strlen($0)) }
  exit(status)
}
