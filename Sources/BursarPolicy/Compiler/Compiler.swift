import BursarSyntax

/// Compiles documents into a policy set: resolves names, inheritance, overrides, weights and scopes.
package struct Compiler {
    private let documents: Documents
    private var diagnostics = Diagnostics()
    /// The set exceeds a bound, so compilation stops.
    private var isTooLarge = false
    /// The number of limits and of pattern matches so far.
    private var tierLimits = 0
    private var tenantLimits = 0
    private var patternMatches = 0

    /// Reads and compiles the policy set at a path. The set is nil if there is any error.
    package static func compile(_ path: String) -> (set: PolicySet?, sources: SourceMap, diagnostics: Diagnostics) {
        var diagnostics = Diagnostics()
        let documents = DocumentLoader.load(path, diagnostics: &diagnostics)
        return compile(documents, diagnostics)
    }

    /// Compiles documents that were already read.
    package static func compile(
        _ documents: Documents, _ earlier: Diagnostics
    ) -> (set: PolicySet?, sources: SourceMap, diagnostics: Diagnostics) {
        var diagnostics = earlier
        // If a file is unreadable, every name that it defines would be reported as unknown.
        guard !documents.isIncomplete else { return (nil, documents.sources, diagnostics) }
        var compiler = Compiler(documents: documents)
        let set = compiler.run()
        diagnostics.add(contentsOf: compiler.diagnostics)
        return (diagnostics.hasErrors ? nil : set, documents.sources, diagnostics)
    }

    private init(documents: Documents) { self.documents = documents }

    private mutating func report(
        _ rule: DiagnosticRule, _ message: String, at range: SourceRange, notes: [Diagnostic.Note] = [],
        help: String? = nil
    ) {
        diagnostics.add(Diagnostic(rule, message, at: range, notes: notes, help: help))
    }

    private mutating func run() -> PolicySet? {
        checkTenants()
        checkCounts()
        if isTooLarge { return nil }
        guard let first = documents.policies.first else {
            if !documents.catalogs.isEmpty || !documents.tenants.isEmpty {
                let place = documents.catalogs.first?.id.range ?? documents.tenants.first?.id.range
                diagnostics.add(Diagnostic(.syntaxShape, "the set has no `policy` document", at: place))
            }
            for catalog in documents.catalogs { _ = compile(catalog, zone: .utc) }
            return nil
        }
        for policy in documents.policies where policy.id.value != first.id.value {
            report(
                .nameDuplicate, "a set decides by one policy, and `\(policy.id.value)` is a second one",
                at: policy.id.range,
                notes: [.init("the first one is here", at: first.id.range)], help: "put it into a folder of its own")
        }
        var versions = documents.policies.filter { $0.id.value == first.id.value }.map { Prepared(document: $0) }
        for index in versions.indices where !isTooLarge { prepare(&versions[index]) }
        if isTooLarge { return nil }
        checkVersions(versions)
        checkCatalogVersions()
        let editions = editions(versions)
        if isTooLarge { return nil }
        checkTenantPlans(editions)
        let records = tenantRecords(zone: versions.max { $0.effective < $1.effective }?.zone ?? .utc)
        return PolicySet(editions: editions, tenants: records, sources: documents.sources)
    }

    private mutating func checkCounts() {
        let groups = [
            ("policy", documents.policies.map(\.version.range)), ("catalog", documents.catalogs.map(\.version.range)),
        ]
        for (what, places) in groups where places.count > Bounds.versions {
            report(
                .syntaxBound, "\(places.count) \(what) documents in one set; at most \(Bounds.versions) are allowed",
                at: places[Bounds.versions], help: "move versions that no replay needs to a set of their own")
            isTooLarge = true
        }
    }

    /// Adds the size of an edition's tiers to the totals; false if that exceeds a bound.
    private mutating func spend(on version: Prepared, _ catalog: Catalog?) -> Bool {
        guard !isTooLarge else { return false }
        let document = version.document
        let models = catalog?.models.count ?? 0
        for tier in document.tiers {
            guard let plan = version.tiers[tier.name.value] else { continue }
            tierLimits += document.limits.count + plan.limits.count + (plan.weights?.shares.count ?? 0)
            patternMatches += (1 + (plan.models?.value.count { !$0.value.isExact } ?? 0)) * models
        }
        let place = document.tiers.first?.name.range ?? document.id.range
        if tierLimits > Bounds.tierLimits {
            report(
                .syntaxBound,
                "the limits of all tiers, with those that they take over, are more than \(Bounds.tierLimits)",
                at: place,
                help: "remove tiers, limits or versions that are not used")
            isTooLarge = true
        } else if patternMatches > Bounds.patternMatches {
            report(
                .syntaxBound,
                "the tiers' patterns of models, times the \(models) models of the catalog, are more than \(Bounds.patternMatches)",
                at: place, help: "allow classes instead of patterns (`models: [economy]`)")
            isTooLarge = true
        }
        return !isTooLarge
    }

    /// A policy version with its times resolved.
    private struct Prepared {
        var document: PolicyDocument
        var zone = TimeZoneRules.utc
        var effective = Int64.min
        var until = Int64.max
        var tiers: [String: PlanDeclaration] = [:]
    }

    private mutating func prepare(_ version: inout Prepared) {
        let document = version.document
        if let name = document.timezone {
            if let zone = TimeZoneRules.named(name.value) {
                version.zone = zone
            } else {
                report(
                    .syntaxScalar, "there is no time zone `\(name.value)` on this system", at: name.range,
                    help: "write an IANA name such as Europe/Berlin; the package tzdata installs the zones")
            }
        }
        let context = CompileContext(zone: version.zone, currency: "", catalog: nil, audiences: [], isShadow: false)
        if let effective = document.effective { version.effective = context.instant(effective.value) }
        if let until = document.until {
            version.until = context.instant(until.value)
            if version.until <= version.effective {
                report(
                    .versionInterval, "`until` is not after `effective`, so this version is never in force",
                    at: until.range,
                    notes: document.effective.map { [.init("it takes effect here", at: $0.range)] } ?? [])
            }
        }
        version.tiers = resolveTiers(document)
    }

    // MARK: - Tiers

    private mutating func resolveTiers(_ document: PolicyDocument) -> [String: PlanDeclaration] {
        let byName = Dictionary(document.tiers.map { ($0.name.value, $0) }, uniquingKeysWith: { first, _ in first })
        let names = document.tiers.map(\.name.value)
        var resolved: [String: PlanDeclaration] = [:]
        var depths: [String: Int] = [:]
        for tier in document.tiers {
            // Walks up to a tier that is resolved or extends no other tier, then back down.
            var path: [TierDeclaration] = []
            var met: Set<String> = []
            var next: TierDeclaration? = tier
            while let current = next, resolved[current.name.value] == nil {
                guard met.insert(current.name.value).inserted else {
                    let circle = path.drop { $0.name.value != current.name.value }
                    for member in circle { reportCircle(member, circle.map(\.name.value)) }
                    break
                }
                path.append(current)
                guard let extends = current.extends else { break }
                next = byName[extends.value]
                if next == nil {
                    let own = current.name.value
                    diagnostics.addUnknown("tier", extends, among: names.filter { $0 != own })
                }
            }
            for member in path.reversed() {
                let name = member.name.value
                let base = member.extends.flatMap { resolved[$0.value] } ?? PlanDeclaration()
                resolved[name] = base.overridden(by: member)
                let depth = (member.extends.flatMap { depths[$0.value] } ?? 0) + 1
                depths[name] = depth
                if depth == Bounds.extendsDepth + 1, let extends = member.extends {
                    report(
                        .syntaxBound, "more than \(Bounds.extendsDepth) tiers extend each other in a row",
                        at: extends.range, help: "extend an earlier tier of the row")
                    isTooLarge = true
                }
                if isTooLarge { return resolved }
            }
            if let to = tier.upgrade?.to, byName[to.value] == nil {
                diagnostics.addUnknown("tier", to, among: names)
            }
        }
        if let tier = document.defaultTier, byName[tier.value] == nil {
            diagnostics.addUnknown("tier", tier, among: names)
        }
        return resolved
    }

    private mutating func reportCircle(_ tier: TierDeclaration, _ circle: [String]) {
        guard let extends = tier.extends, let start = circle.firstIndex(of: tier.name.value) else { return }
        var names = Array(circle[start...] + circle[..<start])
        if names.count > 8 { names = names.prefix(6) + ["…", names[names.count - 1]] }
        report(
            .nameCycle, "`extends` runs in a circle: " + (names + [tier.name.value]).joined(separator: " -> "),
            at: extends.range)
    }

    // MARK: - Versions

    private mutating func checkVersions(_ all: [Prepared]) {
        let versions = all.filter { !$0.document.hasUnreadableTime }
        for (index, version) in versions.enumerated() {
            for other in versions[..<index] {
                let notes = [Diagnostic.Note("the other one is here", at: other.document.version.range)]
                if other.document.version.value == version.document.version.value {
                    report(
                        .versionDuplicate,
                        "duplicate version \(version.document.version.value) of `\(version.document.id.value)`",
                        at: version.document.version.range, notes: notes,
                        help: severalSetsHelp(version.document.version.range, other.document.version.range))
                } else if other.effective == version.effective {
                    report(
                        .versionOverlap,
                        "two versions of `\(version.document.id.value)` take effect at the same instant",
                        at: version.document.effective?.range ?? version.document.version.range, notes: notes)
                } else {
                    continue
                }
                // The first tier of the cycle reports it.
                break
            }
        }
        let ordered = versions.sorted { $0.document.version.value < $1.document.version.value }
        for (earlier, later) in zip(ordered, ordered.dropFirst()) where later.effective < earlier.effective {
            report(
                .versionOrder,
                "version \(later.document.version.value) takes effect before version \(earlier.document.version.value)",
                at: later.document.effective?.range ?? later.document.version.range,
                notes: [.init("the earlier version is here", at: earlier.document.version.range)])
        }
        let byTime = versions.sorted { $0.effective < $1.effective }
        var covered = byTime.first?.until ?? .max
        for version in byTime.dropFirst() {
            if version.effective > covered {
                report(
                    .versionGap,
                    "from \(instantText(covered)) to \(instantText(version.effective)) no version is in force: every request is denied",
                    at: version.document.effective?.range ?? version.document.version.range)
            }
            covered = max(covered, version.until)
        }
    }

    /// Equal versions in two folders are most likely two sets that were read as one.
    private func severalSetsHelp(_ range: SourceRange, _ other: SourceRange) -> String? {
        let names = [range, other].compactMap { documents.sources[$0]?.name }
        let folders = names.map { name in name.lastIndex(of: "/").map { String(name[..<$0]) } ?? "." }
        guard folders.count == 2, folders[0] != folders[1] else { return nil }
        return "if `\(folders[1])` and `\(folders[0])` are two policy sets, check each by itself"
    }

    /// The one cause of every unknown model in a set without a catalog.
    private mutating func reportNoCatalog(_ document: PolicyDocument, _ version: Prepared) {
        let names = version.tiers.values.flatMap { $0.models?.value ?? [] }.contains { $0.value.text != "any" }
        let chains = version.tiers.values.contains { !($0.downgrade?.chains.isEmpty ?? true) }
        guard names || chains, documents.catalogs.isEmpty, document.catalog == nil else { return }
        report(
            .nameUnknown, "the set has no catalog, so none of the models that it names is known", at: document.id.range,
            help: "add a `catalog` document; `bursar import prices` makes one from a public price list")
    }

    private mutating func checkCatalogVersions() {
        var seen: [[String]: SourceRange] = [:]
        for catalog in documents.catalogs {
            let key = [catalog.id.value, catalog.version.value.text]
            if let first = seen[key] {
                report(
                    .versionDuplicate,
                    "duplicate version \(catalog.version.value) of catalog `\(catalog.id.value)`",
                    at: catalog.version.range, notes: [.init("the other one is here", at: first)],
                    help: severalSetsHelp(catalog.version.range, first))
            } else {
                seen[key] = catalog.version.range
            }
        }
    }

    private mutating func editions(_ versions: [Prepared]) -> [Edition] {
        var bounds = Set(versions.flatMap { [$0.effective, $0.until] })
        bounds.remove(.max)
        let starts = bounds.sorted()
        var editions: [Edition] = []
        var catalogs: [String: [Catalog]] = [:]
        for (index, start) in starts.enumerated() {
            let end = index + 1 < starts.count ? starts[index + 1] : .max
            let inForce = versions.filter { $0.effective <= start && start < $0.until }
            guard let version = inForce.max(by: { $0.effective < $1.effective }) else { continue }
            editions += self.editions(of: version, from: start, to: end, &catalogs)
        }
        let inForce = Set(editions.map(\.policy.version))
        for version in versions where !inForce.contains(version.document.version.value) {
            // This version is never in force, but its text is checked too.
            editions += self.editions(of: version, from: version.effective, to: version.effective, &catalogs)
        }
        return editions.filter { $0.interval.start < $0.interval.end || $0.interval == .always }
    }

    private mutating func editions(
        of version: Prepared, from start: Int64, to end: Int64, _ cache: inout [String: [Catalog]]
    ) -> [Edition] {
        let document = version.document
        let available = catalogs(for: document)
        guard let available, let first = available.first else {
            reportNoCatalog(document, version)
            return [edition(version, catalog: nil, Interval(start: start, end: end))].compactMap { $0 }
        }
        let key = "\(first.id.value)|\(version.zone.name)"
        let compiled =
            cache[key]
            ?? available.map { compile($0, zone: version.zone) }
            .sorted { ($0.effective, $0.version) < ($1.effective, $1.version) }
        cache[key] = compiled
        if compiled[0].effective > start {
            let place = document.catalog?.range ?? document.version.range
            report(
                .versionCatalog,
                "no version of catalog `\(compiled[0].id)` is in force when version \(document.version.value) takes effect",
                at: place, notes: [.init("its first version takes effect \(instantText(compiled[0].effective))")])
        }
        if compiled.contains(where: { $0.currency != (document.currency?.value ?? "USD") }) {
            report(
                .syntaxScalar,
                "the catalog's prices are in \(compiled[0].currency), the policy's amounts in \(document.currency?.value ?? "USD")",
                at: document.currency?.range ?? document.id.range)
        }
        var result: [Edition] = []
        for (index, catalog) in compiled.enumerated() {
            let from = max(start, catalog.effective)
            let to = index + 1 < compiled.count ? min(end, compiled[index + 1].effective) : end
            if from < to || (start == end && index == compiled.count - 1) {
                if let made = edition(version, catalog: catalog, Interval(start: from, end: to)) { result.append(made) }
            }
        }
        return result
    }

    /// The versions of the policy's catalog; nil if the policy has none.
    private mutating func catalogs(for document: PolicyDocument) -> [CatalogDocument]? {
        let ids = documents.catalogs.map(\.id.value)
        if let name = document.catalog {
            let found = documents.catalogs.filter { $0.id.value == name.value }
            if found.isEmpty { diagnostics.addUnknown("catalog", name, among: Array(Set(ids)).sorted()) }
            return found
        }
        if Set(ids).count > 1 {
            report(
                .syntaxShape, "the set has several catalogs, so the policy must name its own", at: document.id.range)
        }
        return Set(ids).count == 1 ? documents.catalogs : nil
    }

    private mutating func edition(_ version: Prepared, catalog: Catalog?, _ interval: Interval) -> Edition? {
        guard spend(on: version, catalog) else { return nil }
        let document = version.document
        let context = CompileContext(
            zone: version.zone, currency: document.currency?.value ?? "USD", catalog: catalog,
            audiences: Set(document.audiences.map(\.value)), isShadow: document.mode == .shadow)
        let plans = PlanBuilder(
            context: context, document: document, tiers: version.tiers, tenants: documents.tenants,
            diagnostics: &diagnostics)
        for tier in document.tiers {
            if let price = tier.price { context.check(price.value.currency, at: price.range, &diagnostics) }
            _ = plans.plan(tier: tier.name.value, tenant: nil, at: interval.start, diagnostics: &diagnostics)
        }
        let policy = PolicyVersion(
            id: document.id.value, version: document.version.value, digest: Digest.of(document.node),
            effective: version.effective, until: version.until, zone: version.zone, currency: context.currency,
            catalogID: catalog?.id, mode: document.mode, allowsUnpriced: document.allowsUnpriced,
            estimatedOutput: document.estimatedOutput, estimateBasis: document.estimateBasis ?? .expected,
            retryWindow: document.retryWindow ?? PolicyVersion.defaultRetryWindow,
            rules: document.rules.map {
                Rule(
                    name: $0.name.value, when: $0.when?.value ?? .always, effect: $0.effect, code: $0.code.value,
                    source: $0.name.range, whenSource: $0.when?.range)
            },
            tools: ToolRules(
                deny: document.tools.deny.map(\.value), approve: document.tools.approve.map(\.value),
                allow: document.tools.allow.map(\.value), fallback: document.tools.fallback,
                denySource: document.tools.deny.first?.range, approveSource: document.tools.approve.first?.range),
            criticalFeatures: Set(document.features.filter(\.isCritical).map(\.name.value)),
            features: document.features.map(\.name), audiences: document.audiences,
            alerts: alerts(document, context, plans, interval), source: document.id.range)
        return Edition(
            policy: policy, catalog: catalog, interval: interval, defaultTier: document.defaultTier?.value,
            extendedTiers: Set(document.tiers.compactMap(\.extends?.value)), plans: plans)
    }

    private mutating func alerts(
        _ document: PolicyDocument, _ context: CompileContext, _ plans: PlanBuilder, _ interval: Interval
    ) -> [AlertRule] {
        if document.alerts.isEmpty { return [] }
        var limits = WatchedLimits()
        for tier in document.tiers { limits.add(plans.plan(tier: tier.name.value)) }
        if document.tiers.isEmpty { limits.add(plans.plan(tier: "")) }
        for (index, tenant) in documents.tenants.enumerated() {
            // A tenant's own limits are the same in every tier.
            let tier = tenant.tier?.value ?? document.defaultTier?.value ?? ""
            if !tenant.limits.isEmpty || !tenant.scopes.isEmpty {
                guard spend(limits: plans.plan(tier: tier).limits.count, on: tenant) else { return [] }
                limits.add(plans.plan(tier: tier, tenant: index, at: max(interval.start, 0)))
            }
        }
        var compiler = AlertCompiler(context: context, limits: limits)
        let rules = document.alerts.flatMap { compiler.rules($0) }
        diagnostics.add(contentsOf: compiler.diagnostics)
        return rules
    }

    // MARK: - Catalogs

    private mutating func compile(_ document: CatalogDocument, zone: TimeZoneRules) -> Catalog {
        let currency = document.currency?.value ?? "USD"
        let context = CompileContext(zone: zone, currency: currency, catalog: nil, audiences: [], isShadow: false)
        let classes = Set(document.classes.map(\.value))
        var models: [Model] = []
        var aliases: [(Located<Pattern>, Int)] = []
        var owners: [String: Name] = Dictionary(
            document.models.map { ($0.name.value, $0.name) }, uniquingKeysWith: { first, _ in first })
        for (index, declaration) in document.models.enumerated() {
            if let name = declaration.modelClass, !classes.contains(name.value) {
                diagnostics.addUnknown("class", name, among: document.classes.map(\.value))
            }
            for mark in declaration.price?.marks ?? [] { context.check(mark.value, at: mark.range, &diagnostics) }
            models.append(
                Model(
                    name: declaration.name.value, modelClass: declaration.modelClass?.value,
                    provider: declaration.provider,
                    price: declaration.price.map {
                        Price(
                            input: $0.input, cached: $0.cached ?? $0.input, output: $0.output,
                            request: Int128($0.request) * 1_000)
                    }, context: declaration.context, source: declaration.name.range))
            for alias in declaration.aliases {
                if alias.value.isExact {
                    if let owner = owners[alias.value.text], owner.value != declaration.name.value {
                        report(
                            .nameDuplicate, "`\(alias.value.text)` already names the model `\(owner.value)`",
                            at: alias.range, notes: [.init("the other one is here", at: owner.range)])
                        continue
                    }
                    owners[alias.value.text] = declaration.name
                }
                aliases.append((alias, index))
            }
        }
        return Catalog(
            id: document.id.value, version: document.version.value, digest: Digest.of(document.node),
            effective: document.effective.map { context.instant($0.value) } ?? .min, currency: currency,
            classes: document.classes, models: models, aliases: aliases)
    }

    // MARK: - Tenants

    private mutating func checkTenants() {
        var seen: [String: Name] = [:]
        for tenant in documents.tenants {
            if let first = seen[tenant.id.value] {
                report(
                    .nameDuplicate, "tenant `\(tenant.id.value)` has two records", at: tenant.id.range,
                    notes: [.init("the first one is here", at: first.range)])
            } else {
                seen[tenant.id.value] = tenant.id
            }
        }
    }

    /// Compiles every tenant's plan once, in the newest edition that has its tier, to report errors.
    private mutating func checkTenantPlans(_ editions: [Edition]) {
        guard let newest = editions.last else { return }
        checkExceptions(newest)
        let byTier = Dictionary(
            editions.flatMap { edition in edition.tierNames.map { ($0, edition) } }, uniquingKeysWith: { $1 })
        for tenant in documents.tenants {
            let tier = tenant.tier?.value ?? newest.defaultTier
            if let name = tenant.tier, byTier[name.value] == nil {
                diagnostics.addUnknown("tier", name, among: newest.tierNames)
                continue
            }
            let changesNothing =
                tenant.limits.isEmpty && tenant.scopes.isEmpty && tenant.exceptions.isEmpty && tenant.models == nil
                && tenant.downgrade == nil && tenant.weights == nil && tenant.grants.isEmpty
            if changesNothing { continue }
            guard let tier, let edition = byTier[tier], spend(on: tenant, edition) else { continue }
            let time = edition.interval.start == .min ? 0 : edition.interval.start
            for grant in tenant.grants {
                edition.plans.context.check(grant.amount.value.currency, at: grant.amount.range, &diagnostics)
            }
            let plan = edition.plans.plan(tier: tier, tenant: tenant, at: time, diagnostics: &diagnostics)
            TenantChecks(context: edition.plans.context).check(tenant, plan, &diagnostics)
        }
    }

    /// Adds the matches of a tenant's own patterns to the total; false if that exceeds the bound.
    private mutating func spend(on tenant: TenantDeclaration, _ edition: Edition) -> Bool {
        let tier = tenant.tier?.value ?? edition.defaultTier ?? ""
        guard spend(limits: edition.plan(tier: tier)?.limits.count ?? 0, on: tenant) else { return false }
        guard let models = tenant.models else { return true }
        patternMatches += (1 + models.value.count { !$0.value.isExact }) * (edition.catalog?.models.count ?? 0)
        guard patternMatches > Bounds.patternMatches else { return true }
        report(
            .syntaxBound,
            "the patterns of models, times the models of the catalog, are more than \(Bounds.patternMatches)",
            at: models.range, help: "allow classes instead of patterns (`models: [economy]`)")
        isTooLarge = true
        return false
    }

    /// Counts the limits of the plan that a tenant with keys of its own has; false where they are too many.
    private mutating func spend(limits count: Int, on tenant: TenantDeclaration) -> Bool {
        guard !isTooLarge else { return false }
        tenantLimits += count + tenant.limits.count
        guard tenantLimits > Bounds.tenantLimits else { return true }
        report(
            .syntaxBound,
            "the limits of tenants with keys of their own, with those of their tiers, are more than \(Bounds.tenantLimits)",
            at: tenant.id.range, help: "put tenants with the same keys into a tier of their own")
        isTooLarge = true
        return false
    }

    private mutating func checkExceptions(_ newest: Edition) {
        for exception in documents.tenants.flatMap(\.exceptions) {
            let until = newest.plans.context.instant(exception.until.value)
            if until <= newest.policy.effective {
                report(
                    .versionExceptionEnded,
                    "this exception ended before version \(newest.policy.version) took effect",
                    at: exception.until.range,
                    notes: [.init("the version is here", at: newest.policy.source)],
                    help: "remove it, or keep it for replays of older traffic")
            }
        }
    }

    private func tenantRecords(zone: TimeZoneRules) -> [TenantRecord] {
        let context = CompileContext(zone: zone, currency: "", catalog: nil, audiences: [], isShadow: false)
        return documents.tenants.map { tenant in
            TenantRecord(
                id: tenant.id.value, tier: tenant.tier?.value, group: tenant.group, isSuspended: tenant.isSuspended,
                acceptsDowngrade: tenant.acceptsDowngrade, since: tenant.since.map { context.instant($0.value) },
                source: tenant.id.range,
                followsTier: tenant.models == nil && tenant.downgrade == nil && tenant.block == nil
                    && tenant.limits.isEmpty && tenant.weights == nil && tenant.upgrade == nil && tenant.scopes.isEmpty
                    && tenant.exceptions.isEmpty && tenant.grants.isEmpty)
        }
    }
}
