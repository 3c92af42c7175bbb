import ArgumentParser
import BursarAnalysis
import BursarEngine
import BursarPolicy
import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

enum OutputFormat: String, ExpressibleByArgument, CaseIterable { case text, json }

/// Loads policy sets for commands that decide requests.
enum Policies {
    /// The compiled set at a path. Prints the errors and ends with 1 if it does not compile.
    static func load(_ path: String) throws -> PolicySet { try loadWithDocuments(path).set }

    /// The same with the documents of the set.
    static func loadWithDocuments(_ path: String) throws -> (set: PolicySet, documents: Documents) {
        try requireReadable(path)
        var diagnostics = Diagnostics()
        let documents = DocumentLoader.load(path, diagnostics: &diagnostics)
        let result = Compiler.compile(documents, diagnostics)
        guard let set = result.set else {
            let renderer = DiagnosticTextRenderer(
                sources: result.sources, color: Console.usesColor(onTerminal: Console.errorIsTerminal))
            for item in result.diagnostics.sorted().prefix(Bounds.diagnostics) where item.severity == .error {
                Console.error(exact: renderer.render(item))
            }
            throw ExitStatus(1, "the policies in \(shown(path)) do not compile")
        }
        return (set, documents)
    }

    /// Ends with 2 if the path does not exist or a file of the set cannot be read.
    static func requireReadable(_ path: String) throws {
        if FileReading.kind(of: path) == .missing {
            throw ExitStatus(ExitStatus.usage, "\(shown(path)): no such file or folder")
        }
        guard FileReading.kind(of: path) == .folder else {
            if access(path, R_OK) != 0 { throw FileError(path: path, code: errno) }
            return
        }
        for file in try DocumentLoader.files(in: path) { try FileReading.requireRegular(file) }
    }

    /// The sets at a path: the path itself, or its folders if it contains several policies.
    static func sets(at path: String) throws -> [String] {
        try requireReadable(path)
        guard FileReading.kind(of: path) == .folder, let names = try? FileReading.names(in: path) else { return [path] }
        let folders = names.map { path.hasSuffix("/") ? path + $0 : path + "/" + $0 }
            .filter { FileReading.kind(of: $0) == .folder && holdsPolicyFiles($0) }
        if folders.isEmpty { return [path] }
        var diagnostics = Diagnostics()
        let documents = DocumentLoader.load(path, diagnostics: &diagnostics)
        guard Set(documents.policies.map(\.id.value)).count > 1 else { return [path] }
        let hasOwnPolicy = documents.policies.contains { policy in
            documents.sources[policy.id.range].map { !$0.name.contains("/") } ?? false
        }
        return hasOwnPolicy ? [path] : try folders.flatMap { try sets(at: $0) }
    }

    private static func holdsPolicyFiles(_ folder: String) -> Bool {
        ((try? DocumentLoader.files(in: folder)) ?? []).isEmpty == false
    }
}
