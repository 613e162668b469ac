/// The command of a benchmark program.
///
/// `list` prints every workload with its number of workers; a workload's name times it. In a program that has costs,
/// `costs` prints their names, and a cost's name with a count repeats the operation that many times, untimed.
public struct Command {
  /// The requested workload or cost; nil after a list has been printed.
  public let workload: String?
  /// How often to repeat the operation of a cost; nil for a workload.
  public let count: Int?

  /// Parses the program's arguments; ends the program if they are wrong.
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
