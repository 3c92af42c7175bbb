import BursarSyntax

/// Charts for the report, as SVG without scripts.
struct Chart {
    static let width = 720.0

    /// Stacked bars over time.
    static func bars(_ points: [(label: String, parts: [Int])], names: [String], unit: String) -> String {
        let height = 180.0
        let left = 56.0
        let bottom = 24.0
        let most = max(1, points.map { $0.parts.sumSaturated() }.max() ?? 1)
        let top = niceTop(most)
        let step = (width - left) / Double(max(1, points.count))
        var svg = open(height, "Requests over time, by outcome")
        for tick in [0, top / 2, top] {
            let y = (height - bottom) * (1 - Double(tick) / Double(top)) + 4
            svg += "<line class=\"grid\" x1=\"\(left)\" x2=\"\(width)\" y1=\"\(short(y))\" y2=\"\(short(y))\"/>"
            svg += "<text x=\"\(left - 6)\" y=\"\(short(y + 4))\" text-anchor=\"end\">\(tick)</text>"
        }
        for (index, point) in points.enumerated() {
            var y = height - bottom + 4
            for (part, value) in point.parts.enumerated() where value > 0 {
                let size = (height - bottom) * Double(value) / Double(top)
                y -= size
                svg +=
                    "<rect class=\"s\(part)\" x=\"\(short(left + Double(index) * step))\" y=\"\(short(y))\" width=\"\(short(max(0.6, step - 1)))\" height=\"\(short(size))\"><title>\(escaped(point.label)): \(value) \(names[part])</title></rect>"
            }
        }
        for index in labelled(points.count) {
            let x = left + (Double(index) + 0.5) * step
            svg +=
                "<text x=\"\(short(x))\" y=\"\(height)\" text-anchor=\"\(index == 0 ? "start" : index == points.count - 1 ? "end" : "middle")\">\(escaped(points[index].label))</text>"
        }
        svg += "</svg>"
        let legend = names.enumerated().map { "<span class=\"key\"><i class=\"s\($0)\"></i>\(escaped($1))</span>" }
            .joined()
        return "<figure>\(svg)<figcaption>\(legend) <span class=\"unit\">\(escaped(unit))</span></figcaption></figure>"
    }

    /// A curve from 0 to 1 over ranks.
    static func curve(_ shares: [Double], caption: String) -> String {
        let height = 180.0
        let left = 56.0
        let bottom = 24.0
        var svg = open(height, caption)
        for tick in [0.0, 0.5, 1.0] {
            let y = (height - bottom) * (1 - tick) + 4
            svg += "<line class=\"grid\" x1=\"\(left)\" x2=\"\(width)\" y1=\"\(short(y))\" y2=\"\(short(y))\"/>"
            svg += "<text x=\"\(left - 6)\" y=\"\(short(y + 4))\" text-anchor=\"end\">\(Int(tick * 100))%</text>"
        }
        let points = ([0.0] + shares).enumerated().map { index, share in
            let x = left + (width - left) * Double(index) / Double(max(1, shares.count))
            return "\(short(x)),\(short((height - bottom) * (1 - share) + 4))"
        }
        svg += "<polyline class=\"line\" points=\"\(points.joined(separator: " "))\"/>"
        svg +=
            "<text x=\"\(left)\" y=\"\(height)\">0</text><text x=\"\(width)\" y=\"\(height)\" text-anchor=\"end\">\(shares.count) tenants</text></svg>"
        return "<figure>\(svg)<figcaption>\(escaped(caption))</figcaption></figure>"
    }

    private static func open(_ height: Double, _ title: String) -> String {
        "<svg viewBox=\"0 0 \(Int(width)) \(Int(height) + 8)\" role=\"img\" aria-label=\"\(escaped(title))\">"
    }

    private static func niceTop(_ most: Int) -> Int {
        var unit = 1
        while unit < most.dividedRoundingUp(by: 10) { unit = unit.multipliedSaturated(by: 10) }
        return [1, 2, 4, 6, 8, 10].map { unit.multipliedSaturated(by: $0) }.first { $0 >= most } ?? most
    }

    /// The indices of the bars with a label: the first, the last and some between them.
    private static func labelled(_ count: Int) -> [Int] {
        guard count > 1 else { return count == 1 ? [0] : [] }
        return Array(Set([0, count / 4, count / 2, count * 3 / 4, count - 1])).sorted()
    }

    private static func short(_ value: Double) -> String {
        let tenths = Int64(saturating: (value * 10).rounded())
        let size = tenths.magnitude
        return size % 10 == 0 ? String(tenths / 10) : "\(tenths < 0 ? "-" : "")\(size / 10).\(size % 10)"
    }
}
