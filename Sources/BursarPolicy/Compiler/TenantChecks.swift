import BursarSyntax

/// Reports what a tenant's record grants without effect.
struct TenantChecks {
    let context: CompileContext

    func check(_ tenant: TenantDeclaration, _ plan: Plan, _ diagnostics: inout Diagnostics) {
        for grant in tenant.grants {
            guard let from = grant.from, let until = grant.until,
                context.instant(until.value) <= context.instant(from.value)
            else { continue }
            diagnostics.add(
                Diagnostic(
                    .grantInterval, "this grant of `\(tenant.id.value)` ends before it begins, so it is never used",
                    at: until.range, notes: [.init("it begins here", at: from.range)]))
        }
        if let grant = tenant.grants.first, !plan.limits.contains(where: \.isPrepaid) {
            diagnostics.add(
                Diagnostic(
                    .grantUnused,
                    "`\(tenant.id.value)` has a prepaid balance, and no limit of tier `\(plan.tier)` is prepaid: the balance is never used",
                    at: grant.amount.range,
                    notes: plan.tierSource.map { [.init("the tier is here", at: $0)] } ?? [],
                    help: "add a limit such as `balance: {prepaid: true}` to the tier"))
        }
        checkCovered(tenant, &diagnostics)
    }

    /// An exception has no effect if another one is as large and ends as late. If two are equal, the later one is reported.
    private func checkCovered(_ tenant: TenantDeclaration, _ diagnostics: inout Diagnostics) {
        guard tenant.exceptions.count > 1 else { return }
        let ordered = tenant.exceptions.enumerated()
            .map { (exception: $1, until: context.instant($1.until.value), index: $0) }
            .sorted {
                ($1.until, $1.exception.amount.value.amount, $0.index)
                    < ($0.until, $0.exception.amount.value.amount, $1.index)
            }
        var largest: [String: ExceptionDeclaration] = [:]
        for (exception, _, _) in ordered {
            let name = exception.limit.value
            guard let other = largest[name], other.amount.value.amount >= exception.amount.value.amount else {
                largest[name] = exception
                continue
            }
            diagnostics.add(
                Diagnostic(
                    .exceptionCovered,
                    "this exception has no effect: another one of `\(name)` is as large and ends as late",
                    at: exception.amount.range, notes: [.init("the other one is here", at: other.amount.range)],
                    help: "remove it"))
        }
    }
}
