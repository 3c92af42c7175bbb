import BursarPolicy
import BursarSyntax

/// Limits, actions and prices in the syntax of the language, for reports of changes.
struct LimitText {
    let currency: String
    let catalog: Catalog?

    func money(_ nanos: Int64) -> String { withCurrency(moneyText(nanos), currency) }

    func amount(_ limit: Limit) -> String {
        if limit.isPrepaid { return "prepaid" }
        if let weight = limit.weight {
            return weight.share.text + (weight.isOfRemaining ? " of what is left" : "")
        }
        let amount = limit.unit == .spend ? money(limit.amount) : "\(limit.amount) \(limit.unit.rawValue)"
        return limit.window.text.isEmpty ? amount : "\(amount)/\(limit.window.text)"
    }

    func thresholds(_ limit: Limit) -> String {
        limit.thresholds.map { threshold in
            let actions = threshold.actions.map(action).joined(separator: ", ")
            return "\(level(threshold.level, limit.unit)): \(threshold.actions.count == 1 ? actions : "[\(actions)]")"
        }.joined(separator: ", ")
    }

    private func level(_ level: Threshold.Level, _ unit: BursarSyntax.Unit) -> String {
        switch level {
        case .share(let percentage): percentage.text
        case .amount(let amount): unit == .spend ? money(amount) : String(amount)
        }
    }

    private func action(_ action: ThresholdAction) -> String {
        let text = action.alternatives.map(effect).joined(separator: " else ")
        return action.when.map { "{do: \(text), when: \($0.text)}" } ?? text
    }

    private func effect(_ effect: Effect) -> String {
        switch effect {
        case .notify(let names): "notify \(names.joined(separator: ", "))"
        case .cap(let cap): self.cap(cap)
        case .downgrade(nil): "downgrade"
        case .downgrade(let model?): "downgrade to \(catalog.map { $0[model].name } ?? "")"
        case .throttle(let requests, let window): "throttle \(requests) requests/\(Window.rate(micros: window).text)"
        case .confirm: "confirm"
        case .approve: "approve"
        case .overage(let ceiling, let rate):
            "overage" + (ceiling.map { " up to \(money($0))" } ?? "") + (rate == .full ? "" : " at \(rate.text)")
        case .deny(let code): "deny" + (code.map { " \($0)" } ?? "")
        }
    }

    private func cap(_ cap: Cap) -> String {
        switch cap {
        case .output(let tokens): "cap output \(tokens) tokens"
        case .outputToFit(let minimum): "cap output to fit" + (minimum == 1 ? "" : " min \(minimum)")
        case .input(let tokens): "cap input \(tokens) tokens"
        case .disableTools(let patterns): "disable tools \(patterns.map(\.text).joined(separator: ", "))"
        case .serveCached: "serve cached"
        case .steps(let steps): "cap steps \(steps)"
        case .coolDown(let micros): "cool down \(micros / Micros.second)s"
        }
    }

    func rollover(_ rollover: Rollover?) -> String {
        rollover.map { $0.cap.text + ($0.isCompounding ? ", compounding" : "") } ?? "none"
    }

    func price(_ price: Price?) -> String {
        guard let price else { return "unknown" }
        // 10^-12 per token is 10^-6 per million tokens.
        func perMillion(_ picos: Int64) -> String {
            (currency == "USD" ? "$" : "") + decimalText(picos, scale: 1_000_000) + "/1M"
        }
        var text =
            "input \(perMillion(price.input)), cached \(perMillion(price.cached)), output \(perMillion(price.output))"
        if price.request > 0 { text += ", request \(money(Int64(clamping: price.request / 1_000)))" }
        return text
    }
}
