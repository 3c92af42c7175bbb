import BursarStorage
import Synchronization

/// A name as a small number: equal names have equal symbols within one engine.
package struct Symbol: Sendable, Hashable, RawRepresentable {
    package let rawValue: UInt32

    @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The request does not carry the attribute.
    package static let absent = Symbol(rawValue: 0)
    /// Some name that neither a condition nor a scope tells from others.
    package static let other = Symbol(rawValue: 1)

    @inlinable package var isPresent: Bool { rawValue != 0 }
}

/// A few symbols of the policy set, asked for by number.
struct SymbolSet: ~Copyable {
    private var bits = RawArray<UInt64>()

    init(_ symbols: [Symbol]) {
        for symbol in symbols {
            let word = Int(symbol.rawValue >> 6)
            if word >= bits.count { bits.append(repeating: 0, count: word + 1 - bits.count) }
            bits[word] |= 1 << UInt64(symbol.rawValue & 63)
        }
    }

    var members: [Symbol] {
        (0..<UInt32(bits.count * 64)).map { Symbol(rawValue: $0) }.filter { contains($0) }
    }

    @inline(__always) func contains(_ symbol: Symbol) -> Bool {
        let word = Int(symbol.rawValue >> 6)
        return word < bits.count && bits[word] & (1 << UInt64(symbol.rawValue & 63)) != 0
    }
}

/// The names that an engine knows, in both directions.
///
/// Names of the policy set come first and never change, so that compiled conditions compare numbers. Others join as
/// requests bring them.
package final class SymbolTable: Sendable {
    private struct Content: ~Copyable, Sendable {
        var index = ByteIndex()
        var texts: [String] = []
    }

    /// Names of the policy set; read without a lock.
    private let base: ByteIndex
    private let baseTexts: [String]
    private let content = Mutex(Content())

    /// Symbols below this stand in the policy set.
    package var baseCount: UInt32 { UInt32(baseTexts.count) }

    init(base names: [String]) {
        var index = ByteIndex()
        var texts = ["", "(other)"]
        for text in names {
            var text = text
            text.withUTF8 { bytes in
                guard index.find(bytes) == nil else { return }
                index.insert(bytes, value: UInt32(texts.count))
                texts.append(String(decoding: bytes, as: UTF8.self))
            }
        }
        base = index
        baseTexts = texts
    }

    /// The symbol of a name, new where it was not known.
    package func intern(_ text: String) -> Symbol {
        var text = text
        return text.withUTF8 { intern($0) }
    }

    package func intern(_ bytes: UnsafeBufferPointer<UInt8>) -> Symbol {
        if let found = base.find(bytes) { return Symbol(rawValue: found) }
        return content.withLock { content in
            if let found = content.index.find(bytes) { return Symbol(rawValue: found) }
            let value = UInt32(baseTexts.count + content.texts.count)
            content.index.insert(bytes, value: value)
            content.texts.append(String(decoding: bytes, as: UTF8.self))
            return Symbol(rawValue: value)
        }
    }

    /// The symbol of a name that the policy set holds, else `.other`.
    package func known(_ bytes: UnsafeBufferPointer<UInt8>) -> Symbol {
        base.find(bytes).map { Symbol(rawValue: $0) } ?? .other
    }

    /// The name of a symbol; of one that is not of this engine, the one that stands for names it does not know.
    package func text(_ symbol: Symbol) -> String {
        let index = Int(symbol.rawValue)
        if index < baseTexts.count { return baseTexts[index] }
        return content.withLock { content in
            let place = index - baseTexts.count
            return place < content.texts.count ? content.texts[place] : baseTexts[Int(Symbol.other.rawValue)]
        }
    }

    func holds(_ symbol: Symbol) -> Bool {
        let index = Int(symbol.rawValue)
        return index < baseTexts.count || content.withLock { index - baseTexts.count < $0.texts.count }
    }
}
