// swift-tools-version: 6.2
import PackageDescription

// A package of its own, because it has to be fetched: without a network only this peer is absent.
let package = Package(
  name: "swift-nio-server",
  platforms: [.macOS(.v15)],
  dependencies: [.package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2")],
  targets: [
    .executableTarget(
      name: "SwiftNIOServer",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "Sources")
  ],
  swiftLanguageModes: [.v6]
)
