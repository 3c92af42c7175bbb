import BursarAnalysis
import BursarSyntax
import Foundation
import Testing

/// The deepest input that is read fits on the stack of a secondary thread, 512 KiB, and deeper input is refused.
@Suite struct StackTests {
    private final class Box<Value>: @unchecked Sendable {
        var value: Value?
    }

    private func onSmallStack<Value>(_ body: @escaping @Sendable () -> Value) -> Value? {
        let box = Box<Value>()
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            box.value = body()
            done.signal()
        }
        thread.stackSize = 512 << 10
        thread.start()
        done.wait()
        return box.value
    }

    private static let head = "policy: p\nversion: 1\n"
    private static let tail = "tiers:\n  free: {limits: {daily: $5/day}}\n"

    static let deep: [String] = {
        let levels = Bounds.yamlDepth - 4
        let scopes = (0..<levels / 2).map { String(repeating: " ", count: 6 + 2 * $0) + "workspace w\($0):\n" }.joined()
        let labels = (0..<510).map { "labels[\"k\($0)\"] == \"v\"" }.joined(separator: " || ")
        return [
            head + tail + "---\ntests:\n  t: {request: {model: m}, expect: "
                + String(repeating: "[", count: levels - 2) + String(repeating: "]", count: levels - 2) + "}\n",
            head + tail + "---\ntests:\n  t: {request: {model: m}, expect: "
                + String(repeating: "{a: ", count: levels - 2) + "1" + String(repeating: "}", count: levels - 2)
                + "}\n",
            head + "rules:\n  r:\n    deny: x\n    when: '"
                + String(repeating: "(!", count: Bounds.conditionDepth - 2)
                + "fallback" + String(repeating: ")", count: Bounds.conditionDepth - 2) + "'\n" + tail,
            head + "rules:\n  r:\n    deny: x\n    when: '\(labels)'\n" + tail,
            head + tail + "---\ntenants:\n  t:\n    tier: free\n    scopes:\n" + scopes
                + String(repeating: " ", count: 6 + 2 * (levels / 2)) + "limits: {daily: $1/day}\n",
            head + "zzz: " + String(repeating: "[", count: 100_000),
            head + "zzz:\n  " + String(repeating: "- ", count: 100_000),
            head + "zzz: " + String(repeating: "{a: ", count: 100_000),
            head + "rules:\n  r: {deny: x, when: '" + String(repeating: "(", count: 100_000) + "'}\n" + tail,
            head + "rules:\n  r: {deny: x, when: '" + String(repeating: "!", count: 100_000) + "fallback'}\n"
                + tail,
            String(repeating: "[", count: 100_000),
        ]
    }()

    @Test(arguments: deep.indices) func deepInputIsCheckedAndLaidOut(index: Int) {
        let text = Self.deep[index]
        let found = onSmallStack { () -> Int in
            var diagnostics = Diagnostics()
            let source = SourceFile(path: "p.yaml", name: "p.yaml", bytes: Array(text.utf8))
            let documents = DocumentLoader.read([source], diagnostics: &diagnostics)
            let result = Checker.check(documents, diagnostics)
            _ = try? PolicyFormatter.format(source)
            let nested = String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
            let tree = try? JSONTree.parse(Array(nested.utf8))
            return result.diagnostics.items.count + (tree == nil ? 1_000_000 : 0)
        }
        #expect((found ?? .max) < 1_000_000)
    }
}
