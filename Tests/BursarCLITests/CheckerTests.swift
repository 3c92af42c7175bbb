import Foundation
import Testing

/// `check`, `lock` and `diff` as people use them.
@Suite struct CheckerCommandTests {
    private static let policy = """
        # Kept as it is.
        policy: p
        version: 1
        catalog: models
        tiers:
          free:
            models: [econmy]   # misspelt
            limts: {daily: $1/day}
        ---
        catalog: models
        version: 1
        classes: [economy]
        models:
          small: {class: economy, price: {input: $0.15/1M, output: $0.60/1M}}

        """

    @Test func `fix mends what has one right answer and keeps the rest`() throws {
        try Binary.inFolder { folder in
            let file = folder.appending(path: "p.yaml")
            try Self.policy.write(to: file, atomically: true, encoding: .utf8)
            #expect(try Binary.run("check", file.path()).status == 1)
            let fixed = try Binary.run("check", "--fix", file.path())
            #expect(fixed.status == 0, "\(fixed.output)")
            let expected = Self.policy.replacing("econmy", with: "economy").replacing("limts", with: "limits")
            #expect(try String(contentsOf: file, encoding: .utf8) == expected)
        }
    }

    @Test func `a locked version cannot change, and a new one is locked beside it`() throws {
        try Binary.inFolder { folder in
            let file = folder.appending(path: "p.yaml")
            let good = Self.policy.replacing("econmy", with: "economy").replacing("limts", with: "limits")
            try good.write(to: file, atomically: true, encoding: .utf8)
            #expect(try Binary.run("lock", folder.path()).status == 0)
            let lock = folder.appending(path: "bursar.lock")
            let text = try String(contentsOf: lock, encoding: .utf8)
            #expect(text.split(separator: "\n").count == 3)
            // Layout and comments are no change.
            let relaid = good.replacing("# Kept as it is.\n", with: "").replacing(
                "[economy]   # misspelt", with: "[ 'economy' ]")
            try relaid.write(to: file, atomically: true, encoding: .utf8)
            #expect(try Binary.run("check", folder.path()).status == 0)
            #expect(try Binary.run("lock", folder.path()).status == 0)
            #expect(try String(contentsOf: lock, encoding: .utf8) == text)
            // A changed amount is.
            try relaid.replacing("$1/day", with: "$2/day").write(to: file, atomically: true, encoding: .utf8)
            let changed = try Binary.run("check", folder.path())
            #expect(changed.status == 1 && changed.output.contains("[version/changed]"))
            #expect(try Binary.run("lock", folder.path()).status == 1)
            #expect(try String(contentsOf: lock, encoding: .utf8) == text)
            // As a new version it is a note, which --fix writes into the lock.
            let later =
                relaid + "---\n"
                + relaid.components(separatedBy: "---")[0]
                .replacing("version: 1", with: "version: 2\neffective: 2026-06-01")
                .replacing("$1/day", with: "$2/day")
            try later.write(to: file, atomically: true, encoding: .utf8)
            #expect(try Binary.run("check", folder.path()).output.contains("[version/unlocked]"))
            #expect(try Binary.run("check", "--fix", folder.path()).status == 0)
            let renewed = try String(contentsOf: lock, encoding: .utf8)
            #expect(renewed.contains("policy p 2 sha256:") && renewed.hasPrefix(text))
            #expect(try Binary.run("check", folder.path()).output.isEmpty)
        }
    }

    @Test func `sarif names rules, places, fixes and witnesses`() throws {
        let result = try Binary.run("check", "--format", "sarif", "Tests/Fixtures/diagnostics/rule-value/tier.yaml")
        let log = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        #expect(log["version"] as? String == "2.1.0")
        let run = try #require((log["runs"] as? [[String: Any]])?.first)
        let found = try #require((run["results"] as? [[String: Any]])?.first)
        #expect(found["ruleId"] as? String == "rule/value")
        let driver = try #require((run["tool"] as? [String: Any])?["driver"] as? [String: Any])
        let rules = try #require(driver["rules"] as? [[String: Any]])
        #expect(rules[try #require(found["ruleIndex"] as? Int)]["id"] as? String == "rule/value")
        let place = try #require((found["locations"] as? [[String: Any]])?.first?["physicalLocation"] as? [String: Any])
        let region = try #require(place["region"] as? [String: Int])
        #expect(region == ["startLine": 5, "startColumn": 29, "endLine": 5, "endColumn": 32])
        #expect(found["fixes"] != nil)
    }

    @Test func `what a log holds and the policy does not foresee is told`() throws {
        try Binary.inFolder { folder in
            let policy = """
                policy: p
                version: 1
                catalog: models
                tiers:
                  free: {price: $1/month, models: [small], limits: {daily: $9/day}, weights: {of: daily, chat: 50%, other: 50%}}
                ---
                catalog: models
                version: 1
                models:
                  small: {price: {input: $1/1M, output: $1/1M}}
                  big: {price: {input: $2/1M, output: $2/1M}}

                """
            try policy.write(to: folder.appending(path: "p.yaml"), atomically: true, encoding: .utf8)
            func line(_ day: Int, _ tenant: String, _ tier: String?, _ model: String, _ feature: String) -> String {
                let named = tier.map { "\"tier\":\"\($0)\"," } ?? ""
                return
                    "{\"ts\":\"2026-06-0\(day)T10:00:00Z\",\"request_id\":\"\(day)\(tenant)\(model)\",\"tenant\":\"\(tenant)\",\(named)\"model\":\"\(model)\",\"feature\":\"\(feature)\",\"input_tokens\":1000000,\"output_tokens\":0}"
            }
            let log = [
                line(1, "a", "free", "small", "chat"), line(1, "b", nil, "small", "chat"),
                line(2, "a", "free", "big", "chat"),
                line(2, "a", "free", "ghost", "chat"), line(3, "a", "free", "small", "chatt"),
            ]
            let path = folder.appending(path: "log.jsonl")
            try (log.joined(separator: "\n") + "\n").write(to: path, atomically: true, encoding: .utf8)
            let result = try Binary.run("check", "--format", "json", folder.path(), "--traffic", path.path())
            let setLast = try Binary.run("check", "--format", "json", "--traffic", path.path(), folder.path())
            #expect(setLast.output == result.output)
            #expect(result.status == 0)
            for code in [
                "traffic/unknown-tenant", "traffic/refused-model", "traffic/unpriced", "traffic/unknown-feature",
                "margin/observed",
            ] {
                let found = result.output.split(separator: "\n").filter { $0.contains("\"code\":\"\(code)\"") }
                #expect(found.count == 1, "\(code): \(result.output)")
            }
        }
    }

    @Test func `a code is explained, and a wrong one gets the nearest`() throws {
        #expect(try Binary.run("check", "--explain", "limit/never-binds").output.hasPrefix("# limit/never-binds"))
        let wrong = try Binary.run("check", "--explain", "limit/never-bind")
        #expect(wrong.status == 2 && wrong.errors.contains("limit/never-binds"))
    }

    @Test func `diff tells layout from meaning`() throws {
        try Binary.inFolder { folder in
            let names = ["old.yaml", "new.yaml"]
            let good = Self.policy.replacing("econmy", with: "economy").replacing("limts", with: "limits")
            let files = names.map { folder.appending(path: $0) }
            for file in files { try good.write(to: file, atomically: true, encoding: .utf8) }
            func diff(_ changed: String) throws -> Binary.Result {
                try changed.write(to: files[1], atomically: true, encoding: .utf8)
                return try Binary.run("diff", files[0].path(), files[1].path())
            }
            let same = try diff(good.replacing("# Kept as it is.\n", with: "").replacing("\"", with: "'"))
            #expect(same.status == 0 && same.output == "the same\n")
            let wider = try diff(good.replacing("$1/day", with: "$2/day"))
            #expect(wider.status == 1)
            #expect(
                wider.output.contains("tiers.free.limits.daily: $1/day -> $2/day  [looser]  new.yaml:"),
                "\(wider.output)")
            let ruled = try diff(
                good.replacing("tiers:", with: "rules:\n  big: {when: input_tokens > 10k, deny: too_big}\ntiers:"))
            #expect(ruled.output.contains("allow -> deny where model == \"small\" && input_tokens > 10000"))
        }
    }
}
