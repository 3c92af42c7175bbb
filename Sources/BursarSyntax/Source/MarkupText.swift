/// Text in HTML or XML, between tags and in attributes. Control characters have no place in XML 1.0, not even escaped;
/// those that change the order of the text around them would make a report say something else.
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
