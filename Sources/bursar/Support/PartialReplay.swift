import BursarReplay
import BursarSyntax

/// Files of partial replays.
extension PartialReplay {
    func write(to path: String) throws {
        let bytes = try encoded()
        guard bytes.count <= Bounds.partialBytes else {
            throw ExitStatus(
                ExitStatus.usage,
                "--partial: the shard has more than \(Bounds.partialBytes >> 20) MiB; divide the replay into more shards"
            )
        }
        if OutputNames.isStandardOutput(path) { return Console.print(bytes: bytes) }
        try OutputFile.write(bytes, to: path)
    }

    /// The result of the whole replay from the files of all shards.
    static func merged(_ paths: [String]) throws -> ReplaySummary {
        do {
            return try merged(
                paths.map { path in
                    let bytes = try FileReading.read(path, limit: Bounds.partialBytes)
                    return (path: path, partial: try PartialReplay(bytes, path: path))
                })
        } catch let error as FileError {
            throw ExitStatus(ExitStatus.usage, error.description)
        } catch let error as PartialReplay.Unusable {
            throw ExitStatus(ExitStatus.usage, error.description)
        }
    }
}
