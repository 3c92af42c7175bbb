import BursarSyntax

/// Applies the fixes of findings. All other bytes of the files stay the same.
package enum Fixes {
    package struct Result: Sendable {
        /// The changed files with their new bytes.
        package var files: [(path: String, bytes: [UInt8])] = []
        /// The number of applied edits.
        package var count = 0
    }

    /// Applies the edits from the start of each file to its end. Skips an edit that overlaps the previous one and
    /// applies equal edits once. Takes O(n log n) for n edits, and one copy of each file.
    package static func apply(_ diagnostics: [Diagnostic], _ sources: SourceMap) -> Result {
        var result = Result()
        let byFile = Dictionary(grouping: diagnostics.compactMap(\.fix), by: \.range.file)
        for (file, fixes) in byFile.sorted(by: { $0.key < $1.key }) {
            guard let source = sources[SourceRange(file: file, start: 0, end: 0)] else { continue }
            let made = edits(fixes, in: source.bytes)
            guard made.count > 0 else { continue }
            result.files.append((source.path, made.bytes))
            result.count += made.count
        }
        return result
    }

    private static func edits(_ fixes: [Diagnostic.Fix], in bytes: [UInt8]) -> (bytes: [UInt8], count: Int) {
        // By position; edits at the same position in the order of their findings, insertions first.
        let ordered = fixes.enumerated().sorted {
            ($0.element.range.start, $0.element.range.end, $0.offset)
                < ($1.element.range.start, $1.element.range.end, $1.offset)
        }
        var edited: [UInt8] = []
        var copied = 0
        var count = 0
        /// Texts that were already inserted at `copied`.
        var inserted: Set<String> = []
        for fix in ordered.map(\.element) {
            let (start, end) = (Int(fix.range.start), Int(fix.range.end))
            guard start >= copied, end <= bytes.count else { continue }
            if start > copied { inserted = [] }
            if start == end, !inserted.insert(fix.replacement).inserted { continue }
            edited += bytes[copied..<start]
            edited += fix.replacement.utf8
            if end > start { inserted = [] }
            copied = end
            count += 1
        }
        return (edited + bytes[copied...], count)
    }
}
