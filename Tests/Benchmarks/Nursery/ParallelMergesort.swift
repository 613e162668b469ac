import Harness
import Nursery

// Fair: the same hand-written algorithm everywhere, so that standard libraries are not compared. The comparison is
// about the gain from a second worker.
let mergesort = Workload.oneAndTwo("mergesort") { name in
  _ = try timeToSort(size(400_000))
  report(name, try timeToSort(size(4_000_000)), "ms")
}

private func timeToSort(_ count: Int) throws -> Double {
  let data = Mergesort(count: count)
  defer { data.free() }
  let time = try milliseconds { try sort(data) }
  require(data.isSorted, "the numbers are not sorted")
  return time
}

private func sort(_ data: Mergesort) throws {
  if data.count <= 16 * 1024 { return data.sort() }
  try withNursery { nursery in
    let lower = nursery.goAsync { try sort(data.lower) }
    try sort(data.upper)
    try lower.wait()
  }
  data.merge()
}
