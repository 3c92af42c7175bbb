/// What a limit does at a threshold.
public indirect enum Action: Sendable, Hashable {
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
    /// The action as the language writes it, without arguments.
    public var verb: String {
        switch self {
        case .notify: "notify"
        case .capOutput, .capOutputToFit: "cap output"
        case .capInput: "cap input"
        case .disableTools: "disable tools"
        case .serveCached: "serve cached"
        case .capSteps: "cap steps"
        case .coolDown: "cool down"
        case .downgrade: "downgrade"
        case .throttle: "throttle"
        case .confirm: "confirm"
        case .approve: "approve"
        case .overage: "overage"
        case .deny: "deny"
        case .orElse(let first, _): first.verb
        }
    }

    /// This action and every alternative in it.
    public var alternatives: [Action] {
        if case .orElse(let first, let second) = self { [first] + second.alternatives } else { [self] }
    }
}
