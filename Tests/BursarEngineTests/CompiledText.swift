import BursarEngine
import BursarPolicy
import BursarSyntax
import Testing

extension PolicySet {
    /// A set from one text; it must be right.
    static func compiled(_ text: String) throws -> PolicySet {
        var diagnostics = Diagnostics()
        let file = SourceFile(path: "p.yaml", name: "p.yaml", bytes: Array(text.utf8))
        let result = Compiler.compile(DocumentLoader.read([file], diagnostics: &diagnostics), diagnostics)
        return try #require(result.set)
    }
}

extension Engine {
    /// An engine with one model `m` and one tier `t`, which every tenant has.
    ///
    /// - Parameters:
    ///   - limits: of the tier, as a flow map without its braces.
    ///   - price: of the model's input and output.
    ///   - settings: more keys of the policy.
    ///   - documents: what comes after the policy.
    static func limited(
        by limits: String, price: String = "$1/1k", settings: String = "", documents: String = "",
        onAlert: (@Sendable (Alert) -> Void)? = nil
    ) throws -> Engine {
        let text = """
            catalog: c
            version: 1
            models: {m: {price: {input: \(price), output: \(price)}}}
            ---
            policy: p
            version: 1
            default tier: t
            \(settings)
            tiers: {t: {limits: {\(limits)}}}
            \(documents)
            """
        return Engine(try PolicySet.compiled(text), onAlert: onAlert)
    }
}
