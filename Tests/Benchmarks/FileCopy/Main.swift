import Nursery

/// `FileCopy FROM TO`: copies a file, as `cp` does.
@main
struct FileCopy {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.count == 2, let source = arguments.first, let target = arguments.last else {
      print("usage: FileCopy FROM TO")
      return
    }
    _ = try runFibers { try copyFile(from: source, to: target) }
  }
}
