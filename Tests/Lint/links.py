#!/usr/bin/env python3
"""Checks that relative links of the documentation lead to files and headings that exist. Status 1 if one does not."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FENCED = re.compile(r"(?ms)^```.*?^```$")


def anchors(path):
    """The anchors of a page's headings, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"(?m)^#+ (.*)$", FENCED.sub("", path.read_text(encoding="utf-8"))):
        anchor = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
        found.add(anchor)
    return found


def broken(path):
    """The links of a page that lead nowhere."""
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        page = (path.parent / file).resolve() if file else path
        if not page.exists() or (anchor and page.suffix == ".md" and anchor not in anchors(page)):
            yield target


def main():
    pages = sorted(ROOT.glob("*.md")) + sorted((ROOT / "Docs").rglob("*.md")) + sorted((ROOT / "Policies").rglob("*.md"))
    found = [f"{page.relative_to(ROOT)}: no such file or heading: {target}" for page in pages for target in broken(page)]
    # A page that the index does not name is not found by its readers.
    index = (ROOT / "Docs" / "index.md").read_text(encoding="utf-8")
    found += [
        f"Docs/index.md: no link to {page.name}"
        for page in sorted((ROOT / "Docs").glob("*.md"))
        if page.name != "index.md" and f"({page.name})" not in index
    ]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
