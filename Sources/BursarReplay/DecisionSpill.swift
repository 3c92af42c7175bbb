import BursarSyntax

/// Stores decisions made in the order of time in a temporary file, and returns them in the order of the log.
///
/// Takes 16 bytes of memory per record, independent of the size of its decision.
final class DecisionSpill {
    private struct Place {
        var start = 0
        var count = 0
    }

    private let file: OutputFile
    private var size = 0
    /// Indexed by the record's position in the log.
    private var places: [Place]

    /// Neighbours in the file are read together, up to this number of bytes.
    private static let chunkBytes = 1 << 20

    init(recordCount: Int) throws(FileError) {
        file = try OutputFile(temporaryFor: TemporaryFiles.folder)
        places = Array(repeating: Place(), count: recordCount)
    }

    /// Stores consecutive decisions.
    ///
    /// - Parameter records: for each record its position in the log and the range of its decision in `bytes`.
    func add(_ bytes: [UInt8], _ records: [(sequence: Int, start: Int, count: Int)]) throws(FileError) {
        try file.write(bytes)
        for record in records where places.indices.contains(record.sequence) {
            places[record.sequence] = Place(start: size + record.start, count: record.count)
        }
        size += bytes.count
    }

    /// Passes all decisions to `body`, in the order of the log.
    func handOut(_ body: ([UInt8]) throws -> Void) throws {
        try file.flush()
        var output: [UInt8] = []
        var run = Place()
        func readRun() throws(FileError) {
            if run.count > 0 { output += try file.read(from: run.start, count: run.count) }
        }
        for place in places where place.count > 0 {
            if place.start == run.start + run.count, run.count < Self.chunkBytes {
                run.count += place.count
                continue
            }
            try readRun()
            run = place
            if output.count >= Self.chunkBytes {
                try body(output)
                output.removeAll(keepingCapacity: true)
            }
        }
        try readRun()
        if !output.isEmpty { try body(output) }
        file.discard()
    }
}
