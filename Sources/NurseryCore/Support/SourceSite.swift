#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A line of the source: where a fiber was spawned, a nursery opened or a timeout written.
public struct SourceSite: Sendable, Hashable, CustomStringConvertible {
  // Sixteen bytes, not the twenty-five of a StaticString and a line: every fiber has one.
  @usableFromInline nonisolated(unsafe) let start: UnsafePointer<UInt8>?
  @usableFromInline let length: UInt32
  @usableFromInline let storedLine: UInt32

  @inlinable
  package init(file: StaticString, line: UInt) {
    start = file.utf8Start
    length = UInt32(truncatingIfNeeded: file.utf8CodeUnitCount)
    storedLine = UInt32(truncatingIfNeeded: line)
  }

  /// Nowhere.
  @inlinable
  package init() {
    start = nil
    length = 0
    storedLine = 0
  }

  /// The same in one word, so that it can be stored at once: lines above 65,535 are cut.
  package var word: UInt64 {
    UInt64(UInt(bitPattern: start)) & (1 << 48 - 1) | UInt64(min(storedLine, 0xFFFF)) << 48
  }

  package init(word: UInt64) {
    start = UnsafePointer(bitPattern: UInt(word & (1 << 48 - 1)))
    // A static string ends with a zero.
    length = UInt32(start.map { strlen(UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self)) } ?? 0)
    storedLine = UInt32(truncatingIfNeeded: word >> 48)
  }

  /// The module and the file: "Server/Accept.swift".
  public var fileID: String {
    String(decoding: UnsafeBufferPointer(start: start, count: Int(length)), as: UTF8.self)
  }

  /// The line in the file, from 1.
  public var line: Int { Int(storedLine) }

  /// The same for all that come from one line of the source, though not for them alone: quicker to compare than the
  /// text.
  var key: Key { Key(start: UInt(bitPattern: start), line: storedLine) }

  struct Key: Hashable {
    let start: UInt
    let line: UInt32
  }

  var isKnown: Bool { storedLine != 0 }

  /// "Server/Accept.swift:12".
  public var description: String { "\(fileID):\(line)" }

  /// Whether both are the same line of the same file.
  public static func == (left: SourceSite, right: SourceSite) -> Bool {
    left.storedLine == right.storedLine && (left.start == right.start || left.fileID == right.fileID)
  }

  /// Hashes the file and the line.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(fileID)
    hasher.combine(storedLine)
  }
}
