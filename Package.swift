// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "nursery",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Nursery", targets: ["Nursery"]),
    .library(name: "NurseryCore", targets: ["NurseryCore"]),
    .executable(name: "wordcount", targets: ["WordCount"]),
    .executable(name: "fibonacci", targets: ["Fibonacci"]),
    .executable(name: "prime-sieve", targets: ["PrimeSieve"]),
    .executable(name: "shell-pipeline", targets: ["ShellPipeline"]),
    .executable(name: "http-server", targets: ["HTTPServer"]),
    .executable(name: "memcached-server", targets: ["MemcachedServer"]),
    .executable(name: "memcached-client", targets: ["MemcachedClient"]),
    .executable(name: "ping-server", targets: ["PingServer"]),
    .executable(name: "ping-client", targets: ["PingClient"]),
    .executable(name: "proxy", targets: ["Proxy"]),
  ],
  targets: [
    .target(name: "CSwitch"),
    .target(name: "NurseryCore", dependencies: ["CSwitch"]),
    .target(name: "Nursery", dependencies: ["NurseryCore"]),
    .executableTarget(name: "WordCount", dependencies: ["Nursery"], path: "Examples/WordCount"),
    .executableTarget(name: "Fibonacci", dependencies: ["Nursery"], path: "Examples/Fibonacci"),
    .executableTarget(name: "PrimeSieve", dependencies: ["Nursery"], path: "Examples/PrimeSieve"),
    .executableTarget(name: "ShellPipeline", dependencies: ["Nursery"], path: "Examples/ShellPipeline"),
    .executableTarget(name: "HTTPServer", dependencies: ["Nursery"], path: "Examples/HTTPServer"),
    .executableTarget(name: "MemcachedServer", dependencies: ["Nursery"], path: "Examples/MemcachedServer"),
    .executableTarget(name: "MemcachedClient", dependencies: ["Nursery"], path: "Examples/MemcachedClient"),
    .executableTarget(name: "PingServer", dependencies: ["Nursery"], path: "Examples/Ping/Server"),
    .executableTarget(name: "PingClient", dependencies: ["Nursery"], path: "Examples/Ping/Client"),
    .executableTarget(name: "Proxy", dependencies: ["Nursery"], path: "Examples/Proxy"),
    .executableTarget(name: "CrashProbe", dependencies: ["Nursery"], path: "Tests/CrashProbe"),
    .executableTarget(name: "DeadlockProbe", dependencies: ["Nursery"], path: "Tests/DeadlockProbe"),
    .executableTarget(name: "IOProbe", dependencies: ["Nursery"], path: "Tests/IOProbe"),
    .executableTarget(name: "OnlyThreadProbe", dependencies: ["Nursery", "CSwitch"], path: "Tests/OnlyThreadProbe"),
    .testTarget(name: "CSwitchTests", dependencies: ["CSwitch"], exclude: ["Standalone"]),
    .target(name: "TestSupport", dependencies: ["NurseryCore"], path: "Tests/TestSupport"),
    .testTarget(name: "NurseryCoreTests", dependencies: ["CSwitch", "NurseryCore", "TestSupport"]),
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .testTarget(name: "NurseryTests", dependencies: ["Nursery", "TestSupport", "AllocationCounter"]),
    .testTarget(
      name: "ExampleTests",
      dependencies: [
        "CSwitch", "Nursery", "TestSupport", "WordCount", "Fibonacci", "PrimeSieve", "ShellPipeline", "HTTPServer",
        "MemcachedServer", "MemcachedClient", "PingServer", "PingClient", "Proxy", "CrashProbe", "DeadlockProbe",
        "IOProbe", "OnlyThreadProbe",
      ]),
  ],
  swiftLanguageModes: [.v6]
)
