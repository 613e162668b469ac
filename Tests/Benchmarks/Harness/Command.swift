/// What a benchmark program was asked to do.
///
/// `list` prints every workload with the number of workers it is meant for; a workload's name times it. In a program
/// that has costs, `costs` prints their names, and a cost's name with a count does the operation so often, untimed.
public struct Command {
  /// The workload or the cost asked for; nil if a list was, and has been printed.
  public let workload: String?
  /// How often to do the operation of a cost; nil for a workload.
  public let count: Int?

  /// Reads the program's arguments; ends the program if they make no sense.
  public init(workloads: [(name: String, workers: Int)], costs: [String] = []) {
    let arguments = CommandLine.arguments.dropFirst()
    var (workload, count): (String?, Int?)
    switch (arguments.count, arguments.first) {
    case (1, "list"): for workload in workloads { print("\(workload.name)\t\(workload.workers)") }
    case (1, "costs"): for cost in costs { print(cost) }
    case (1, let name?) where workloads.contains { $0.name == name }: workload = name
    case (2, let name?) where costs.contains(name) && Int(arguments.last ?? "") != nil:
      (workload, count) = (name, Int(arguments.last ?? ""))
    default:
      let more = costs.isEmpty ? "" : " | costs | COST COUNT"
      fail("usage: \(CommandLine.arguments[0]) list | WORKLOAD\(more)", status: 2)
    }
    (self.workload, self.count) = (workload, count)
  }
}
