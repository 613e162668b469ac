import CSwitch
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reserving, guarding and returning the memory of stacks, with both kinds of guard.
@Suite struct StackMemoryTests {
  let page = cs_page_size()

  @Test(arguments: [0, 12, 16, 21]) func reservationsAreAlignedAndZero(shift: Int) throws {
    let alignment = shift == 0 ? 0 : 1 << shift
    let memory = try reserve(pages: 4, alignment: alignment)
    defer { #expect(cs_unreserve(memory, 4 * page) == 0) }
    #expect(UInt(bitPattern: memory) % UInt(max(alignment, page)) == 0)
    for offset in stride(from: 0, to: 4 * page, by: 512) {
      #expect(memory.load(fromByteOffset: offset, as: UInt64.self) == 0)
    }
  }

  @Test func badSizesAreRefused() {
    var memory: UnsafeMutableRawPointer?
    #expect(cs_reserve(page + 1, 0, &memory) == -EINVAL)
    #expect(cs_reserve(0, 0, &memory) == -EINVAL)
    #expect(cs_reserve(page, 3 * page, &memory) == -EINVAL)
    #expect(cs_reserve(Int.max & ~(page - 1), 0, &memory) == -ENOMEM)
  }

  @Test func returnedPagesReadAsZeroAndGuardsStay() async throws {
    let memory = try reserve(pages: 8)
    defer { cs_unreserve(memory, 8 * page) }
    #expect(cs_guard(memory, page) == 0)
    memset(memory + page, 0xff, 7 * page)
    #expect(cs_return_pages(memory, 8 * page) == 0)
    #expect((0..<(7 * page / 8)).allSatisfy { memory.load(fromByteOffset: page + $0 * 8, as: UInt64.self) == 0 })
    // The exit tests below show that a guard faults; here only that the call did not remove it.
    var word: UInt8 = 0
    #expect(readable(memory, &word) == false)
    #expect(readable(memory + page, &word))
  }

  @Test func guardsAtEqualDistancesAreMadeTogether() throws {
    let memory = try reserve(pages: 60)
    defer { cs_unreserve(memory, 60 * page) }
    var done = 0
    while done < 20 {
      let count = cs_guard_each(memory + 3 * done * page, page, 3 * page, 20 - done)
      try #require(count > 0)
      done += count
    }
    var byte: UInt8 = 0
    for index in 0..<60 { #expect(readable(memory + index * page, &byte) == (index % 3 != 0)) }
  }

  @Test func guardsFault() async {
    await #expect(processExitsWith: faulted) {
      faultInGuard(splitting: false)
    }
  }

  @Test func guardsMadeByMprotectFault() async {
    await #expect(processExitsWith: faulted) {
      faultInGuard(splitting: true)
    }
  }

  @Test func theMethodCanBeForced() async {
    await #expect(processExitsWith: .success) {
      cs_guards_use_mprotect()
      guard cs_guards_split_mappings() else { exit(1) }
    }
  }

  /// The sanitizers' own handlers report the fault and exit.
  private let faulted: ExitTest.Condition = cs_sanitizer() == 0 ? .signal(SIGSEGV) : .failure

  private func reserve(pages: Int, alignment: Int = 0) throws -> UnsafeMutableRawPointer {
    var memory: UnsafeMutableRawPointer?
    #expect(cs_reserve(pages * page, alignment, &memory) == 0)
    return try #require(memory)
  }

  /// Whether the kernel can read the byte at `address`: a write to a pipe fails with EFAULT instead of raising a
  /// signal.
  private func readable(_ address: UnsafeMutableRawPointer, _ byte: inout UInt8) -> Bool {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return false }
    defer { ends.forEach { cs_close($0) } }
    return cs_write(ends[1], address, 1) == 1 && cs_read(ends[0], &byte, 1) == 1
  }
}

/// Touches a guard; exits with 0 if nothing happens.
///
/// The next page must be usable.
private func faultInGuard(splitting: Bool) {
  if splitting { cs_guards_use_mprotect() }
  let page = cs_page_size()
  var memory: UnsafeMutableRawPointer?
  guard cs_reserve(4 * page, 0, &memory) == 0, let memory, cs_guard(memory, page) == 0 else { exit(2) }
  memory.storeBytes(of: 1, toByteOffset: page, as: UInt8.self)
  memory.storeBytes(of: 1, toByteOffset: page - 1, as: UInt8.self)
  exit(0)
}
