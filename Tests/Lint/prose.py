#!/usr/bin/env python3
"""Checks the prose of the project against its word list.

    prose.py [--sources] [FILE...]

Without files it reads Docs/, README.md, CONTRIBUTING.md, CHANGELOG.md and SECURITY.md, and the comments and string literals of the
folders of Sources/ in CLEAN. `--sources` adds all other folders of Sources/ and the pages of Policies/. Fenced code, inline code, link
targets and generated pages are skipped.
Each line printed is `file:line: phrase: what to write instead`. The exit status is 1 if anything was found.

A sentence that needs a listed phrase goes into Tests/Lint/prose-allowed.txt with its reason.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ALLOWED = ROOT / "Tests" / "Lint" / "prose-allowed.txt"

# Pages that a program writes: their words are checked where they come from.
GENERATED = ["Docs/diagnostics/", "Docs/commands.md"]
# Folders and files of Sources/ without findings, which must stay so. Add each folder that is rewritten.
CLEAN = [
    "Sources/Bursar/", "Sources/BursarAnalysis/Amounts/", "Sources/BursarAnalysis/Diff/", "Sources/BursarAnalysis/Solver/",
    "Sources/BursarLanguageServer/", "Sources/BursarReplay/", "Sources/BursarStorage/", "Sources/BursarTesting/",
    "Sources/bursar/",
]

# What a sentence starts with: after a full stop, in a table cell, in a list, in a heading or a paragraph.
START = r"(?:^[ ]*(?:[-*#>]+ |\d+\. )?(?:\*\*)?|[.!?:] (?:\*\*)?|\| +)"

RULES = [
    (START + r"(Of|What|Where|Whether|Whoever|Whatever)\b(?![^.|]*\?)", "start with the subject of the sentence"),
    (START + r"(Nothing|Nobody|None) (but|of|else|that|who)\b", "name who or what does it"),
    (r"\b(stands?|stood|standing) (twice|in|at|for|behind|beside|below|above|by|over|there|on|where|apart|as)\b",
     "is, appears, is declared, represents"),
    (r"\b(stands?|stood) still\b", "does not change"),
    (r"\b(?:is|are|was|were|be) told\b(?! apart)", "is reported, is notified, gets"),
    (r"\b(?:is|are|was|were) said\b", "is stated, is given"),
    (r"\basks? (of|for what)\b", "requires, reads"),
    (r"\bso (many|much) (?!that\b|as\b|so\b)", "N, the number of"),
    (r"\b(decided|comes? out|counted|said|moves?|meant|ends?|reads?) otherwise\b", "differently"),
    (r"\botherwise (now|than)\b", "differently"),
    (r"\bun(said|asked)\b", "by default, not given"),
    (r"\b(nobody|whoever|whosoever)\b", "name the actor: no tenant, the caller"),
    (r"\bway out\b", "how to fix"),
    (r"\b(makes?|has|have|had|having) no sense\b", "does not apply"),
    (r"\bguess(ed|es)?\b", "detected"),
    (r"\b(this|that|it|which|text) (is|was) no (?!longer|more|better|worse|other|different|such)", "is not a"),
    (r"\bdear(er|est)?\b", "expensive"),
    (r"\bgrave(r|st)?\b", "severe"),
    (r"\bat hand\b", "available"),
    (r"\bputs? (?:\w+ ){0,2}in (?:the )?place of\b", "replaces"),
    (r"\btakes? the place of\b", "replaces"),
    (r"\bone after the other\b", "in turn, in sequence"),
    (r"\bmends?\b", "fixes"),
    (r"\bas one types\b", "as you type"),
    (r"\bReading again\b", "an imperative title"),
]
COMPILED = [(re.compile(pattern, re.IGNORECASE if not pattern.startswith(START) else 0), advice)
            for pattern, advice in RULES]


def allowed():
    """Allowed phrases by file: `path: phrase  # reason`; the reason is required."""
    entries = []
    for number, line in enumerate(ALLOWED.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        entry, separator, reason = line.partition("  # ")
        path, colon, phrase = entry.partition(": ")
        if not separator or not reason.strip() or not colon or not phrase.strip():
            sys.exit(f"{ALLOWED.relative_to(ROOT)}:{number}: expected `path: phrase  # reason`")
        entries.append([path, phrase.strip(), number, False])
    return entries


def markdown(text):
    """The prose of each line of a Markdown file: code, link targets and comments become spaces."""
    is_fenced = False
    lines = []
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            is_fenced = not is_fenced
            lines.append("")
            continue
        if is_fenced:
            lines.append("")
            continue
        line = re.sub(r"`[^`]*`", "`code`", line)
        line = re.sub(r"\]\([^)]*\)", "]", line)
        lines.append(line)
    return lines


def swift(text):
    """Comments and string literals of each line of a Swift or C file."""
    lines = []
    for line in text.splitlines():
        code, slashes, comment = line.partition("//")
        literals = re.findall(r'"((?:[^"\\]|\\.)*)"', code)
        prose = [re.sub(r"`[^`]*`", "`code`", part) for part in literals if " " in part]
        if slashes and code.count('"') % 2 == 0:
            prose.append(re.sub(r"`[^`]*`", "`code`", comment.lstrip("/ ")))
        lines.append("  ".join(prose))
    return lines


def files(with_sources):
    found = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
    found += sorted((ROOT / "Docs").rglob("*.md"))
    if with_sources:
        found += sorted((ROOT / "Policies").glob("*/README.md"))
    sources = sorted(path for ending in ("*.swift", "*.h", "*.c") for path in (ROOT / "Sources").rglob(ending))
    found += [path for path in sources if with_sources or name_of(path).startswith(tuple(CLEAN))]
    return [path for path in found if path.exists()]


def name_of(path):
    try:
        return path.resolve().relative_to(ROOT).as_posix()
    except ValueError:
        return path.as_posix()


def check(path, exceptions):
    """The findings of one file, as lines to print."""
    name = name_of(path)
    text = path.read_text(encoding="utf-8")
    prose = markdown(text) if path.suffix == ".md" else swift(text)
    found = []
    for number, line in enumerate(prose, 1):
        # A phrase may go on in the next line; it is reported where it begins.
        following = prose[number].strip() if number < len(prose) else ""
        window = line if not line or re.match(r"[|#]|[-*] |\d+\. ", following) else f"{line} {following}"
        for pattern, advice in COMPILED:
            for match in pattern.finditer(window):
                if match.start() >= len(line):
                    continue
                exception = next((e for e in exceptions if e[0] == name and e[1] in window), None)
                if exception:
                    exception[3] = True
                    continue
                phrase = match.group(0).strip(" .:|*#>-")
                found.append(f"{name}:{number}: {phrase}: {advice}")
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sources", action="store_true", help="also the folders of Sources/ outside CLEAN")
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    exceptions = allowed()
    found = []
    paths = options.files or files(options.sources)
    for path in paths:
        if not name_of(path).startswith(tuple(GENERATED)):
            found += check(path, exceptions)
    if not options.files:
        read = {name_of(path) for path in paths}
        for path, phrase, number, is_used in exceptions:
            if not is_used and (path in read or not (ROOT / path).exists()):
                found.append(f"Tests/Lint/prose-allowed.txt:{number}: `{phrase}` is not in {path} any more")
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
