import BursarPolicy
import BursarStorage
import BursarSyntax

/// A condition as a few integer tests with jumps, which needs no tree walk and no allocation.
///
/// A class with code and constants at fixed addresses, so that evaluation does not count references.
final class ConditionProgram: @unchecked Sendable {
    private enum Test: UInt8 {
        case present, textEquals, textIn, textPrefix, textSuffix
        case equal, less, lessOrEqual, greater, greaterOrEqual, numberIn
        case fallback, critical, fallbackPresent, fallbackIs, criticalIs
        case tools, toolEquals, toolPrefix, toolSuffix
        case labelPresent, labelEquals, labelIn, labelPrefix, labelSuffix
    }

    private struct Instruction {
        var test: Test
        var slot: UInt8 = 0
        var operand: Int64 = 0
        var lower: Int32 = 0
        var upper: Int32 = 0
        var onTrue: Int32
        var onFalse: Int32
    }

    private static let yes: Int32 = -1
    private static let no: Int32 = -2

    private let instructions: FixedArray<Instruction>
    private let numbers: FixedArray<Int64>
    private let texts: [[UInt8]]
    private let entry: Int32
    /// A text attribute that must have one value for the condition to be true; -1 if there is none.
    private let neededSlot: Int8
    private let neededValue: UInt32
    private let zone: TimeZoneRules

    /// The value of a constant condition, which needs no evaluation.
    var constant: Bool? { entry == Self.yes ? true : entry == Self.no ? false : nil }

    init(_ condition: Condition, zone: TimeZoneRules, symbols: SymbolTable) {
        self.zone = zone
        var builder = Builder(symbols: symbols)
        let entry = builder.compile(condition, onTrue: Self.yes, onFalse: Self.no)
        self.entry = entry
        instructions = FixedArray(builder.instructions)
        numbers = FixedArray(builder.numbers)
        texts = builder.texts
        let parts = if case .all(let parts) = condition { parts } else { [condition] }
        let asked = parts.compactMap { part -> (slot: AttributeSlot, value: Symbol)? in
            guard case .text(let attribute, .equals, let text) = part, let slot = AttributeSlot(attribute) else {
                return nil
            }
            return (slot, symbols.intern(text))
        }
        // Many rules are for one tier, and few requests match their other tests.
        let needed = asked.first { $0.slot != .tier } ?? asked.first
        neededSlot = needed.map { Int8($0.slot.rawValue) } ?? -1
        neededValue = needed?.value.rawValue ?? 0
    }

    private enum NumberSlot: UInt8 { case input, cached, maxOutput, characters, attempt, hour, weekday }

    private struct Builder {
        let symbols: SymbolTable
        var instructions: [Instruction] = []
        var numbers: [Int64] = []
        var texts: [[UInt8]] = []

        mutating func compile(_ condition: Condition, onTrue: Int32, onFalse: Int32) -> Int32 {
            switch condition {
            case .always: return onTrue
            case .never: return onFalse
            case .not(let inner): return compile(inner, onTrue: onFalse, onFalse: onTrue)
            case .all(let parts):
                var next = onTrue
                for part in parts.reversed() { next = compile(part, onTrue: next, onFalse: onFalse) }
                return next
            case .any(let parts):
                var next = onFalse
                for part in parts.reversed() { next = compile(part, onTrue: onTrue, onFalse: next) }
                return next
            default:
                instructions.append(test(condition, onTrue, onFalse))
                return Int32(instructions.count - 1)
            }
        }

        private mutating func strings(_ text: String) -> Int32 {
            texts.append(Array(text.utf8))
            return Int32(texts.count - 1)
        }

        private mutating func set(_ values: [Int64]) -> (Int32, Int32) {
            let start = Int32(numbers.count)
            numbers += values
            return (start, Int32(numbers.count))
        }

        private func symbol(_ text: String) -> Int64 { Int64(symbols.intern(text).rawValue) }

        private mutating func test(_ condition: Condition, _ onTrue: Int32, _ onFalse: Int32) -> Instruction {
            var made = Instruction(test: .present, onTrue: onTrue, onFalse: onFalse)
            switch condition {
            case .isPresent(let attribute): presence(attribute, &made)
            case .boolean(let attribute): made.test = attribute == .fallback ? .fallback : .critical
            case .booleanEquals(let attribute, let value):
                made.test = attribute == .fallback ? .fallbackIs : .criticalIs
                made.operand = value ? 1 : 0
            case .text(.label(let key), let test, let text):
                made.upper = Int32(truncatingIfNeeded: symbols.intern(key).rawValue)
                switch test {
                case .equals: (made.test, made.operand) = (.labelEquals, symbol(text))
                case .startsWith: (made.test, made.lower) = (.labelPrefix, strings(text))
                case .endsWith: (made.test, made.lower) = (.labelSuffix, strings(text))
                }
            case .text(let attribute, let test, let text):
                made.slot = UInt8(AttributeSlot(attribute)?.rawValue ?? 0)
                switch test {
                case .equals: (made.test, made.operand) = (.textEquals, symbol(text))
                case .startsWith: (made.test, made.lower) = (.textPrefix, strings(text))
                case .endsWith: (made.test, made.lower) = (.textSuffix, strings(text))
                }
            case .textIn(.label(let key), let list):
                made.test = .labelIn
                made.operand = Int64(symbols.intern(key).rawValue)
                (made.lower, made.upper) = set(list.map(symbol))
            case .textIn(let attribute, let list):
                made.test = .textIn
                made.slot = UInt8(AttributeSlot(attribute)?.rawValue ?? 0)
                (made.lower, made.upper) = set(list.map(symbol))
            case .number(let attribute, let comparison, let number):
                made.slot = numberSlot(attribute)
                made.operand = number
                switch comparison {
                case .equal, .notEqual: made.test = .equal
                case .less: made.test = .less
                case .lessOrEqual: made.test = .lessOrEqual
                case .greater: made.test = .greater
                case .greaterOrEqual: made.test = .greaterOrEqual
                }
            case .numberIn(let attribute, let list):
                made.test = .numberIn
                made.slot = numberSlot(attribute)
                (made.lower, made.upper) = set(list)
            case .contains(_, let test, let text):
                switch test {
                case .equals: (made.test, made.operand) = (.toolEquals, symbol(text))
                case .startsWith: (made.test, made.lower) = (.toolPrefix, strings(text))
                case .endsWith: (made.test, made.lower) = (.toolSuffix, strings(text))
                }
            case .always, .never, .not, .all, .any: break
            }
            return made
        }

        private func presence(_ attribute: Attribute, _ made: inout Instruction) {
            switch attribute {
            case .label(let key):
                made.test = .labelPresent
                made.upper = Int32(truncatingIfNeeded: symbols.intern(key).rawValue)
            case .fallback: made.test = .fallbackPresent
            case .tools: made.test = .tools
            // Every feature is either critical or not.
            case .featureCritical: made.slot = UInt8(AttributeSlot.feature.rawValue)
            default:
                if let slot = AttributeSlot(attribute) {
                    made.slot = UInt8(slot.rawValue)
                } else {
                    made.test = .greaterOrEqual
                    made.slot = numberSlot(attribute)
                }
            }
        }

        private func numberSlot(_ attribute: Attribute) -> UInt8 {
            let slot: NumberSlot =
                switch attribute {
                case .inputTokens: .input
                case .cachedTokens: .cached
                case .maxOutputTokens: .maxOutput
                case .characters: .characters
                case .attempt: .attempt
                case .hour: .hour
                default: .weekday
                }
            return slot.rawValue
        }
    }

    /// Evaluates the condition for a request whose attributes contain the candidate model.
    func holds(_ request: Request, isCritical: Bool, symbols: SymbolTable) -> Bool {
        request.readAttributes { holds(request, $0, isCritical, symbols) }
    }

    /// The same with attributes that differ from the request's: the candidate's model and the plan's tier.
    @inline(__always)
    func holds(_ request: Request, _ attributes: AttributeValues, _ isCritical: Bool, _ symbols: SymbolTable) -> Bool {
        if neededSlot >= 0, attributes[Int(neededSlot)] != neededValue { return false }
        return run(request, attributes, isCritical, symbols)
    }

    // A separate function, because it would take registers from its caller.
    @inline(never)
    private func run(
        _ request: Request, _ attributes: AttributeValues, _ isCritical: Bool, _ symbols: SymbolTable
    ) -> Bool {
        var position = entry
        while position >= 0 {
            let instruction = instructions.address(of: Int(position))
            let passes = passes(instruction.pointee, request, attributes, isCritical, symbols)
            position = passes ? instruction.pointee.onTrue : instruction.pointee.onFalse
        }
        return position == Self.yes
    }

    private func passes(
        _ instruction: Instruction, _ request: Request, _ attributes: AttributeValues,
        _ isCritical: Bool, _ symbols: SymbolTable
    ) -> Bool {
        let symbol = attributes[Int(instruction.slot)]
        switch instruction.test {
        case .present: return symbol != 0
        case .textEquals: return Int64(symbol) == instruction.operand
        case .textIn: return symbol != 0 && contains(instruction, Int64(symbol))
        case .textPrefix: return symbol != 0 && starts(Symbol(rawValue: symbol), instruction, symbols)
        case .textSuffix: return symbol != 0 && ends(Symbol(rawValue: symbol), instruction, symbols)
        case .equal, .less, .lessOrEqual, .greater, .greaterOrEqual, .numberIn:
            let number = number(instruction.slot, request)
            guard number >= 0 else { return false }
            switch instruction.test {
            case .equal: return number == instruction.operand
            case .less: return number < instruction.operand
            case .lessOrEqual: return number <= instruction.operand
            case .greater: return number > instruction.operand
            case .greaterOrEqual: return number >= instruction.operand
            default: return contains(instruction, number)
            }
        case .fallback: return request.isFallback == true
        case .fallbackPresent: return request.isFallback != nil
        case .fallbackIs: return request.isFallback == (instruction.operand == 1)
        case .critical: return isCritical
        case .criticalIs:
            return attributes[AttributeSlot.feature.rawValue] != 0 && isCritical == (instruction.operand == 1)
        case .tools: return !request.tools.isEmpty
        case .toolEquals: return request.tools.contains { Int64($0.rawValue) == instruction.operand }
        case .toolPrefix: return request.tools.contains { starts($0, instruction, symbols) }
        case .toolSuffix: return request.tools.contains { ends($0, instruction, symbols) }
        case .labelPresent: return label(UInt32(bitPattern: instruction.upper), request) != nil
        case .labelEquals:
            return label(UInt32(bitPattern: instruction.upper), request).map { Int64($0.rawValue) }
                == instruction.operand
        case .labelIn:
            guard let value = label(UInt32(truncatingIfNeeded: instruction.operand), request) else { return false }
            return contains(instruction, Int64(value.rawValue))
        case .labelPrefix:
            return label(UInt32(bitPattern: instruction.upper), request).map { starts($0, instruction, symbols) }
                ?? false
        case .labelSuffix:
            return label(UInt32(bitPattern: instruction.upper), request).map { ends($0, instruction, symbols) } ?? false
        }
    }

    private func contains(_ instruction: Instruction, _ value: Int64) -> Bool {
        for index in Int(instruction.lower)..<Int(instruction.upper) where numbers[index] == value { return true }
        return false
    }

    private func starts(_ symbol: Symbol, _ instruction: Instruction, _ symbols: SymbolTable) -> Bool {
        symbols.text(symbol).utf8.starts(with: texts[Int(instruction.lower)])
    }

    private func ends(_ symbol: Symbol, _ instruction: Instruction, _ symbols: SymbolTable) -> Bool {
        let suffix = texts[Int(instruction.lower)]
        return symbols.text(symbol).utf8.suffix(suffix.count).elementsEqual(suffix)
    }

    private func label(_ key: UInt32, _ request: Request) -> Symbol? {
        for label in request.labels where label.key.rawValue == key { return label.value }
        return nil
    }

    private func number(_ slot: UInt8, _ request: Request) -> Int64 {
        switch NumberSlot(rawValue: slot) {
        case .input: return request.inputTokens
        case .cached: return request.cachedTokens
        case .maxOutput: return request.maxOutputTokens
        case .characters: return request.characters
        case .attempt: return request.attempt
        case .hour, .weekday:
            let seconds = floorDiv(request.time, Micros.second)
            // Seconds derived from 64-bit microseconds are far from overflow.
            let local = seconds &+ zone.offset(atUTC: seconds)
            let day = floorDiv(local, 86_400)
            if slot == NumberSlot.hour.rawValue { return (local &- day &* 86_400) / 3_600 }
            // 1970-01-01 was a Thursday, the fourth day of its week.
            return (day &+ 3) &- floorDiv(day &+ 3, 7) &* 7 &+ 1
        case nil: return -1
        }
    }
}
