import BursarLogs
import BursarSyntax

/// Warns of unknown fields in requests, because a misspelt field can silently disable a limit.
struct UnknownFields {
    /// The reported names, so that each is reported once.
    private var seen: Set<String> = []
    private var requests = 0

    mutating func warn(about line: [UInt8]) {
        requests += 1
        for member in TopLevelFields(line).members where Field.named[member.name] == nil {
            guard seen.count < Bounds.suggestions, seen.insert(member.name).inserted else { continue }
            let near = nearestName(to: member.name, among: Field.named.keys.sorted())
            let help = near.map { "; did you mean `\($0)`?" } ?? ""
            Console.error(
                "warning: request \(requests): no request has a field `\(shown(member.name))`, so it is ignored\(help)")
        }
    }
}
