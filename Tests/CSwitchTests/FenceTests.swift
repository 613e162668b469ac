#if os(Linux)
  @preconcurrency import CSwitch
  import Glibc
  import Testing

  /// The pair of fences when the kernel begins to refuse membarrier.
  @Suite(.enabled(if: Sandbox.isPossible, "there is no seccomp")) struct FenceTests {
    @Test func aSandboxThatIsEnteredBeforeTheFirstFenceCostsOnlySpeed() async {
      await #expect(processExitsWith: .success) {
        Sandbox.enter()
        cs_settle_fences()
        guard !cs_fences_are_asymmetric else { exit(1) }
        cs_fence_heavy()
      }
    }

    @Test func aSandboxThatIsEnteredLaterEndsTheProcessWithAMessage() async throws {
      if !cs_fences_are_asymmetric { return }
      let result = await #expect(processExitsWith: .signal(SIGABRT), observing: [\.standardErrorContent]) {
        cs_settle_fences()
        cs_fence_heavy()
        Sandbox.enter()
        cs_fence_heavy()
      }
      let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      #expect(text.contains("nursery: the kernel refuses membarrier(2) now (Operation not permitted)"))
      #expect(text.contains("Configuration(parallelism: 1)"))
    }
  }

  private enum Sandbox {
    private typealias Prctl = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
    private struct Instruction {
      let code: UInt16
      let ifTrue: UInt8
      let ifFalse: UInt8
      let operand: UInt32
    }
    private struct Program {
      let count: UInt16
      let instructions: UnsafePointer<Instruction>
    }

    /// Variadic, and so not imported.
    private static var prctl: Prctl? { dlsym(nil, "prctl").map { unsafeBitCast($0, to: Prctl.self) } }

    /// PR_GET_SECCOMP fails where the kernel, or an emulator, has none.
    static var isPossible: Bool { prctl?(21, 0, 0, 0, 0) == 0 }

    /// From here on membarrier(2) fails with EPERM on the calling thread and those that it starts.
    static func enter() {
      #if arch(x86_64)
        let membarrier: UInt32 = 324
      #else
        let membarrier: UInt32 = 283
      #endif
      let instructions = [
        Instruction(code: 0x20, ifTrue: 0, ifFalse: 0, operand: 0),
        Instruction(code: 0x15, ifTrue: 0, ifFalse: 1, operand: membarrier),
        Instruction(code: 0x06, ifTrue: 0, ifFalse: 0, operand: 0x0005_0000 | UInt32(EPERM)),
        Instruction(code: 0x06, ifTrue: 0, ifFalse: 0, operand: 0x7FFF_0000),
      ]
      let status = instructions.withUnsafeBufferPointer { buffer in
        withUnsafePointer(to: Program(count: UInt16(buffer.count), instructions: buffer.baseAddress!)) { program in
          // PR_SET_NO_NEW_PRIVS, then PR_SET_SECCOMP with SECCOMP_MODE_FILTER.
          guard let prctl, prctl(38, 1, 0, 0, 0) == 0 else { return Int32(-1) }
          return prctl(22, 2, UInt(bitPattern: program), 0, 0)
        }
      }
      if status != 0 { exit(3) }
    }
  }
#endif
