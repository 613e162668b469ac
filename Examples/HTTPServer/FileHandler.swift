import Nursery

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Answers with the files of a folder.
///
/// A folder's own page is its `index.html`; there are no listings. Symbolic links are followed, so any user who can
/// make links in the folder decides what is served. Conditional requests (by `ETag` or date) and `Range` requests are
/// supported.
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
        try response.add("Location", "\(request.path)/\(request.query.map { "?\($0)" } ?? "")")
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
    let content = try FileContent(file, facts)
    let now = time(nil)
    let validators = content.isAsStated ? Validators(facts, now: now) : nil

    let precondition = request.precondition(validators, now: now)
    if precondition == .failed { return try response.sendStatus(.preconditionFailed) }
    var ranges = ByteRanges.whole
    if precondition == .holds, request.method == .get, let validators, let length = content.length,
      let header = request.list("Range"), request.wantsParts(of: validators, now: now)
    {
      ranges = ByteRanges(header, length: length)
      if ranges == .unsatisfiable {
        try response.add("Content-Range", "bytes */\(length)")
        return try response.sendStatus(.rangeNotSatisfiable)
      }
    }

    if let validators {
      try response.add("ETag", "\(validators.tag)")
      try response.add("Last-Modified", httpDate(validators.modified))
    }
    if precondition == .notModified {
      response.status = .notModified
      return try response.begin(length: nil)
    }
    if validators != nil { try response.add("Accept-Ranges", "bytes") }
    if case .parts(let parts) = ranges, let length = content.length {
      try response.send(parts, of: length, type: contentType(name)) { try content.write($0, response) }
    } else {
      try response.add("Content-Type", contentType(name))
      try content.sendWhole(response)
    }
  }
}

extension ResponseWriter {
  /// Sends a response with the status as its text.
  func sendStatus(_ status: Status) throws {
    self.status = status
    try send("\(status)\n", type: "text/plain; charset=utf-8")
  }
}
