/// Escapes outside text, such as a name or a path, for display to people: characters that act on a terminal or reorder
/// other text are escaped, so that a name stays one piece on one line. JSON and HTML have their own escapes.
package func shown(_ text: String) -> String { escaping(text, keepsLines: false) }

/// The same for text of several lines: line breaks and tabs stay.
package func shownLines(_ text: String) -> String { escaping(text, keepsLines: true) }

/// Shortens a name for a table to a number of terminal columns by leaving out its middle.
package func shown(_ text: String, columns limit: Int) -> String {
    let text = shown(text)
    let scalars = text.unicodeScalars
    if scalars.count <= scalarsPerColumn * limit, displayWidth(text) <= limit { return text }
    let tail = (limit - 1) / 3
    let head = fitting(scalars, limit - 1 - tail)
    let end = fitting(scalars.dropFirst(head.count).reversed(), tail).reversed()
    var result = String.UnicodeScalarView(head)
    result.append("…")
    result.append(contentsOf: end)
    return String(result)
}

/// The maximum number of scalars per column, because a character may have any number of combining marks.
private let scalarsPerColumn = 8

/// The longest prefix that fits.
private func fitting(_ scalars: some Sequence<Unicode.Scalar>, _ limit: Int) -> [Unicode.Scalar] {
    var width = 0
    return scalars.prefix(scalarsPerColumn * limit).prefix {
        width += columns($0)
        return width <= limit
    }
}

/// The number of terminal columns that a text takes.
package func displayWidth(_ text: String) -> Int { text.reduce(0) { $0 + columns($1) } }

private func escaping(_ text: String, keepsLines: Bool) -> String {
    guard text.unicodeScalars.contains(where: acts) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n", "\t":
            if keepsLines { result.unicodeScalars.append(scalar) } else { result += scalar == "\n" ? "\\n" : "\\t" }
        case "\r": result += "\\r"
        default:
            if acts(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
    }
    return result
}

/// A character that does not only show itself: control characters, line separators, marks and overrides of the writing
/// direction, and invisible tags.
package func acts(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0: true
    case 0..<0x61C: false
    case 0x61C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE007F: true
    default: false
    }
}

private func columns(_ character: Character) -> Int {
    // Combining characters take no column of their own.
    character.unicodeScalars.reduce(0) { max($0, columns($1)) }
}

private func columns(_ scalar: Unicode.Scalar) -> Int {
    if scalar.value < 0x300 { return 1 }
    switch scalar.value {
    // Unicode Standard Annex 11: wide and full-width characters, and emoji.
    case 0x1100...0x115F, 0x231A...0x231B, 0x2329...0x232A, 0x23E9...0x23EC, 0x25FD...0x25FE, 0x2614...0x2615,
        0x2648...0x2653, 0x26AA...0x26AB, 0x26BD...0x26BE, 0x26C4...0x26C5, 0x2705, 0x270A...0x270B, 0x2728,
        0x274C, 0x2753...0x2755, 0x2757, 0x2795...0x2797, 0x2B1B...0x2B1C, 0x2B50, 0x2B55, 0x2E80...0x303E,
        0x3041...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
        0xFFE0...0xFFE6, 0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF, 0x1F004, 0x1F0CF, 0x1F18E...0x1F19A,
        0x1F200...0x1F320, 0x1F32D...0x1F64F, 0x1F680...0x1F6FF, 0x1F7E0...0x1F7F0, 0x1F90C...0x1F9FF,
        0x1FA70...0x1FAFF, 0x20000...0x3FFFD:
        return 2
    default: break
    }
    // The variation selector for emoji.
    if scalar.value == 0xFE0F { return 2 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: return 1
    }
}
