import CSwitch

#if canImport(Runtime) && !canImport(Darwin)
  import Runtime
#endif

/// The line of a wait: the innermost frame of a stack that is neither ours nor the standard library's.
///
/// The toolchain's `Runtime` module reads the debug information. The first address of a program takes it a tenth of a
/// second or more, so lines are looked up when a text is asked for, and kept.
package enum SourceLines {
  private enum Frame {
    /// Of this library, or of none of whom the user knows.
    case skipped
    case line(String)
  }

  private static let known = Protected<[UInt: Frame]>([:])

  /// "Server/Accept.swift:12", or "in accept() of Server" without debug information; nil if no frame is the user's.
  package static func line(of frames: [UInt]) -> String? {
    if !isAvailable { return nil }
    for (index, address) in frames.enumerated() {
      switch known.withLock({ $0[address] }) {
      case .line(let line): return line
      case .skipped: continue
      case nil: return lookUp(frames[index...])
      }
    }
    return nil
  }

  /// The line of the call that the user's code is making, for the message of a trap: " at Server/Accept.swift:12";
  /// empty if it is not known.
  package static var ofCaller: String { line(of: StackFrames.ofCaller()).map { " at \($0)" } ?? "" }

  /// On a thread of its own, because it takes more stack than a fiber may have.
  private static func lookUp(_ frames: ArraySlice<UInt>) -> String? {
    var found: String?
    System.callOnThread("fibers-report") {
      for address in frames {
        let frame = known.withLock({ $0[address] }) ?? lookUp(address)
        known.withLock { $0[address] = frame }
        guard case .line(let line) = frame else { continue }
        found = line
        return
      }
    }
    return found
  }

  #if canImport(Runtime) && !canImport(Darwin)
    /// Under a sanitizer an address would take seconds, in which the runtime's reader frees millions of objects.
    package static let isAvailable = !cs_is_sanitized

    private static func lookUp(_ address: UInt, mayAskAgain: Bool = true) -> Frame {
      guard let backtrace = backtrace(at: address), let symbolicated = backtrace.symbolicated(with: backtrace.images)
      else { return .skipped }
      // The last frames: those before belong to this call.
      var isThere = false
      for frame in symbolicated.frames {
        if UInt(frame.captured.originalProgramCounter) == address { isThere = true }
        guard isThere, let symbol = frame.symbol else { continue }
        if let line = line(symbol, of: address, mayAskAgain: mayAskAgain) { return .line(line) }
      }
      return .skipped
    }

    /// A backtrace whose outermost frame is at the address.
    static func backtrace(at address: UInt, _ images: ImageMap = .capture()) -> Backtrace? {
      let capture = UnsafeMutablePointer<Capture>.new(Capture(images: images))
      defer { capture.destroy() }
      cs_call_below(captureBacktrace, capture, address)
      return capture.pointee.backtrace
    }

    /// The line of a frame; nil if it is ours, the standard library's, or the compiler's own.
    static func line(_ symbol: SymbolicatedBacktrace.Symbol, of address: UInt, mayAskAgain: Bool) -> String? {
      guard !symbol.isSwiftThunk, let module = module(of: symbol.rawName) else { return nil }
      if let place = symbol.sourceLocation, place.line > 0, place.path.hasPrefix("/") {
        if place.path.hasPrefix(sources) || isOfTheStandardLibrary(place.path) { return nil }
        let file = place.path.split(separator: "/").last ?? ""
        // A method in an extension of a type of ours has the type's module in its name.
        return isOurs(module) ? "\(file):\(place.line)" : "\(module)/\(file):\(place.line)"
      }
      if isOurs(module) { return nil }
      // A call that the compiler has made, such as a loop's: the line where the function begins.
      if symbol.sourceLocation != nil, symbol.offset > 2, mayAskAgain,
        case .line(let line) = lookUp(address &- UInt(symbol.offset) &+ 2, mayAskAgain: false)
      {
        return line
      }
      return "in \(symbol.name) of \(module)"
    }

    private static func isOurs(_ module: Substring) -> Bool {
      module == "NurseryCore" || module == "Nursery" || module == "NurseryTesting"
    }

    /// Inlined code of the standard library has the path that it had where the toolchain was built.
    private static func isOfTheStandardLibrary(_ path: String) -> Bool { path.contains("/stdlib/public/") }

    /// The module that a mangled name begins with; nil for what is not Swift's, or the standard library's.
    private static func module(of mangled: String) -> Substring? {
      guard mangled.hasPrefix("$s") || mangled.hasPrefix("$S") else { return nil }
      let rest = mangled.dropFirst(2)
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let length = Int(digits), length > 0 else { return nil }
      return rest.dropFirst(digits.count).prefix(length)
    }

    /// The folder of our modules, as the compiler has seen it.
    private static let sources: String = {
      let file = #filePath
      guard let end = file.range(of: "NurseryCore/System/") else { return file }
      return String(file[..<end])
    }()
  #else
    package static let isAvailable = false

    private static func lookUp(_ address: UInt) -> Frame { .skipped }
  #endif
}

#if canImport(Runtime) && !canImport(Darwin)
  private struct Capture {
    let images: ImageMap
    var backtrace: Backtrace?
  }

  private let captureBacktrace: @convention(c) (UnsafeMutableRawPointer) -> Void = { capture in
    let capture = capture.assumingMemoryBound(to: Capture.self)
    capture.pointee.backtrace = try? Backtrace.capture(algorithm: .fast, images: capture.pointee.images)
  }
#endif

extension String {
  /// Where a text begins, without Foundation.
  fileprivate func range(of text: String) -> String.Index? {
    var index = startIndex
    while index < endIndex {
      if self[index...].hasPrefix(text) { return index }
      index = self.index(after: index)
    }
    return nil
  }
}
