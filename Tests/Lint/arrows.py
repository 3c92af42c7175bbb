#!/usr/bin/env python3
"""Checks that arrows between modules, and between the folders of a module, point one way. Status 1 if one points back.

A file may import a module only if Package.swift declares the dependency. A file may use a type that another folder of its
module declares only if that folder comes earlier in LAYERS.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# The folders of each module, each using only those before it. Folders in one string do not use each other.
LAYERS = {
    "BursarSyntax": ["JSON", "Source", "Rules", "Scalars YAML", "Actions Alerts Conditions", "Documents Formatting"],
    "BursarPolicy": ["Time", "Rules", "IR", "Compiler"],
    "BursarAnalysis": ["Solver Amounts Rules", "Checks Checking", "Diff"],
    "BursarEngine": ["Values", "Compiled", "State", "Deciding", "Alerts Explaining"],
    "BursarLogs": ["Records", "Reading", "Formats"],
    "BursarReplay": ["Report"],
    "bursar": ["Support", "Commands"],
}

# Arrows that still point back: module, folder, type that it uses. One that is no longer there is an error too.
KNOWN = {
    "BursarEngine": [
        # A tenant that was found once holds its account, so that it is not looked up for each request.
        ("Values", "Account"), ("Values", "CompiledEdition"),
        ("Compiled", "CounterRetentions"), ("Compiled", "ReservationHeader"),
        ("State", "Engine"),
    ],
    "BursarPolicy": [("IR", "PlanBuilder")],
    "BursarSyntax": [("Scalars", "Scope")],
    "BursarLogs": [("Records", "NameReader")],
}

DECLARED = re.compile(
    r"(?m)^(?:@[\w()]+ )*((?:(?:package|public|final|indirect|private|fileprivate) )*)(?:struct|class|enum|protocol|actor|typealias) (\w+)")
SKIPPED = re.compile(r'//.*|"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"')


def dependencies(manifest):
    """The modules that each target may import, by its name: those it depends on, and theirs."""
    found = {}
    for target in re.split(r"\.(?:target|executableTarget|testTarget)\(", manifest)[1:]:
        name = re.search(r'name:\s*"([\w-]+)"', target)[1]
        listed = re.search(r"dependencies:\s*\[(.*?)\n?\s*\](?:,\s*path|,\s*exclude|,\s*swiftSettings|\)|,\s*$)", target, re.S)
        found[name] = set(re.findall(r'"(\w+)"', listed[1])) if listed else set()
    for _ in found:
        for name in found:
            found[name] = found[name].union(*(found.get(used, set()) for used in found[name]))
    return found


def undeclared_imports(name, texts, declared):
    """Imports of the package's own modules that the target does not depend on."""
    for path, text in sorted(texts.items()):
        for imported in re.findall(r"(?m)^(?:@\w+ )?(?:package |public |internal )?import (?:struct |func )?(\w+)", text):
            if imported in declared and imported not in declared[name] and imported != name:
                yield f"{path}: imports {imported}, on which the target {name} does not depend in Package.swift"


def backward(module, texts, layers, known=()):
    """Uses of a type that a later folder declares. `texts` has the text of each file by (folder, name)."""
    layer = {folder: position for position, folders in enumerate(layers) for folder in folders.split()}
    homes, private = {}, {}
    for (folder, name), text in texts.items():
        for modifiers, declared in DECLARED.findall(text):
            target = private.setdefault(name, set()) if "private" in modifiers else homes.setdefault(declared, set())
            target.add(declared if "private" in modifiers else folder)
    used = set()
    for (folder, name), text in sorted(texts.items()):
        if folder not in layer:
            yield f"{module}/{folder}: not in LAYERS of Tests/Lint/arrows.py"
            continue
        for word in sorted(set(re.findall(r"(?<![\w.])[A-Z]\w+", SKIPPED.sub("", text)))):
            declaring = homes.get(word, set())
            if not declaring or folder in declaring or word in private.get(name, ()):
                continue
            if all(home in layer and layer[home] < layer[folder] for home in declaring):
                continue
            if (folder, word) in known:
                used.add((folder, word))
            else:
                yield f"{module}/{folder}/{name}: uses {word} of {'/'.join(sorted(declaring))}, which comes later"
    for folder, word in sorted(set(known) - used):
        yield f"{module}/{folder}: no longer uses {word}: remove it from KNOWN in Tests/Lint/arrows.py"


def main():
    declared = dependencies((ROOT / "Package.swift").read_text(encoding="utf-8"))
    found = []
    for module in sorted((ROOT / "Sources").iterdir()):
        files = {path: path.read_text(encoding="utf-8") for path in module.rglob("*.swift")}
        target = {"bursar": "BursarCommands"}.get(module.name, module.name)
        if target in declared:
            shown = {path.relative_to(ROOT): text for path, text in files.items() if path.name != "Entry.swift"}
            found += undeclared_imports(target, shown, declared)
        if module.name in LAYERS:
            inner = {
                (path.relative_to(module).parts[0], path.name): text
                for path, text in files.items() if len(path.relative_to(module).parts) > 1}
            found += backward(module.name, inner, LAYERS[module.name], KNOWN.get(module.name, ()))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
