import BursarSyntax

extension RejectedRequest {
    /// nil if neither can be read.
    init?(_ line: UnsafeBufferPointer<UInt8>, _ format: LogFormat) {
        if format.isCSV {
            let cells = (try? CSVScanner.header(line, path: "")) ?? []
            for (field, cell) in zip(format.columns, cells) where !cell.isEmpty {
                if field == .requestID, requestID == nil { requestID = cell }
                if field == .tenant, tenant == nil { tenant = cell }
            }
        } else {
            let fields = TopLevelFields(line)
            requestID = fields.text(.requestID, columns: format.map.columns)
            tenant = fields.text(.tenant, columns: format.map.columns)
        }
        for constant in format.map.constants {
            if constant.field == .requestID { requestID = constant.value }
            if constant.field == .tenant { tenant = constant.value }
        }
        requestID = requestID.flatMap(Self.bounded)
        tenant = tenant.flatMap(Self.bounded)
        if requestID == nil, tenant == nil { return nil }
    }

    /// Longer names are no help, and rejects are kept in memory.
    private static func bounded(_ name: String) -> String? {
        name.isEmpty || name.utf8.count > Bounds.nameBytes ? nil : name
    }
}
