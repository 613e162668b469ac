#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A number that no other thread has now.
///
/// Not inlined: the C library declares `pthread_self` constant, so a fiber that migrates would always get its first
/// thread.
@inline(never)
package func threadNumber() -> UInt { UInt(bitPattern: UInt64(pthread_self()).hashValue) }
