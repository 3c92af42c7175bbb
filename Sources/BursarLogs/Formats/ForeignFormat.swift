import BursarEngine
import BursarSyntax

/// The log formats of other systems. Each line, span or row is read as a tree and converted to Bursar's fields.
///
/// The names are those in each system's own sources; `describe` prints the mapping.
package enum ForeignFormat: String, Sendable, CaseIterable {
    case litellm, otel, helicone, langfuse, portkey
    case usageLog = "usage-log"
    case openaiUsage = "openai-usage"

    /// The source of a field: paths, of which the first present one is used.
    struct Source {
        var field: Field
        var paths: [String]
        /// For a model: the paths that name the served model, which may differ from the requested one.
        var served: Set<String>
        var note: String

        init(_ field: Field, _ paths: String..., served: Set<String> = [], note: String = "") {
            self.field = field
            self.paths = paths
            self.served = served
            self.note = note
        }
    }

    /// The paths of the id that all attempts of a call share.
    var callPaths: [String] {
        self == .litellm ? ["litellm_call_id", "metadata.litellm_call_id"] : []
    }

    var sources: [Source] {
        switch self {
        case .litellm:
            [
                Source(.time, "startTime"), Source(.requestID, "request_id", "id"),
                Source(
                    .tenant, "team_id", "metadata.user_api_key_team_id", "organization_id",
                    "metadata.user_api_key_org_id", "end_user",
                    note: "say which with --map tenant=COLUMN where several are filled"),
                Source(.user, "end_user", "user", "metadata.user_api_key_user_id"),
                Source(.apiKey, "api_key", "metadata.user_api_key"),
                Source(
                    .model, "metadata.original_model_group", "model_group", "model", served: ["model"],
                    note: "what was asked for, before fallbacks"),
                Source(.agent, "agent_id"), Source(.session, "session_id"), Source(.route, "call_type"),
                Source(.inputTokens, "prompt_tokens", note: "cached tokens included"),
                Source(
                    .cachedTokens, "metadata.additional_usage_values.cache_read_input_tokens",
                    "metadata.additional_usage_values.prompt_tokens_details.cached_tokens",
                    "metadata.usage_object.prompt_tokens_details.cached_tokens"),
                Source(.outputTokens, "completion_tokens"), Source(.cost, "spend", "response_cost"),
                Source(.duration, "request_duration_ms"), Source(.status, "status", "metadata.status"),
                Source(.attempt, "metadata.attempted_retries", note: "one more than the retries"),
                Source(
                    .feature, "request_tags",
                    note: "a tag `feature:NAME`; `prompt_version:`, `environment:` and `workspace:` likewise"),
            ]
        case .otel:
            [
                Source(.time, "startTimeUnixNano", "start_time"),
                Source(.requestID, "spanId", "context.span_id", "span_id"),
                Source(
                    .tenant, "tenant.id", "tenant", "organization.id", "enduser.id", "user.id",
                    note: "spans have no tenant of their own: an attribute of the span or its resource"),
                Source(.user, "user.id", "enduser.id"), Source(.workspace, "workspace", "service.namespace"),
                Source(.feature, "feature", "gen_ai.feature"),
                Source(.environment, "deployment.environment.name", "deployment.environment"),
                Source(.route, "gen_ai.operation.name"), Source(.session, "gen_ai.conversation.id"),
                Source(.agent, "gen_ai.agent.id", "gen_ai.agent.name"),
                Source(.promptVersion, "prompt_version", "gen_ai.prompt.version"),
                Source(
                    .model, "gen_ai.request.model", "gen_ai.response.model", served: ["gen_ai.response.model"]),
                Source(.maxOutputTokens, "gen_ai.request.max_tokens"),
                Source(
                    .inputTokens, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens",
                    note: "cached tokens included"),
                Source(.cachedTokens, "gen_ai.usage.cache_read.input_tokens"),
                Source(.outputTokens, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
                Source(.cost, "gen_ai.usage.cost.amount"), Source(.status, "error.type", note: "any error: `error`"),
            ]
        case .helicone:
            [
                Source(.time, "request_created_at"), Source(.requestID, "request_id"),
                Source(
                    .tenant, "properties.tenant", "request_properties.tenant", "properties.Tenant", "organization_id",
                    "request_user_id", "user_id"),
                Source(.user, "request_user_id", "user_id"), Source(.apiKey, "proxy_key_id"),
                Source(.feature, "properties.feature", "request_properties.feature"),
                Source(.environment, "properties.environment", "request_properties.environment"),
                Source(.session, "properties.Helicone-Session-Id", "request_properties.Helicone-Session-Id"),
                Source(.route, "request_path", "target_url"), Source(.promptVersion, "prompt_id"),
                Source(
                    .model, "request_model", "model", "response_model", served: ["model", "response_model"]),
                Source(.inputTokens, "prompt_tokens"), Source(.cachedTokens, "prompt_cache_read_tokens"),
                Source(.outputTokens, "completion_tokens"), Source(.cost, "costUSD", "cost_usd"),
                Source(.duration, "delay_ms", "latency"),
                Source(.status, "response_status", "status", note: "HTTP statuses from 400: `error`"),
            ]
        case .langfuse:
            [
                Source(.time, "startTime", "start_time", "timestamp"), Source(.requestID, "id"),
                Source(.tenant, "metadata.tenant", "metadata.tenant_id", "userId", "user_id"),
                Source(.user, "userId", "user_id"), Source(.session, "sessionId", "session_id"),
                Source(.feature, "metadata.feature", "name", "traceName", "trace_name"),
                Source(.environment, "environment"),
                Source(.promptVersion, "promptVersion", "prompt_version"), Source(.agent, "metadata.agent"),
                Source(.model, "model", "providedModelName", "provided_model_name"),
                Source(.maxOutputTokens, "modelParameters.max_tokens", "model_parameters.max_tokens"),
                Source(.inputTokens, "usageDetails.input", "usage_details.input", "usage.input", "promptTokens"),
                Source(
                    .cachedTokens, "usageDetails.input_cached_tokens", "usage_details.input_cached_tokens",
                    "usageDetails.cache_read_input_tokens", "usage_details.cache_read_input_tokens",
                    note: "not part of `input` there, so it is added to it"),
                Source(
                    .outputTokens, "usageDetails.output", "usage_details.output", "usage.output", "completionTokens"),
                Source(.cost, "totalCost", "total_cost", "calculatedTotalCost"),
                Source(.status, "level", note: "ERROR: `error`"),
            ]
        case .portkey:
            [
                Source(.time, "created_at"), Source(.requestID, "id", "trace_id"),
                Source(.tenant, "metadata.tenant", "metadata.organisation", "metadata._user"),
                Source(.user, "metadata._user"),
                Source(.feature, "metadata.feature", "prompt_slug"), Source(.environment, "metadata.environment"),
                Source(.model, "ai_model", served: ["ai_model"]), Source(.route, "request_url"),
                Source(.inputTokens, "req_units"), Source(.outputTokens, "res_units"),
                Source(.cost, "cost", note: "cents, as exports have it: divided by 100"),
                Source(.duration, "response_time"),
                Source(.status, "response_status_code", note: "HTTP statuses from 400: `error`"),
            ]
        case .usageLog:
            [
                Source(.time, "created_at"), Source(.requestID, "id", "request_id"), Source(.tenant, "tenant_id"),
                Source(.feature, "feature"), Source(.model, "model", served: ["model"]),
                Source(.inputTokens, "input_tokens"), Source(.outputTokens, "output_tokens"),
                Source(.cost, "cost_usd"),
            ]
        case .openaiUsage:
            [
                Source(.time, "start_time", note: "a bucket's requests are spread evenly over it"),
                Source(.requestID, "request_id", note: "made from the place in the log"),
                Source(.tenant, "project_id", "organization_id", "user_id"), Source(.user, "user_id"),
                Source(.apiKey, "api_key_id"), Source(.model, "model", served: ["model"]),
                Source(.requestClass, "batch", note: "`batch` where it is true"),
                Source(.inputTokens, "input_tokens", note: "cached tokens included; divided among the requests"),
                Source(.cachedTokens, "input_cached_tokens", note: "divided among the requests"),
                Source(.outputTokens, "output_tokens", note: "divided among the requests"),
            ]
        }
    }

    /// The mapping as a table.
    package var description: String {
        var text = "\(rawValue): field <- where it comes from\n"
        for source in sources {
            let name = source.field.name + String(repeating: " ", count: max(1, 24 - source.field.name.count))
            text += "  \(name)\(source.paths.joined(separator: ", else "))"
            text += source.note.isEmpty ? "\n" : "  (\(source.note))\n"
        }
        if !callPaths.isEmpty {
            text +=
                "  records of one \(callPaths.joined(separator: ", else ")) are attempts of one call and count once\n"
        }
        text += "  --map external_request_id=COLUMN names the call that a record is an attempt of.\n"
        return text + "  --map FIELD=COLUMN puts another column, or a dotted path, first.\n"
    }

    /// The format that matches the names in a record; nil if none does.
    package static func guess(_ record: JSONTree) -> ForeignFormat? {
        func has(_ keys: String...) -> Bool { keys.allSatisfy { record.at($0) != nil } }
        if has("request_id", "tenant", "ts") { return nil }
        if has("resourceSpans") || has("startTimeUnixNano") || has("attributes", "context") { return .otel }
        if has("startTime", "prompt_tokens", "completion_tokens") { return .litellm }
        if has("request_created_at") { return .helicone }
        if has("req_units", "res_units") { return .portkey }
        if has("tenant_id", "created_at", "cost_usd") { return .usageLog }
        if has("start_time", "end_time", "results") || has("data", "has_more") { return .openaiUsage }
        if has("usageDetails") || has("usage_details") { return .langfuse }
        return nil
    }

    // MARK: - Records

    /// The records in one value of the log: the spans of a batch, or the value itself. Values that are not model calls
    /// are skipped.
    ///
    /// - Parameter attributes: keys of attributes that are used, of `attributeKeys`.
    func records(in value: JSONTree, attributes: Set<String>) -> [JSONTree] {
        guard self == .otel else { return [value] }
        var spans: [JSONTree] = []
        if case .list(let resources) = value["resourceSpans"] {
            spans = resources.flatMap { Self.spans(of: $0, attributes) }
        } else {
            let span = Self.flatSpan(value, [], attributes)
            // Values that are not spans are reported, not skipped.
            if span.at("name") == nil { return [span] }
            spans = [span]
        }
        return spans.filter { span in
            span.at("gen_ai.request.model") != nil || span.at("gen_ai.response.model") != nil
        }
    }

    /// The keys that the paths of fields begin with: `a`, `a.b` and `a.b.c` for `a.b.c`.
    func attributeKeys(_ overrides: some Sequence<String>) -> Set<String> {
        var keys: Set<String> = []
        for path in sources.flatMap(\.paths) + callPaths + overrides {
            let parts = path.split(separator: ".", omittingEmptySubsequences: false)
            for count in parts.indices { keys.insert(parts[...count].joined(separator: ".")) }
        }
        return keys
    }

    private static func spans(of resource: JSONTree, _ keys: Set<String>) -> [JSONTree] {
        let shared = attributes(resource["resource"]?["attributes"], keys)
        guard case .list(let scopes) = resource["scopeSpans"] else { return [] }
        return scopes.flatMap { scope -> [JSONTree] in
            guard case .list(let found) = scope["spans"] else { return [] }
            return found.map { flatSpan($0, shared, keys) }
        }
    }

    /// A span with its own and its resource's attributes as fields.
    private static func flatSpan(
        _ span: JSONTree, _ shared: [(key: String, value: JSONTree)], _ keys: Set<String>
    ) -> JSONTree {
        guard case .object(let fields) = span else { return span }
        let resource = attributes(span["resource"]?["attributes"], keys)
        return .object(fields + attributes(span["attributes"], keys) + resource + shared)
    }

    /// OTLP writes attributes as a list of keys and typed values; exporters with one span per line write an object.
    /// The first of each key is kept, and none that no field is made of: a span is searched for each field.
    private static func attributes(_ tree: JSONTree?, _ keys: Set<String>) -> [(key: String, value: JSONTree)] {
        var seen: Set<String> = []
        switch tree {
        case .object(let entries)?: return entries.filter { keys.contains($0.key) && seen.insert($0.key).inserted }
        case .list(let items)?:
            return items.compactMap { item in
                guard let key = item["key"]?.text, keys.contains(key), case .object(let typed)? = item["value"],
                    let value = typed.first?.value, seen.insert(key).inserted
                else { return nil }
                return (key, value)
            }
        default: return []
        }
    }

    /// Converts a record to Bursar's fields. Throws if a required field is missing.
    func record(
        _ tree: JSONTree, overrides: [Field: String], callPath: String?, constants: Set<Field>, place: String
    ) throws(ForeignError) -> ForeignRecord {
        var record = ForeignRecord()
        for source in sources {
            for path in [overrides[source.field]].compactMap({ $0 }) + source.paths {
                if let value = tree.at(path), !value.isBlank {
                    record.values[source.field] = value
                    if source.served.contains(path), overrides[source.field] != path { record.isOfServedModel = true }
                    break
                }
            }
        }
        for (field, path) in overrides where record.values[field] == nil { record.values[field] = tree.at(path) }
        adapt(&record.values, tree)
        for (field, value) in record.values { record.values[field] = try checked(value, field) }
        for field in [Field.time, .tenant, .model] where record.values[field] == nil && !constants.contains(field) {
            let paths = sources.first { $0.field == field }?.paths ?? []
            throw ForeignError(reason: "`\(field.name)` is missing: none of \(paths.joined(separator: ", ")) is filled")
        }
        // A record without an id is named by its position in the log.
        if record.values[.requestID] == nil { record.values[.requestID] = .string(place) }
        record.call = ([callPath].compactMap { $0 } + callPaths).lazy.compactMap { tree.at($0)?.plainText }.first {
            !$0.isEmpty
        }
        if let call = record.call, call.utf8.count > Bounds.logNameBytes {
            throw ForeignError(reason: "the call's id is longer than \(Bounds.logNameBytes) bytes")
        }
        return record
    }

    /// A value that the field can take, in the form in which it is kept.
    private func checked(_ value: JSONTree, _ field: Field) throws(ForeignError) -> JSONTree? {
        if field.form == .list {
            let texts = value.elements.map { $0.plainText ?? "" }
            guard texts.count <= Bounds.listEntries, texts.allSatisfy({ $0.utf8.count <= Bounds.logNameBytes }) else {
                throw ForeignError(reason: "`\(field.name)` holds more than \(Bounds.listEntries) texts, or long ones")
            }
            return .list(texts.map { .string($0) })
        }
        guard let text = value.plainText else { return nil }
        guard text.utf8.count <= Bounds.logNameBytes else {
            throw ForeignError(reason: "`\(field.name)` is longer than \(Bounds.logNameBytes) bytes")
        }
        switch field.form {
        case .number:
            guard let count = field == .duration ? value.wholePart : value.count else {
                throw ForeignError(reason: "`\(field.name)` is no whole number: \(text.prefix(40))")
            }
            return .number(String(count))
        case .text where field != .time && field != .cost:
            // What is no text was replaced by it, so that two names might become one.
            guard !text.unicodeScalars.contains("\u{FFFD}") else {
                throw ForeignError(reason: "`\(field.name)` is not valid UTF-8")
            }
            return .string(text)
        default: return value
        }
    }

    /// The values of a record as one line of Bursar's own format.
    func line(_ values: [Field: JSONTree]) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            for field in Field.allCases {
                guard let value = values[field] else { continue }
                write(field, value, &json)
            }
        }
        return json.bytes + [0x0A]
    }

    /// Adapts values with a different meaning in the system.
    private func adapt(_ values: inout [Field: JSONTree], _ record: JSONTree) {
        switch self {
        case .litellm:
            if let retries = values[.attempt]?.count { values[.attempt] = .number(String(retries.addingSaturated(1))) }
            values[.feature] = nil
            let tags = record.at("request_tags").map { $0.text.map { [.string($0)] } ?? $0.elements } ?? []
            for tag in tags.compactMap(\.text) {
                let parts = tag.split(separator: ":", maxSplits: 1).map(String.init)
                guard parts.count == 2, let field = Field.named[parts[0]], field.form == .text else { continue }
                values[field] = .string(parts[1])
            }
            // A cached answer has no cost, whatever its tokens.
            if record.at("cache_hit")?.truth == true { values[.cost] = .number("0") }
        case .langfuse:
            if let input = values[.inputTokens]?.count, let cached = values[.cachedTokens]?.count {
                values[.inputTokens] = .number(String(input.addingSaturated(cached)))
            }
            if values[.status]?.text == "ERROR" { values[.status] = .string("error") } else { values[.status] = nil }
        case .portkey:
            // What is no amount is told by whoever reads the record.
            if let text = values[.cost]?.plainText {
                values[.cost] = .string(Self.hundredth(Self.decimal(text)) ?? text)
            }
        case .openaiUsage:
            values[.requestClass] = record.at("batch")?.truth == true ? .string("batch") : nil
        case .otel: if values[.status] != nil { values[.status] = .string("error") }
        default: break
        }
        if self == .helicone || self == .portkey, let status = values[.status]?.count {
            values[.status] = .string(status >= 400 ? "error" : "ok")
        }
        if self == .litellm, let status = values[.status]?.text {
            values[.status] = .string(status == "success" ? "ok" : "error")
        }
        // A failed call without a count has no output.
        if values[.status]?.text == "error", values[.outputTokens] == nil { values[.outputTokens] = .number("0") }
    }

    /// A decimal number divided by 100, exactly.
    private static func hundredth(_ text: String) -> String? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(parts.count), parts.allSatisfy({ $0.allSatisfy(\.isNumber) }) else { return nil }
        let whole = String(repeating: "0", count: max(0, 3 - parts[0].count)) + parts[0]
        return "\(whole.dropLast(2)).\(whole.suffix(2))\(parts.count == 2 ? parts[1] : "")"
    }

    private func write(_ field: Field, _ value: JSONTree, _ json: inout JSONWriter) {
        json.key(text: field.name)
        switch field.form {
        case .number: json.raw((value.count.map(String.init) ?? "null").utf8)
        case .truth: json.raw((value.truth.map { $0 ? "true" : "false" } ?? "null").utf8)
        case .list: json.array { json in for item in value.elements { json.value(item.plainText ?? "") } }
        case .text:
            switch field {
            case .time: Self.writeTime(value, &json)
            case .cost: json.value(Self.decimal(value.plainText ?? ""))
            default: json.value(value.plainText ?? "")
            }
        }
    }

    /// Converts nanoseconds of OTLP to text; the log reader parses other forms.
    private static func writeTime(_ value: JSONTree, _ json: inout JSONWriter) {
        let text = value.plainText ?? ""
        if text.count >= 18, let nanos = Int64(text) { return json.value(instantText(nanos / 1_000)) }
        if let micros = unixMicros(text) { return json.value(instantText(micros)) }
        // A PostgreSQL dump has neither `T` nor a zone.
        var plain = text.replacing(" ", with: "T")
        if plain.count > 10, plain.dropFirst(10).allSatisfy({ $0 != "Z" && $0 != "+" && $0 != "-" }) { plain += "Z" }
        if plain.hasSuffix("+00") { plain += ":00" }
        json.value(plain)
    }

    /// Seconds since 1970, or milliseconds if the number is too large for seconds.
    private static func unixMicros(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", maxSplits: 1).map(String.init)
        guard let first = parts.first, let whole = Int64(first), whole > 0, whole < 100_000_000_000_000 else {
            return nil
        }
        if whole >= 100_000_000_000 { return whole &* 1_000 }
        let fraction = parts.count > 1 ? String((parts[1] + "000000").prefix(6)) : "0"
        return Int64(fraction).map { whole &* 1_000_000 &+ $0 }
    }

    /// A decimal number with at most nine decimals, as in amounts of money, without an exponent.
    static func decimal(_ text: String) -> String {
        guard let mark = text.firstIndex(where: { $0 == "e" || $0 == "E" }),
            let exponent = Int(text[text.index(after: mark)...]), (-63...63).contains(exponent)
        else {
            return trimmed(text)
        }
        let parts = text[..<mark].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let fraction = parts.count > 1 ? parts[1] : ""
        let digits = parts[0] + fraction
        guard (-63...63).contains(exponent), digits.allSatisfy(\.isNumber) else { return text }
        let point = parts[0].count + exponent
        if point <= 0 { return trimmed("0." + String(repeating: "0", count: -point) + digits) }
        if point >= digits.count { return digits + String(repeating: "0", count: point - digits.count) }
        return trimmed("\(digits.prefix(point)).\(digits.dropFirst(point))")
    }

    private static func trimmed(_ text: String) -> String {
        guard let point = text.firstIndex(of: ".") else { return text }
        return String(text[..<point]) + String(text[point...].prefix(10))
    }
}

/// The reason why a record of another system cannot be used.
package struct ForeignError: Error {
    package var reason: String
}

extension JSONTree {
    /// The value of a key, or of a path of keys joined by dots. Looks into text that is JSON.
    func at(_ path: String) -> JSONTree? {
        if let direct = self[path] { return direct }
        for (index, character) in path.enumerated().reversed() where character == "." {
            let head = String(path.prefix(index))
            guard let inner = self[head] else { continue }
            return inner.opened.at(String(path.dropFirst(index + 1)))
        }
        return nil
    }

    /// The value of a CSV cell with JSON.
    private var opened: JSONTree {
        guard case .string(let text) = self, text.hasPrefix("{") || text.hasPrefix("[") else { return self }
        return (try? JSONTree.parse(Array(text.utf8))) ?? self
    }

    var isBlank: Bool {
        switch self {
        case .null: true
        case .string(let text): text.isEmpty || text == "null" || text == "None"
        default: false
        }
    }

    var elements: [JSONTree] {
        switch opened {
        case .list(let items): items
        case .null: []
        default: [self]
        }
    }

    /// The source text of a number or string.
    var plainText: String? {
        switch self {
        case .string(let text), .number(let text): text
        case .boolean(let flag): flag ? "true" : "false"
        default: nil
        }
    }

    /// A whole number in any spelling that is exact, also in quotation marks: `3`, `3.0`, `3e0`.
    var count: Int64? {
        guard let decimal, let whole = decimal.scaled(by: 0, roundingUp: false),
            whole == decimal.scaled(by: 0, roundingUp: true)
        else { return nil }
        return whole
    }

    /// A number without its fraction.
    var wholePart: Int64? { decimal?.scaled(by: 0, roundingUp: false) }

    private var decimal: JSONDecimal? {
        guard var text = plainText else { return nil }
        return text.withUTF8 { JSONDecimal($0) }
    }

    var truth: Bool? {
        switch plainText?.lowercased() {
        case "true", "t", "1": true
        case "false", "f", "0": false
        default: nil
        }
    }
}
