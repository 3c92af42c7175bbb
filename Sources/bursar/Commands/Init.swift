import ArgumentParser
import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a small working policy set with tests, sample traffic and a workflow for pull requests.",
        discussion: """
            The command asks no questions and never overwrites a file.

            Examples:
              bursar init
              bursar init my-policies
            """)

    @Argument(help: "The folder to write into.")
    var folder: String = "policies"

    func run() throws {
        let traffic = Starter.traffic()
        let files = [
            ("catalog.yaml", Starter.catalog), ("policy.yaml", Starter.policy), ("tests.yaml", Starter.tests),
            ("traffic.jsonl", traffic), (".github/workflows/policies.yml", Starter.workflow),
        ]
        for (name, _) in files where FileReading.kind(of: "\(folder)/\(name)") != .missing {
            throw ExitStatus(ExitStatus.usage, "\(folder)/\(name) already exists; no file was written")
        }
        var folders: [String] = []
        do {
            for path in [folder, "\(folder)/.github", "\(folder)/.github/workflows"]
            where FileReading.kind(of: path) == .missing {
                guard mkdir(path, 0o777) == 0 else { throw FileError(path: path, code: errno) }
                folders.append(path)
            }
            try write(files)
        } catch {
            for path in folders.reversed() { rmdir(path) }
            throw error
        }
        for (name, _) in files { Console.print("wrote \(shown(folder))/\(name)") }
        let shownFolder = shown(folder)
        Console.print(
            """

            next:
              bursar check \(shownFolder)
              bursar test --coverage \(shownFolder)
              bursar replay --policies \(shownFolder) \(shownFolder)/traffic.jsonl
              move \(shownFolder)/.github to the root of your repository: it checks every change of the policies
            """)
    }

    /// Writes all files before creating the first.
    private func write(_ files: [(name: String, text: String)]) throws(FileError) {
        var outputs: [OutputFile] = []
        for (name, text) in files {
            let output = try OutputFile("\(folder)/\(name)")
            try output.write(Array(text.utf8))
            try output.flush()
            outputs.append(output)
        }
        for output in outputs { try output.commit(isDurable: true) }
    }
}

/// The policy set that `init` creates.
private enum Starter {
    static let catalog = """
        # What the models cost. `bursar import prices` makes one from a public price list.
        catalog: providers
        version: 2026-01-01
        effective: 2026-01-01
        currency: USD
        classes: [economy, standard]
        models:
          gpt-4o:
            class: standard
            provider: openai
            price: {input: $2.50/1M, cached: $1.25/1M, output: $10/1M}
            context: 128k
          gpt-4o-mini:
            class: economy
            provider: openai
            price: {input: $0.15/1M, cached: $0.075/1M, output: $0.60/1M}
            context: 128k

        """

    static let policy = """
        # Two tiers. In shadow mode a service decides and counts everything, and refuses nothing. `bursar replay` shows
        # what enforcing the policy would do. When that is what you want, change the mode to `enforce`.
        policy: product
        version: 2026-01-01
        effective: 2026-01-01
        catalog: providers
        mode: shadow
        default tier: free
        audiences: {owner: account owner}

        tiers:
          free:
            price: $0/month
            models: [economy]
            downgrade: gpt-4o -> gpt-4o-mini  # asked for gpt-4o, served by gpt-4o-mini, and told so
            limits:
              daily: {amount: $0.10/day, at: {80%: notify owner, 100%: deny}}
              requests: 40 requests/day
            upgrade: {to: pro, url: /pricing}
          pro:
            extends: free
            price: $20/month
            models: [economy, standard]
            limits:
              daily: {amount: $1/day, rollover: 50%, at: {80%: notify owner, 100%: downgrade else deny}}
              requests: 1k requests/day
            upgrade: {}

        """

    static let tests = """
        # What the policy promises. In shadow mode the request is allowed, and `shadow` holds what would have been decided.
        tests:
          free-has-economy-models:
            request: {tier: free, input_tokens: 1000, max_output_tokens: 500}
            each:
              - {name: gpt-4o-mini, request: {model: gpt-4o-mini}, expect: allow}
              - {name: gpt-4o, request: {model: gpt-4o}, expect: {shadow: {outcome: downgrade, model: gpt-4o-mini}}}

          the-day:
            request: {model: gpt-4o-mini, input_tokens: 1000, max_output_tokens: 1000}
            each:
              - name: free hears of 80%
                request: {tier: free}
                given: {daily: $0.08}
                expect: {outcome: allow, events: [{limit: daily, threshold: 80%}]}
              - {name: free ends, request: {tier: free}, given: {daily: $0.10}, expect: {shadow: {outcome: deny}}}
              - {name: free has 40 requests, request: {tier: free}, given: {requests: 40}, expect: {shadow: {outcome: deny}}}
              - name: pro takes the cheaper model
                request: {tier: pro, model: gpt-4o}
                given: {daily: $0.99}
                expect: {shadow: {outcome: downgrade, model: gpt-4o-mini}}
              - {name: pro has 1000 requests, request: {tier: pro}, given: {requests: 1k}, expect: {shadow: {outcome: deny}}}

        """

    static let workflow = """
        # Checks every change of the policies, runs their tests, and says on the pull request what would change.
        name: policies
        on: {pull_request: {paths: ["policies/**"]}}
        permissions: {contents: read, pull-requests: write, security-events: write}
        jobs:
          policies:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout@v4
                with: {fetch-depth: 0}
              # Install `bursar` here, from your package registry or by building it.
              - run: bursar check --format sarif policies > policies.sarif
              - uses: github/codeql-action/upload-sarif@v3
                if: always()
                with: {sarif_file: policies.sarif}
              - run: bursar test --coverage policies
              - run: |
                  git worktree add /tmp/before "${{ github.event.pull_request.base.sha }}"
                  bursar diff /tmp/before/policies policies --traffic policies/traffic.jsonl > change.txt || [ $? = 1 ]
                  (echo '```'; cat change.txt; echo '```') > comment.md
                  gh pr comment "${{ github.event.pull_request.number }}" --body-file comment.md
                env: {GH_TOKEN: "${{ github.token }}"}

        """

    /// A day of traffic of five tenants, the same in every run.
    static func traffic() -> String {
        var state: UInt64 = 42
        func random(_ limit: UInt64) -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64((state >> 33) % limit)
        }
        var text = ""
        for number in 0..<400 {
            let time = 1_780_272_000_000_000 + Int64(number) * 216 * Micros.second
            let tenant = random(5)
            let output = 50 + random(900)
            text += #"{"ts":"\#(instantText(time))","request_id":"r-\#(number)","tenant":"tenant-\#(tenant)","#
            text += #""tier":"\#(tenant < 3 ? "free" : "pro")","feature":"\#(random(2) == 0 ? "chat" : "search")","#
            text += #""model":"\#(random(3) == 0 ? "gpt-4o" : "gpt-4o-mini")","input_tokens":\#(100 + random(6_000)),"#
            text +=
                #""output_tokens":\#(output),"max_output_tokens":1024,"duration_ms":\#(300 + output * 12),"status":"ok"}"#
                + "\n"
        }
        return text
    }
}
