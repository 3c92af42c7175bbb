extension Engine {
    /// What a service wants to do for a tenant, in plain values.
    ///
    /// Only the tenant and the model are required. A request that carries no time is decided at the present instant.
    public struct Request: Sendable {
        public var tenant: String
        public var model: String
        /// Used for tenants that no file lists; nil: the policy's default tier.
        public var tier: String?
        /// nil: now.
        public var time: Timestamp?
        /// The same id for every retry of one call: a repeat gets the first decision and counts nothing again.
        public var id: String?

        /// Tokens that the prompt has, cached ones included; nil: not known, counted as none.
        public var inputTokens: Int?
        /// Those of the input tokens that the provider has cached.
        public var cachedTokens: Int?
        /// The most output tokens that the model is allowed to write.
        public var maxOutputTokens: Int?
        /// The output tokens that the service expects; nil: `maxOutputTokens`, else the policy's estimate.
        public var expectedOutputTokens: Int?
        public var characters: Int?
        /// 1 for the first try of a call, 2 for the next one.
        public var attempt: Int?
        /// Tools that the model may call.
        public var tools: [String] = []

        public var feature: String?
        public var group: String?
        public var workspace: String?
        public var app: String?
        public var workflow: String?
        public var agent: String?
        public var toolset: String?
        public var run: String?
        public var session: String?
        public var user: String?
        public var apiKey: String?
        public var route: String?
        public var environment: String?
        public var requestClass: String?
        public var promptVersion: String?
        public var labels: [String: String] = [:]

        /// The call falls back from another model.
        public var isFallback: Bool?
        public var fallbackReason: String?
        /// The user has confirmed a request that needed it.
        public var isConfirmed = false
        /// Someone has approved a request that needed it.
        public var isApproved = false
        /// The caller agrees to a cheaper model.
        public var acceptsDowngrade = false

        public init(
            tenant: String, model: String, tier: String? = nil, feature: String? = nil, user: String? = nil,
            id: String? = nil, inputTokens: Int? = nil, cachedTokens: Int? = nil, maxOutputTokens: Int? = nil,
            time: Timestamp? = nil
        ) {
            self.tenant = tenant
            self.model = model
            self.tier = tier
            self.feature = feature
            self.user = user
            self.id = id
            self.inputTokens = inputTokens
            self.cachedTokens = cachedTokens
            self.maxOutputTokens = maxOutputTokens
            self.time = time
        }
    }
}
