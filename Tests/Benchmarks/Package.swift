// swift-tools-version: 6.2
import PackageDescription

// A separate package, so that the library's manifest does not have the dependencies of the benchmarks.
let package = Package(
  name: "benchmarks",
  platforms: [.macOS(.v15)],
  // For the peers that are packages of their own.
  products: [.library(name: "Harness", targets: ["Harness"])],
  dependencies: [.package(name: "nursery", path: "../..")],
  targets: [
    .target(name: "Harness", path: "Harness"),
    .executableTarget(
      name: "NurseryBenchmarks",
      dependencies: ["Harness", .product(name: "Nursery", package: "nursery")],
      path: "Nursery"),
    .executableTarget(
      name: "TaskBenchmarks",
      dependencies: ["Harness", .product(name: "Nursery", package: "nursery")],
      path: "Tasks"),
    .executableTarget(
      name: "EchoServer",
      dependencies: [.product(name: "Nursery", package: "nursery")],
      path: "EchoServer"),
    .executableTarget(
      name: "FileCopy",
      dependencies: [.product(name: "Nursery", package: "nursery")],
      path: "FileCopy"),
    .executableTarget(
      name: "SwiftConcurrencyBenchmarks",
      dependencies: ["Harness"],
      path: "Peers/SwiftConcurrency"),
  ],
  swiftLanguageModes: [.v6]
)
