/// The tag and date of a file's current version, which clients send back.
struct Validators {
  let tag: EntityTag
  /// The modification time in seconds since 1970.
  let modified: Int

  init(_ facts: FileFacts, now: Int) {
    let time = String(facts.modified, radix: 16)
    let value = "\(String(facts.size, radix: 16))-\(time).\(String(facts.modifiedNanoseconds, radix: 16))"
    tag = EntityTag(isWeak: facts.modified >= now - 1, value: value)
    modified = facts.modified
  }
}

/// The result of a request's conditions (RFC 9110, 13.2.2).
enum Precondition {
  case holds
  /// The client has the current version.
  case notModified
  /// The client requires a version that is no longer current.
  case failed
}

extension Request {
  /// Evaluates the conditions in the order of the standard.
  ///
  /// - Parameter validators: nil for a file without versions.
  func precondition(_ validators: Validators?, now: Int) -> Precondition {
    if let wanted = list("If-Match") {
      let isThere = wanted == "*" || tags(wanted) { validators?.tag.matchesStrongly($0) ?? false }
      if !isThere { return .failed }
    } else if let validators, let date = date("If-Unmodified-Since", now), validators.modified > date {
      return .failed
    }
    if let known = list("If-None-Match") {
      let isKnown = known == "*" || tags(known) { validators?.tag.matchesWeakly($0) ?? false }
      return isKnown ? .notModified : .holds
    }
    if let validators, let date = date("If-Modified-Since", now), validators.modified <= date { return .notModified }
    return .holds
  }

  /// Whether parts may be sent: `If-Range` names this version, or is missing.
  func wantsParts(of validators: Validators, now: Int) -> Bool {
    guard let version = self["If-Range"] else { return true }
    if let tag = EntityTag.list(version).first { return tag.matchesStrongly(validators.tag) }
    // A date is only valid if the tag is strong: the date does not show a second change within one second.
    return !validators.tag.isWeak && date("If-Range", now) == validators.modified
  }

  private func tags(_ text: String, _ matches: (EntityTag) -> Bool) -> Bool {
    EntityTag.list(text).contains(where: matches)
  }

  private func date(_ name: String, _ now: Int) -> Int? { self[name].flatMap { secondsOfHTTPDate($0, now: now) } }
}
