import BursarPolicy
import BursarStorage
import BursarSyntax

/// The identity of a request for recognizing a repeat: 128 bits of hash over its id. It differs from process to process.
package struct RequestID: Sendable, Hashable {
    package var high: UInt64
    package var low: UInt64

    /// Equal bytes have equal ids within one process, and nobody can choose two that are taken for one: the hash is keyed.
    package init(_ bytes: UnsafeBufferPointer<UInt8>) { self.init(bytes, .process) }

    /// The same for callers that keep the key at hand.
    @inlinable package init(_ bytes: UnsafeBufferPointer<UInt8>, _ key: HashKey) {
        (high, low) = key.wideHash(bytes)
    }

    package init(_ text: String) {
        var text = text
        self = text.withUTF8 { RequestID($0) }
    }
}

/// The text attributes of a request by place in `Request.attributes`.
package enum AttributeSlot: Int, Sendable, CaseIterable {
    case tenant, tier, group, workspace, app, workflow, agent, toolset, run, session, user, apiKey
    case feature, route, environment, requestClass, promptVersion, model, modelClass, modelProvider, fallbackReason

    /// nil for attributes that are no text.
    package init?(_ attribute: Attribute) {
        switch attribute {
        case .tenant: self = .tenant
        case .tier: self = .tier
        case .group: self = .group
        case .workspace: self = .workspace
        case .app: self = .app
        case .workflow: self = .workflow
        case .agent: self = .agent
        case .toolset: self = .toolset
        case .run: self = .run
        case .session: self = .session
        case .user: self = .user
        case .apiKey: self = .apiKey
        case .feature: self = .feature
        case .route: self = .route
        case .environment: self = .environment
        case .requestClass: self = .requestClass
        case .promptVersion: self = .promptVersion
        case .model: self = .model
        case .modelClass: self = .modelClass
        case .modelProvider: self = .modelProvider
        case .fallbackReason: self = .fallbackReason
        default: return nil
        }
    }

    package init(_ scope: Scope) {
        switch scope {
        case .tenant: self = .tenant
        case .workspace: self = .workspace
        case .app: self = .app
        case .workflow: self = .workflow
        case .agent: self = .agent
        case .toolset: self = .toolset
        case .run: self = .run
        case .session: self = .session
        case .user: self = .user
        case .apiKey: self = .apiKey
        case .group: self = .group
        case .feature: self = .feature
        case .model: self = .model
        }
    }
}

/// The symbols of a request by `AttributeSlot`, at a fixed address.
typealias AttributeValues = UnsafePointer<UInt32>

/// One request with its names resolved to numbers of one engine; make it with `Engine.request(_:)` or field by field.
package struct Request: Sendable {
    /// Microseconds since 1970 UTC.
    package var time: Int64
    /// nil: never taken for a repeat.
    package var id: RequestID?
    package var tenant: TenantID
    /// Symbols by `AttributeSlot`.
    package var attributes = SIMD32<UInt32>(repeating: 0)
    /// Counts below zero stand for absent ones.
    package var inputTokens: Int64 = -1
    package var cachedTokens: Int64 = -1
    package var maxOutputTokens: Int64 = -1
    package var expectedOutputTokens: Int64 = -1
    package var characters: Int64 = -1
    package var attempt: Int64 = -1
    /// nil of most requests: one reference less to count where requests are handed on.
    private var lists: Lists?
    /// nil: the request does not say.
    package var isFallback: Bool?
    package var isConfirmed = false
    package var isApproved = false
    package var acceptsDowngrade = false
    /// The expected output is what a log recorded.
    package var isRecorded = false

    private final class Lists: Sendable {
        let tools: [Symbol]
        let labels: [Label]

        init(tools: [Symbol], labels: [Label]) {
            self.tools = tools
            self.labels = labels
        }
    }

    package var tools: [Symbol] {
        get { lists?.tools ?? [] }
        set { lists = Lists(tools: newValue, labels: labels) }
    }

    package var labels: [Label] {
        get { lists?.labels ?? [] }
        set { lists = Lists(tools: tools, labels: newValue) }
    }

    /// No tools and no labels.
    package mutating func clearLists() { if lists != nil { lists = nil } }

    @inline(__always) var hasLists: Bool { lists != nil }

    /// Without reaching for the list where there is none.
    @inline(__always) var toolCount: Int { lists == nil ? 0 : tools.count }

    package struct Label: Sendable, Hashable {
        package var key: Symbol
        package var value: Symbol

        package init(key: Symbol, value: Symbol) {
            self.key = key
            self.value = value
        }
    }

    /// The most tokens or characters that a request may name; beyond it, costs could pass 128 bits.
    package static let largestCount = Bounds.requestCount

    package init(time: Int64, tenant: TenantID, model: Symbol) {
        self.time = time
        self.tenant = tenant
        self[.model] = model
    }

    @inlinable package subscript(slot: AttributeSlot) -> Symbol {
        get { Symbol(rawValue: attributes[slot.rawValue]) }
        set { attributes[slot.rawValue] = newValue.rawValue }
    }

    /// The symbols by place: setting one by a place that is not known in advance would move all of them.
    @inline(__always) @inlinable
    package mutating func withAttributes(_ body: (UnsafeMutablePointer<UInt32>) -> Void) {
        withUnsafeMutablePointer(to: &attributes) { place in
            place.withMemoryRebound(to: UInt32.self, capacity: SIMD32<UInt32>.scalarCount) { body($0) }
        }
    }

    /// The same for reading.
    @inline(__always)
    func readAttributes<Result>(_ body: (AttributeValues) -> Result) -> Result {
        withUnsafePointer(to: attributes) { place in
            place.withMemoryRebound(to: UInt32.self, capacity: SIMD32<UInt32>.scalarCount) { body($0) }
        }
    }

    @inline(__always)
    private var hasTooLargeCount: Bool {
        max(inputTokens, cachedTokens, maxOutputTokens, expectedOutputTokens, characters) > Self.largestCount
    }

    private var hasMoreCachedThanInput: Bool { max(cachedTokens, 0) > max(inputTokens, 0) }

    @inline(__always) var hasDefect: Bool { hasTooLargeCount || hasMoreCachedThanInput }

    /// The time lies in the years 0000 to 9999, so that no sum with it and a window passes 64 bits.
    @inline(__always) var hasUsableTime: Bool { Self.isUsable(time) }

    @inline(__always)
    static func isUsable(_ time: Int64) -> Bool { time >= Micros.earliestInstant && time <= Micros.latestInstant }

    /// What makes the request impossible to decide; nil where nothing does.
    package var defect: String? {
        if !hasUsableTime { return "the time is outside the years 0000 to 9999" }
        if hasTooLargeCount { return "a count is larger than 10^15" }
        return hasMoreCachedThanInput ? "cached_tokens is greater than input_tokens" : nil
    }
}

/// A tenant of one engine, found once and then used without looking it up. Other engines refuse it, whether its own still
/// exists or not.
package struct TenantID: @unchecked Sendable {
    let account: Account

    /// Which engine's it is: nothing of the account is read before that is known to be the one that is asked.
    let engine: UInt32
    /// The tenant's name, as a symbol of its engine.
    package let symbol: Symbol

    init(_ account: Account, engine: UInt32) {
        self.account = account
        self.engine = engine
        symbol = account.id
    }
}

/// What a request really used, once that is known.
package struct Usage: Sendable {
    package var inputTokens: Int64
    package var cachedTokens: Int64
    package var outputTokens: Int64
    /// Nano-units; nil: by the catalog's price of the model that was decided.
    package var cost: Int64?
    /// The provider gave no answer; what it charged for it counts all the same.
    package var hasFailed: Bool

    package init(
        inputTokens: Int64, cachedTokens: Int64 = 0, outputTokens: Int64, cost: Int64? = nil, hasFailed: Bool = false
    ) {
        self.inputTokens = inputTokens
        self.cachedTokens = cachedTokens
        self.outputTokens = outputTokens
        self.cost = cost
        self.hasFailed = hasFailed
    }
}
