#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

#if COVERAGE_GUIDED
    /// libFuzzer calls it with one input after the other.
    @_cdecl("LLVMFuzzerTestOneInput")
    public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
        Target.chosen.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
        return 0
    }

    @_silgen_name("LLVMFuzzerRunDriver")
    private func runDriver(
        _ count: UnsafeMutablePointer<Int32>,
        _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
        _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
    ) -> Int32

    /// The package manager names the main function of an executable so; libFuzzer has one of its own that would not be
    /// called.
    @_cdecl("bursar_fuzz_coverage_main")
    public func main(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> Int32 {
        var count = count
        var arguments = arguments
        return runDriver(&count, &arguments, testOneInput)
    }
#else
    /// Without libFuzzer the files of the command line are run once each.
    @main
    enum Entry {
        static func main() {
            for path in CommandLine.arguments.dropFirst() {
                guard let stream = fopen(path, "rb") else { continue }
                var bytes = [UInt8](repeating: 0, count: 1 << 20)
                let count = fread(&bytes, 1, bytes.count, stream)
                fclose(stream)
                Target.chosen.run(Array(bytes.prefix(count)))
            }
        }
    }
#endif
