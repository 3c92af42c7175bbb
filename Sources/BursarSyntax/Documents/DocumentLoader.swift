/// Reads policy sets from files and folders.
public enum DocumentLoader {
    /// Reads one file, or every `*.yaml` and `*.yml` below a folder, in path order.
    public static func load(_ path: String, diagnostics: inout Diagnostics) -> Documents {
        var files: [(path: String, name: String)] = []
        var documents = Documents()
        switch FileReading.kind(of: path) {
        case .missing:
            diagnostics.add(Diagnostic("syntax/shape", "there is no such file or folder", at: nil, path: path))
            documents.isIncomplete = true
            return documents
        case .file: files = [(path, path.split(separator: "/").last.map(String.init) ?? path)]
        case .folder:
            do throws(FileError) {
                try collect(path, below: "", depth: 0, into: &files)
            } catch {
                diagnostics.add(Diagnostic("syntax/shape", error.reason, at: nil, path: error.path))
                documents.isIncomplete = true
            }
            files.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        }
        var sources: [SourceFile] = []
        for file in files {
            do throws(FileError) {
                let bytes = try FileReading.read(file.path, limit: Bounds.fileBytes)
                sources.append(SourceFile(path: file.path, name: file.name, bytes: bytes))
            } catch {
                diagnostics.add(Diagnostic("syntax/yaml", error.reason, at: nil, path: error.path))
                documents.isIncomplete = true
            }
        }
        return read(sources, into: documents, path: path, diagnostics: &diagnostics)
    }

    /// Reads texts that are already in memory.
    public static func read(_ sources: [SourceFile], diagnostics: inout Diagnostics) -> Documents {
        read(sources, into: Documents(), path: sources.first?.path ?? "", diagnostics: &diagnostics)
    }

    /// The nodes of one file's documents, as far as they can be read.
    public static func nodes(of source: SourceFile, file: Int32 = 0) -> (nodes: [YAMLNode], isIncomplete: Bool) {
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
        if !found, !documents.isIncomplete, !diagnostics.hasErrors {
            diagnostics.add(
                Diagnostic(
                    "syntax/shape", "there is nothing to read: no document in any *.yaml or *.yml file", at: nil,
                    path: path))
        }
        return documents
    }

    /// The policy files below a folder, in path order.
    public static func files(in folder: String) throws(FileError) -> [String] {
        var files: [(path: String, name: String)] = []
        try collect(folder, below: "", depth: 0, into: &files)
        return files.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }.map(\.path)
    }

    private static func collect(
        _ folder: String, below prefix: String, depth: Int, into files: inout [(path: String, name: String)]
    ) throws(FileError) {
        guard depth <= Bounds.folderDepth else {
            throw FileError(path: folder, reason: "more than \(Bounds.folderDepth) levels of folders")
        }
        for name in try FileReading.names(in: folder) {
            let path = folder.hasSuffix("/") ? folder + name : folder + "/" + name
            switch FileReading.kind(of: path) {
            case .folder: try collect(path, below: prefix + name + "/", depth: depth + 1, into: &files)
            // A link that leads nowhere is a file that cannot be read, and not one that is not there.
            case .file, .missing:
                if name.hasSuffix(".yaml") || name.hasSuffix(".yml") { files.append((path, prefix + name)) }
            }
        }
    }
}
