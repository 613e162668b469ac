import Nursery
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Commands that cannot be launched: the error names the step that failed, and nothing has been started.
struct LaunchErrorTests {
  private func launchError(_ command: Command) -> LaunchError? {
    expectThrows(LaunchError.self) { try withNursery { _ in try command.start() } }
  }

  @Test func aMissingProgramIsNamed() {
    let error = launchError(Command("no-such-program"))
    #expect(error?.step == .program)
    #expect(error?.cause.code == ENOENT)
    #expect(error?.description.contains("no folder of PATH has it") == true)
    #expect(launchError(Command("/no/such/program"))?.cause.code == ENOENT)
  }

  @Test func aFileThatIsNoProgramHasItsOwnError() {
    #expect(launchError(Command("/etc/passwd"))?.cause.code == EACCES)
    #expect(launchError(Command("/proc"))?.cause.code == EACCES)
  }

  @Test func aScriptWithoutAFirstLineHasItsOwnError() throws {
    let path = "/tmp/nursery-\(getpid())-script"
    defer { unlink(path) }
    try Command("echo", "echo hello", output: .file(path)).run().requireSuccess()
    chmod(path, 0o700)
    let error = launchError(Command(path))
    #expect(error?.cause.code == ENOEXEC)
    #expect(error?.description.contains("#!/bin/sh") == true)
  }

  @Test func aMissingDirectoryIsNotTakenForAMissingProgram() {
    let error = launchError(Command("true", directory: "/no/such/directory"))
    #expect(error?.step == .directory)
    #expect(error?.cause.code == ENOENT)
    #expect(error?.description.contains("/no/such/directory") == true)
    #expect(launchError(Command("true", directory: "/etc/passwd"))?.cause.code == ENOTDIR)
  }

  @Test func argumentsThatAreTooLongHaveTheirOwnError() {
    let error = launchError(Command("true", String(repeating: "x", count: 1 << 20)))
    #expect(error?.cause.code == E2BIG)
    #expect(error?.description.contains("too long") == true)
  }

  @Test func aFileThatCannotBeOpenedIsNamed() {
    let error = launchError(Command("cat", input: .file("/no/such/file")))
    #expect(error?.step == .descriptors)
    #expect(error?.description.contains("/no/such/file") == true)
    #expect(launchError(Command("cat", output: .descriptor(1_000_000)))?.cause.code == EBADF)
  }

  @Test func zeroBytesAreRefused() {
    expectThrows(InvalidCommandError.self) { try Command("echo", "a\0b").run() }
    expectThrows(InvalidCommandError.self) { try Command("cat", input: .file("/dev/null\0x")).run() }
    expectThrows(InvalidCommandError.self) { try Command("echo", output: .file("/dev/null\0x")).run() }
    expectThrows(InvalidCommandError.self) { try Command("echo", error: .file("/dev/null\0x")).run() }
    expectThrows(InvalidCommandError.self) { try Command("").run() }
    expectThrows(InvalidCommandError.self) { try Command("env", environment: .exactly(["A=B": "c"])).run() }
  }

  @Test func noNameOfAVariableHasAnEqualsSignWhateverFollowsThat() {
    expectThrows(InvalidCommandError.self) { try Command("env", environment: .exactly(["A=\u{301}": "c"])).run() }
  }

  @Test func aFailureToLaunchFailsTheCallerOnly() throws {
    try withNursery { nursery in
      expectThrows(LaunchError.self) { try Command("no-such-program").start() }
      #expect(!nursery.isCancelled)
      try Command("true").run().requireSuccess()
    }
  }

  @Test func nothingIsStartedInACancelledScope() throws {
    try withNursery { nursery in
      nursery.cancel()
      expectThrows(CancellationError.self) { try Command("true").start() }
    }
  }
}
