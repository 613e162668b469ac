#if DEBUG
  import CSwitch
  import Testing

  @testable import NurseryCore

  /// When workers leave what is queued to the one that has it, and when they share it again.
  struct SharingJudgementTests {
    private let inVain: Int64 = 1000
    private let worthIt: Int64 = 1_000_000

    private func stealInVain(_ count: Int, _ sharing: borrowing Sharing, now: Int64) {
      for _ in 0..<count { sharing.judgeSteal(inVain, cost: 1, now: now) }
    }

    private func expectIsPaused(
      _ expected: Bool, _ sharing: borrowing Sharing, at location: SourceLocation = #_sourceLocation
    ) {
      let isPaused = sharing.isPaused
      #expect(isPaused == expected, sourceLocation: location)
    }

    private func stealWell(_ count: Int, _ sharing: borrowing Sharing) {
      for _ in 0..<count { sharing.judgeSteal(worthIt, cost: 1, now: 0) }
    }

    @Test func eightMoreInVainThanNotAreEnough() {
      let sharing = Sharing()
      stealInVain(7, sharing, now: 0)
      stealWell(3, sharing)
      stealInVain(3, sharing, now: 0)
      expectIsPaused(false, sharing)
      stealInVain(1, sharing, now: 0)
      expectIsPaused(true, sharing)
    }

    @Test func aStealThatTookLongHasToBringMore() {
      let sharing = Sharing()
      for _ in 0..<8 { sharing.judgeSteal(399_999, cost: 100_000, now: 0) }
      expectIsPaused(true, sharing)
      _ = sharing.resumeIfDue(.max)
      for _ in 0..<8 { sharing.judgeSteal(400_000, cost: 100_000, now: 0) }
      expectIsPaused(false, sharing)
    }

    @Test func aStealAmongClashesIsInVain() {
      var trial = SharingTrial()
      trial.beginSteal(cost: 5)
      for _ in 0..<1_000_000 { cs_note_contention() }
      let first = trial.endSteal()
      #expect(first?.time == 0 && first?.cost == 5)
      let again = trial.endSteal()
      #expect(again == nil)
    }

    @Test func onlyManyClashesInAShortTimeAreClashing() {
      var trial = SharingTrial()
      for _ in 0..<15 { cs_note_contention() }
      let few = trial.isClashing()
      // These sixteen have come since the clock began.
      cs_note_contention()
      let slow = trial.isClashing()
      for _ in 0..<1_000_000 { cs_note_contention() }
      let fast = trial.isClashing()
      #expect(!few && !slow && fast)
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

    @Test func afterStealsThatPayPausesAreShortAgain() {
      let sharing = Sharing()
      for _ in 0..<5 {
        stealInVain(8, sharing, now: 0)
        _ = sharing.resumeIfDue(.max)
      }
      stealWell(8, sharing)
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
