#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Whether the programs are only to show that they work: `BENCHMARK_QUICK` is set.
public let isQuick = getenv("BENCHMARK_QUICK") != nil

/// How much of something a workload does: `count`, or `quick` where its time does not matter.
public func size(_ count: Int, quick: Int) -> Int { isQuick ? quick : count }

/// The same, a hundredth where the time does not matter.
public func size(_ count: Int) -> Int { size(count, quick: max(1, count / 100)) }
