extension Trace {
  /// Writes the trace as a page for a browser: one file, which loads nothing from elsewhere.
  ///
  /// It shows the time line of the workers and of each nursery's fibers, to zoom, move and search in; a click on a fiber
  /// shows what it waited for and who woke it; a second view shows the scopes. A file that is there is replaced when
  /// the new one is complete. Blocks a plain thread, and only the calling fiber.
  ///
  /// - Throws: `SystemError` if the file cannot be written; nothing is left of it then.
  public func writePage(to path: String) throws {
    try TraceFile.write(path) { sink in try self.writePage(sink) }
  }

  func writePage<Failure: Error>(_ sink: (String) throws(Failure) -> Void) throws(Failure) {
    try sink(TracePage.head)
    try sink(TracePage.data(TraceModel(recording)))
    try sink(TracePage.tail)
  }
}

/// The page: a fixed text, in which the data of a trace stands as JSON.
enum TracePage {
  static let head = """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8"><title>Trace</title>
    <style>\(style)</style></head>
    <body>
    <header>
      <b>Trace</b>
      <button id="time">Time line</button><button id="scopes">Scopes</button>
      <input id="search" type="search" placeholder="Search a fiber, a line, a wait">
      <button id="all">Show all</button><span id="span"></span><span id="found"></span>
      <small>wheel: zoom, shift + wheel: move, drag: move, click: details</small>
    </header>
    <main><canvas id="canvas" tabindex="0"></canvas><aside id="details">Click a bar.</aside></main>
    <script id="data" type="application/json">
    """

  static let tail = """
    </script>
    <script>\(rows)\(drawing)\(details)</script>
    </body></html>

    """

  /// The data; `<` is escaped, so that no text ends the element.
  static func data(_ model: TraceModel) -> String {
    var json = JSONText()
    let lanes = TraceLanes(model)
    json.object { json in
      json.field("end", model.end - model.begin)
      json.field("lost", model.recording.tracks.reduce(0) { $0 + $1.lost })
      json.array("tracks", model.workers.indices) { json, track in
        json.object {
          $0.field("n", model.label(track: track))
          $0.field("worker", model.workers[track])
        }
      }
      json.array("scopes", model.scopes.indices) { json, index in write(scope: index, model, &json) }
      json.array("fibers", model.fibers.indices) { json, index in write(fiber: index, lanes, model, &json) }
      json.array("moments", model.moments) { json, moment in
        json.object {
          $0.field("n", moment.text)
          $0.field("w", moment.track)
          $0.field("f", moment.fiber)
          $0.field("b", moment.time - model.begin)
        }
      }
      json.array("spans", model.spans) { json, span in
        json.object {
          $0.field("n", span.name)
          $0.field("f", span.fiber)
          $0.field("b", span.begin - model.begin)
          $0.field("e", span.end - model.begin)
        }
      }
      json.array("calls", model.calls) { json, call in
        json.object {
          $0.field("f", call.fiber)
          $0.field("thread", "\(call.thread)")
          $0.field("b", call.begin - model.begin)
          $0.field("e", call.end - model.begin)
        }
      }
    }
    return json.text.split(separator: "<", omittingEmptySubsequences: false).joined(separator: "\\u003c")
  }

  private static func write(scope index: Int, _ model: TraceModel, _ json: inout JSONText) {
    let scope = model.scopes[index]
    json.object { json in
      json.field("n", model.label(scope: index))
      json.field("k", "\(scope.kind)")
      json.field("p", scope.parent)
      json.field("h", scope.host)
      json.field("b", scope.opened.map { $0 - model.begin })
      json.field("e", scope.closed.map { $0 - model.begin })
      json.field("x", scope.cancelled.map { $0.time - model.begin })
      json.field("why", scope.cancelled.map { "\($0.reason)" })
      json.field("by", scope.cancelled.map { $0.by })
      json.array("s", scope.suspensions) { json, time in
        json.object {
          $0.field("b", time.lowerBound - model.begin)
          $0.field("e", time.upperBound - model.begin)
        }
      }
    }
  }

  private static func write(fiber index: Int, _ lanes: TraceLanes, _ model: TraceModel, _ json: inout JSONText) {
    let fiber = model.fibers[index]
    let life = model.life(of: index)
    json.object { json in
      json.field("n", model.label(index))
      json.field("site", fiber.site.line > 0 ? fiber.site.description : nil)
      json.field("own", lanes.ownerOf[index])
      json.field("lane", lanes.laneOf[index])
      json.field("home", fiber.home)
      json.field("b", life.lowerBound - model.begin)
      json.field("e", life.upperBound - model.begin)
      json.field("end", fiber.ending.map { "\($0)" })
      json.array("stays", model.stays(of: index)) { json, stay in
        json.object { json in
          json.field("s", stay.state.rawValue)
          json.field("t", stay.text)
          json.field("b", stay.time.lowerBound - model.begin)
          json.field("e", stay.time.upperBound - model.begin)
          json.field("w", stay.track)
          if stay.wake >= 0 {
            json.field("by", stay.wokenBy)
            json.field("k", model.wakes[stay.wake].waker)
            json.field("kw", model.wakes[stay.wake].track)
            json.field("at", model.wakes[stay.wake].time - model.begin)
          }
        }
      }
    }
  }
}
