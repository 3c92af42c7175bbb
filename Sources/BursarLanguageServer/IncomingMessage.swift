import BursarSyntax

/// Error codes of JSON-RPC 2.0 and of the Language Server Protocol.
enum RPCError {
    static let parse = -32_700
    static let invalidRequest = -32_600
    static let methodNotFound = -32_601
    static let invalidParams = -32_602
    static let notInitialized = -32_002
}

/// A message of the client, classified according to JSON-RPC 2.0.
enum IncomingMessage {
    case request(id: JSONTree, method: String, params: JSONTree)
    case notification(method: String, params: JSONTree)
    /// A response to a request of the server. The server ignores responses.
    case response
    /// An invalid message, with its id if it has one.
    case unreadable(id: JSONTree?, code: Int, reason: String)

    init(_ bytes: [UInt8]) {
        let message: JSONTree
        do throws(JSONTree.ParseError) {
            message = try JSONTree.parse(bytes)
        } catch {
            // JSON with too many levels or values may be a request, which must be answered. An answer to text that is
            // not JSON has no id, because the client may use the id for another request.
            let id = error.isBeyondBounds ? Self.topLevelID(bytes) : nil
            self = .unreadable(
                id: id, code: id == nil ? RPCError.parse : RPCError.invalidRequest, reason: "\(error.message)")
            return
        }
        guard case .object = message else {
            self = .unreadable(
                id: nil, code: RPCError.invalidRequest, reason: "a message is an object; batches are not supported")
            return
        }
        let id = message["id"]
        guard let method = message["method"]?.text else {
            if message["method"] == nil, message["result"] != nil || message["error"] != nil {
                self = .response
            } else {
                self = .unreadable(id: id, code: RPCError.invalidRequest, reason: "a message without a method")
            }
            return
        }
        let params = message["params"] ?? .null
        switch id {
        case nil: self = .notification(method: method, params: params)
        case .number?, .string?, .null?: self = .request(id: id ?? .null, method: method, params: params)
        default:
            self = .unreadable(id: nil, code: RPCError.invalidRequest, reason: "an id is a number or a string")
        }
    }

    /// The id of an object, found without parsing nested values.
    private static func topLevelID(_ bytes: [UInt8]) -> JSONTree? {
        var depth = 0
        var index = 0
        var key: ArraySlice<UInt8>?
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""):
                let start = index
                index += 1
                while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                    index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                guard index < bytes.count else { return nil }
                if depth == 1, key.map({ $0.elementsEqual("\"id\"".utf8) }) == true {
                    return try? JSONTree.parse(Array(bytes[start...index]))
                }
                key = bytes[start...index]
            case UInt8(ascii: ","): key = nil
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                guard depth == 1, key.map({ $0.elementsEqual("\"id\"".utf8) }) == true else { break }
                let end = bytes[index...].firstIndex { !"+-.eE0123456789".utf8.contains($0) } ?? bytes.count
                return try? JSONTree.parse(Array(bytes[index..<end]))
            default: break
            }
            index += 1
        }
        return nil
    }
}
