import BursarPolicy
import BursarReplay
import Foundation

/// A shard file, taken apart so that a test can change it and give it a digest that fits again.
struct ShardFile {
    var head: [String: Any]
    var summary: [String: Any]

    init(_ bytes: [UInt8]) throws {
        let lines = bytes.split(separator: 0x0A, maxSplits: 1)
        func object(_ line: ArraySlice<UInt8>) throws -> [String: Any] {
            try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any] ?? [:]
        }
        head = try object(lines[0])
        summary = try object(lines[1])
    }

    /// The file with a digest that fits.
    func sealed() throws -> [UInt8] {
        let rest = try Self.line(summary)
        var head = head
        head["digest"] = ""
        head["digest"] = Digest.sha256(try Self.line(head) + [0x0A] + rest)
        return try Self.line(head) + [0x0A] + rest
    }

    private static func line(_ object: [String: Any]) throws -> [UInt8] {
        Array(try JSONSerialization.data(withJSONObject: object, options: .sortedKeys))
    }

    /// A place in a JSON value: keys and indices.
    typealias Place = [Step]

    enum Step: CustomStringConvertible {
        case key(String)
        case index(Int)

        var description: String {
            switch self {
            case .key(let key): key
            case .index(let index): "\(index)"
            }
        }
    }

    /// All places of the summary.
    var places: [Place] { Self.places(summary, []) }

    private static func places(_ value: Any, _ path: Place) -> [Place] {
        if let object = value as? [String: Any] {
            return [path] + object.keys.sorted().flatMap { places(object[$0] ?? 0, path + [.key($0)]) }
        }
        if let list = value as? [Any] {
            return [path] + list.indices.flatMap { places(list[$0], path + [.index($0)]) }
        }
        return [path]
    }

    /// Replaces the value at a place of the summary; nil removes it.
    mutating func change(_ place: Place, _ body: (Any) -> Any?) {
        summary = Self.changed(summary, place[...], body) as? [String: Any] ?? [:]
    }

    private static func changed(_ value: Any, _ path: ArraySlice<Step>, _ body: (Any) -> Any?) -> Any? {
        switch path.first {
        case .none: return body(value)
        case .key(let key):
            guard var object = value as? [String: Any] else { return value }
            object[key] = object[key].flatMap { changed($0, path.dropFirst(), body) }
            return object
        case .index(let index):
            guard var list = value as? [Any], list.indices.contains(index) else { return value }
            if let new = changed(list[index], path.dropFirst(), body) {
                list[index] = new
            } else {
                list.remove(at: index)
            }
            return list
        }
    }
}
