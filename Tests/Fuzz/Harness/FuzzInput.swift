import BursarSyntax

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Files and the steps that use them. An input is a folder on disk: the files, and `steps.jsonl` with one step a line.
struct FuzzInput {
    /// One step: the arguments of a `bursar` command, or a directive of `StepRunner` with its arguments.
    typealias Step = [String]

    static let stepsFile = "steps.jsonl"

    var files: [(name: String, bytes: [UInt8])] = []
    var steps: [Step] = []

    init() {}

    mutating func add(_ name: String, _ bytes: [UInt8]) { files.append((name, bytes)) }
    mutating func add(_ name: String, _ text: String) { files.append((name, Array(text.utf8))) }
    mutating func run(_ arguments: String...) { steps.append(arguments) }

    /// The files that may be changed. A `then` step promises that what an earlier step writes works with the other files of
    /// its set: the promise says nothing about a set that is itself wrong.
    var changeable: [Int] {
        let makesPromise = steps.contains { $0.first == "then" }
        return files.indices.filter { !makesPromise || !files[$0].name.hasPrefix("set/") }
    }

    /// Writes the files into a folder, which is made where there is none.
    func writeFiles(to folder: String) {
        mkdir(folder, 0o777)
        for file in files {
            let path = "\(folder)/\(file.name)"
            if let slash = file.name.lastIndex(of: "/") { mkdir("\(folder)/\(file.name[..<slash])", 0o777) }
            Files.write(file.bytes, to: path)
        }
    }

    /// Writes the whole input, to be read again by `init(folder:)`.
    func save(to folder: String) {
        writeFiles(to: folder)
        var lines: [UInt8] = []
        for step in steps {
            var json = JSONWriter()
            json.array { json in for argument in step { json.value(argument) } }
            lines += json.bytes + [0x0A]
        }
        Files.write(lines, to: "\(folder)/\(Self.stepsFile)")
    }

    /// Reads an input that was saved; nil where the folder holds none.
    init?(folder: String) {
        guard let lines = Files.read("\(folder)/\(Self.stepsFile)") else { return nil }
        for line in lines.split(separator: 0x0A) {
            guard case .list(let items)? = try? JSONTree.parse(Array(line)) else { return nil }
            steps.append(items.compactMap(\.text))
        }
        for name in Files.tree(folder) where name != Self.stepsFile {
            add(name, Files.read("\(folder)/\(name)") ?? [])
        }
    }
}
