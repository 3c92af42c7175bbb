extension Engine {
    /// A request of a tenant, in plain values.
    ///
    /// Only the tenant and the model are required. A request without a time uses the current time.
    public struct Request: Sendable {
        public var tenant: String
        public var model: String
        /// The tier of a tenant that no file lists; nil: the policy's default tier.
        public var tier: String?
        /// nil: now.
        public var time: Timestamp?
        /// The same id for every retry of one call. A repeat gets the first decision and is not counted again.
        public var id: String?

        /// The tokens of the prompt, including cached ones; nil: unknown, counted as zero.
        public var inputTokens: Int?
        /// The input tokens in the provider's cache.
        public var cachedTokens: Int?
        /// The maximum number of output tokens that the model may write.
        public var maxOutputTokens: Int?
        /// The expected output tokens; nil: `maxOutputTokens`, or the policy's estimate.
        public var expectedOutputTokens: Int?
        public var characters: Int?
        /// 1 for the first attempt of a call, 2 for the second.
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

        /// The call is a fallback from another model.
        public var isFallback: Bool?
        public var fallbackReason: String?
        /// The user has confirmed a request that required confirmation.
        public var isConfirmed = false
        /// An approver has approved a request that required approval.
        public var isApproved = false
        /// The caller accepts a cheaper model.
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
