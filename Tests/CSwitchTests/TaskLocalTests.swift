import CSwitch
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

private enum Trace {
  @TaskLocal static var id = 0
  @TaskLocal static var name = "none"

  static var both: String { "\(id) \(name)" }
}

/// The word that leads to the values of task-locals, the items, and the current task.
@Suite struct TaskLocalTests {
  @Test func theWordIsFoundOnEveryThread() throws {
    for bound in [false, true] {
      onThread {
        if bound { Trace.$id.withValue(1) { checkWord() } } else { checkWord() }
      }
    }
    checkWord()
  }

  @Test func theWordIsFoundInTasksThatHaveValues() async throws {
    await Trace.$id.withValue(1) {
      checkWord()
      await withTaskGroup(of: Void.self) { group in
        group.addTask { checkWord() }
        group.addTask { Trace.$name.withValue("child") { checkWord() } }
      }
      await Task { checkWord() }.value
      await Task.detached { checkWord() }.value
      #expect(Trace.id == 1)
    }
  }

  @Test func aSwapHidesTheValuesAndBringsThemBack() {
    onThread {
      guard let word = cs_task_locals_word() else { return #expect(Bool(false), "the word is not found") }
      #expect(word.pointee == nil)
      Trace.$id.withValue(1) {
        let mine = word.pointee
        word.pointee = nil
        #expect(Trace.id == 0)
        // As another fiber would.
        Trace.$id.withValue(2) { #expect(Trace.id == 2) }
        #expect(word.pointee == nil)
        word.pointee = mine
        #expect(Trace.id == 1)
      }
      #expect(word.pointee == nil)
    }
  }

  @Test func theItemsAreTheBindingsTheLastOneFirst() {
    onThread {
      #expect(cs_task_locals_first() == nil)
      Trace.$id.withValue(1) {
        Trace.$name.withValue("x") {
          Trace.$id.withValue(2) {
            var types: [String] = []
            var keys: Set<UnsafeRawPointer> = []
            var candidate = cs_task_locals_first()
            while let item = candidate {
              types.append("\(unsafeBitCast(item.pointee.type, to: Any.Type.self))")
              keys.insert(item.pointee.key)
              candidate = cs_task_locals_next(item)
            }
            #expect(types == ["Int", "String", "Int"])
            #expect(keys.count == 2)
          }
        }
      }
    }
  }

  @Test func theCurrentTaskIsHiddenAndBroughtBack() async {
    await Trace.$id.withValue(1) {
      #expect(cs_is_in_task())
      let task = cs_task_exchange(nil)
      let isHidden = !cs_is_in_task() && withUnsafeCurrentTask { $0 == nil } && Trace.id == 0
      #expect(cs_task_exchange(task) == nil)
      #expect(isHidden)
      await Task.yield()
      #expect(cs_is_in_task() && Trace.id == 1)
    }
  }

  @Test func theWordOfTheCurrentTaskIsFoundInATask() async {
    #expect(cs_task_word()?.pointee != nil)
    let task = cs_task_exchange(nil)
    let isNilOutside = cs_task_word()?.pointee == nil
    _ = cs_task_exchange(task)
    #expect(isNilOutside)
  }
}

private func checkWord(location: SourceLocation = #_sourceLocation) {
  let before = Trace.both
  let word = cs_task_locals_word()
  #expect(word != nil, sourceLocation: location)
  #expect(cs_task_locals_word() == word, sourceLocation: location)
  #expect(Trace.both == before, sourceLocation: location)
}

/// Calls `body` on a thread that has no task.
private func onThread(_ body: @escaping @Sendable () -> Void) {
  final class Start: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread: UInt = 0
  let start = Unmanaged.passRetained(Start(body))
  let status = cs_thread_start(
    "task-locals",
    { argument in
      Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue().body()
      return nil
    }, start.toOpaque(), &thread)
  #expect(status == 0)
  cs_thread_join(thread)
}
