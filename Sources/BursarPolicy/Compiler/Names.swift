import BursarSyntax

/// Help texts for undefined names.
enum Names {
    static func help(for name: String, among known: [String]) -> String? {
        nameHelp(for: name, among: known, listedAs: "known")
    }

    static func unknown(_ what: String, _ name: Name, among known: [String]) -> Diagnostic {
        let near = nearestName(to: name.value, among: known)
        return Diagnostic(
            .nameUnknown, "no \(what) is named `\(name.value)`", at: name.range,
            help: near == nil ? help(for: name.value, among: known) : nil,
            fix: near.map { .init("did you mean", replace: name.range, with: $0) })
    }
}

extension Diagnostics {
    /// Reports an undefined name; the first reports suggest the nearest known name.
    mutating func addUnknown(_ what: String, _ name: Name, among known: @autoclosure () -> [String]) {
        add(Names.unknown(what, name, among: canSuggest ? known() : []))
    }
}
