#!/usr/bin/env python3
"""The list of checks: every type in Sources/BursarAnalysis/Checks that conforms to `Check` or `SetCheck`.

Without arguments the list is compared with the file, and the exit status is 1 if it differs. `--write` writes the file.
"""

import pathlib
import re
import sys

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "BursarAnalysis"
LIST = SOURCES / "CheckList.swift"
CHECK = re.compile(r"^(?:enum|struct) (\w+): (Check|SetCheck) \{", re.MULTILINE)


def text() -> str:
    names = {"Check": [], "SetCheck": []}
    for path in sorted((SOURCES / "Checks").glob("*.swift")):
        for name, protocol in CHECK.findall(path.read_text(encoding="utf-8")):
            names[protocol].append(name)

    def list_of(protocol: str) -> str:
        return "".join(f"        {name}.self,\n" for name in names[protocol])

    return (
        "// `make checks` writes this file from the files in Checks/. Do not edit it.\n\n"
        "/// Every check, in the order in which checks run.\n"
        "enum CheckList {\n"
        f"    static let checks: [any Check.Type] = [\n{list_of('Check')}    ]\n\n"
        f"    static let setChecks: [any SetCheck.Type] = [\n{list_of('SetCheck')}    ]\n"
        "}\n"
    )


def main() -> int:
    wanted = text()
    found = LIST.read_text(encoding="utf-8") if LIST.exists() else ""
    if wanted == found:
        return 0
    if "--write" in sys.argv[1:]:
        LIST.write_text(wanted, encoding="utf-8")
        return 0
    print(f"{LIST}: the list of checks is out of date; run `make checks`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
