import CSwitch

#if canImport(Runtime) && !canImport(Darwin)
  import Runtime
#endif

/// The line of a wait: the innermost frame of a stack that is neither ours nor the standard library's; and the other
/// frames of that kind.
///
/// The toolchain's `Runtime` module reads the debug information. The first address of a program takes it a tenth of a
/// second or more, so lines are looked up when a text is asked for, and kept.
package enum SourceLines {
  /// A call in the user's code.
  package struct Place: Sendable, Hashable, CustomStringConvertible {
    /// The function, without its arguments: "closure #1 in main()".
    package let function: String
    package let module: String
    /// "Server/Accept.swift:12"; nil without debug information.
    package let line: String?

    /// "in accept() at Server/Accept.swift:12", or "in accept() of Server".
    package var description: String { "in \(textWithFunction)" }

    /// The same without "in".
    var textWithFunction: String { line.map { "\(function) at \($0)" } ?? "\(function) of \(module)" }

    /// "Server/Accept.swift:12", or "in accept() of Server".
    var text: String { line ?? description }

    fileprivate func at(_ line: String) -> Place { Place(function: function, module: module, line: line) }
  }

  /// The places of each address: none in our own code, several where functions have been inlined.
  private static let known = Protected<[UInt: [Place]]>([:])

  /// "Server/Accept.swift:12", or "in accept() of Server" without debug information; nil if no frame is the user's.
  package static func line(of frames: [UInt]) -> String? { places(of: frames, atMost: 1).first?.text }

  /// The calls of the user's code, the innermost first: those with a line, if any has one.
  package static func places(of frames: [UInt]) -> [Place] {
    let places = places(of: frames, atMost: .max)
    return places.contains { $0.line != nil } ? places.filter { $0.line != nil } : places
  }

  private static func places(of frames: [UInt], atMost most: Int) -> [Place] {
    if !isAvailable { return [] }
    var places: [Place] = []
    for (index, address) in frames.enumerated() where places.count < most {
      if known.withLock({ $0[address] }) == nil { learn([frames[index...]]) }
      places += known.withLock { $0[address] } ?? []
    }
    return places
  }

  /// The line of the call that the user's code is making, for the message of a trap: " at Server/Accept.swift:12";
  /// empty if it is not known.
  package static var ofCaller: String { line(of: StackFrames.ofCaller()).map { " at \($0)" } ?? "" }

  /// Looks up addresses that are not known yet: all together, because each question reads the debug information anew.
  package static func learn(_ stacks: some Sequence<some Sequence<UInt>>) {
    if !isAvailable { return }
    var addresses: Set<UInt> = []
    for stack in stacks { addresses.formUnion(stack) }
    let unknown = known.withLock { known in addresses.filter { known[$0] == nil } }
    if unknown.isEmpty { return }
    // On a thread of its own, because it takes more stack than a fiber may have.
    System.callOnThread("fibers-report") {
      let places = lookUp(unknown.filter { !isOfTheSystem($0) })
      known.withLock { known in for address in unknown { known[address] = places[address] ?? [] } }
    }
  }

  #if canImport(Runtime) && !canImport(Darwin)
    /// Under a sanitizer an address would take seconds, in which the runtime's reader frees millions of objects.
    package static let isAvailable = !cs_is_sanitized

    private static func lookUp(_ addresses: Set<UInt>) -> [UInt: [Place]] { places(of: symbols(at: addresses)) }

    /// The functions that addresses lie in, an inlined one before that which it was inlined into.
    static func symbols(at addresses: Set<UInt>) -> [UInt: [SymbolicatedBacktrace.Symbol]] {
      let images = ImageMap.capture()
      var left = Array(addresses)
      var symbols: [UInt: [SymbolicatedBacktrace.Symbol]] = [:]
      while !left.isEmpty {
        let part = Array(left.prefix(Int(CS_MOST_FRAMES)))
        var seen: Set<UInt> = [part[0]]
        for frame in backtrace(of: part)?.symbolicated(with: images)?.frames ?? [] {
          // Others belong to this call. Where an async function goes on is one less: see `cs_call_below`.
          let counter = UInt(frame.captured.originalProgramCounter)!
          let address = part.contains(counter) ? counter : counter &+ 1
          guard part.contains(address) else { continue }
          seen.insert(address)
          if let symbol = frame.symbol { symbols[address, default: []].append(symbol) }
        }
        left.removeAll { seen.contains($0) }
      }
      return symbols
    }

    /// The places of those that are the user's.
    ///
    /// - Parameter mayAskAgain: whether a call without a line gets that where its function begins; the compiler makes
    ///   such calls, as for a loop.
    static func places(
      of symbols: [UInt: [SymbolicatedBacktrace.Symbol]], mayAskAgain: Bool = true
    ) -> [UInt: [Place]] {
      let places = symbols.mapValues { $0.compactMap(place) }
      if !mayAskAgain { return places }
      var beginnings: [UInt: UInt] = [:]
      for (address, symbols) in symbols where places[address]!.contains(where: { $0.line == nil }) {
        guard let symbol = symbols.last, symbol.sourceLocation != nil, symbol.offset > 2 else { continue }
        beginnings[address] = address &- UInt(symbol.offset) &+ 2
      }
      if beginnings.isEmpty { return places }
      let placesOfBeginnings = Self.places(of: Self.symbols(at: Set(beginnings.values)), mayAskAgain: false)
      var all = places
      for (address, beginning) in beginnings {
        guard let line = placesOfBeginnings[beginning]?.first?.line else { continue }
        all[address] = places[address]!.map { $0.line == nil ? $0.at(line) : $0 }
      }
      return all
    }

    /// A backtrace whose outermost frames are at the addresses.
    private static func backtrace(of addresses: [UInt]) -> Backtrace? {
      let result = UnsafeMutablePointer<Backtrace?>.new(nil)
      defer { result.destroy() }
      cs_call_below(captureBacktrace, result, addresses, addresses.count)
      return result.pointee
    }

    /// The place of a frame; nil if it is ours, the standard library's, or the compiler's own.
    private static func place(_ symbol: SymbolicatedBacktrace.Symbol) -> Place? {
      guard !symbol.isSwiftThunk, let module = module(of: symbol.rawName) else { return nil }
      let function = FunctionName.short(symbol.name, module: module)
      if let place = symbol.sourceLocation, place.line > 0, place.path.hasPrefix("/") {
        if place.path.hasPrefix(sources) || isOfTheStandardLibrary(place.path) { return nil }
        let file = place.path.split(separator: "/").last ?? ""
        // A method in an extension of a type of ours has the type's module in its name.
        let line = isOurs(module) ? "\(file):\(place.line)" : "\(module)/\(file):\(place.line)"
        return Place(function: function, module: String(module), line: line)
      }
      if isOurs(module) { return nil }
      return Place(function: function, module: String(module), line: nil)
    }

    /// Whether the code is that of a library that comes with Swift or the system: to look into it takes as long as into
    /// the program.
    private static func isOfTheSystem(_ address: UInt) -> Bool {
      guard let image = cs_image_of_code(address &- 1) else { return false }
      return isOfTheSystem(String(cString: image).split(separator: "/").last ?? "")
    }

    /// - Parameter image: the name of a library's file.
    static func isOfTheSystem(_ image: some StringProtocol) -> Bool { libraries.contains { image.hasPrefix($0) } }

    private static let libraries = [
      "libswift", "lib_Internal", "libdispatch", "libBlocksRuntime.", "libFoundation", "lib_Foundation", "libTesting",
      "lib_Testing", "libXCTest", "libc.", "libm.", "libpthread.", "libstdc++.", "libgcc_s.", "ld-",
    ]

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

    private static func isOfTheSystem(_ address: UInt) -> Bool { false }
    private static func lookUp(_ addresses: Set<UInt>) -> [UInt: [Place]] { [:] }
  #endif
}

#if canImport(Runtime) && !canImport(Darwin)
  private let captureBacktrace: @convention(c) (UnsafeMutableRawPointer) -> Void = { result in
    result.assumingMemoryBound(to: Backtrace?.self).pointee =
      try? Backtrace.capture(algorithm: .fast, limit: nil, images: ImageMap.capture())
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
