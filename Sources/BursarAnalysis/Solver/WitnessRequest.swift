import BursarPolicy
import BursarSyntax

/// A request that demonstrates a finding, in the input format of `bursar eval`. It contains only relevant and required
/// fields.
struct WitnessRequest: Sendable {
    private var edition: Edition
    private var values: [Attribute: AttributeValue] = [:]
    private var tools: [String] = []
    private var namesTier = true

    init(_ edition: Edition) { self.edition = edition }

    mutating func take(_ cell: Cell) {
        values.merge(cell.values) { $1 }
        if let tool = cell.tool { tools.append(tool) }
        if cell.isRecorded { namesTier = false }
    }

    subscript(attribute: Attribute) -> AttributeValue? {
        get { values[attribute] }
        set { values[attribute] = newValue }
    }

    /// The tier of the tenant.
    var tier: String {
        if case .text(let tier) = values[.tier] { return tier }
        return edition.defaultTier ?? edition.tierNames.first ?? ""
    }

    /// A model that the tier allows, if the request does not require one.
    private var model: String {
        if case .text(let model) = values[.model] { return model }
        guard let catalog = edition.catalog, let plan = edition.plan(tier: tier) else { return "any-model" }
        let index = catalog.models.indices.first {
            catalog.models[$0].price != nil && plan.models.allows(ModelID(rawValue: $0))
        }
        return catalog.models.isEmpty ? "any-model" : catalog.models[index ?? 0].name
    }

    /// The same request at a time when another edition is in force.
    func json(for other: Edition) -> String {
        var copy = self
        copy.edition = other
        return copy.json
    }

    var json: String {
        var json = JSONWriter()
        json.object { json in
            json.field("ts", instantText(time))
            json.field("request_id", "witness")
            json.field("tenant", text(.tenant) ?? "other-tenant")
            if namesTier, !tier.isEmpty { json.field("tier", tier) }
            json.field("model", model)
            for (attribute, value) in fields { Self.write(attribute, value, &json) }
            if !tools.isEmpty { json.array("tools") { json in for tool in tools { json.value(tool) } } }
            let labels = self.labels
            if !labels.isEmpty {
                json.object("labels") { json in
                    for (key, value) in labels {
                        json.key(text: key)
                        json.raw(Self.quoted(value))
                    }
                }
            }
        }
        return json.text
    }

    private func text(_ attribute: Attribute) -> String? {
        if case .text(let text) = values[attribute] { text } else { nil }
    }

    private static let implied: Set<Attribute> = [
        .tenant, .tier, .model, .modelClass, .modelProvider, .featureCritical, .hour, .weekday,
    ]

    private var fields: [(Attribute, AttributeValue)] {
        values.filter { key, _ in
            if case .label = key { return false }
            return !Self.implied.contains(key)
        }
        .sorted { $0.key.name < $1.key.name }
        .map { ($0.key, $0.value) }
    }

    private var labels: [(String, String)] {
        values.compactMap { key, value in
            guard case .label(let name) = key, case .text(let text) = value else { return nil }
            return (name, text)
        }
        .sorted { $0.0 < $1.0 }
    }

    private static func write(_ attribute: Attribute, _ value: AttributeValue, _ json: inout JSONWriter) {
        json.key(text: attribute.name)
        switch value {
        case .text(let text): json.raw(quoted(text))
        case .number(let number): json.raw(String(number).utf8)
        case .boolean(let flag): json.raw((flag ? "true" : "false").utf8)
        }
    }

    private static func quoted(_ text: String) -> [UInt8] {
        var json = JSONWriter()
        json.value(text)
        return json.bytes
    }

    /// A time when the edition is in force, with the required hour and weekday.
    private var time: Int64 {
        let start = edition.interval.start == .min ? Self.anyMonday : edition.interval.start
        guard values[.hour] != nil || values[.weekday] != nil else { return start }
        let zone = edition.policy.zone
        for step in 0..<Int64(24 * 8) {
            // Starts at full hours, because the offsets of zones are multiples of quarters of an hour.
            let time = start + step * Micros.hour
            let local = floorDiv(time, Micros.second) + zone.offset(atUTC: floorDiv(time, Micros.second))
            let day = floorDiv(local, 86_400)
            let hour = (local - day * 86_400) / 3_600
            let weekday = (day + 3) - floorDiv(day + 3, 7) * 7 + 1
            if values[.hour].map({ $0 == .number(hour) }) ?? true,
                values[.weekday].map({ $0 == .number(weekday) }) ?? true
            {
                return time
            }
        }
        return start
    }

    /// 2026-01-05T10:00:00Z.
    private static let anyMonday: Int64 = 1_767_607_200 * Micros.second
}
