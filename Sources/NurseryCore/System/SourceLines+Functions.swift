import CSwitch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

#if canImport(Runtime) && !canImport(Darwin)
  import Runtime

  extension SourceLines {
    /// The functions on the stack of a thread that ran, the innermost first: those of the user, and before them the one
    /// that ran, if it was another.
    ///
    /// "Mill.grind(_:) at Shop/Mill.swift:40", or "Mill.grind(_:) of Shop" without debug information.
    static func functions(of sample: System.Sample) -> [String] {
      var functions: [String] = []
      // It takes more stack than a fiber may have.
      System.callOnThread("fibers-report") { functions = StackReader(sample).functions() }
      return functions
    }

    /// What one address belongs to.
    fileprivate struct Owner {
      /// The functions that the user knows: one that others were inlined into comes after them.
      var users: [String] = []
      /// The function's own name.
      var name: String?
      var isSwift = false
      /// Where the function begins; 0 if that is not known.
      var start: UInt = 0
    }
  }

  private struct StackReader {
    private let sample: System.Sample
    private let symbols: [UInt: [SymbolicatedBacktrace.Symbol]]
    private let places: [UInt: [SourceLines.Place]]
    private static let most = 32

    /// Looks up whatever may be a return address, all together: see `SourceLines.learn`.
    init(_ sample: System.Sample) {
      self.sample = sample
      var addresses = Set((sample.frames + sample.words).filter { cs_follows_call($0) })
      addresses.insert(Self.ran(in: sample))
      symbols = SourceLines.symbols(at: addresses.filter { Self.ownerInSystem($0) == nil })
        .mapValues { $0.filter { $0.sourceLocation?.path.hasSuffix("<compiler-generated>") != true } }
      places = SourceLines.places(of: symbols)
    }

    /// Symbols are looked up for the byte before a return address.
    private static func ran(in sample: System.Sample) -> UInt { sample.instruction &+ 1 }

    func functions() -> [String] {
      let ran = owner(of: Self.ran(in: sample))
      var frames = sample.frames.prefix { cs_follows_call($0) }[...]
      var found = ran.users
      if found.isEmpty, let name = ran.name { found.append(name) }
      if frames.isEmpty || !hasFrame(ran, before: sample.instruction) {
        let next = frames.first.map { owner(of: $0).start }
        if let index = callerIndex(next) {
          found += owner(of: sample.words[index]).users
          if frames.isEmpty { frames = sample.frames(savedBelow: index)[...] }
        }
      }
      for frame in frames where found.count < Self.most { found += owner(of: frame).users }
      return Array(found.prefix(Self.most))
    }

    /// Where in the words what has called a function without a frame lies: the first return address into Swift's code.
    ///
    /// - Parameter next: where the function begins that the innermost frame returns to; nil if there is no frame, so that
    ///   the caller must be a function of the user's.
    private func callerIndex(_ next: UInt?) -> Int? {
      for (index, word) in sample.words.enumerated() where cs_follows_call(word) {
        let owner = owner(of: word)
        // A second return address into the same function is what an earlier call has left.
        if let next, owner.isSwift { return owner.start == next ? nil : index }
        if next == nil, !owner.users.isEmpty { return index }
      }
      return nil
    }

    /// Whether the function has a frame at an instruction, as Swift's functions mostly have and C's do not.
    private func hasFrame(_ owner: SourceLines.Owner, before instruction: UInt) -> Bool {
      guard let start = UnsafeRawPointer(bitPattern: owner.start), instruction > owner.start else { return false }
      return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { code in
        let size = Int(min(UInt(code.count), instruction - owner.start))
        guard cs_read_memory(code.baseAddress!, start, size) == 0 else { return false }
        #if arch(x86_64)
          // push %rbp; mov %rsp, %rbp; and not just pop %rbp.
          return code[size - 1] != 0x5d
            && (0..<max(0, size - 3)).contains {
              code[$0] == 0x55 && code[$0 + 1] == 0x48 && code[$0 + 2] == 0x89 && code[$0 + 3] == 0xe5
            }
        #else
          // add x29, sp, #n; and not just ldp x29, x30, [sp ...].
          let words = code.bindMemory(to: UInt32.self).prefix(size / 4)
          return words.contains { $0 & 0xffc0_03ff == 0x9100_03fd }
            && !words.suffix(2).contains { $0 & 0xfe40_7fff == 0xa840_7bfd }
        #endif
      }
    }

    private func owner(of address: UInt) -> SourceLines.Owner {
      if let owner = Self.ownerInSystem(address) { return owner }
      guard let symbol = symbols[address]?.last else { return SourceLines.Owner() }
      return SourceLines.Owner(
        users: places[address]!.map(\.textWithFunction),
        name: "\(symbol.name) of \(symbol.imageName)", isSwift: symbol.rawName.hasPrefix("$s"),
        start: address &- UInt(max(0, symbol.offset)))
    }

    /// Of an address in a library of the system or the toolchain, whose symbols would take long to read: what the
    /// dynamic linker knows.
    private static func ownerInSystem(_ address: UInt) -> SourceLines.Owner? {
      var symbol = cs_symbol()
      guard cs_find_symbol(address &- 1, &symbol) else { return nil }
      let image = symbol.image.map { String(cString: $0) } ?? ""
      guard SourceLines.isOfTheSystem(image) else { return nil }
      guard let mangled = symbol.name else { return SourceLines.Owner(name: image) }
      let demangled = cs_demangled(mangled)
      defer { free(demangled) }
      let name = demangled.map { String(cString: $0) } ?? String(cString: mangled)
      return SourceLines.Owner(name: "\(name) of \(image)", isSwift: demangled != nil, start: symbol.start)
    }
  }

  extension System.Sample {
    /// The return addresses along the frame pointer that the functions of C below a word have saved, to use the register
    /// for something else.
    fileprivate func frames(savedBelow index: Int) -> [UInt] {
      for saved in words[..<index] {
        guard let first = frameIndex(saved), first > index else { continue }
        var frames: [UInt] = []
        var frame = first
        while cs_follows_call(words[frame + 1]) {
          frames.append(words[frame + 1])
          guard let next = frameIndex(words[frame]), next > frame else { break }
          frame = next
        }
        if !frames.isEmpty { return frames }
      }
      return []
    }

    /// The index of the two words of a frame at an address.
    private func frameIndex(_ address: UInt) -> Int? {
      #if arch(x86_64)
        let first = 0
      #else
        let first = 1
      #endif
      guard address >= stackPointer, (address - stackPointer) % 8 == 0 else { return nil }
      let index = (address - stackPointer) / 8
      return index < UInt(words.count - first - 1) ? Int(index) + first : nil
    }
  }
#else
  extension SourceLines {
    static func functions(of sample: System.Sample) -> [String] { [] }
  }
#endif
