/// What a benchmark program was asked to do.
///
/// `list` prints every workload with the number of workers it is meant for; a workload's name times it.
public struct Command {
  /// The workload asked for; nil when the list was, and has been printed.
  public let workload: String?

  /// Reads the program's arguments; ends the program when they make no sense.
  public init(workloads: [(name: String, workers: Int)]) {
    let arguments = CommandLine.arguments.dropFirst()
    if arguments == ["list"] {
      for workload in workloads { print("\(workload.name)\t\(workload.workers)") }
      workload = nil
    } else if arguments.count == 1, let name = arguments.first, workloads.contains(where: { $0.name == name }) {
      workload = name
    } else {
      fail("usage: \(CommandLine.arguments[0]) list | WORKLOAD", status: 2)
    }
  }
}
