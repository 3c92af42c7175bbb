import BursarPolicy
import BursarSyntax

extension Downgrade {
    /// Each step of each chain, with its place.
    var steps: [(from: ModelID, to: ModelID, source: SourceRange)] {
        zip(chains, sources).flatMap { chain, places in
            zip(zip(chain, chain.dropFirst()), places.dropFirst()).map { ($0.0, $0.1, $1) }
        }
    }
}
