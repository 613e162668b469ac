// AsyncChannel of swift-async-algorithms as a peer: the channel that Swift concurrency itself does not have. One file
// per workload, each listed here.
import Harness

let workloads: [AsyncWorkload] = [rendezvous, contendedChannels, [choice], stages].flatMap { $0 }

@main struct AsyncAlgorithmsBenchmarks {
  static func main() async throws {
    try await AsyncWorkload.main(workloads)
  }
}
