import ArgumentParser

struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of policy files, for editors.",
        discussion: """
            The schema follows JSON Schema, draft 2020-12. With the YAML language server, write the schema to a file and name \
            it in the first line of a policy file: `# yaml-language-server: $schema=bursar.schema.json`.

            Examples:
              bursar schema > bursar.schema.json
            """)

    @Option(help: "json is the only format.")
    var format = OutputFormat.json

    func run() { Console.print(bytes: PackageResources.bursar_schema_json) }
}
