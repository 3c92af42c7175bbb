/// The names in a line that cannot be used, as far as they can be read, so that it can be matched with its request.
package struct RejectedRequest: Sendable, Hashable {
    package var requestID: String?
    package var tenant: String?
}
