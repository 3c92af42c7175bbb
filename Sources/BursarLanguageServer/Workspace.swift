import BursarSyntax

/// The open files of the client, over the files on disk, by policy set.
final class Workspace {
    private var buffers: [String: [UInt8]] = [:]
    private var files: [String: PolicyFile] = [:]
    private var roots: [String: String] = [:]
    private var members: [String: [String]] = [:]
    /// Names by set, cleared when a file changes.
    private var found: [String: [Found]] = [:]

    // MARK: - Buffers

    /// Stores the text of a file that was opened or changed in the editor.
    func put(_ bytes: [UInt8], at path: String) {
        if buffers[path] == nil { forgetFolders() }
        buffers[path] = bytes
        found = [:]
        files[path] = PolicyFile(SourceFile(path: path, name: path, bytes: bytes), previous: files[path])
    }

    func close(_ path: String) {
        buffers[path] = nil
        files[path] = nil
        found = [:]
    }

    /// Handles changes of files outside the editor.
    func forgetDisk() {
        files = files.filter { buffers[$0.key] != nil }
        forgetFolders()
    }

    private func forgetFolders() {
        roots = [:]
        members = [:]
        found = [:]
    }

    /// The current text of a file; nil if it cannot be read.
    func file(_ path: String) -> PolicyFile? {
        if let known = files[path] { return known }
        guard let bytes = Self.bytes(of: path) else { return nil }
        let made = PolicyFile(SourceFile(path: path, name: path, bytes: bytes), previous: nil)
        files[path] = made
        return made
    }

    /// The bytes of a regular file; nil for a pipe or a device, which would block the server.
    static func bytes(of path: String) -> [UInt8]? {
        try? FileReading.readRegular(path, limit: Bounds.fileBytes)
    }

    // MARK: - Sets

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// The folder of the policy set that contains a file: the nearest parent folder with a policy, or the file's own
    /// folder.
    func root(of path: String) -> String {
        let own = Self.folder(of: path)
        if let known = roots[own] { return known }
        var folder = own
        var found = own
        for _ in 0..<8 {
            if holdsPolicy(folder) {
                found = folder
                break
            }
            let parent = Self.folder(of: folder)
            if parent.isEmpty || parent == folder || parent == "." { break }
            folder = parent
        }
        roots[own] = found
        return found
    }

    /// The maximum number of bytes that the search for a policy reads in one folder.
    private static let mostSearched = 16 << 20

    private func holdsPolicy(_ folder: String) -> Bool {
        guard let names = try? FileReading.names(in: folder) else { return false }
        var bytesLeft = Self.mostSearched
        return names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.contains { name in
            guard bytesLeft > 0, let file = file("\(folder)/\(name)") else { return false }
            bytesLeft -= file.source.bytes.count + 1_024
            return file.nodes.contains { $0.entries?.first?.name == "policy" }
        }
    }

    /// The paths of a set's files, in order.
    func paths(below root: String) -> [String] {
        if let known = members[root] { return known }
        var paths = (try? DocumentLoader.files(in: root)) ?? []
        let unsaved = buffers.keys.filter { $0.hasPrefix(root + "/") && !paths.contains($0) }
        paths += unsaved
        paths.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        members[root] = paths
        return paths
    }

    /// The files of a set, as the checker reads them.
    func sources(below root: String) -> [SourceFile] {
        var bytesLeft = Bounds.setBytes
        return paths(below: root).compactMap { path in
            guard bytesLeft >= 0, let bytes = file(path)?.source.bytes else { return nil }
            bytesLeft -= bytes.count
            return SourceFile(path: path, name: String(path.dropFirst(root.count + 1)), bytes: bytes)
        }
    }

    /// A name in the set that a file belongs to, with its file.
    struct Found {
        var path: String
        var file: PolicyFile
        var occurrence: Occurrence
    }

    /// Every name of the set that contains a file. Classes in the models of plans are distinguished from models.
    func occurrences(around path: String) -> [Found] {
        let root = root(of: path)
        if let known = found[root] { return known }
        let names = collect(root)
        found[root] = names
        return names
    }

    private func collect(_ root: String) -> [Found] {
        let all = paths(below: root).flatMap { path -> [Found] in
            guard let file = file(path) else { return [] }
            return file.occurrences.map { Found(path: path, file: file, occurrence: $0) }
        }
        let classes = Set(
            all.filter { $0.occurrence.kind == .modelClass && $0.occurrence.isDefinition }.map(\.occurrence.name))
        let models = Set(
            all.filter { $0.occurrence.kind == .model && $0.occurrence.isDefinition }.map(\.occurrence.name))
        return all.map { found in
            guard found.occurrence.kind == .model, !models.contains(found.occurrence.name),
                classes.contains(found.occurrence.name)
            else { return found }
            var found = found
            found.occurrence.kind = .modelClass
            return found
        }
    }

    /// The occurrences of the name at a position.
    func same(as path: String, offset: Int) -> [Found] {
        guard let here = file(path)?.occurrence(at: offset) else { return [] }
        let all = occurrences(around: path)
        let kind =
            all.first { $0.path == path && $0.occurrence.range == here.range }?.occurrence.kind ?? here.kind
        return all.filter { $0.occurrence.kind == kind && $0.occurrence.name == here.name }
    }
}

/// File URIs (RFC 8089).
enum FileURI {
    static func path(_ uri: String) -> String? {
        guard uri.hasPrefix("file://") else { return nil }
        var rest = uri.dropFirst("file://".count)
        if !rest.hasPrefix("/") {
            guard let slash = rest.firstIndex(of: "/") else { return nil }
            rest = rest[slash...]
        }
        var bytes: [UInt8] = []
        var text = Array(rest.utf8)[...]
        while let byte = text.popFirst() {
            if byte == UInt8(ascii: "%"), text.count >= 2, let high = JSONText.hexValue(text[text.startIndex]),
                let low = JSONText.hexValue(text[text.startIndex + 1])
            {
                bytes.append(high << 4 | low)
                text = text.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func of(_ path: String) -> String { uriReference(path) }
}
