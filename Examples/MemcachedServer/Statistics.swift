/// Counters since the server was started.
package struct Statistics {
  var gets = 0
  var getHits = 0
  var sets = 0
  var touches = 0
  var touchHits = 0
  var deleteHits = 0
  var deleteMisses = 0
  var incrementHits = 0
  var incrementMisses = 0
  var decrementHits = 0
  var decrementMisses = 0
  var compareHits = 0
  var compareMisses = 0
  var compareLosses = 0
  var flushes = 0
  var evictions = 0
  var connections = 0
  var openConnections = 0

  mutating func countChange(_ isIncrement: Bool, isHit: Bool) {
    switch (isIncrement, isHit) {
    case (true, true): incrementHits += 1
    case (true, false): incrementMisses += 1
    case (false, true): decrementHits += 1
    case (false, false): decrementMisses += 1
    }
  }

  /// Resets all counters except the number of open connections.
  mutating func reset() {
    let open = openConnections
    self = Statistics()
    openConnections = open
  }

  /// The figures under memcached's names.
  var report: [(name: String, value: Int)] {
    [
      ("curr_connections", openConnections), ("total_connections", connections), ("cmd_get", gets), ("cmd_set", sets),
      ("cmd_flush", flushes), ("cmd_touch", touches), ("get_hits", getHits), ("get_misses", gets - getHits),
      ("delete_hits", deleteHits), ("delete_misses", deleteMisses), ("incr_hits", incrementHits),
      ("incr_misses", incrementMisses), ("decr_hits", decrementHits), ("decr_misses", decrementMisses),
      ("cas_hits", compareHits), ("cas_misses", compareMisses), ("cas_badval", compareLosses),
      ("touch_hits", touchHits), ("touch_misses", touches - touchHits), ("evictions", evictions),
    ]
  }
}
