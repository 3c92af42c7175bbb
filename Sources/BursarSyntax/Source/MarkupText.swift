/// Text in HTML or XML, between tags and in attributes. Control characters have no place in XML 1.0, not even escaped.
package func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "'": result += "&#39;"
        case "\n": result += "&#10;"
        default: result.unicodeScalars.append(scalar.value < 0x20 ? "\u{FFFD}" : scalar)
        }
    }
    return result
}
