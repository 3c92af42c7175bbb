import BursarEngine
import BursarStorage
import BursarSyntax

/// Builds an engine's requests from records.
///
/// Only one thread at a time uses it.
package final class RequestBuilder {
    private let engine: Engine
    private let map: FieldMap
    private let usesRecordedOutput: Bool
    private let columns: FixedArray<NameColumns.Column>
    private let constants: [(slot: AttributeSlot, symbol: Symbol)]
    private let constantTenant: TenantID?
    /// The tenants that were already looked up, indexed by symbol.
    @exclusivity(unchecked) private var tenants = RawArray<TenantID?>()

    /// - Parameters:
    ///   - usesRecordedOutput: the recorded output is the expected output.
    package init(engine: Engine, map: FieldMap = FieldMap(), usesRecordedOutput: Bool) {
        self.engine = engine
        self.map = map
        self.usesRecordedOutput = usesRecordedOutput
        columns = FixedArray(NameColumns(engine, map).columns)
        constants = map.constants.compactMap { constant in
            guard constant.field != .tenant, let slot = constant.field.slot else { return nil }
            var text = constant.value
            return (slot, text.withUTF8 { engine.symbol(slot, $0) })
        }
        constantTenant = map.constants.last { $0.field == .tenant }.map { engine.tenant($0.value) }
    }

    /// The tenant of a symbol of the engine.
    @inline(__always)
    package func tenant(_ symbol: Symbol) -> TenantID {
        let index = Int(symbol.rawValue)
        if index < tenants.count, let known = tenants[index] { return known }
        return newTenant(symbol)
    }

    private func newTenant(_ symbol: Symbol) -> TenantID {
        let index = Int(symbol.rawValue)
        let tenant = engine.tenant(symbol)
        if index >= tenants.count { tenants.append(repeating: nil, count: index + 1 - tenants.count) }
        tenants[index] = tenant
        return tenant
    }

    /// The symbol of a record's name that was not looked up yet.
    private func symbol(_ block: RecordBlock, _ record: Int, _ column: NameColumns.Column) -> Symbol {
        let slice = block.slice(record, column.field)
        guard slice.isPresent else { return .absent }
        return block.withText(slice) { column.symbol($0, in: engine.symbols) }
    }

    private func constant(_ field: Field) -> String? { map.constants.last { $0.field == field }?.value }

    /// The request of a complete record.
    package func request(_ block: RecordBlock, _ record: Int, path: String, line: Int) -> Request {
        var request = Request(time: 0, tenant: tenant(of: record, block), model: .absent)
        fill(&request, block, record, path: path, line: line)
        return request
    }

    @inline(__always)
    private func tenant(of record: Int, _ block: RecordBlock) -> TenantID {
        if let constantTenant { return constantTenant }
        guard block.hasNames else { return tenant(symbol(block, record, columns[0])) }
        return tenant(Symbol(rawValue: block.record(record).symbols[0]))
    }

    /// Overwrites a request of this builder with the request of another complete record.
    package func fill(_ request: inout Request, _ block: RecordBlock, _ record: Int, path: String, line: Int) {
        let hasNames = block.hasNames
        request.time = block.number(record, .time)
        request.tenant = tenant(of: record, block)
        request.withAttributes { attributes in
            if hasNames {
                let symbols = block.record(record).symbols
                for index in 1..<columns.count {
                    attributes[columns[index].slot.rawValue] = symbols[index]
                }
            } else {
                for index in 1..<columns.count {
                    attributes[columns[index].slot.rawValue] = symbol(block, record, columns[index]).rawValue
                }
            }
        }
        if !constants.isEmpty { for constant in constants { request[constant.slot] = constant.symbol } }
        request.clearLists()
        let id = block.slice(record, .requestID)
        if id.isPresent {
            request.id = hasNames ? block.record(record).id.pointee : block.withText(id) { RequestID($0) }
        } else if map.isForeign {
            request.id = RequestID(constant(.requestID) ?? Self.lineName(path, line))
        } else {
            request.id = nil
        }
        request.inputTokens = max(-1, block.number(record, .inputTokens))
        request.cachedTokens = max(-1, block.number(record, .cachedTokens))
        request.maxOutputTokens = max(-1, block.number(record, .maxOutputTokens))
        request.expectedOutputTokens = max(-1, block.number(record, .expectedOutputTokens))
        request.characters = max(-1, block.number(record, .characters))
        request.attempt = max(-1, block.number(record, .attempt))
        request.isRecorded = false
        if usesRecordedOutput {
            let output = block.number(record, .outputTokens)
            if output >= 0 {
                request.expectedOutputTokens = output
                request.isRecorded = true
            }
        }
        request.isFallback = block.truth(record, .fallback)
        request.isConfirmed = block.truth(record, .confirmed) ?? false
        request.isApproved = block.truth(record, .approved) ?? false
        request.acceptsDowngrade = false
        if block.hasLists { addLists(block, record, &request) }
    }

    private func addLists(_ block: RecordBlock, _ record: Int, _ request: inout Request) {
        for (field, slice) in block.lists[record] ?? [] {
            let texts = block.listTexts(slice) ?? []
            switch field {
            case .tools: request.tools = texts.map { engine.symbols.intern($0) }
            case .accepts: request.acceptsDowngrade = texts.contains("downgrade")
            default:
                for index in stride(from: 0, to: texts.count - 1, by: 2) {
                    request.labels.append(
                        Request.Label(
                            key: engine.symbols.intern(texts[index]), value: engine.symbols.intern(texts[index + 1])))
                }
            }
        }
    }

    /// The id of a record without one.
    static func lineName(_ path: String, _ line: Int) -> String {
        "\(path.split(separator: "/").last ?? "log"):\(line)"
    }

    /// The data about the record in a decision's JSON.
    package func label(_ block: RecordBlock, _ record: Int, path: String, line: Int) -> RequestLabel {
        RequestLabel(
            requestID: constant(.requestID) ?? block.text(record, .requestID)
                ?? (map.isForeign ? Self.lineName(path, line) : ""),
            tenant: constant(.tenant) ?? block.text(record, .tenant) ?? "",
            time: block.number(record, .time) == .min ? nil : block.number(record, .time),
            model: constant(.model) ?? block.text(record, .model) ?? "")
    }

    /// The recorded usage; nil if the record has none.
    @inline(__always)
    package func usage(_ block: RecordBlock, _ record: Int) -> Usage? {
        let output = block.number(record, .outputTokens)
        guard output >= 0 else { return nil }
        return Usage(
            inputTokens: max(0, block.number(record, .inputTokens)),
            cachedTokens: max(0, block.number(record, .cachedTokens)),
            outputTokens: output, hasFailed: hasFailed(block, record))
    }

    private static let failures = ["error", "failed", "failure", "timeout"].map { Array($0.utf8) }

    /// The record's `status` reports a failed call.
    @inline(__always)
    private func hasFailed(_ block: RecordBlock, _ record: Int) -> Bool {
        // Nearly every status is `ok`, and all failures are longer.
        let status = block.slice(record, .status)
        return status.count > 4 && isFailure(status, block)
    }

    private func isFailure(_ status: ByteSlice, _ block: RecordBlock) -> Bool {
        block.withText(status) { bytes in
            Self.failures.contains { $0.count == bytes.count && bytes.elementsEqual($0) }
        }
    }

    /// Builds a request of `eval`; a request without a time gets `now`.
    package func evalRequest(_ block: RecordBlock, now: Int64) throws(EvalError) -> Request {
        if block.slice(0, .requestID).isPresent == false { throw EvalError(reason: "`request_id` is missing") }
        if !block.slice(0, .tenant).isPresent { throw EvalError(reason: "`tenant` is missing") }
        if !block.slice(0, .model).isPresent { throw EvalError(reason: "`model` is missing") }
        if let defect = block.nameDefect(0) ?? block.countDefect(0) { throw EvalError(reason: defect) }
        if block.number(0, .time) == .min { block.setNumber(0, .time, now) }
        return request(block, 0, path: "", line: 1)
    }

    package struct EvalError: Error {
        package var reason: String
    }
}
