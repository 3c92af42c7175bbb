import BursarReplay
import BursarSyntax

/// Files of partial replays.
extension PartialReplay {
    func write(to path: String) throws {
        let bytes = try encoded()
        if OutputNames.isStandardOutput(path) { return Console.print(bytes: bytes) }
        try OutputFile.write(bytes, to: path)
    }

    /// The whole of a replay from the files of all of its shards.
    static func merged(_ paths: [String]) throws -> ReplaySummary {
        do {
            return try merged(paths.map { (path: $0, partial: try PartialReplay(try FileReading.read($0), path: $0)) })
        } catch let error as FileError {
            throw ExitStatus(ExitStatus.usage, error.description)
        } catch let error as PartialReplay.Unusable {
            throw ExitStatus(ExitStatus.usage, error.description)
        }
    }
}
