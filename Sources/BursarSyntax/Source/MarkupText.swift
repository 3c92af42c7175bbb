/// Escapes text for HTML or XML, both between tags and in attributes. Replaces control characters, which XML 1.0
/// forbids even if they are escaped, and characters that change the direction of text, which could falsify a report.
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
        default:
            let isAllowed = !acts(scalar) && scalar.value != 0xFFFE && scalar.value != 0xFFFF
            result.unicodeScalars.append(isAllowed ? scalar : "\u{FFFD}")
        }
    }
    return result
}
