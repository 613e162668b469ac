#if os(Linux)
  import Glibc
  import Nursery
  import TestSupport
  import Testing

  /// What a nursery does with a process that it can neither see nor signal.
  struct HiddenProcessTests {
    // A process that has become another user may not be traced, which the leak sanitizer does at the end.
    @Test(
      .disabled(if: isSanitized, "the leak sanitizer cannot look at another user's process"),
      .enabled(if: Hiding.isPossible, "it needs root, setpriv, and a private mount namespace"))
    func aNurseryFailsIfAProcessOfAnotherUserIsHidden() async {
      await #expect(processExitsWith: .success) { try Hiding.aNurseryFailsIfAProcessOfAnotherUserIsHidden() }
    }
  }

  private enum Hiding {
    /// Whether this process may mount a /proc of its own with `hidepid`, and become another user.
    static let isPossible =
      geteuid() == 0
      && run("command -v setpriv && unshare -m mount -t proc -o hidepid=2 proc /proc > /dev/null 2>&1") == 0

    static func aNurseryFailsIfAProcessOfAnotherUserIsHidden() throws {
      // Glibc's Swift module does not have it.
      typealias Unshare = @convention(c) (Int32) -> Int32
      let unshare = unsafeBitCast(dlsym(nil, "unshare"), to: Unshare.self)
      let newMounts: Int32 = 0x20000  // CLONE_NEWNS
      #expect(unshare(newMounts) == 0)
      #expect(mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0)
      #expect(mount("proc", "/proc", "proc", 0, "hidepid=2") == 0)
      // With the first bit of its mode this copy of setpriv starts processes of root for anyone. It is seen, and
      // exists, in this namespace only.
      let becomesRoot = "/mnt/setpriv"
      #expect(mount("none", "/mnt", "tmpfs", 0, "mode=755") == 0)
      #expect(run("cp \"$(command -v setpriv)\" \(becomesRoot) && chmod 4755 \(becomesRoot)") == 0)
      #expect(setgid(65534) == 0 && setuid(65534) == 0)

      let marked = "1000.\(getpid())"
      let error = expectThrows(SystemError.self) {
        try withNursery { _ in
          // The one process is ours, and has left its parents; the other is root's, and ends by itself.
          let script = """
            (setsid sleep \(marked) &)
            (setsid \(becomesRoot) --reuid=0 --regid=0 --clear-groups sh -c 'echo $(id -ru); exec sleep 10' &)
            """
          let process = try Command("sh", "-c", script, output: .pipe).start()
          #expect(try process.output!.read(upTo: 100) == Array("0\n".utf8))
          #expect(try process.wait() == .exited(0))
          expectSoon { Surroundings.processes(withArgument: marked).count == 1 }
        }
      }
      #expect(error?.code == EPERM)
      #expect(Surroundings.processes(withArgument: marked) == [])
    }

    private static func run(_ script: String) -> Int32 { system(script) }
  }
#endif
