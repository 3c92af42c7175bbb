import Foundation
import Testing

/// The Swift samples of the pages are those that `DocumentationSamples` compiles and runs, word for word.
struct DocumentationTests {
    private static let pages = ["README.md", "Docs/embedding.md", "Sources/Bursar/Bursar.docc/Bursar.md"]

    /// The code of every Swift block of a page; the package's line in a manifest is no sample.
    private func blocks(of page: String) throws -> [String] {
        try Samples.text(page).components(separatedBy: "```swift\n").dropFirst()
            .compactMap { $0.components(separatedBy: "\n```").first }
            .filter { !$0.hasPrefix(".package(") }
    }

    /// The regions of the compiled file, without their indentation.
    private func samples() throws -> [String] {
        try Samples.text("Tests/BursarTests/DocumentationSamples.swift").components(separatedBy: "// sample: ")
            .dropFirst().compactMap { region in
                let lines = region.components(separatedBy: "\n").dropFirst()
                let body = lines.prefix { $0.trimmingCharacters(in: .whitespaces) != "// end" }
                let indent = body.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
                return body.map { String($0.dropFirst(indent)) }.joined(separator: "\n")
            }
    }

    @Test func everySampleIsCompiledAndRun() throws {
        let compiled = try samples()
        #expect(compiled.count >= 6)
        for page in Self.pages {
            let blocks = try blocks(of: page)
            #expect(!blocks.isEmpty, "\(page) has no Swift sample")
            for block in blocks {
                #expect(
                    compiled.contains(block), "\(page): this sample is not in DocumentationSamples.swift:\n\(block)")
            }
        }
    }

    @Test func everySampleIsShown() throws {
        let shown = try Self.pages.flatMap { try blocks(of: $0) }
        for sample in try samples() { #expect(shown.contains(sample), "no page shows this sample:\n\(sample)") }
    }
}
