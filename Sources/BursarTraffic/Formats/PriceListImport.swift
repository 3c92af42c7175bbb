import BursarSyntax

/// A catalog document made from LiteLLM's public price list, with a note on everything that a catalog cannot say.
public struct PriceListImport {
    public private(set) var catalog = ""
    public private(set) var leftOut: [String] = []
    public private(set) var modelCount = 0

    /// What a catalog can say, and what needs no note: it does not bear on a price per token.
    private static let silent: Set<String> = [
        "input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost", "input_cost_per_request",
        "max_input_tokens", "max_tokens", "max_output_tokens", "litellm_provider", "mode", "source",
        "deprecation_date", "supported_endpoints", "supported_modalities", "supported_output_modalities",
        "supported_regions", "metadata", "comment", "rpm", "tpm", "rpd", "tpd",
    ]

    public init(_ bytes: [UInt8], id: String, version: String, effective: String?, providers: Set<String>)
        throws(JSONTree.ParseError)
    {
        let list = try JSONTree.parse(bytes)
        guard case .object(let entries) = list else {
            throw JSONTree.ParseError(message: "expected an object", offset: 0)
        }
        catalog = "catalog: \(id)\nversion: \(version)\n"
        if let effective { catalog += "effective: \(effective)\n" }
        catalog += "currency: USD\nmodels:\n"
        var seen: Set<String> = []
        for (name, entry) in entries where name != "sample_spec" {
            let provider = entry["litellm_provider"]?.text
            if !providers.isEmpty, !providers.contains(provider ?? "") { continue }
            guard seen.insert(name).inserted else {
                leftOut.append("\(name): stands twice; the first is kept")
                continue
            }
            add(name, entry, provider)
        }
        if modelCount == 0 { catalog += "  {}\n" }
    }

    private mutating func add(_ name: String, _ entry: JSONTree, _ provider: String?) {
        guard isModelName(name) else {
            leftOut.append("\(name): is no name of a model here")
            return
        }
        var price: [String] = []
        var reason: String?
        for (key, field) in [
            ("input_cost_per_token", "input"), ("cache_read_input_token_cost", "cached"),
            ("output_cost_per_token", "output"),
        ] {
            guard let text = entry[key]?.number else {
                // A model that only reads has no output to pay for, and the list says so by leaving the price out.
                if field == "output", entry["input_cost_per_token"]?.number != nil,
                    Self.readsOnly.contains(entry["mode"]?.text ?? "")
                {
                    price.append("output: $0/1M")
                } else if field != "cached" {
                    reason = "has no \(field) price per token"
                }
                continue
            }
            guard let written = Self.perMillion(text) else {
                reason = "\(key) \(text) cannot be kept exactly in 10^-12 per token"
                break
            }
            price.append("\(field): \(written)")
        }
        if let fee = entry["input_cost_per_request"]?.number {
            if let nanos = Self.scaled(fee, 9) {
                price.append("request: $\(decimalText(nanos, scale: 1_000_000_000))")
            } else {
                reason = "input_cost_per_request \(fee) cannot be kept exactly"
            }
        }
        if let reason { leftOut.append("\(name): listed without a price: \(reason)") }
        noteOthers(name, entry)
        modelCount += 1
        catalog += "  \(quoted(name)):\n"
        if let provider { catalog += "    provider: \(quoted(provider))\n" }
        if reason == nil { catalog += "    price: {\(price.joined(separator: ", "))}\n" }
        if let context = entry["max_input_tokens"]?.number ?? entry["max_tokens"]?.number,
            let whole = Self.scaled(context, 0)
        {
            catalog += "    context: \(whole)\n"
        } else if provider == nil, reason != nil {
            catalog += "    description: listed without a price\n"
        }
    }

    private static let readsOnly: Set<String> = ["embedding", "rerank", "moderation"]

    /// Prices of other kinds and conditions: context tiers, batches, priority, audio, images, searches.
    private mutating func noteOthers(_ name: String, _ entry: JSONTree) {
        guard case .object(let fields) = entry else { return }
        let others = fields.map(\.key).filter { key in
            !Self.silent.contains(key) && (key.contains("cost") || key.contains("price") || key.contains("tiered"))
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

    private func quoted(_ text: String) -> String { "\"\(text)\"" }

    /// `1.5e-07` as `$0.15/1M`, exact; nil where it has digits below 10^-12.
    static func perMillion(_ text: String) -> String? {
        guard let picos = scaled(text, 12) else { return nil }
        return "$\(decimalText(picos, scale: 1_000_000))/1M"
    }

    /// The number × 10^power where that is a whole number.
    private static func scaled(_ text: String, _ power: Int) -> Int64? {
        var text = text
        let decimal = text.withUTF8 { JSONDecimal($0) }
        guard let decimal, !decimal.isNegative, let down = decimal.scaled(by: power, roundingUp: false),
            down == decimal.scaled(by: power, roundingUp: true)
        else { return nil }
        return down
    }
}
