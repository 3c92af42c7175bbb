import BursarPolicy
import BursarSyntax

/// A catalog document from LiteLLM's public price list, with a note for everything that a catalog cannot express.
package struct PriceListImport {
    package private(set) var catalog = ""
    package private(set) var leftOut: [String] = []
    package private(set) var modelCount = 0

    /// The keys that a catalog contains too.
    private static let carried: Set<String> = [
        "input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost", "input_cost_per_request",
        "litellm_provider",
    ]
    /// Keys without an effect on prices. They are listed once for all models.
    private static let descriptive: Set<String> = [
        "mode", "source", "deprecation_date", "metadata", "comment", "rpm", "tpm", "rpd", "tpd",
    ]

    private static func isDescriptive(_ key: String) -> Bool {
        descriptive.contains(key) || ["supports_", "supported_", "max_"].contains { key.hasPrefix($0) }
    }

    /// The number of models with each descriptive key.
    private var described: [String: Int] = [:]

    /// The reason why there is no catalog.
    package struct ImportError: Error {
        package var description: String
    }

    /// The keys of the catalog before its models.
    private let head: String
    private let id: String
    private let effective: String?

    package init(_ bytes: [UInt8], id: String, version: String, effective: String?, providers: Set<String>)
        throws(ImportError)
    {
        self.id = id
        self.effective = effective.map(Self.scalar)
        var head = "catalog: \(Self.scalar(id))\nversion: \(Self.scalar(version))\n"
        if let effective = self.effective { head += "effective: \(effective)\n" }
        self.head = head + "currency: USD\nmodels:\n"
        if let problem = problem(of: "  {}\n", models: []) {
            throw ImportError(description: "--id, --version or --effective: \(problem)")
        }
        let list: JSONTree
        do throws(JSONTree.ParseError) {
            list = try JSONTree.parse(bytes)
        } catch {
            throw ImportError(description: "\(error.message) at byte \(error.offset)")
        }
        guard case .object(let entries) = list else { throw ImportError(description: "expected an object at byte 0") }
        var models = ""
        var seen: Set<String> = []
        var known: Set<String> = []
        var others = 0
        for (name, entry) in entries {
            if name == "sample_spec" {
                leftOut.append("sample_spec: the list's own example, not a model")
                continue
            }
            let provider = entry["litellm_provider"]?.text
            if let provider { known.insert(provider) }
            if !providers.isEmpty, !providers.contains(provider ?? "") {
                others += 1
                continue
            }
            guard seen.insert(name).inserted else {
                leftOut.append("\(name): duplicate model; the first one is kept")
                continue
            }
            guard case .object(let fields) = entry else {
                leftOut.append("\(name): not an object, so nothing of it is carried over")
                continue
            }
            guard seen.count <= Bounds.models else {
                throw ImportError(
                    description: "the list has more than \(Bounds.models) models; choose some with --provider")
            }
            models += text(name, entry, provider)
            noteOthers(name, fields)
        }
        for provider in providers.sorted() where !known.contains(provider) {
            throw ImportError(
                description: "--provider: the list has no model of `\(provider)`"
                    + (nameHelp(for: provider, among: known.sorted(), listedAs: "providers").map { "; \($0)" } ?? ""))
        }
        if others > 0 { leftOut.append("\(others) model\(others == 1 ? "" : "s") of other providers") }
        if !described.isEmpty {
            let keys = described.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }
            leftOut.append("keys that no price depends on, with the number of models: " + keys.joined(separator: ", "))
        }
        catalog = self.head + (modelCount == 0 ? "  {}\n" : models)
        if let problem = problem(of: modelCount == 0 ? "  {}\n" : models, models: nil) {
            throw ImportError(description: "the catalog of all models cannot be read: \(problem)")
        }
    }

    /// The reason why a policy cannot use a catalog with these models; nil if it can.
    ///
    /// - Parameter models: the names that the catalog must contain; nil: any.
    private func problem(of text: String, models: [String]?) -> String? {
        let policy = "policy: p\nversion: 1\n\(effective.map { "effective: \($0)\n" } ?? "")tiers: {t: {models: any}}\n"
        var diagnostics = Diagnostics()
        let sources = [policy, head + text].map { SourceFile(path: "catalog", name: "catalog", bytes: Array($0.utf8)) }
        let documents = DocumentLoader.read(sources, diagnostics: &diagnostics)
        let result = Compiler.compile(documents, diagnostics)
        if let error = result.diagnostics.sorted().first(where: { $0.severity == .error }) { return error.message }
        guard documents.catalogs.count == 1, let catalog = documents.catalogs.first, catalog.id.value == id,
            models.map({ catalog.models.map(\.name.value) == $0 }) ?? true
        else { return "a name would read as something else" }
        return nil
    }

    /// A plain scalar if possible, or a quoted one.
    private static func scalar(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            case UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"): true
            default: false
            }
        }
        return isPlain && text.first?.isLetter == true || isPlain && text.first?.isNumber == true ? text : quoted(text)
    }

    /// The lines of a model; empty if the catalog cannot contain it.
    private mutating func text(_ name: String, _ entry: JSONTree, _ provider: String?) -> String {
        guard isModelName(name) else {
            leftOut.append("\(name): not a name that a model of a catalog can have")
            return ""
        }
        var price: [String] = []
        var reason: String?
        for (key, field) in [
            ("input_cost_per_token", "input"), ("cache_read_input_token_cost", "cached"),
            ("output_cost_per_token", "output"),
        ] {
            if let value = entry[key], value.number == nil, !value.isNull {
                reason = "\(key) is not a number"
                break
            }
            guard let text = entry[key]?.number else {
                // A model without output needs no output price, and the list omits it.
                if field == "output", entry["input_cost_per_token"]?.number != nil,
                    Self.readsOnly.contains(entry["mode"]?.text ?? "")
                {
                    price.append("output: $0/1M")
                } else if field != "cached" {
                    reason = reason ?? "has no \(field) price per token"
                }
                continue
            }
            guard let written = Self.perMillion(text) else {
                reason = "\(key) \(text) cannot be kept exactly in 10^-12 per token"
                break
            }
            price.append("\(field): \(written)")
        }
        if let value = entry["input_cost_per_request"], value.number == nil, !value.isNull {
            reason = "input_cost_per_request is not a number"
        } else if let fee = entry["input_cost_per_request"]?.number {
            if let nanos = Self.scaled(fee, 9) {
                price.append("request: $\(decimalText(nanos, scale: 1_000_000_000))")
            } else {
                reason = "input_cost_per_request \(fee) cannot be kept exactly"
            }
        }
        var text = lines(name, entry, provider, price: reason == nil ? price : nil)
        var problem = problem(of: text, models: [name])
        if let found = problem, reason == nil {
            // The price may be the invalid value.
            reason = found
            text = lines(name, entry, provider, price: nil)
            problem = self.problem(of: text, models: [name])
        }
        if let problem {
            leftOut.append("\(name): cannot be carried over: \(problem)")
            return ""
        }
        if let reason { leftOut.append("\(name): listed without a price: \(reason)") }
        modelCount += 1
        return text
    }

    private func lines(_ name: String, _ entry: JSONTree, _ provider: String?, price: [String]?) -> String {
        var text = "  \(Self.quoted(name)):\n"
        if let provider { text += "    provider: \(Self.quoted(provider))\n" }
        if let price { text += "    price: {\(price.joined(separator: ", "))}\n" }
        if let whole = ["max_input_tokens", "max_tokens"].lazy.compactMap({ key in
            entry[key]?.number.flatMap { Self.scaled($0, 0) }
        }).first {
            text += "    context: \(whole)\n"
        } else if provider == nil, price == nil {
            text += "    description: listed without a price\n"
        }
        return text
    }

    private static let readsOnly: Set<String> = ["embedding", "rerank", "moderation"]

    /// Notes every key that the catalog cannot contain: prices of other kinds and conditions, and unknown keys.
    private mutating func noteOthers(_ name: String, _ fields: [(key: String, value: JSONTree)]) {
        var others: [String] = []
        let context = ["max_input_tokens", "max_tokens"].first { key in
            fields.contains { $0.key == key && $0.value.number.flatMap { Self.scaled($0, 0) } != nil }
        }
        for (key, value) in fields where !Self.carried.contains(key) && key != context && !value.isNull {
            if Self.isDescriptive(key) { described[key, default: 0] += 1 } else { others.append(key) }
        }
        if let provider = fields.first(where: { $0.key == "litellm_provider" })?.value, provider.text == nil,
            !provider.isNull
        {
            others.append("litellm_provider")
        }
        if !others.isEmpty { leftOut.append("\(name): not carried over: \(others.joined(separator: ", "))") }
    }

    private func isModelName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy {
                $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "\"")
                    && $0 != UInt8(ascii: "\\")
            }
            && !name.contains("->") && !name.contains("*")
    }

    private static func quoted(_ text: String) -> String {
        var json = JSONWriter()
        json.value(text)
        return json.text
    }

    /// Converts `1.5e-07` to `$0.15/1M`, exactly; nil if it has digits below 10^-12.
    static func perMillion(_ text: String) -> String? {
        guard let picos = scaled(text, 12) else { return nil }
        return "$\(decimalText(picos, scale: 1_000_000))/1M"
    }

    /// The number × 10^power, if that is a whole number.
    private static func scaled(_ text: String, _ power: Int) -> Int64? {
        var text = text
        let decimal = text.withUTF8 { JSONDecimal($0) }
        guard let decimal, !decimal.isNegative, let down = decimal.scaled(by: power, roundingUp: false),
            down == decimal.scaled(by: power, roundingUp: true)
        else { return nil }
        return down
    }
}
