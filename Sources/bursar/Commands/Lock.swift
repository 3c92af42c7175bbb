import ArgumentParser
import BursarAnalysis
import BursarPolicy
import BursarSyntax

struct Lock: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock",
        abstract: "Write the digests of published versions to bursar.lock.",
        discussion: """
            A locked version must not change: `bursar check` reports every change of its meaning. If a locked version was \
            changed or removed, the command writes nothing and its exit status is 1.

            Examples:
              bursar lock policies
              bursar lock --renew policies
            """)

    @Argument(help: "The policy set: a file or a folder.")
    var path: String

    @Flag(help: "Forget the locked versions, and lock the present ones.")
    var renew = false

    @Option(help: "text or json.")
    var format = OutputFormat.text

    @Flag(help: "Print only errors.")
    var quiet = false

    func run() throws {
        var written: [(path: String, versions: Int)] = []
        var changed: [String] = []
        for set in try Policies.sets(at: path) {
            let documents = try Policies.loadWithDocuments(set).documents
            let lock = try LockFile.renewed(for: set, documents, keepsLocked: !renew)
            changed += lock.changed
            guard lock.changed.isEmpty else { continue }
            let file = LockFile.path(for: set)
            try OutputFile.write(Array(lock.text.utf8), to: file)
            written.append((file, documents.policies.count + documents.catalogs.count))
        }
        report(written, changed)
        if !changed.isEmpty { throw ExitStatus(1) }
    }

    private func report(_ written: [(path: String, versions: Int)], _ changed: [String]) {
        if format == .json {
            var json = JSONWriter()
            json.object { json in
                json.array("written") { json in for file in written { json.value(file.path) } }
                json.array("changed") { json in for version in changed { json.value(version) } }
            }
            return Console.print(exact: json.text)
        }
        for version in changed {
            Console.error("\(shown(version)) is locked and was changed or removed; write a new version, or use --renew")
        }
        if quiet { return }
        for file in written {
            Console.print("\(shown(file.path)): \(file.versions) version\(file.versions == 1 ? "" : "s") locked")
        }
    }
}
