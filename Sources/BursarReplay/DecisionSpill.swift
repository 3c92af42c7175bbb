import BursarSyntax

/// Decisions that were made in the order of time, in a temporary file until all are there, for the order of the log.
///
/// Memory: 16 bytes a record, however long its decision is.
final class DecisionSpill {
    private struct Place {
        var start = 0
        var count = 0
    }

    private let file: OutputFile
    private var size = 0
    /// By the record's place in the log.
    private var places: [Place]

    /// Neighbours in the file are read together, so many bytes at once.
    private static let chunkBytes = 1 << 20

    init(recordCount: Int) throws(FileError) {
        file = try OutputFile(temporaryFor: TemporaryFiles.folder)
        places = Array(repeating: Place(), count: recordCount)
    }

    /// Keeps decisions that follow each other.
    ///
    /// - Parameter records: the record's place in the log, and where its decision is among the bytes.
    func add(_ bytes: [UInt8], _ records: [(sequence: Int, start: Int, count: Int)]) throws(FileError) {
        try file.write(bytes)
        for record in records where places.indices.contains(record.sequence) {
            places[record.sequence] = Place(start: size + record.start, count: record.count)
        }
        size += bytes.count
    }

    /// Hands out what there is, in the order of the log.
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
