import CSwitch
import Testing

/// A place for accesses that the runtime tracks: the compiler cannot prove anything about a class's field.
private final class Place {
  var value = 0
}

/// The runtime's list of open accesses: its head is found, and swapping it moves the accesses along.
@Suite struct ExclusivityTests {
  @Test func theHeadIsFoundOnEveryThread() throws {
    let here = try #require(cs_exclusivity_head())
    #expect(cs_exclusivity_head() == here)
    for _ in 0..<4 {
      var other: UnsafeMutableRawPointer?
      withUnsafeMutablePointer(to: &other) { result in
        var thread: UInt = 0
        let status = cs_thread_start(
          "head",
          { argument in
            let head = cs_exclusivity_head().map { UnsafeMutableRawPointer($0) }
            argument?.storeBytes(of: head, as: UnsafeMutableRawPointer?.self)
            return nil
          }, result, &thread)
        #expect(status == 0)
        #expect(cs_thread_join(thread) == 0)
      }
      #expect(other != nil)
      #expect(other != UnsafeMutableRawPointer(here))
    }
  }

  @Test func anOpenAccessIsTheHead() throws {
    let head = try #require(cs_exclusivity_head())
    let before = head.pointee
    let place = Place()
    modify(&place.value) { value in
      #expect(head.pointee != nil)
      #expect(head.pointee != before)
      value += 1
    }
    #expect(head.pointee == before)
    #expect(place.value == 1)
  }

  @Test func theHeadIsFoundWhileAnAccessIsOpen() throws {
    let place = Place()
    var found = false
    withUnsafeMutablePointer(to: &found) { result in
      var thread: UInt = 0
      _ = cs_thread_start(
        "open",
        { argument in
          let place = Place()
          // The first call on this thread, inside an access: the search must restore the head.
          modify(&place.value) { value in
            guard let head = cs_exclusivity_head(), head.pointee != nil else { return }
            value = 1
          }
          guard place.value == 1, cs_exclusivity_head()?.pointee == nil else { return nil }
          argument?.storeBytes(of: true, as: Bool.self)
          return nil
        }, result, &thread)
      cs_thread_join(thread)
    }
    #expect(found)
    #expect(place.value == 0)
  }

  @Test func aSwapHidesAnAccessAndBringsItBack() throws {
    let head = try #require(cs_exclusivity_head())
    let place = Place()
    modify(&place.value) { value in
      let mine = head.pointee
      head.pointee = nil
      // As another fiber would: the same place, without a conflict, because its access is not in this list.
      modify(&place.value) { $0 += 10 }
      #expect(head.pointee == nil)
      head.pointee = mine
      value += 1
    }
    #expect(place.value == 11)
  }

  @Test func aConflictIsStillFound() async {
    await #expect(processExitsWith: .failure) {
      guard let head = cs_exclusivity_head() else { return }
      let place = Place()
      modify(&place.value) { _ in
        let mine = head.pointee
        head.pointee = nil
        head.pointee = mine
        modify(&place.value) { $0 += 10 }
      }
    }
  }

  @Test func theRuntimesOwnFunctionsWork() {
    let place = Place()
    var state: [UInt] = [0, 0, 0, 0]
    // Accesses that are opened between enter and exit belong to the state.
    cs_exclusivity_enter(&state)
    modify(&place.value) { value in
      cs_exclusivity_exit(&state)
      modify(&place.value) { $0 += 10 }
      cs_exclusivity_enter(&state)
      value += 1
    }
    cs_exclusivity_exit(&state)
    #expect(place.value == 11)
  }
}

/// Holds an access to `value` open while `body` runs.
@inline(never) private func modify(_ value: inout Int, _ body: (inout Int) -> Void) {
  body(&value)
}
