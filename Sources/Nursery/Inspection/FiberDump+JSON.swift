extension FiberDump {
  /// The version of the schema of `json`.
  public static let schemaVersion = 1

  /// The dump for programs: one JSON object, whose schema the guide "What is it doing?" describes.
  ///
  /// Within a version fields may be added, but none is removed or changes its meaning. Finds the lines of the waits, as
  /// `description` does.
  public var json: String {
    let tree = DumpTree(snapshot)
    var json = JSONText()
    json.object { json in
      json.field("schema", "nursery.fiber-dump")
      json.field("version", Self.schemaVersion)
      json.array("scopes", snapshot.scopes.indices) { json, index in Self.write(scope: index, tree, &json) }
      json.array("fibers", snapshot.fibers.indices) { json, index in Self.write(fiber: index, tree, &json) }
    }
    return json.text
  }

  private static func write(scope index: Int, _ tree: DumpTree, _ json: inout JSONText) {
    let scope = tree.snapshot.scopes[index]
    let now = scope.clock < 0 ? tree.snapshot.now : tree.snapshot.clocks[Int(scope.clock)].now
    json.object { json in
      json.field("id", index)
      json.field("parent", scope.parent < 0 ? nil : Int(scope.parent))
      json.field("kind", "\(scope.kind)")
      json.field("path", scope.path)
      json.field("opened", scope.site.line > 0 ? scope.site.description : nil)
      json.field("deadlineIn", seconds: scope.deadline == .max ? nil : scope.deadline - now)
      json.field("cancelled", scope.reason?.description)
      json.field("draining", scope.isDraining)
      json.field("limit", scope.limit == .max ? nil : scope.limit)
      json.field("children", scope.childCount)
      json.field("suspendedOn", scope.suspendedOn?.number)
    }
  }

  private static func write(fiber index: Int, _ tree: DumpTree, _ json: inout JSONText) {
    let fiber = tree.snapshot.fibers[index]
    let now = tree.now(for: fiber)
    json.object { json in
      json.field("id", fiber.performer.number)
      json.field("kind", "\(fiber.kind)")
      json.field("name", fiber.name)
      json.field("nursery", tree.path(of: fiber))
      json.field("spawned", fiber.site.line > 0 ? fiber.site.description : nil)
      json.field("home", fiber.home < 0 ? nil : Int(fiber.home))
      json.field("scope", fiber.scope < 0 ? nil : Int(fiber.scope))
      json.field("state", "\(fiber.state)")
      json.field("waited", seconds: tree.waited(fiber) == nil ? nil : max(0, now - fiber.since))
      json.field("line", tree.line(of: fiber))
      json.array("stack", tree.places(of: fiber)) { json, place in
        json.object { json in
          json.field("function", place.function)
          json.field("module", place.module)
          json.field("line", place.line)
        }
      }
      let deadline = tree.deadline(of: fiber)
      json.field("deadlineIn", seconds: deadline.map { $0.instant - now })
      json.field("deadlineOf", deadline?.scope)
      json.field("cancelled", tree.cancellation(of: fiber)?.description)
      let locals = fiber.locals < 0 ? [] : tree.snapshot.locals[Int(fiber.locals)]
      json.array("locals", locals) { json, local in
        json.object { json in
          json.field("name", local.name)
          json.field("value", local.value)
        }
      }
      json.array("waits", tree.snapshot.waits(of: fiber)) { json, wait in
        json.object { json in
          json.field("for", tree.snapshot.texts[Int(wait.text)])
          json.field("object", tree.object(wait))
          write(wait.waker, now, tree, &json)
        }
      }
    }
  }

  private static func write(_ waker: NurseryCore.Waker, _ now: Int64, _ tree: DumpTree, _ json: inout JSONText) {
    switch waker {
    case .unknown, .reference: json.field("waker", "unknown")
    case .nothing: json.field("waker", "nothing")
    case .call: json.field("waker", "call")
    case .clock(let instant):
      json.field("waker", "clock")
      json.field("in", seconds: instant == .max ? nil : max(0, instant - now))
    case .descriptor(let number):
      json.field("waker", "descriptor")
      json.field("descriptor", Int(number))
      json.field("target", tree.snapshot.targets[number]?.text)
    case .end(let fiber):
      json.field("waker", "end")
      json.field("fiber", fiber.number)
    case .holder(let fiber, let site):
      json.field("waker", "holder")
      json.field("fiber", fiber.number)
      json.field("since", site.description)
    }
  }
}
