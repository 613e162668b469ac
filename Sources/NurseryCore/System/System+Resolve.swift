import CSwitch

extension System {
  package enum ResolveFailure: Sendable {
    case noSuchName
    case tryAgain
    case other
  }

  package enum Resolved {
    case addresses([RawAddress])
    case failed(ResolveFailure, String)
  }

  /// Asks the system's resolver for the addresses of a host, best first; blocks the thread, perhaps for long.
  package static func resolve(_ host: String) -> Resolved {
    let capacity = 64
    var failure = CS_RESOLVE_OTHER
    var text = [CChar](repeating: 0, count: 256)
    var count: Int32 = 0
    let addresses = [RawAddress](unsafeUninitializedCapacity: capacity) { buffer, initialized in
      count = host.withCString {
        cs_resolve($0, buffer.baseAddress!, Int32(capacity), &failure, &text, text.count)
      }
      initialized = max(0, Int(count))
    }
    if count >= 0 { return .addresses(addresses) }
    let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    switch failure {
    case CS_RESOLVE_NO_SUCH_NAME: return .failed(.noSuchName, reason)
    case CS_RESOLVE_TRY_AGAIN: return .failed(.tryAgain, reason)
    default: return .failed(.other, reason)
    }
  }
}
