#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Whether this process may have `count` descriptors open; a condition of tests with many connections.
package func mayOpen(_ count: Int) -> Bool {
  var limit = rlimit()
  getrlimit(numericCast(RLIMIT_NOFILE.rawValue), &limit)
  return limit.rlim_cur >= rlim_t(count)
}
