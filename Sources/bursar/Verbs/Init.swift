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
        abstract: "Write a small working policy set with traffic to try it on.",
        discussion: "Asks nothing and overwrites nothing.")

    @Argument(help: "The folder to write into.")
    var folder: String = "policies"

    func run() throws {
        let traffic = Starter.traffic()
        let files = [("catalog.yaml", Starter.catalog), ("policy.yaml", Starter.policy), ("traffic.jsonl", traffic)]
        for (name, _) in files where FileReading.kind(of: "\(folder)/\(name)") != .missing {
            throw ExitStatus(ExitStatus.usage, "\(folder)/\(name) exists already; nothing was written")
        }
        if FileReading.kind(of: folder) == .missing, mkdir(folder, 0o777) != 0 {
            throw ExitStatus(ExitStatus.usage, "\(folder): \(String(cString: strerror(errno)))")
        }
        for (name, text) in files {
            do throws(FileError) {
                try FileReading.write(Array(text.utf8), to: "\(folder)/\(name)")
            } catch {
                throw ExitStatus(ExitStatus.usage, error.description)
            }
            Console.print("wrote \(folder)/\(name)")
        }
        Console.print(
            """

            next:
              bursar check \(folder)
              bursar replay --policies \(folder) \(folder)/traffic.jsonl
            """)
    }
}

/// The set that `init` writes.
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
        # Two tiers. In shadow mode everything is decided and counted, and nothing is refused: change it to `enforce`
        # when the replay says what you want.
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
            downgrade: gpt-4o -> gpt-4o-mini      # asked for gpt-4o, served by gpt-4o-mini, and told so
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

    /// A day of five tenants, the same every time.
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
