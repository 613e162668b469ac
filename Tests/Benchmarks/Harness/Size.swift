#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Whether the run only checks that the programs work: `BENCHMARK_QUICK` is set.
public let isQuick = getenv("BENCHMARK_QUICK") != nil

/// The size of a workload: `count`, or `quick` if its time does not matter.
public func size(_ count: Int, quick: Int) -> Int { isQuick ? quick : count }

/// The size of a workload: `count`, or a hundredth if its time does not matter.
public func size(_ count: Int) -> Int { size(count, quick: max(1, count / 100)) }
