/// A request with its decision and the steps that led to it.
package struct ExplainedRequest: Sendable {
    package var explanation: Explanation
    package var decision: Decision
    package var label: RequestLabel

    package init(explanation: Explanation, decision: Decision, label: RequestLabel) {
        self.explanation = explanation
        self.decision = decision
        self.label = label
    }
}
