import ArgumentParser

struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema by which editors complete and explain policy files.",
        discussion: """
            JSON Schema, draft 2020-12. For the YAML language server: bursar schema > bursar.schema.json, and \
            `# yaml-language-server: $schema=bursar.schema.json` as a file's first line.
            """)

    @Option(help: "json is the only format.")
    var format = OutputFormat.json

    func run() { Console.print(bytes: PackageResources.bursar_schema_json) }
}
