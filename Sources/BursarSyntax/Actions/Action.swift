/// An action that a limit takes at a threshold.
package indirect enum Action: Sendable, Hashable {
    case notify([String])
    case capOutput(Int64)
    case capOutputToFit(minimum: Int64)
    case capInput(Int64)
    case disableTools([Pattern])
    case serveCached
    case capSteps(Int64)
    /// Microseconds.
    case coolDown(Int64)
    /// To the next model of the chain, or to a named model.
    case downgrade(to: String?)
    case throttle(requests: Int64, windowMicros: Int64)
    case confirm
    case approve
    case overage(ceiling: MoneyLiteral?, rate: Percentage?)
    case deny(code: String?)
    /// The second action applies if the first is impossible. The first is `downgrade` or `capOutputToFit`.
    case orElse(Action, Action)
}

extension Action {
    /// This action with all its alternatives.
    package var alternatives: [Action] {
        if case .orElse(let first, let second) = self { [first] + second.alternatives } else { [self] }
    }
}
