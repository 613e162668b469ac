#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A temporary folder with a shell that finds the example programs by name.
///
/// The tests run commands as a user would: `wordcount --top 3 text`. The programs are those of the tests' own build, in
/// any folder and configuration. Without Foundation, because its `Process` leaks, which leak checkers report.
final class Workshop: Sendable {
  private let folder: String
  private let programs: String

  init() throws {
    programs = try programFolder()
    var template = Array("\(environment("TMPDIR") ?? "/tmp")/nursery-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Problem("cannot make a temporary folder") }
    folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit { system("rm -rf \(quoted(folder))") }

  /// The path of an example program.
  func path(of program: String) -> String { "\(programs)/\(program)" }

  /// The outcome of a command.
  struct Outcome {
    let status: Int32
    let output: String
    let errors: String
  }

  /// Runs a shell command in the folder, with an empty standard input.
  ///
  /// Sorting is by bytes, as in the programs, in every locale.
  func shell(_ command: String) throws -> Outcome {
    let status = system(
      """
      cd \(quoted(folder)) || exit
      exec < /dev/null > .output 2> .errors
      PATH=\(quoted(programs)):$PATH LC_ALL=C; export PATH LC_ALL
      \(command)
      """)
    // The status as in a shell: 128 plus the signal for a program that was killed.
    return Outcome(
      status: status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F, output: try read(".output"),
      errors: try read(".errors"))
  }

  /// Writes a file.
  func write(_ bytes: some Collection<UInt8>, to name: String) throws {
    guard let file = fopen("\(folder)/\(name)", "w") else { throw Problem("cannot write \(name)") }
    let bytes = Array(bytes)
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else { throw Problem("cannot write \(name)") }
  }

  /// Writes a file.
  func write(_ text: String, to name: String) throws { try write(text.utf8, to: name) }

  private func read(_ name: String) throws -> String {
    guard let file = fopen("\(folder)/\(name)", "r") else { throw Problem("cannot read \(name)") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&block, 1, block.count, file)
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += block[..<count]
    }
  }
}

/// The text as one word of the shell.
func quoted(_ text: String) -> String {
  "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
}

/// A variable of the environment.
func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

/// The path without its last component.
func parent(_ path: String) -> String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }

/// The folder of this build's programs: the one that holds the test bundle.
private func programFolder() throws -> String {
  #if canImport(Darwin)
    var image = Dl_info()
    dladdr(#dsohandle, &image)
    let bundle = String(cString: image.dli_fname)
  #else
    guard let path = realpath("/proc/self/exe", nil) else { throw Problem("cannot find the test bundle") }
    defer { free(path) }
    let bundle = String(cString: path)
  #endif
  // On some systems the bundle is a folder, and the image lies a few levels below it.
  var folder = parent(bundle)
  while access("\(folder)/wordcount", X_OK) != 0 {
    guard folder != "" else {
      throw Problem("no folder above \(bundle) holds the program wordcount; run 'swift build' first")
    }
    folder = parent(folder)
  }
  return folder
}

/// The reason why the tests cannot run.
private struct Problem: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
