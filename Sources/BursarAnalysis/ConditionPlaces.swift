import BursarPolicy
import BursarSyntax

extension SourceMap {
    /// The comparisons of a condition with their positions; empty if the text is not a slice of the file.
    func terms(at range: SourceRange) -> [(condition: Condition, range: SourceRange)] {
        guard let file = self[range] else { return [] }
        var text = file.text(range)
        var shift = 0
        if let quote = text.utf8.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"), text.utf8.count > 1 {
            text = String(text.dropFirst().dropLast())
            shift = 1
        }
        return ConditionParser.terms(of: text).map { ($0.condition, range.slice($0.lower + shift, $0.upper + shift)) }
    }

    /// The positions of some parts of a condition.
    func places(of parts: [Condition], at range: SourceRange) -> [SourceRange] {
        let terms = terms(at: range)
        return parts.compactMap { part in terms.first { $0.condition == part }?.range }
    }

    /// The position of a value without its quotation marks, in a comparison.
    func place(of value: String, in range: SourceRange) -> SourceRange? {
        guard let file = self[range] else { return nil }
        let bytes = Array(file.text(range).utf8)
        let wanted = Array(value.utf8)
        guard !wanted.isEmpty, bytes.count >= wanted.count else { return nil }
        for start in 0...(bytes.count - wanted.count) where bytes[start..<start + wanted.count].elementsEqual(wanted) {
            let isQuoted =
                start > 0 && (bytes[start - 1] == UInt8(ascii: "\"") || bytes[start - 1] == UInt8(ascii: "'"))
            let isDigit = { (byte: UInt8) in byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
            let end = start + wanted.count
            let isWhole = (start == 0 || !isDigit(bytes[start - 1])) && (end == bytes.count || !isDigit(bytes[end]))
            if isQuoted || (value.allSatisfy(\.isNumber) && isWhole) { return range.slice(start, start + wanted.count) }
        }
        return nil
    }
}
