import CYAML

/// Reads a file's documents through libyaml's events into nodes with positions.
///
/// It rejects anchors, aliases, merge keys and tags, so the size of the result is linear in the input. Depth, nodes and
/// size are bounded.
struct YAMLReader {
    private let bytes: [UInt8]
    private let file: Int32
    private let map: OffsetMap
    private let nodeLimit: Int
    private var nodesLeft: Int
    var diagnostics = Diagnostics()
    /// The documents that were read completely.
    private(set) var documents: [YAMLNode] = []
    /// Some text is not valid YAML, so declarations may be missing.
    private(set) var isIncomplete = false
    private var quoted: [SourceRange] = []
    private let collectsQuoted: Bool

    init(_ source: SourceFile, file: Int32, nodeLimit: Int) {
        bytes = source.bytes
        self.file = file
        map = OffsetMap(source.bytes)
        self.nodeLimit = nodeLimit
        nodesLeft = nodeLimit
        collectsQuoted = source.bytes.contains { $0 >= 0x80 }
    }

    /// The number of values read so far.
    var nodesSpent: Int { nodeLimit - nodesLeft }

    mutating func read() {
        if let bad = firstInvalidUTF8(bytes) {
            fail("this is not UTF-8", at: bad, length: 1, help: "save the file as UTF-8")
            return
        }
        if let zero = bytes.firstIndex(of: 0) {
            fail("a NUL byte is not allowed", at: zero, length: 1)
            return
        }
        var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var failures = 0
        while let failure = readStream(from: start) {
            isIncomplete = true
            failures += 1
            guard let next = nextDocument(after: max(failure, start)) else { break }
            guard failures < Bounds.unreadableDocuments else {
                fail(
                    "more than \(Bounds.unreadableDocuments) documents are not YAML; the rest is not read", at: next,
                    length: 1)
                break
            }
            start = next
        }
        checkLineSeparators()
    }

    /// Reads documents up to the end, or up to the first error, and returns the byte of that error.
    private mutating func readStream(from start: Int) -> Int? {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else { return nil }
        defer { yaml_parser_delete(&parser) }
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
        return bytes.withUnsafeBufferPointer { buffer -> Int? in
            guard let base = buffer.baseAddress else { return nil }
            yaml_parser_set_input_string(&parser, base + start, buffer.count - start)
            return build(&parser, base: start)
        }
    }

    /// A collection that is still open.
    private struct Open {
        var node: YAMLNode
        var list: [YAMLNode] = []
        var entries: [YAMLEntry] = []
        var key: YAMLNode?
        var isMap: Bool
        /// The names of the keys so far, with their index.
        var names: [String: Int] = [:]
    }

    private mutating func build(_ parser: inout yaml_parser_t, base: Int) -> Int? {
        var stack: [Open] = []
        var root: YAMLNode?
        let firstScalar = map.scalars(before: base)
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(&parser, &event) == 1 else { return report(parser, base: base, firstScalar) }
            defer { yaml_event_delete(&event) }
            let range = SourceRange(
                file: file, start: Int32(map.byte(ofScalar: firstScalar + Int(event.start_mark.index))),
                end: Int32(map.byte(ofScalar: firstScalar + Int(event.end_mark.index))))
            var finished: YAMLNode?
            switch event.type {
            case YAML_STREAM_END_EVENT: return nil
            case YAML_DOCUMENT_START_EVENT: root = nil
            case YAML_DOCUMENT_END_EVENT:
                if let root, !root.isEmpty { documents.append(root) }
            case YAML_ALIAS_EVENT:
                diagnostics.add(
                    Diagnostic(
                        .syntaxYAML, "`*` begins an alias in YAML, and aliases are not part of the language",
                        at: range, help: "write `any` for everything, quote a pattern (\"*-mini\"), or use `extends`"))
                finished = YAMLNode(.scalar("", .plain), range: range)
            case YAML_SCALAR_EVENT: finished = scalar(event, range)
            case YAML_SEQUENCE_START_EVENT, YAML_MAPPING_START_EVENT:
                guard stack.count < Bounds.yamlDepth else {
                    fail("more than \(Bounds.yamlDepth) levels of nesting", at: Int(range.start), length: 1)
                    return Int(range.start)
                }
                let isMap = event.type == YAML_MAPPING_START_EVENT
                let isFlow =
                    isMap
                    ? event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                    : event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
                refuseProperties(
                    anchor: isMap ? event.data.mapping_start.anchor : event.data.sequence_start.anchor,
                    tag: isMap ? event.data.mapping_start.tag : event.data.sequence_start.tag, at: range)
                stack.append(Open(node: YAMLNode(.list([]), range: range, isFlow: isFlow), isMap: isMap))
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
                guard var open = stack.popLast() else { break }
                open.node.range.end = max(open.node.range.start, lastByte(of: open, ending: range))
                open.node.content = open.isMap ? .map(open.entries) : .list(open.list)
                finished = open.node
            default: break
            }
            guard let node = finished else { continue }
            nodesLeft -= 1
            guard nodesLeft > 0 else {
                fail("more than \(Bounds.yamlNodes) values in one policy set", at: Int(range.start), length: 1)
                return bytes.count
            }
            guard let top = stack.indices.last else {
                root = node
                continue
            }
            if !stack[top].isMap {
                stack[top].list.append(node)
            } else if let key = stack[top].key {
                stack[top].entries.append(YAMLEntry(key: key, value: node))
                stack[top].key = nil
            } else {
                if let name = node.scalar {
                    let first = stack[top].names.updateValue(stack[top].entries.count, forKey: name)
                    if let first {
                        duplicateKey(node, first: stack[top].entries[first])
                        stack[top].names[name] = first
                    }
                }
                stack[top].key = checkedKey(node)
            }
        }
    }

    /// The end of a block collection: the end of its last value, not the start of the next token.
    private func lastByte(of open: Open, ending range: SourceRange) -> Int32 {
        if open.node.isFlow { return range.end }
        return open.entries.last?.range.end ?? open.list.last?.range.end ?? range.start
    }

    private mutating func scalar(_ event: yaml_event_t, _ range: SourceRange) -> YAMLNode {
        let data = event.data.scalar
        let style: YAMLNode.Style =
            switch data.style {
            case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
            case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
            case YAML_LITERAL_SCALAR_STYLE: .literal
            case YAML_FOLDED_SCALAR_STYLE: .folded
            default: .plain
            }
        refuseProperties(anchor: data.anchor, tag: data.tag, at: range)
        let text = String(decoding: UnsafeBufferPointer(start: data.value, count: data.length), as: UTF8.self)
        if collectsQuoted, style == .singleQuoted || style == .doubleQuoted { quoted.append(range) }
        return YAMLNode(.scalar(text, style), range: range)
    }

    private mutating func refuseProperties(
        anchor: UnsafeMutablePointer<yaml_char_t>?, tag: UnsafeMutablePointer<yaml_char_t>?, at range: SourceRange
    ) {
        if anchor != nil {
            diagnostics.add(
                Diagnostic(
                    .syntaxYAML, "`&` begins an anchor in YAML, and anchors are not part of the language", at: range,
                    help: "use `extends` to take a tier over, or quote the value"))
        }
        if tag != nil {
            diagnostics.add(
                Diagnostic(
                    .syntaxYAML, "a leading `!` is a tag in YAML, and tags are not part of the language", at: range,
                    help: "quote the condition: when: \"!fallback\""))
        }
    }

    private mutating func checkedKey(_ node: YAMLNode) -> YAMLNode {
        guard let name = node.scalar else {
            diagnostics.add(
                Diagnostic(
                    .syntaxShape, "a key must be a single value, not \(node.shape)", at: node.range,
                    help: "quote a value that contains `[`, `{` or `? `"))
            return YAMLNode(.scalar("", .plain), range: node.range)
        }
        if name == "<<" {
            diagnostics.add(
                Diagnostic(
                    .syntaxYAML, "merge keys (`<<`) are not part of the language", at: node.range,
                    help: "use `extends` to take a tier over"))
        }
        return node
    }

    private mutating func duplicateKey(_ node: YAMLNode, first: YAMLEntry) {
        guard node.scalar != "" else { return }
        diagnostics.add(
            Diagnostic(
                .syntaxDuplicateKey, "duplicate key `\(node.scalar ?? "")` in this map", at: node.range,
                notes: [.init("the first one is here", at: first.key.range)]))
    }

    // MARK: - Errors

    private mutating func fail(_ message: String, at offset: Int, length: Int, help: String? = nil) {
        isIncomplete = true
        let range = SourceRange(file: file, start: Int32(offset), end: Int32(min(offset + length, bytes.count)))
        diagnostics.add(Diagnostic(.syntaxYAML, message, at: range, help: help))
    }

    private mutating func report(_ parser: yaml_parser_t, base: Int, _ firstScalar: Int) -> Int {
        let problem = parser.problem.map { String(cString: $0) } ?? "this is not YAML"
        let offset: Int
        if parser.error == YAML_READER_ERROR {
            offset = min(base + Int(parser.problem_offset), bytes.count)
        } else {
            offset = map.byte(ofScalar: firstScalar + Int(parser.problem_mark.index))
        }
        let context =
            base == 0 || parser.context_mark.index > 0
            ? map.byte(ofScalar: firstScalar + Int(parser.context_mark.index)) : base
        let trap = YAMLTrap(bytes, problem: problem, at: offset, context: context).explain()
        fail(trap.message, at: trap.offset ?? offset, length: trap.length, help: trap.help)
        return offset
    }

    private func nextDocument(after offset: Int) -> Int? {
        var index = offset
        while index + 4 < bytes.count {
            if bytes[index] == UInt8(ascii: "\n"), bytes[index + 1..<index + 4].allSatisfy({ $0 == UInt8(ascii: "-") })
            {
                return index + 1
            }
            index += 1
        }
        return nil
    }

    /// Reports U+0085, U+2028 and U+2029, which break lines in YAML but not in editors, so that the file looks
    /// different from what is read.
    private mutating func checkLineSeparators() {
        guard collectsQuoted else { return }
        var index = 0
        // Both lists are in source order.
        var nextQuoted = 0
        while index + 2 < bytes.count {
            let isNextLine = bytes[index] == 0xC2 && bytes[index + 1] == 0x85
            let isSeparator = bytes[index] == 0xE2 && bytes[index + 1] == 0x80 && bytes[index + 2] & 0xFE == 0xA8
            while nextQuoted < quoted.count, Int(quoted[nextQuoted].end) <= index { nextQuoted += 1 }
            let isQuoted = nextQuoted < quoted.count && Int(quoted[nextQuoted].start) <= index
            if isNextLine || isSeparator, !isQuoted {
                fail(
                    "an invisible line separator (U+\(isNextLine ? "0085" : "2028 or U+2029")) outside quotes",
                    at: index,
                    length: isNextLine ? 2 : 3, help: "delete it, or write it as an escape in double quotes")
            }
            index += 1
        }
    }
}

/// Maps libyaml's code point counts to byte offsets.
private struct OffsetMap {
    private static let step = 256
    private let isASCII: Bool
    private let count: Int
    /// The byte offset of every 256th scalar.
    private let checkpoints: [Int32]
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        count = bytes.count
        isASCII = bytes.allSatisfy { $0 < 0x80 }
        var points: [Int32] = []
        if !isASCII {
            var scalars = 0
            for (offset, byte) in bytes.enumerated() where byte & 0xC0 != 0x80 {
                if scalars % Self.step == 0 { points.append(Int32(offset)) }
                scalars += 1
            }
        }
        checkpoints = points
    }

    func byte(ofScalar index: Int) -> Int {
        if isASCII { return min(index, count) }
        guard index / Self.step < checkpoints.count else { return count }
        var offset = Int(checkpoints[index / Self.step])
        var left = index % Self.step
        while left > 0, offset < count {
            offset += 1
            while offset < count, bytes[offset] & 0xC0 == 0x80 { offset += 1 }
            left -= 1
        }
        return offset
    }

    func scalars(before offset: Int) -> Int {
        if isASCII { return offset }
        // The last checkpoint at or before the byte.
        var low = 0
        var high = checkpoints.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if Int(checkpoints[middle]) <= offset { low = middle } else { high = middle }
        }
        guard low < checkpoints.count else { return 0 }
        return bytes[Int(checkpoints[low])..<max(Int(checkpoints[low]), offset)]
            .reduce(low * Self.step) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) }
    }
}

/// The first byte of malformed UTF-8 (RFC 3629: no overlong forms, no surrogates); nil if the bytes are valid.
func firstInvalidUTF8(_ bytes: [UInt8]) -> Int? {
    var index = 0
    while index < bytes.count {
        let byte = bytes[index]
        if byte < 0x80 {
            index += 1
            continue
        }
        let length: Int
        var lowest: UInt8 = 0x80
        var highest: UInt8 = 0xBF
        switch byte {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, lowest) = (3, 0xA0)
        case 0xED: (length, highest) = (3, 0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, lowest) = (4, 0x90)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, highest) = (4, 0x8F)
        default: return index
        }
        guard index + length <= bytes.count, (lowest...highest).contains(bytes[index + 1]) else { return index }
        for next in bytes[(index + 2)..<(index + length)] where next & 0xC0 != 0x80 { return index }
        index += length
    }
    return nil
}
