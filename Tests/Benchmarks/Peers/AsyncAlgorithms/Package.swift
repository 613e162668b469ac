// swift-tools-version: 6.2
import PackageDescription

// A package of its own, because it has to be fetched: without a network only this peer is absent.
let package = Package(
  name: "async-algorithms-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(url: "https://github.com/apple/swift-async-algorithms.git", exact: "1.1.4"),
    .package(name: "benchmarks", path: "../.."),
  ],
  targets: [
    .executableTarget(
      name: "AsyncAlgorithmsBenchmarks",
      dependencies: [
        .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
        .product(name: "Harness", package: "benchmarks"),
      ],
      path: "Sources")
  ],
  swiftLanguageModes: [.v6]
)
