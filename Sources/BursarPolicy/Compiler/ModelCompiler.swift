import BursarSyntax

/// Compiles the models that a plan allows, and its chains, from their declarations.
extension CompileContext {
    func access(_ models: Located<[Located<Pattern>]>?, _ diagnostics: inout Diagnostics) -> ModelAccess {
        let count = catalog?.models.count ?? 0
        guard let models else { return .any }
        var access = ModelAccess(allowsAny: false, allowed: [Bool](repeating: false, count: count), patterns: [])
        for item in models.value {
            let text = item.value.text
            if text == "any" {
                access.allowsAny = true
                continue
            }
            var found = false
            access.patterns.append(item.value)
            if let catalog {
                if let members = catalog.models(ofClass: text) {
                    found = true
                    for index in members { access.allowed[index] = true }
                } else if item.value.isExact {
                    if let id = catalog.model(text) {
                        access.allowed[id.rawValue] = true
                        found = true
                    }
                } else {
                    for (index, model) in catalog.models.enumerated() where item.value.matches(model.name) {
                        access.allowed[index] = true
                        found = true
                    }
                }
            }
            // Without a catalog no model is known, which is reported once.
            if !found, catalog != nil { report(item, &diagnostics) }
        }
        return access
    }

    private func report(_ item: Located<Pattern>, _ diagnostics: inout Diagnostics) {
        if item.value.isExact {
            diagnostics.addUnknown(
                "model or class", Located(item.value.text, at: item.range),
                among: (catalog?.classes ?? []) + (catalog?.knownNames ?? []))
        } else {
            diagnostics.add(
                Diagnostic(
                    .modelPatternEmpty, "`\(item.value.text)` matches no model of the catalog", at: item.range))
        }
    }

    func downgrade(_ declaration: DowngradeDeclaration?, _ diagnostics: inout Diagnostics) -> Downgrade {
        guard let declaration else { return .none }
        var chains: [[ModelID]] = []
        var sources: [[SourceRange]] = []
        for chain in declaration.chains {
            var models: [ModelID] = []
            var places: [SourceRange] = []
            for name in chain.value {
                guard let catalog else { continue }
                guard let id = catalog.model(name.value) else {
                    diagnostics.addUnknown("model", name, among: catalog.knownNames)
                    continue
                }
                if catalog[id].price == nil {
                    diagnostics.add(
                        Diagnostic(
                            .chainUnpriced,
                            "the catalog has no price for `\(name.value)`, so it cannot be part of a chain",
                            at: name.range, notes: [.init("the model is listed here", at: catalog[id].source)]))
                }
                if models.contains(id) {
                    diagnostics.add(
                        Diagnostic(
                            .chainCycle, "the chain comes back to `\(name.value)`", at: name.range,
                            help: "a chain goes from expensive to cheap; remove the second `\(name.value)`"))
                    continue
                }
                models.append(id)
                places.append(name.range)
            }
            chains.append(models)
            sources.append(places)
        }
        return Downgrade(
            chains: chains, sources: sources, consent: declaration.consent, consentSource: declaration.consentSource)
    }
}
