import Harness

// Fair: the same algorithm everywhere, hand-written; `async let` is the lightest child task.
let mergesort = AsyncWorkload.oneAndTwo("mergesort") { name in
  _ = await timeToSort(size(400_000))
  report(name, await timeToSort(size(4_000_000)), "ms")
}

private func timeToSort(_ count: Int) async -> Double {
  let data = Mergesort(count: count)
  defer { data.free() }
  let start = ContinuousClock.now
  await sort(data)
  let time = elapsed(since: start, each: 1) / 1e6
  require(data.isSorted, "the numbers are not sorted")
  return time
}

private func sort(_ data: Mergesort) async {
  if data.count <= 16 * 1024 { return data.sort() }
  async let lower: Void = sort(data.lower)
  await sort(data.upper)
  await lower
  data.merge()
}
