import BursarSyntax
import Foundation
import Testing

/// `Grammar/bursar.ebnf`, read so that it can make sentences and recognise them.
struct Grammar: Sendable {
    indirect enum Term: Sendable {
        case text([UInt8])
        case range(UInt8, UInt8)
        case rule(String)
        case sequence([Term])
        case choice([Term])
        case optional(Term)
        case many(Term)
    }

    private(set) var rules: [String: Term] = [:]

    init(_ source: String) {
        var tokens = Self.tokens(source)[...]
        while let name = tokens.popFirst() {
            _ = tokens.popFirst()
            rules[name] = Self.choice(&tokens)
            _ = tokens.popFirst()
        }
    }

    private static func tokens(_ source: String) -> [String] {
        var tokens: [String] = []
        var text = source[...]
        while let first = text.first {
            if text.hasPrefix("(*"), let end = text.range(of: "*)") {
                text = text[end.upperBound...]
            } else if first.isWhitespace {
                text.removeFirst()
            } else if first == "\"" || first == "'" {
                let end = text.dropFirst().firstIndex(of: first) ?? text.endIndex
                tokens.append("\"" + text[text.index(after: text.startIndex)..<end])
                text = text[text.index(after: end)...]
            } else if first.isLetter {
                let word = text.prefix { $0.isLetter }
                tokens.append(String(word))
                text = text.dropFirst(word.count)
            } else {
                tokens.append(String(first))
                text.removeFirst()
            }
        }
        return tokens
    }

    private static func choice(_ tokens: inout ArraySlice<String>) -> Term {
        var options = [sequence(&tokens)]
        while tokens.first == "|" {
            tokens.removeFirst()
            options.append(sequence(&tokens))
        }
        return options.count == 1 ? options[0] : .choice(options)
    }

    private static func sequence(_ tokens: inout ArraySlice<String>) -> Term {
        var terms: [Term] = []
        while let token = tokens.first, ![";", "|", ")", "]", "}"].contains(token) {
            tokens.removeFirst()
            switch token {
            case "(", "[", "{":
                let inner = choice(&tokens)
                tokens.removeFirst()
                terms.append(token == "(" ? inner : token == "[" ? .optional(inner) : .many(inner))
            case "…":
                guard case .text(let low)? = terms.popLast(), let high = tokens.popFirst()?.utf8.last else { break }
                terms.append(.range(low[0], high))
            default: terms.append(token.hasPrefix("\"") ? .text(Array(token.utf8.dropFirst())) : .rule(token))
            }
        }
        return .sequence(terms)
    }

    // MARK: - Making sentences

    func sentence(_ rule: String, _ random: inout SplitMix) -> String {
        var bytes: [UInt8] = []
        make(.rule(rule), 0, &random, &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func make(_ term: Term, _ depth: Int, _ random: inout SplitMix, _ bytes: inout [UInt8]) {
        switch term {
        case .text(let text): bytes += text
        case .range(let low, let high): bytes.append(low + UInt8(random.below(Int(high - low) + 1)))
        case .rule(let name): make(rules[name]!, depth + 1, &random, &bytes)
        case .sequence(let terms): for term in terms { make(term, depth, &random, &bytes) }
        case .choice(let options):
            // Deep down the first choice is skipped: it is the one in parentheses.
            let first = depth > 24 && options.count > 1 ? 1 : 0
            make(options[first + random.below(options.count - first)], depth, &random, &bytes)
        case .optional(let inner): if random.below(2) == 0 { make(inner, depth, &random, &bytes) }
        case .many(let inner):
            for _ in 0..<random.below(depth > 16 ? 1 : 3) { make(inner, depth, &random, &bytes) }
        }
    }

    // MARK: - Recognising them

    func accepts(_ rule: String, _ text: String) -> Bool {
        var recogniser = Recogniser(grammar: self, text: Array(text.utf8))
        return recogniser.ends(.rule(rule), 0).contains(text.utf8.count)
    }

    private struct Recogniser {
        let grammar: Grammar
        let text: [UInt8]
        private var memo: [String: Set<Int>] = [:]

        init(grammar: Grammar, text: [UInt8]) {
            self.grammar = grammar
            self.text = text
        }

        /// Every place at which a term that begins at `start` may end.
        mutating func ends(_ term: Term, _ start: Int) -> Set<Int> {
            switch term {
            case .text(let literal): return text[start...].starts(with: literal) ? [start + literal.count] : []
            case .range(let low, let high):
                return start < text.count && text[start] >= low && text[start] <= high ? [start + 1] : []
            case .rule(let name):
                let key = "\(name)@\(start)"
                if let known = memo[key] { return known }
                let found = ends(grammar.rules[name]!, start)
                memo[key] = found
                return found
            case .sequence(let terms):
                var places: Set<Int> = [start]
                for term in terms { places = places.reduce(into: []) { $0.formUnion(ends(term, $1)) } }
                return places
            case .choice(let options): return options.reduce(into: []) { $0.formUnion(ends($1, start)) }
            case .optional(let inner): return ends(inner, start).union([start])
            case .many(let inner):
                var all: Set<Int> = [start]
                var frontier = all
                while !frontier.isEmpty {
                    frontier = frontier.reduce(into: Set()) { $0.formUnion(ends(inner, $1)) }.subtracting(all)
                    all.formUnion(frontier)
                }
                return all
            }
        }
    }
}

struct SplitMix {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func below(_ count: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(max(1, count)))
    }
}

/// The grammar file and the parsers take the same sentences.
@Suite struct GrammarTests {
    static let grammar: Grammar = {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Grammar/bursar.ebnf")
        return Grammar((try? String(contentsOf: path, encoding: .utf8)) ?? "")
    }()

    static let rules = [
        "money", "count", "percentage", "duration", "price", "chain", "window", "quantity", "threshold", "action",
        "alert", "condition",
    ]

    /// nil: taken.
    private func refusal(_ rule: String, _ text: String) -> String? {
        var scanner = TextScanner(text)
        func scan(_ grammar: (inout TextScanner) throws(ScalarError) -> Void) -> String? {
            do throws(ScalarError) {
                try grammar(&scanner)
                try scanner.expectEnd()
                return nil
            } catch {
                return error.message
            }
        }
        switch rule {
        case "money": return scan { scanner throws(ScalarError) in _ = try scanner.money() }
        case "count": return scan { scanner throws(ScalarError) in _ = try scanner.count() }
        case "percentage": return scan { scanner throws(ScalarError) in _ = try scanner.percentage() }
        case "duration": return scan { scanner throws(ScalarError) in _ = try scanner.duration() }
        case "price": return scan { scanner throws(ScalarError) in _ = try scanner.price() }
        case "chain": return scan { scanner throws(ScalarError) in try scanner.checkChain() }
        case "window": return scan { scanner throws(ScalarError) in _ = try scanner.window() }
        case "quantity": return scan { scanner throws(ScalarError) in _ = try scanner.quantity() }
        case "threshold": return scan { scanner throws(ScalarError) in _ = try scanner.threshold() }
        case "alert": return scan { scanner throws(ScalarError) in _ = try scanner.alertCondition() }
        case "action": return scan { scanner throws(ScalarError) in _ = try scanner.action() }
        default:
            do throws(ConditionError) {
                _ = try ConditionParser.parse(text)
                return nil
            } catch {
                return error.error.message
            }
        }
    }

    /// What a grammar cannot say: sizes, and digits that would be lost.
    private func isBeyondGrammar(_ refusal: String) -> Bool {
        [
            "zero", "too large", "more digits", "digits after the point", "whole number", "too long",
            "levels of nesting", "too many alternatives", "can be read as",
        ]
        .contains { refusal.contains($0) }
    }

    @Test(arguments: rules) func `what the grammar makes is taken`(rule: String) {
        var random = SplitMix(seed: 7)
        for _ in 0..<3_000 {
            let sentence = Self.grammar.sentence(rule, &random)
            let refusal = refusal(rule, sentence)
            if let refusal, !isBeyondGrammar(refusal) {
                Issue.record("\(rule) `\(sentence)`: \(refusal)")
                return
            }
        }
    }

    @Test(arguments: rules) func `what is changed is taken or refused as the grammar says`(rule: String) {
        var random = SplitMix(seed: 11)
        let alphabet = Array(" $%/.,;()!=&|_\"abkMstor".utf8)
        var refused = 0
        for _ in 0..<3_000 {
            var bytes = Array(Self.grammar.sentence(rule, &random).utf8)
            guard !bytes.isEmpty, bytes.count < 120 else { continue }
            let place = random.below(bytes.count)
            switch random.below(3) {
            case 0: bytes.remove(at: place)
            case 1: bytes[place] = alphabet[random.below(alphabet.count)]
            default: bytes.insert(alphabet[random.below(alphabet.count)], at: place)
            }
            let sentence = String(decoding: bytes, as: UTF8.self)
            let refusal = refusal(rule, sentence)
            if let refusal, isBeyondGrammar(refusal) { continue }
            let isAccepted = Self.grammar.accepts(rule, sentence)
            if isAccepted != (refusal == nil) {
                Issue.record(
                    "\(rule) `\(sentence)`: the grammar \(isAccepted ? "takes" : "refuses") it; parser: \(refusal ?? "taken")"
                )
                return
            }
            if refusal != nil { refused += 1 }
        }
        // A mutation that never breaks anything would test nothing.
        #expect(refused > 300)
    }
}
