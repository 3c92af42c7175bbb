import BursarPolicy
import BursarSyntax

/// `bursar.lock`: the digests of published versions, one per line, for review in version control.
///
/// A digest covers keys and values in order, but not layout, comments or quotes.
package struct LockFile: Sendable {
    package static let name = "bursar.lock"

    static let head =
        "# Digests of published versions. `bursar lock` writes them, `bursar check` holds the files to them.\n"

    /// A version of a policy or catalog.
    struct Entry: Hashable {
        var kind: String
        var id: String
        var version: String
        var digest: String

        var line: String { "\(kind) \(id) \(version) \(digest)" }

        /// The version without its digest.
        var name: VersionName { VersionName(kind: kind, id: id, version: version) }
    }

    struct VersionName: Hashable {
        var kind: String
        var id: String
        var version: String
    }

    private var entries: [Located<Entry>] = []
    private var strays: [SourceRange] = []
    private let end: SourceRange
    private let endsLine: Bool

    package init(_ source: SourceFile, file: Int32) {
        var start = 0
        for line in source.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            defer { start += line.count + 1 }
            let range = SourceRange(file: file, start: Int32(start), end: Int32(start + line.count))
            let text = String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
            if text.isEmpty || text.hasPrefix("#") { continue }
            let parts = text.split(separator: " ").map(String.init)
            if parts.count == 4, parts[0] == "policy" || parts[0] == "catalog" {
                entries.append(
                    Located(Entry(kind: parts[0], id: parts[1], version: parts[2], digest: parts[3]), at: range))
            } else {
                strays.append(range)
            }
        }
        let last = Int32(source.bytes.count)
        end = SourceRange(file: file, start: last, end: last)
        endsLine = source.bytes.isEmpty || source.bytes.last == UInt8(ascii: "\n")
    }

    /// The path of the lock file of the set at a path.
    package static func path(for set: String) -> String {
        var folder = set
        if FileReading.kind(of: set) == .file {
            folder = set.contains("/") ? String(set[..<(set.lastIndex(of: "/") ?? set.startIndex)]) : "."
            if folder.isEmpty { folder = "/" }
        }
        return folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }

    /// The lock file of the set at a path; nil if there is none. An unreadable lock file is an error, because changes
    /// of locked versions would go unnoticed.
    static func load(for set: String) throws(FileError) -> SourceFile? {
        let path = path(for: set)
        guard FileReading.isPresent(path) else { return nil }
        let bytes = try FileReading.readRegular(path, limit: Bounds.fileBytes)
        return SourceFile(path: path, name: name, bytes: bytes)
    }

    /// The current versions of a set, policies before catalogs, in the order of versions.
    static func versions(of documents: Documents) -> [Located<Entry>] {
        let policies = documents.policies.map { ($0.version, Entry.of("policy", $0.id, $0.version, $0.node)) }
        let catalogs = documents.catalogs.map { ($0.version, Entry.of("catalog", $0.id, $0.version, $0.node)) }
        return [policies, catalogs].flatMap { group in
            group.sorted { ($0.1.id, $0.0.value) < ($1.1.id, $1.0.value) }.map { Located($0.1, at: $0.0.range) }
        }
    }

    package func verify(_ documents: Documents, _ diagnostics: inout Diagnostics) {
        for stray in strays {
            diagnostics.add(
                Diagnostic(
                    .syntaxShape, "this is no entry of a lock file: kind, id, version and digest", at: stray,
                    help: "`bursar lock --renew` writes it anew"))
        }
        let current = Self.versions(of: documents)
        let lockedByName = Dictionary(entries.map { ($0.value.name, $0) }, uniquingKeysWith: { first, _ in first })
        for version in current {
            guard let locked = lockedByName[version.value.name] else {
                diagnostics.add(
                    Diagnostic(
                        .versionUnlocked,
                        "version \(version.value.version) of \(version.value.kind) `\(version.value.id)` is not in \(Self.name)",
                        at: version.range,
                        fix: .init(
                            "lock it", replace: end, with: (endsLine ? "" : "\n") + version.value.line + "\n")))
                continue
            }
            if locked.value.digest != version.value.digest {
                diagnostics.add(
                    Diagnostic(
                        .versionChanged,
                        "version \(version.value.version) of \(version.value.kind) `\(version.value.id)` is locked and was changed",
                        at: version.range, notes: [.init("it was locked here", at: locked.range)],
                        help: "undo the change and write it as a new version"))
            }
        }
        let names = Set(current.map(\.value.name))
        for entry in entries where !names.contains(entry.value.name) {
            diagnostics.add(
                Diagnostic(
                    .versionChanged,
                    "version \(entry.value.version) of \(entry.value.kind) `\(entry.value.id)` is locked and no longer there",
                    at: entry.range, help: "put it back: decisions that name it could not be reproduced"))
        }
    }

    /// The text of a lock file with every version of the set and every version that was already locked.
    ///
    /// - Returns: the text, and the versions that differ from the lock file. The caller must not write if there are
    ///   any.
    package static func renewed(
        for set: String, _ documents: Documents, keepsLocked: Bool
    ) throws(FileError) -> (text: String, changed: [String]) {
        let current = versions(of: documents).map(\.value)
        var earlier: [Entry] = []
        if keepsLocked, let source = try load(for: set) { earlier = LockFile(source, file: 0).entries.map(\.value) }
        let kept = Set(current)
        let changed = earlier.filter { !kept.contains($0) }
        let text = head + current.map { $0.line + "\n" }.joined()
        return (text, changed.map { "\($0.kind) \($0.id) \($0.version)" })
    }
}

extension LockFile.Entry {
    fileprivate static func of(
        _ kind: String, _ id: Name, _ version: Located<Version>, _ node: YAMLNode
    ) -> LockFile.Entry {
        LockFile.Entry(kind: kind, id: id.value, version: version.value.text, digest: Digest.of(node))
    }
}

extension DiagnosticRule {
    /// The rules about `bursar.lock`.
    static let lockFile: [DiagnosticRule] = [versionChanged, versionUnlocked]

    static let versionChanged = DiagnosticRule(
        "version/changed", .error,
        title: "A locked version has changed",
        checks: "The text of each version has the digest that `bursar.lock` lists.",
        why: "Recorded decisions name the version. If its text changes, they cannot be reproduced.",
        example: """
            # bursar.lock
            policy saas 2026-06-01 sha256:…   # and the file has another text now
            """,
        fix: """
            Undo the change and write it as a new version. If the version was never published, run `bursar lock \
            --renew`.
            """)

    static let versionUnlocked = DiagnosticRule(
        "version/unlocked", .note,
        title: "A version is not locked",
        checks: "`bursar.lock` lists every version that is in force.",
        why: "A change of the version would not be found.",
        example: "# bursar.lock lists 2026-05-01 only",
        fix: "Run `bursar lock`, or `bursar check --fix`.")
}
