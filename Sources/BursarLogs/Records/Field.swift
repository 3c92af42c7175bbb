import BursarEngine
import BursarSyntax
import CIntrinsics

/// The fields of a request as logs and `eval` know them.
package enum Field: UInt8, Sendable, CaseIterable {
    // Text attributes, in the order of `AttributeSlot`.
    case tenant, tier, group, workspace, app, workflow, agent, toolset, run, session, user, apiKey
    case feature, route, environment, requestClass, promptVersion, model, fallbackReason
    case requestID, status
    // Numbers.
    case time, inputTokens, cachedTokens, maxOutputTokens, expectedOutputTokens, outputTokens, characters, attempt
    case cost, duration
    // Truth values.
    case fallback, confirmed, approved
    // Lists and maps.
    case tools, labels, accepts

    static let textCount = bursar_text_fields
    static let numberCount = bursar_number_fields

    /// The name in Bursar's own format.
    package var name: String {
        switch self {
        case .tenant: "tenant"
        case .tier: "tier"
        case .group: "group"
        case .workspace: "workspace"
        case .app: "app"
        case .workflow: "workflow"
        case .agent: "agent"
        case .toolset: "toolset"
        case .run: "run"
        case .session: "session"
        case .user: "user"
        case .apiKey: "api_key"
        case .feature: "feature"
        case .route: "route"
        case .environment: "environment"
        case .requestClass: "request_class"
        case .promptVersion: "prompt_version"
        case .model: "model"
        case .fallbackReason: "fallback_reason"
        case .requestID: "request_id"
        case .status: "status"
        case .time: "ts"
        case .inputTokens: "input_tokens"
        case .cachedTokens: "cached_tokens"
        case .maxOutputTokens: "max_output_tokens"
        case .expectedOutputTokens: "expected_output_tokens"
        case .outputTokens: "output_tokens"
        case .characters: "characters"
        case .attempt: "attempt"
        case .cost: "cost"
        case .duration: "duration_ms"
        case .fallback: "fallback"
        case .confirmed: "confirmed"
        case .approved: "approved"
        case .tools: "tools"
        case .labels: "labels"
        case .accepts: "accepts"
        }
    }

    package static let named: [String: Field] = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name, $0) })

    package enum Form: Sendable { case text, number, truth, list }

    /// What its values are.
    package var form: Form {
        isText ? .text : isNumber ? (self == .time || self == .cost ? .text : .number) : isTruth ? .truth : .list
    }

    var isText: Bool { rawValue < Field.time.rawValue }
    var isNumber: Bool { rawValue >= Field.time.rawValue && rawValue <= Field.duration.rawValue }
    var isTruth: Bool { rawValue >= Field.fallback.rawValue && rawValue <= Field.approved.rawValue }

    /// Place among the numbers of a record.
    var numberIndex: Int { Int(rawValue - Field.time.rawValue) }

    /// The text attribute of an engine's request; nil for what is no attribute.
    var slot: AttributeSlot? {
        switch self {
        case .tenant: .tenant
        case .tier: .tier
        case .group: .group
        case .workspace: .workspace
        case .app: .app
        case .workflow: .workflow
        case .agent: .agent
        case .toolset: .toolset
        case .run: .run
        case .session: .session
        case .user: .user
        case .apiKey: .apiKey
        case .feature: .feature
        case .route: .route
        case .environment: .environment
        case .requestClass: .requestClass
        case .promptVersion: .promptVersion
        case .model: .model
        case .fallbackReason: .fallbackReason
        default: nil
        }
    }
}

/// Which fields a log's columns are, and which are the same for every record.
package struct FieldMap: Sendable {
    /// From a column's name to the field that it holds.
    package private(set) var columns: [String: Field] = Field.named
    package private(set) var constants: [(field: Field, value: String)] = []
    /// The log is not in Bursar's own format: records without an id are named by their line.
    package private(set) var isForeign = false

    package init() {}

    package struct MappingError: Error, CustomStringConvertible {
        package let description: String
    }

    /// Takes `FIELD=COLUMN`, or `FIELD==VALUE` for a constant.
    package mutating func add(_ mapping: String) throws(MappingError) {
        guard let equals = mapping.firstIndex(of: "=") else {
            throw MappingError(description: "`\(mapping)` is neither FIELD=COLUMN nor FIELD==VALUE")
        }
        let name = String(mapping[..<equals])
        guard let field = Field.named[name] else {
            let known = Field.allCases.map(\.name)
            let help =
                nearestName(to: name, among: known).map { "did you mean `\($0)`?" }
                ?? "fields: \(known.joined(separator: ", "))"
            throw MappingError(description: "there is no field `\(name)`; \(help)")
        }
        let rest = mapping[mapping.index(after: equals)...]
        isForeign = true
        if rest.first == "=" {
            guard field.isText else {
                throw MappingError(description: "`\(name)` cannot be a constant: only text can")
            }
            constants.append((field, String(rest.dropFirst())))
        } else {
            guard !rest.isEmpty else { throw MappingError(description: "`\(mapping)` names no column") }
            columns = columns.filter { $0.value != field }
            columns[String(rest)] = field
        }
    }
}
