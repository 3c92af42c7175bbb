/// What a limit does at a threshold.
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
    /// To the next model of the chain, or to one that is named.
    case downgrade(to: String?)
    case throttle(requests: Int64, windowMicros: Int64)
    case confirm
    case approve
    case overage(ceiling: MoneyLiteral?, rate: Percentage?)
    case deny(code: String?)
    /// The second where the first finds no way; the first is `downgrade` or `capOutputToFit`.
    case orElse(Action, Action)
}

extension Action {
    /// This action and every alternative in it.
    package var alternatives: [Action] {
        if case .orElse(let first, let second) = self { [first] + second.alternatives } else { [self] }
    }
}
