import Foundation
import Nursery
import Testing

struct SourceLinesTests {
  /// The addresses are looked up together, 256 at a time; those of no code change nothing.
  @Test func aLineIsFoundAmongHundredsOfAddresses() {
    let frames = Thread.callStackReturnAddresses.map { $0.uintValue }
    let strangers = (1...600).map { UInt($0) << 12 | 1 }
    SourceLines.learn([strangers + frames])
    let places = SourceLines.places(of: frames)
    #if DEBUG
      let isFound = places.contains { $0.function == "SourceLinesTests.aLineIsFoundAmongHundredsOfAddresses()" }
      #expect(isFound == SourceLines.isAvailable, "\(places)")
    #endif
    #expect(SourceLines.places(of: strangers) == [])
    #expect(SourceLines.isAvailable || places == [])
  }
}
