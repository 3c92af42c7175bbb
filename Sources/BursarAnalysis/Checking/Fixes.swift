import BursarSyntax

/// Applies the edits that findings carry. Everything else in the files stays as it is, byte for byte.
package enum Fixes {
    /// The files that change, with their new bytes. Of edits that overlap the first one is made.
    package static func apply(_ diagnostics: [Diagnostic], _ sources: SourceMap) -> [(path: String, bytes: [UInt8])] {
        var edits: [Int32: [Diagnostic.Fix]] = [:]
        for fix in diagnostics.compactMap(\.fix) {
            let overlaps = edits[fix.range.file, default: []].contains { other in
                other.range == fix.range
                    ? fix.range.start != fix.range.end || other.replacement == fix.replacement
                    : fix.range.start < other.range.end && other.range.start < fix.range.end
            }
            if !overlaps { edits[fix.range.file, default: []].append(fix) }
        }
        return edits.sorted { $0.key < $1.key }.compactMap { file, fixes in
            guard let source = sources[SourceRange(file: file, start: 0, end: 0)] else { return nil }
            var bytes = source.bytes
            // From the end on, so that places before an edit stay true; insertions at one place keep their order.
            let ordered = fixes.enumerated().sorted {
                ($0.element.range.start, $0.offset) > ($1.element.range.start, $1.offset)
            }
            for (_, fix) in ordered where Int(fix.range.end) <= bytes.count {
                bytes.replaceSubrange(Int(fix.range.start)..<Int(fix.range.end), with: fix.replacement.utf8)
            }
            return (source.path, bytes)
        }
    }
}
