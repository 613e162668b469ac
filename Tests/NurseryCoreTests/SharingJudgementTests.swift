#if DEBUG
  import Testing

  @testable import NurseryCore

  /// When workers leave what is queued to the one that has it, and when they share it again.
  struct SharingJudgementTests {
    private let inVain: Int64 = 1000
    private let worthIt: Int64 = 1_000_000

    private func stealInVain(_ count: Int, _ sharing: borrowing Sharing, now: Int64) {
      for _ in 0..<count { sharing.judgeSteal(inVain, now: now) }
    }

    private func expectIsPaused(
      _ expected: Bool, _ sharing: borrowing Sharing, at location: SourceLocation = #_sourceLocation
    ) {
      let isPaused = sharing.isPaused
      #expect(isPaused == expected, sourceLocation: location)
    }

    @Test func eightStealsInVainInARowAreEnough() {
      let sharing = Sharing()
      stealInVain(7, sharing, now: 0)
      sharing.judgeSteal(worthIt, now: 0)
      stealInVain(7, sharing, now: 0)
      expectIsPaused(false, sharing)
      stealInVain(1, sharing, now: 0)
      expectIsPaused(true, sharing)
    }

    @Test func eachPauseIsTwiceAsLongUpToALimit() {
      let sharing = Sharing()
      var now: Int64 = 0
      for expected in [100_000, 200_000, 400_000, 800_000, 1_600_000, 3_200_000, 6_400_000, 12_800_000]
        + [25_000_000, 25_000_000] as [Int64]
      {
        stealInVain(8, sharing, now: now)
        let early = sharing.resumeIfDue(now + expected - 1)
        let inTime = sharing.resumeIfDue(now + expected)
        #expect(!early && inTime)
        expectIsPaused(false, sharing)
        now += expected
      }
    }

    @Test func afterAStealThatPaysPausesAreShortAgain() {
      let sharing = Sharing()
      for _ in 0..<5 {
        stealInVain(8, sharing, now: 0)
        _ = sharing.resumeIfDue(.max)
      }
      sharing.judgeSteal(worthIt, now: 0)
      sharing.pause(0)
      let isOver = sharing.resumeIfDue(100_000)
      #expect(isOver)
    }

    @Test func whatHappensInAPauseDoesNotMakeItLonger() {
      let sharing = Sharing()
      sharing.pause(0)
      stealInVain(100, sharing, now: 50_000)
      sharing.pause(50_000)
      let isOver = sharing.resumeIfDue(100_000)
      #expect(isOver)
      stealInVain(7, sharing, now: 100_000)
      expectIsPaused(false, sharing)
    }
  }
#endif
