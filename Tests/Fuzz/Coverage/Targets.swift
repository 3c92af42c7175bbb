import BursarSyntax
import BursarLogs

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What is fuzzed with the guidance of coverage: readers of untrusted bytes, alone.
enum Target: String, CaseIterable {
    case yaml, condition, json, csv

    /// By the environment's BURSAR_FUZZ_TARGET; libFuzzer owns the arguments.
    static let chosen = getenv("BURSAR_FUZZ_TARGET").flatMap { Target(rawValue: String(cString: $0)) } ?? .yaml

    func run(_ bytes: [UInt8]) {
        switch self {
        case .yaml:
            var diagnostics = Diagnostics()
            let source = SourceFile(path: "p.yaml", name: "p.yaml", bytes: bytes)
            let documents = DocumentLoader.read([source], diagnostics: &diagnostics)
            let renderer = DiagnosticTextRenderer(sources: documents.sources, color: false)
            for item in diagnostics.sorted().prefix(4) { _ = renderer.render(item) }
        case .condition: _ = try? ConditionParser.parse(String(decoding: bytes, as: UTF8.self))
        case .json:
            _ = LogFormat.readSingle(bytes)
            _ = try? JSONTree.parse(bytes)
        case .csv: readLog(bytes)
        }
    }

    /// As a file: whether a log is CSV is found where it is opened.
    private func readLog(_ bytes: [UInt8]) {
        let path = Self.file
        guard let stream = fopen(path, "wb") else { return }
        fwrite(bytes, 1, bytes.count, stream)
        fclose(stream)
        var map = FieldMap()
        try? map.add("tenant==t")
        try? map.add("model==m")
        guard let reader = try? LogReader(path, map: map) else { return }
        while let stretch = try? reader.next() { _ = LogFormat.read(stretch) }
    }

    private static let file =
        "\(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")/bursar-fuzz-\(getpid()).csv"
}
