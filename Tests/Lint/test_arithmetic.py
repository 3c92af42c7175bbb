"""Bare arithmetic on amounts does not compile: every operator is found, and every module that holds amounts has the rule."""

import re
import subprocess
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
# Modules whose `Int64`s come from input and counters.
MODULES = ["BursarEngine", "BursarLogs", "BursarReplay", "BursarTesting"]
RULE = ROOT / "Sources" / MODULES[0] / "BareArithmetic.swift"
FOUND = [
    "one + two",
    "one + 1",
    "one - two",
    "one * two",
    "changed += one",
    "changed -= 1",
    "changed *= two",
    "-one",
    "abs(one)",
    "[one, two].reduce(0, +)",
    "Int64(index) * 60 + one",
]
ALLOWED = [
    "one &+ 1",
    "one.addingSaturated(two)",
    "changed.addSaturated(one)",
    "one / 2",
    "index + 1",
    "-5 as Int64",
    "one > -1",
    "abs(index)",
]


def problems(expressions):
    """What the compiler says about each of some expressions in a module with the rule."""
    with TemporaryDirectory() as folder:
        sample = Path(folder) / "sample.swift"
        sample.write_text(
            "func sample(_ one: Int64, _ two: Int64, _ index: Int) { var changed = one; _ = (changed, changed = two)\n"
            + "".join(f"    _ = ({expression})\n" for expression in expressions)
            + "}\n"
        )
        rule = Path(folder) / "rule.swift"
        rule.write_text(RULE.read_text().replace("import BursarSyntax\n", ""))
        helpers = ROOT / "Sources/BursarSyntax/Scalars/SaturatingArithmetic.swift"
        result = subprocess.run(
            ["swiftc", "-typecheck", "-package-name", "lint", "-Werror", "DeprecatedDeclaration", helpers, rule, sample],
            capture_output=True,
            text=True,
            check=False,
        )
        found = re.findall(r"sample\.swift:(\d+):\d+: error: (.*)", result.stderr)
        return [[message for line, message in found if int(line) == index + 2] for index in range(len(expressions))]


class ArithmeticTests(unittest.TestCase):
    def test_every_operator_is_found(self):
        for expression, messages in zip(FOUND, problems(FOUND)):
            self.assertRegex("; ".join(messages), r"is deprecated: an amount may be any number: use `\w+`", expression)

    def test_explicit_arithmetic_passes(self):
        for expression, messages in zip(ALLOWED, problems(ALLOWED)):
            self.assertEqual(messages, [], expression)

    def test_every_module_of_amounts_has_the_rule(self):
        package = (ROOT / "Package.swift").read_text()
        for module in MODULES:
            self.assertEqual((ROOT / "Sources" / module / RULE.name).read_text(), RULE.read_text(), module)
            target = re.split(r"\.target\(\s*", package.split(f'name: "{module}",')[1])[0]
            self.assertIn("swiftSettings: amounts", target, module)


if __name__ == "__main__":
    unittest.main()
