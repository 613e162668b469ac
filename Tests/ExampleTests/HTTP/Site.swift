import Nursery
import Testing

@testable import HTTPServer

/// A folder with files, and a server for it.
struct Site {
  private let workshop: Workshop
  private let root: String

  init() throws {
    workshop = try Workshop()
    let outcome = try workshop.shell("mkdir root && pwd")
    root = "\(outcome.output.split(separator: "\n").first ?? "")/root"
  }

  /// Runs a shell command in the folder.
  func make(_ command: String) throws {
    let outcome = try workshop.shell("cd root; \(command)")
    #expect(outcome.status == 0 && outcome.errors == "")
  }

  /// The server's answer, without the date.
  func answer(_ request: String) throws -> String {
    let files = FileHandler(root: root)
    return try exchange(request, service: Service(report: { Issue.record($0) }) { try files($0, $1) })
  }

  /// The first header of this name in an answer.
  func field(_ name: String, in answer: String) -> String? {
    answer.split(separator: "\r\n").first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
  }
}

func get(_ path: String, _ fields: String = "", method: String = "GET") -> String {
  "\(method) \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
}
