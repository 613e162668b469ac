// Which lease gets which resource.
//
//     make --> free --- granted to the first lease that waits ---> lent --- end ---> free, or discarded
//       ^        |                       |
//       |        +- too old, or bad:     +- the lease has gone meanwhile: free
//       |           discarded
//     more leases wait than are being made, and there are fewer than `limit`
//
// Each step is one critical section; user code runs outside. Each step that frees or removes a resource calls `serve`,
// which goes on until no lease waits or nothing can be granted. So no lease waits while a resource is free, or could be
// made.
extension ResourcePool {
  private enum Step {
    case nothing
    case make
    case check(Held, Request)
  }

  func submit(_ request: Request) {
    state.withLock { $0.waiting.append(request) }
    serve()
  }

  /// A lease does not wait any more; what it has been granted meanwhile goes to another.
  func withdraw(_ request: Request) {
    state.withLock { state in state.waiting.removeAll { $0 === request } }
    // A grant that comes from here on finds the channel closed, and is taken back there.
    request.grants.close()
    if case .success(let held)? = request.grants.tryReceive() { takeBack(held, isReusable: true, isUnused: true) }
  }

  func takeBack(_ held: Held, isReusable: Bool, isUnused: Bool = false) {
    var held = held
    if !isUnused { held.returned = FiberClock.now }
    let isKept = state.withLock { [held] state in
      let isKept = isReusable && !state.isClosed
      if isKept { state.free.append(held) } else { state.count -= 1 }
      return isKept
    }
    if !isKept { discard(held.resource) }
    serve()
  }

  /// Grants free resources to waiting leases, and has one made for each of the others while the limit allows.
  private func serve() {
    while true {
      let now = FiberClock.now
      let step: Step = state.withLock { state in
        if state.waiting.isEmpty { return .nothing }
        if let held = state.free.popLast() { return .check(held, state.waiting.removeFirst()) }
        guard state.waiting.count > state.making, state.count < limit else { return .nothing }
        state.count += 1
        state.making += 1
        return .make
      }
      switch step {
      case .nothing: return
      case .make: startMaking()
      case .check(let held, let request):
        if isFresh(held, now), isGood(held.resource) {
          grant(held, to: request)
        } else {
          state.withLock { state in
            state.count -= 1
            state.waiting.insert(request, at: 0)
          }
          discard(held.resource)
        }
      }
    }
  }

  private func grant(_ held: Held, to request: Request) {
    do {
      _ = try request.grants.trySend(.success(held))
    } catch {
      takeBack(held, isReusable: true, isUnused: true)
    }
  }

  private func isFresh(_ held: Held, _ now: FiberClock.Instant) -> Bool {
    if let maximumIdle, now - held.returned > maximumIdle { return false }
    if let maximumAge, now - held.made > maximumAge { return false }
    return true
  }

  private func startMaking() {
    nursery.goAsync("resource") { [self] in
      let result = Result { try withTimeout(deadline, make) }
      let now = FiberClock.now
      let failed = state.withLock { state -> Request? in
        state.making -= 1
        if case .success(let resource) = result {
          state.free.append(Held(resource: resource, made: now, returned: now))
          return nil
        }
        state.count -= 1
        return state.waiting.isEmpty ? nil : state.waiting.removeFirst()
      }
      if case .failure(let error) = result { _ = try? failed?.grants.trySend(.failure(error)) }
      serve()
    }
  }

  func discardFree() {
    let free = state.withLock { state in
      let free = state.free
      state.isClosed = true
      state.count -= free.count
      state.free = []
      return free
    }
    for held in free { discard(held.resource) }
  }
}
