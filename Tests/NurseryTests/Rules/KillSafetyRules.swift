import Nursery
import Testing

/// Cancels `client` at each of its calls, while `survivor` uses the same state and is not cancelled.
///
/// - Parameter check: called after the client has ended; it lets the survivor end, and looks at what is left.
private func killClient<State, Outcome: Sendable>(
  calls least: Int, _ make: @escaping () throws -> State, client: @escaping (State) throws -> Void,
  survivor: @escaping (State) throws -> Outcome,
  check: (State, Fiber<Outcome>, _ isCompleted: Bool) throws -> Void
) throws {
  let calls = try exploreCancellations(.exhaustive(limit: 400, preemptions: 1)) {
    let state = try make()
    let use = Box { try survivor(state) }
    return (state: state, survivor: goAsync("survivor") { try use.value() })
  } body: { stage in
    try client(stage.state)
  } check: { stage, isCompleted in
    try check(stage.state, stage.survivor, isCompleted)
  }
  #expect(calls >= least)
}

/// Locks and cells that two clients share stay usable, whichever call of one client is cancelled (Flatt and Findler
/// 2004).
///
/// Every schedule with at most one preemption, and every call.
struct KillSafetyRules {
  @Test func aCancelledOwnerOrWaiterLeavesTheLockToTheOther() throws {
    try killClient(calls: 4) {
      FiberMutex(0, poisons: true)
    } client: { mutex in
      try mutex.withLock { count in
        try sleep(for: .seconds(1))
        count += 1
      }
      let lock = try mutex.lockOp(repairs: true).perform()
      try sleep(for: .seconds(1))
      lock.withState { $0 += 1 }
      lock.release()
    } survivor: { mutex in
      try mutex.withLock { count in
        try sleep(for: .seconds(1))
        count += 10
      }
      let lock = try mutex.lockOp().perform()
      lock.withState { $0 += 10 }
    } check: { mutex, survivor, isCompleted in
      try survivor.wait()
      let count = try mutex.withLock { $0 }
      try hold(isCompleted ? count == 22 : (20...22) ~= count, "\(count)")
    }
  }

  @Test func aCancelledHolderOrWaiterLeavesThePermitsToTheOther() throws {
    try killClient(calls: 5) {
      FiberSemaphore(3)
    } client: { semaphore in
      try semaphore.withPermits(2) { try sleep(for: .seconds(1)) }
      let permit = try semaphore.acquire(3)
      try sleep(for: .seconds(1))
      permit.release()
      _ = try choose(semaphore.acquireOp(2), semaphore.acquireOp(1))
      try semaphore.availableOp(3).perform()
    } survivor: { semaphore in
      try semaphore.withPermits(2) { try sleep(for: .seconds(1)) }
      try semaphore.acquireOp(1).perform().release()
      try semaphore.availableOp(1).perform()
    } check: { semaphore, survivor, _ in
      try survivor.wait()
      try hold(semaphore.freeCount == 3, "\(semaphore.freeCount) of 3 permits free")
      try hold(semaphore.waitingCount == 0, "a waiter is left")
    }
  }

  @Test func aCancelledReaderOrWriterLeavesTheLockToTheOther() throws {
    try killClient(calls: 6) {
      ReadWriteLock(0)
    } client: { lock in
      try lock.withReadLock { _ in try sleep(for: .seconds(1)) }
      try lock.withWriteLock { count in
        try sleep(for: .seconds(1))
        count += 1
      }
      try lock.readLockOp().perform().release()
      try lock.writeLockOp().perform().release()
    } survivor: { lock in
      try lock.withWriteLock { count in
        try sleep(for: .seconds(1))
        count += 10
      }
      _ = try lock.readLockOp().perform()
      _ = try lock.writeLockOp().perform()
      try lock.withReadLock { _ in }
    } check: { lock, survivor, isCompleted in
      try survivor.wait()
      let count = try lock.withWriteLock { $0 }
      try hold(isCompleted ? count == 11 : [10, 11].contains(count), "\(count)")
    }
  }

  @Test func ifAPartyIsCancelledTheOtherMeetsItOrIsTold() throws {
    try killClient(calls: 2) {
      Barrier(2)
    } client: { barrier in
      try barrier.wait()
      try barrier.waitOp().perform()
    } survivor: { barrier in
      var met = 0
      do {
        for _ in 0..<2 {
          try barrier.wait()
          met += 1
        }
      } catch is BrokenBarrierError {}
      return met
    } check: { barrier, survivor, isCompleted in
      // A perform that did not begin has broken nothing.
      waitUntilAllParked()
      if !isCompleted { barrier.reset() }
      let met = try survivor.wait()
      try hold(!isCompleted || met == 2, "met \(met) times")
      let party = goAsync { try barrier.wait() }
      try barrier.wait()
      try party.wait()
      try hold(!barrier.isBroken, "broken")
    }
  }

  @Test func aCancelledWaiterLeavesAGroupAndAnEventToTheOther() throws {
    try killClient(calls: 4) {
      (group: WaitGroup(1), event: Event())
    } client: { state in
      try state.group.wait()
      try state.group.waitOp().perform()
      try state.event.wait()
      try state.event.waitOp().perform()
    } survivor: { state in
      try sleep(for: .seconds(1))
      state.group.done()
      try state.group.wait()
      try sleep(for: .seconds(1))
      state.event.set()
      try state.event.wait()
    } check: { state, survivor, _ in
      try survivor.wait()
      try hold(state.group.count == 0 && state.event.isSet, "\(state.group.count)")
      state.event.reset()
      try hold(state.event.waitOp().poll() == nil, "a reset event is open")
    }
  }

  @Test func aCancelledReaderLeavesAPromiseAndAWatchToTheOther() throws {
    try killClient(calls: 4) {
      (promise: Promise<Int>(), watch: Watch(0))
    } client: { state in
      let reader = state.watch.reader()
      _ = try state.promise.wait()
      _ = try state.promise.waitOp().perform()
      _ = try reader.changes()
      _ = try reader.changesOp().perform()
    } survivor: { state in
      let reader = state.watch.reader()
      try sleep(for: .seconds(1))
      state.promise.fulfill(7)
      for number in 1...2 {
        try sleep(for: .seconds(1))
        state.watch.set(number)
      }
      return try reader.changes() + state.promise.wait()
    } check: { state, survivor, _ in
      let sum = try survivor.wait()
      try hold(sum == 9, "\(sum)")
    }
  }

  @Test func aCancelledClientOfAnMVarNeitherLosesNorDoublesItsValue() throws {
    try killClient(calls: 3) {
      MVar(1)
    } client: { place in
      _ = try place.read()
      for op in [place.takeOp(), place.takeOp().or(place.takeOp())] {
        let value = try op.perform()
        // The value is the client's own now, so putting it back must not be cut off.
        try withShield { try place.put(value + 1) }
      }
    } survivor: { place in
      let value = try place.take()
      try sleep(for: .seconds(1))
      try place.putOp(value + 10).perform()
      _ = try place.readOp().perform()
    } check: { place, survivor, _ in
      try survivor.wait()
      let value = try place.take()
      try hold((11...13) ~= value, "\(value)")
      try hold(place.isEmpty, "two values")
    }
  }

  @Test func aCancelledSubscriberHoldsNoSenderBack() throws {
    try killClient(calls: 3) {
      Multicast<Int>()
    } client: { multicast in
      let subscription = multicast.subscribe(.holdingBack(1))
      for number in 1...3 {
        let element = try number == 2 ? subscription.nextOp().perform() : subscription.next()
        try hold(element == number, "\(String(describing: element)) instead of \(number)")
      }
    } survivor: { multicast in
      try sleep(for: .seconds(1))
      for number in 1...3 { try multicast.send(number) }
    } check: { multicast, survivor, _ in
      try survivor.wait()
      try hold(multicast.subscriberCount == 0, "a subscriber is left")
      try hold(multicast.waitingCount == 0, "a sender is left")
    }
  }

  @Test func aCancelledSenderHasSentToEverySubscriberOrToNone() throws {
    try killClient(calls: 3) {
      let multicast = Multicast<Int>()
      return (multicast, multicast.subscribe(.holdingBack(1)), multicast.subscribe(.lagging(8)))
    } client: { multicast, _, _ in
      for number in 1...3 {
        if number == 2 { try multicast.sendOp(number).perform() } else { try multicast.send(number) }
      }
      multicast.close()
    } survivor: { _, slow, _ in
      var elements: [Int] = []
      while let element = try slow.next() {
        elements.append(element)
        try sleep(for: .seconds(1))
      }
      return elements
    } check: { state, survivor, isCompleted in
      let (multicast, _, quick) = state
      multicast.close()
      let seen = try survivor.wait()
      var others: [Int] = []
      while let element = try quick.next() { others.append(element) }
      try hold(seen == others, "\(seen), but \(others)")
      try hold(isCompleted ? seen == [1, 2, 3] : [1, 2, 3].starts(with: seen), "\(seen)")
    }
  }

  @Test func aCancelledClientLeavesItsServerToTheOthers() throws {
    try killClient(calls: 2) {
      Requests<Int, Int>()
    } client: { inbox in
      for number in 1...2 {
        let reply = try inbox.ask(number)
        try hold(reply == -number, "\(reply)")
      }
    } survivor: { inbox in
      var gone = 0
      while let request = try inbox.next() {
        try sleep(for: .seconds(1))
        if !request.reply(-request.query) { gone += 1 }
      }
      return gone
    } check: { inbox, survivor, isCompleted in
      let reply = try inbox.ask(3)
      try hold(reply == -3, "\(reply)")
      inbox.close()
      let gone = try survivor.wait()
      try hold(gone <= (isCompleted ? 0 : 1), "\(gone) clients were gone")
    }
  }

  @Test func aCancelledServerFailsTheClientItServesAndLeavesTheOthersWaiting() throws {
    try killClient(calls: 3) {
      Requests<Int, Int>()
    } client: { inbox in
      for _ in 1...2 {
        guard let request = try inbox.next() else { throw Broken("closed") }
        try sleep(for: .seconds(1))
        request.reply(-request.query)
      }
    } survivor: { inbox in
      var replies: [Int] = []
      for number in 1...2 {
        do { replies.append(try inbox.ask(number)) } catch is NoReplyError {}
      }
      return replies
    } check: { inbox, survivor, isCompleted in
      // Serves in the place of the cancelled one.
      waitUntilAllParked()
      while !survivor.isFinished {
        if let request = try inbox.next() { request.reply(-request.query) }
        waitUntilAllParked()
      }
      let replies = try survivor.wait()
      try hold(isCompleted ? replies == [-1, -2] : replies.count >= 1, "\(replies)")
    }
  }

  @Test func aCancelledPartnerHasSwappedOrLeavesTheDeskToTheOther() throws {
    try killClient(calls: 1) {
      SwapChannel<Int>()
    } client: { desk in
      let theirs = try desk.swap(1)
      try hold(theirs == 2, "\(theirs)")
    } survivor: { desk in
      try desk.swapOp(2).perform()
    } check: { desk, survivor, isCompleted in
      waitUntilAllParked()
      if !survivor.isFinished { try hold(desk.swap(3) == 2, "not the survivor's") }
      let theirs = try survivor.wait()
      try hold(isCompleted ? theirs == 1 : [1, 3].contains(theirs), "\(theirs)")
    }
  }
}
