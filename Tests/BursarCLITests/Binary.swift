import Foundation
import Testing

/// The built binary, as people use it.
enum Binary {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path()

    /// The binary that was built together with these tests, never one of another build.
    static let path: String = {
        if let path = ProcessInfo.processInfo.environment["BURSAR_BINARY"] { return path }
        final class Marker {}
        let tests = [Bundle(for: Marker.self).bundleURL, Bundle.main.executableURL, Bundle.main.bundleURL]
        // The folder of the tests, or a bundle in it.
        let folders = tests.compactMap(\.self).flatMap { [$0, $0.deletingLastPathComponent()] }
        let binaries = folders.map { $0.appending(path: "bursar").path() }
        return binaries.first { isProgram($0) } ?? "no bursar beside \(folders.map { $0.path() })"
    }()

    private static func isProgram(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
            && FileManager.default.isExecutableFile(atPath: path)
    }

    struct Result {
        /// As a shell shows it.
        var status: Int32
        var output: String
        var errors: String
    }

    static func run(_ arguments: String..., input: Data = Data()) throws -> Result {
        try run(arguments, input: input)
    }

    /// - Parameters:
    ///   - output: a file that takes standard output instead.
    ///   - environment: variables beside those of the tests.
    ///   - folder: where it runs, instead of the repository.
    ///   - seconds: after which it is killed, and its status is 137.
    static func run(
        _ arguments: [String], input: Data = Data(), output: String? = nil, environment: [String: String] = [:],
        folder: URL? = nil, seconds: Double? = nil
    ) throws -> Result {
        try runProgram(
            path, arguments, input: input, output: output, environment: environment, folder: folder, seconds: seconds)
    }

    /// Runs commands of a shell, in which `$BURSAR` is the binary.
    static func shell(_ commands: String, environment: [String: String] = [:]) throws -> Result {
        try runProgram(
            "/bin/sh", ["-c", commands], environment: environment.merging(["BURSAR": path]) { own, _ in own })
    }

    private static func runProgram(
        _ program: String, _ arguments: [String], input: Data = Data(), output: String? = nil,
        environment: [String: String], folder current: URL? = nil, seconds: Double? = nil
    ) throws -> Result {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, own in own }
        process.currentDirectoryURL = current ?? URL(filePath: root)
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        // Files rather than pipes: neither side can block the other.
        let files = ["in", "out", "err"].map { folder.appending(path: $0) }
        try input.write(to: files[0])
        for file in files[1...] { try Data().write(to: file) }
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        process.standardOutput = try FileHandle(forWritingTo: output.map { URL(filePath: $0) } ?? files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        try process.run()
        if let seconds {
            let id = process.processIdentifier
            let killing = DispatchWorkItem { kill(id, SIGKILL) }
            DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: killing)
            process.waitUntilExit()
            killing.cancel()
        } else {
            process.waitUntilExit()
        }
        return Result(
            status: process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus,
            output: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: files[2]), as: UTF8.self))
    }

    static func temporaryFolder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bursar-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    /// Runs a body with a folder that is gone afterwards.
    static func inFolder<Value>(_ body: (URL) throws -> Value) throws -> Value {
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }
}
