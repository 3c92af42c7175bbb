/// Reads policy sets from files and folders.
package enum DocumentLoader {
    /// Reads one file, or every `*.yaml` and `*.yml` below a folder, in path order.
    package static func load(_ path: String, diagnostics: inout Diagnostics) -> Documents {
        var files: [(path: String, name: String)] = []
        var documents = Documents()
        let isFolder = FileReading.kind(of: path) == .folder
        switch FileReading.kind(of: path) {
        case .missing:
            diagnostics.add(Diagnostic(.syntaxShape, "there is no such file or folder", at: nil, path: path))
            documents.isIncomplete = true
            return documents
        case .file: files = [(path, path.split(separator: "/").last.map(String.init) ?? path)]
        case .folder:
            var walk = FolderWalk()
            do throws(FileError) {
                try walk.collect(path, below: "", depth: 0)
            } catch {
                diagnostics.add(Diagnostic(.syntaxShape, error.reason, at: nil, path: error.path))
                documents.isIncomplete = true
            }
            files = walk.sorted
        }
        var sources: [SourceFile] = []
        var bytesLeft = Bounds.setBytes
        for file in files {
            do throws(FileError) {
                // A path from the caller may be a pipe. A pipe inside a folder is an accident, and no program would
                // write to it.
                let bytes =
                    isFolder
                    ? try FileReading.readRegular(file.path, limit: Bounds.fileBytes)
                    : try FileReading.read(file.path, limit: Bounds.fileBytes)
                bytesLeft -= bytes.count
                guard bytesLeft >= 0 else {
                    throw FileError(
                        path: file.path, reason: "the files of the set are larger than \(Bounds.setBytes >> 20) MiB")
                }
                sources.append(SourceFile(path: file.path, name: file.name, bytes: bytes))
            } catch {
                diagnostics.add(Diagnostic(.syntaxYAML, error.reason, at: nil, path: error.path))
                documents.isIncomplete = true
            }
        }
        return read(sources, into: documents, path: path, diagnostics: &diagnostics)
    }

    /// Reads texts from memory.
    package static func read(_ sources: [SourceFile], diagnostics: inout Diagnostics) -> Documents {
        read(sources, into: Documents(), path: sources.first?.path ?? "", diagnostics: &diagnostics)
    }

    /// The nodes of one file's documents, up to the first error.
    package static func nodes(of source: SourceFile, file: Int32 = 0) -> (nodes: [YAMLNode], isIncomplete: Bool) {
        var yaml = YAMLReader(source, file: file, nodeLimit: Bounds.yamlNodes)
        yaml.read()
        return (yaml.documents, yaml.isIncomplete)
    }

    private static func read(
        _ sources: [SourceFile], into start: Documents, path: String, diagnostics: inout Diagnostics
    ) -> Documents {
        var documents = start
        var nodesLeft = Bounds.yamlNodes
        var found = false
        for source in sources {
            let file = documents.sources.add(source)
            var yaml = YAMLReader(source, file: file, nodeLimit: nodesLeft)
            yaml.read()
            nodesLeft -= yaml.nodesSpent
            diagnostics.add(contentsOf: yaml.diagnostics)
            documents.isIncomplete = documents.isIncomplete || yaml.isIncomplete
            var reader = NodeReader()
            for node in yaml.documents {
                found = true
                reader.document(node, into: &documents)
            }
            diagnostics.add(contentsOf: reader.diagnostics)
        }
        checkTests(documents.tests, &diagnostics)
        if !found, !documents.isIncomplete, !diagnostics.hasErrors {
            diagnostics.add(
                Diagnostic(
                    .syntaxShape, "there is nothing to read: no document in any *.yaml or *.yml file", at: nil,
                    path: path))
        }
        return documents
    }

    private static func checkTests(_ tests: [TestDeclaration], _ diagnostics: inout Diagnostics) {
        var left = Bounds.testRequests
        for test in tests {
            let (requests, overflow) = test.steps.reduce(Int64(0)) { $0 + max(1, $1.times) }
                .multipliedReportingOverflow(by: Int64(max(1, test.cases.count)))
            guard !overflow, requests <= left else {
                diagnostics.add(
                    Diagnostic(
                        .syntaxBound,
                        "the tests of a set make at most \(Bounds.testRequests) requests, and they are more from this one on",
                        at: test.name.range, help: "lower `repeat`, or give more usage under `given`"))
                return
            }
            left -= requests
        }
    }

    /// The policy files below a folder, in path order.
    package static func files(in folder: String) throws(FileError) -> [String] {
        var walk = FolderWalk()
        try walk.collect(folder, below: "", depth: 0)
        return walk.sorted.map(\.path)
    }
}

/// Collects the policy files below a folder.
private struct FolderWalk {
    private var files: [(path: String, name: String)] = []
    /// Folders that were already visited. Each is read once, so that symbolic links which form a cycle end.
    private var seen: Set<FileReading.Identity> = []
    private var entriesLeft = Self.mostEntries
    /// The maximum number of files and folders that are examined.
    private static let mostEntries = 200_000

    var sorted: [(path: String, name: String)] {
        files.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    mutating func collect(_ folder: String, below prefix: String, depth: Int) throws(FileError) {
        guard depth <= Bounds.folderDepth else {
            throw FileError(path: folder, reason: "more than \(Bounds.folderDepth) levels of folders")
        }
        if let identity = FileReading.identity(of: folder), !seen.insert(identity).inserted {
            throw FileError(path: folder, reason: "this folder is part of the set already, through another link")
        }
        let names = try FileReading.names(in: folder)
        entriesLeft -= names.count
        guard entriesLeft >= 0 else {
            throw FileError(
                path: folder, reason: "more than \(Self.mostEntries) files and folders below the set's root")
        }
        for name in names {
            let path = folder.hasSuffix("/") ? folder + name : folder + "/" + name
            let isPolicy = name.hasSuffix(".yaml") || name.hasSuffix(".yml")
            switch FileReading.kind(of: path) {
            case .folder: try collect(path, below: prefix + name + "/", depth: depth + 1)
            // Includes pipes, devices and broken links: reading them is an error, and skipping them would hide it.
            case .file, .missing: if isPolicy { files.append((path, prefix + name)) }
            }
            guard files.count <= Bounds.files else {
                throw FileError(path: folder, reason: "more than \(Bounds.files) files in the set")
            }
        }
    }
}
