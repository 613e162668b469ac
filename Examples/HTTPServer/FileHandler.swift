import Nursery

/// Answers with the files of a folder.
///
/// A folder's own page is its `index.html`; there are no listings. Links are followed: who may make them in the folder decides what is
/// served.
struct FileHandler: Sendable {
  let root: String

  func callAsFunction(_ request: Request, _ response: ResponseWriter) throws {
    guard request.method == .get || request.method == .head else {
      if request.method == .other { return try response.sendStatus(.notImplemented) }
      try response.add("Allow", "GET, HEAD")
      return try response.sendStatus(.methodNotAllowed)
    }
    guard let path = FilePath(request.head.bytes[request.head.path]) else { return try response.sendStatus(.notFound) }
    do {
      let file = path.path(below: root)
      let facts = try FileFacts(file)
      if !facts.isFolder {
        if path.isFolder { return try response.sendStatus(.notFound) }
        try send(file, path.name, facts, request, response)
      } else if path.isFolder {
        let index = "\(file)/index.html"
        try send(index, "index.html", FileFacts(index), request, response)
      } else {
        try response.add("Location", "\(request.path)/")
        try response.sendStatus(.movedPermanently)
      }
    } catch let error as SystemError where !response.hasBegun && error.isMissing {
      try response.sendStatus(.notFound)
    } catch let error as SystemError where !response.hasBegun && error.isForbidden {
      try response.sendStatus(.forbidden)
    }
  }

  private func send(
    _ path: String, _ name: Substring, _ facts: FileFacts, _ request: Request, _ response: ResponseWriter
  ) throws {
    guard facts.isRegular else { return try response.sendStatus(.notFound) }
    let file = try FileStream(path)
    defer { file.close() }
    let date = httpDate(facts.modified)
    try response.add("Last-Modified", date)
    // Whoever asks has the date from us: it is the same, or the file is not.
    if request["If-Modified-Since"] == date {
      response.status = .notModified
      return try response.begin(length: nil)
    }
    try response.add("Content-Type", contentType(name))
    try response.begin(length: facts.size)
    try response.send(from: file)
  }
}

extension ResponseWriter {
  /// Sends a response that consists of its status.
  func sendStatus(_ status: Status) throws {
    self.status = status
    try send("\(status)\n", type: "text/plain; charset=utf-8")
  }
}
