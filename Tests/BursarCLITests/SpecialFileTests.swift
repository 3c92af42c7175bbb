import Foundation
import Testing

/// Pipes, devices and links where files of a policy set are expected. Nothing waits for them, and nothing is left out silently.
@Suite struct SpecialFileTests {
    private static let policy = "policy: p\nversion: 1\ntiers:\n  t: {models: any, limits: {daily: 5 requests/day}}\n"

    /// Runs commands of a shell in a folder with a set in `set/`.
    private func shell(_ commands: String) throws -> Binary.Result {
        var result: Binary.Result?
        try Binary.inFolder { folder in
            let set = folder.appending(path: "set")
            try FileManager.default.createDirectory(at: set, withIntermediateDirectories: true)
            try Self.policy.write(to: set.appending(path: "p.yaml"), atomically: true, encoding: .utf8)
            result = try Binary.shell("cd '\(folder.path())' && \(commands)")
        }
        return try #require(result)
    }

    @Test(arguments: [
        "check set", "check --fix set", "test set", "fmt set", "fmt --check set", "lock set", "diff set set",
        "eval --policies set /dev/null", "replay --policies set /dev/null",
    ]) func `a pipe among the files of a set is an error`(command: String) throws {
        let result = try shell("mkfifo set/q.yaml && timeout 10 $BURSAR \(command)")
        #expect(result.status == 2, "\(result.output) \(result.errors)")
        #expect(result.errors.contains("set/q.yaml: is a pipe or a device, not a regular file"), "\(result.errors)")
    }

    @Test(arguments: ["check set", "lock set"]) func `a lock that is a pipe is an error`(command: String) throws {
        let result = try shell("mkfifo set/bursar.lock && timeout 10 $BURSAR \(command)")
        #expect([1, 2].contains(result.status), "\(result.output) \(result.errors)")
        #expect((result.output + result.errors).contains("set/bursar.lock: "), "\(result.output) \(result.errors)")
        #expect((result.output + result.errors).contains("is a pipe or a device"))
    }

    @Test func `a lock that cannot be read is an error and is not replaced`() throws {
        let result = try shell("mkdir set/bursar.lock && $BURSAR lock set; $BURSAR check set")
        #expect(result.status == 1)
        #expect(result.errors.contains("set/bursar.lock: is a folder"), "\(result.errors)")
        #expect(result.output.contains("set/bursar.lock: error: is a folder"), "\(result.output)")
    }

    @Test func `a device among the files of a set is an error`() throws {
        let result = try shell("ln -s /dev/zero set/q.yaml && timeout 10 $BURSAR check set")
        #expect(result.status == 2)
        #expect(result.errors.contains("set/q.yaml: is a pipe or a device"))
    }

    @Test func `pipes and devices that are no policies do no harm`() throws {
        #expect(try shell("mkfifo set/pipe && ln -s /dev/zero set/zero && timeout 10 $BURSAR check set").status == 0)
    }

    @Test func `a policy that is named may come from a pipe`() throws {
        let result = try shell("mkfifo q && (cat set/p.yaml > q &) && timeout 10 $BURSAR check q")
        #expect(result.status == 0, "\(result.output) \(result.errors)")
    }

    @Test func `links to a file and to a folder are followed once`() throws {
        #expect(
            try shell("mkdir real && mv set/p.yaml real && ln -s ../real/p.yaml set/p.yaml && $BURSAR check set").status
                == 0)
        #expect(try shell("ln -s set link && $BURSAR check link").status == 0)
        let loop = try shell("ln -s . set/again && timeout 10 $BURSAR check set")
        #expect(loop.status == 2)
        #expect(loop.errors.contains("this folder is part of the set already, through another link"), "\(loop.errors)")
    }

    @Test func `a link that leads nowhere is an error`() throws {
        let result = try shell("ln -s nowhere set/q.yaml && $BURSAR check set")
        #expect(result.status == 2)
        #expect(result.errors.contains("set/q.yaml: No such file or directory"), "\(result.errors)")
    }

    @Test func `a lock is written through a link`() throws {
        let result = try shell(
            "touch lock && ln -s ../lock set/bursar.lock && $BURSAR lock set && cat lock && $BURSAR check set")
        #expect(result.status == 0)
        #expect(result.output.contains("policy p 1 sha256:"), "\(result.output)")
    }
}
