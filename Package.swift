// swift-tools-version: 6.2
import PackageDescription

/// Of modules with amounts: their `BareArithmetic.swift` deprecates the operators that trap.
let amounts: [SwiftSetting] = [.treatWarning("DeprecatedDeclaration", as: .error)]

let package = Package(
    name: "bursar",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Bursar", targets: ["Bursar"]),
        .executable(name: "bursar", targets: ["bursar-cli"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: [
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
        .systemLibrary(name: "CIntrinsics"),
        .target(name: "BursarSyntax", dependencies: ["CYAML"]),
        .target(name: "BursarPolicy", dependencies: ["BursarSyntax"]),
        .target(name: "BursarAnalysis", dependencies: ["BursarPolicy"]),
        .target(name: "BursarStorage"),
        .target(
            name: "BursarEngine", dependencies: ["BursarPolicy", "BursarStorage", "CIntrinsics"], swiftSettings: amounts
        ),
        .target(
            name: "BursarLogs",
            dependencies: [
                "BursarEngine", "BursarPolicy", "BursarStorage", "CIntrinsics", "CZlib", "CZstd", "CSQLite",
            ],
            swiftSettings: amounts),
        .target(
            name: "BursarReplay",
            dependencies: [
                "BursarLogs", "BursarEngine", "BursarStorage", "BursarAnalysis", "CIntrinsics",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ], swiftSettings: amounts),
        .target(name: "BursarTesting", dependencies: ["BursarLogs", "BursarEngine"], swiftSettings: amounts),
        .target(name: "BursarLanguageServer", dependencies: ["BursarAnalysis"]),
        .target(name: "Bursar", dependencies: ["BursarSyntax", "BursarPolicy", "BursarEngine"]),
        .target(
            name: "BursarCommands",
            dependencies: [
                "BursarReplay", "BursarAnalysis", "BursarTesting", "BursarLanguageServer",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/bursar", exclude: ["Entry.swift"], resources: [.embedInCode("Resources/bursar.schema.json")]),
        .executableTarget(
            name: "bursar-cli", dependencies: ["BursarCommands"],
            path: "Sources/bursar", exclude: ["Resources", "Support", "Commands", "Bursar.swift"],
            sources: ["Entry.swift"]
        ),
        .target(name: "FlatLoop", path: "Benchmarks/FlatLoop"),
        .executableTarget(
            name: "engine-bench", dependencies: ["BursarEngine", "FlatLoop"], path: "Benchmarks/Engine"),
        .testTarget(name: "BursarTests", dependencies: ["Bursar"]),
        .testTarget(name: "BursarSyntaxTests", dependencies: ["BursarSyntax", "RandomPolicies"]),
        .target(name: "RandomPolicies", path: "Tests/RandomPolicies"),
        .testTarget(name: "BursarStorageTests", dependencies: ["BursarStorage"]),
        .executableTarget(
            name: "bursar-fuzz",
            dependencies: [
                "BursarCommands", "BursarPolicy", "RandomPolicies", "CZlib", "CZstd", "CSQLite",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/Fuzz/Harness"),
        .executableTarget(
            name: "bursar-fuzz-coverage", dependencies: ["BursarSyntax", "BursarLogs"], path: "Tests/Fuzz/Coverage"),
        .testTarget(name: "BursarPolicyTests", dependencies: ["BursarPolicy", "BursarSyntax"]),
        .testTarget(
            name: "BursarAnalysisTests",
            dependencies: ["BursarAnalysis", "BursarLogs", "BursarEngine", "RandomPolicies"]),
        .testTarget(name: "BursarEngineTests", dependencies: ["BursarEngine", "BursarPolicy", "RandomPolicies"]),
        .testTarget(name: "BursarLogsTests", dependencies: ["BursarLogs"]),
        .testTarget(name: "BursarReplayTests", dependencies: ["BursarReplay", "RandomPolicies"]),
        .testTarget(name: "BursarCLITests", dependencies: ["bursar-cli"]),
    ],
    swiftLanguageModes: [.v6]
)

// The short form of `make sanitize` builds the targets that it runs, and no others.
if Context.environment["BURSAR_SANITIZED"] != nil {
    let unused = ["engine-bench", "FlatLoop", "bursar-fuzz-coverage"]
    let used = ["BursarEngineTests", "BursarStorageTests"]
    package.targets.removeAll { unused.contains($0.name) || ($0.type == .test && !used.contains($0.name)) }
}
