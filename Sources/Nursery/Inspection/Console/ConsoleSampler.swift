/// Takes what `top` shows.
///
/// A sample costs a walk over all fibers, so one is not taken more often than that it costs a thirtieth of the time:
/// until then the last one is the answer.
struct ConsoleSampler {
  private var last = ""
  private var nextAt = Int64.min
  /// For each worker, how many switches it had made at the time from which on it has not made any.
  private var standstills: [(switches: Int, since: Int64)] = []

  private static let share: Int64 = 30
  private static let mostLines = 100
  private static let mostWaits = 20
  private static let mostChannels = 20

  mutating func sample(_ scheduler: Scheduler) -> String {
    let start = System.monotonicNow()
    if start < nextAt { return last }
    let snapshot = scheduler.snapshotWithChannels
    let end = System.monotonicNow()
    nextAt = end + (end - start) * Self.share
    let tree = DumpTree(snapshot)
    let statistics = scheduler.statistics
    last = ConsoleReply.object { json in
      json.object("top") { json in
        // For rates: seconds of some clock.
        json.field("time", seconds: end)
        json.object("totals") { json in
          json.field("spawned", statistics.fibersSpawned)
          json.field("switches", statistics.switches)
          json.field("offers", statistics.offersOutstanding)
          json.field("timers", statistics.timers)
        }
        write(workers: snapshot, tree, end, &json)
        Self.write(lines: snapshot, tree, &json)
        Self.write(waits: snapshot, tree, &json)
        Self.write(channels: snapshot, &json)
      }
    }
    return last
  }

  private mutating func write(workers snapshot: FiberSnapshot, _ tree: DumpTree, _ now: Int64, _ json: inout JSONText) {
    json.array("workers", snapshot.workers.indices) { json, index in
      let worker = snapshot.workers[index]
      if index == standstills.count { standstills.append((worker.switches, now)) }
      if standstills[index].switches != worker.switches { standstills[index] = (worker.switches, now) }
      json.object { json in
        json.write(worker)
        json.field("runs", worker.running < 0 ? nil : tree.label(Int(worker.running)))
        let site = worker.running < 0 ? nil : snapshot.fibers[Int(worker.running)].site
        json.field("spawned", site.flatMap { $0.line > 0 ? $0.description : nil })
        // Not since its last switch, but since the first sample that has seen it there.
        let isHeld = !worker.isAsleep && worker.running >= 0
        json.field("heldFor", seconds: isHeld ? now - standstills[index].since : 0)
      }
    }
  }

  private struct Line {
    var running = 0
    var ready = 0
    var waiting = 0
    var longest: Duration = .zero
    var count: Int { running + ready + waiting }
  }

  /// The fibers by the lines that have spawned them, the most frequent first.
  private static func write(lines snapshot: FiberSnapshot, _ tree: DumpTree, _ json: inout JSONText) {
    var lines: [SourceSite: Line] = [:]
    for fiber in snapshot.fibers {
      switch fiber.state {
      case .running: lines[fiber.site, default: Line()].running += 1
      case .ready: lines[fiber.site, default: Line()].ready += 1
      case .waiting, .joining, .awaitingTurn:
        lines[fiber.site, default: Line()].waiting += 1
        if let waited = tree.waited(fiber), waited > lines[fiber.site]!.longest { lines[fiber.site]!.longest = waited }
      }
    }
    let sorted = lines.sorted { ($1.value.count, $0.key.description) < ($0.value.count, $1.key.description) }
    json.field("fibers", snapshot.fibers.count)
    json.array("lines", sorted.prefix(mostLines)) { json, line in
      json.object { json in
        json.field("spawned", line.key.line > 0 ? line.key.description : nil)
        json.field("fibers", line.value.count)
        json.field("running", line.value.running)
        json.field("ready", line.value.ready)
        json.field("waiting", line.value.waiting)
        json.field("longest", seconds: line.value.longest.nanosecondsClamped)
      }
    }
  }

  /// The fibers that have waited longest.
  private static func write(waits snapshot: FiberSnapshot, _ tree: DumpTree, _ json: inout JSONText) {
    var longest: [(index: Int, waited: Duration)] = []
    for index in snapshot.fibers.indices {
      guard let waited = tree.waited(snapshot.fibers[index]) else { continue }
      if longest.count == mostWaits, waited <= longest.last!.waited { continue }
      let place = longest.firstIndex { $0.waited < waited } ?? longest.count
      longest.insert((index, waited), at: place)
      if longest.count > mostWaits { longest.removeLast() }
    }
    json.array("waits", longest) { json, wait in
      let fiber = snapshot.fibers[wait.index]
      json.object { json in
        json.field("fiber", tree.label(wait.index))
        json.field("nursery", tree.path(of: fiber))
        json.field("waited", seconds: wait.waited.nanosecondsClamped)
        json.field("line", tree.line(of: fiber))
        json.field("for", tree.waits(of: fiber, isExact: true))
      }
    }
  }

  /// The channels that fibers wait on, the fullest first.
  private static func write(channels snapshot: FiberSnapshot, _ json: inout JSONText) {
    let channels = snapshot.channels.sorted {
      ($1.value.count, $1.value.waitingSenders, $0.key) < ($0.value.count, $0.value.waitingSenders, $1.key)
    }
    json.array("channels", channels.prefix(mostChannels)) { json, channel in
      json.object { json in
        json.field("channel", channel.value.name)
        json.field("count", channel.value.count)
        json.field("capacity", channel.value.capacity)
        json.field("peak", channel.value.peak)
        json.field("dropped", channel.value.dropped)
        json.field("senders", channel.value.waitingSenders)
        json.field("receivers", channel.value.waitingReceivers)
      }
    }
  }
}
