"""Every rule of prose.py finds its sample, plain sentences pass, and the allow list is checked; broken links are found."""

import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

import arrows
import links
import prose

# One sample for each rule of prose.RULES, in their order.
FOUND = [
    "Of a bucket the level is kept.",
    "Nobody who settles is refused.",
    "The name stands twice in this map.",
    "The medians stand still.",
    "The owner is told.",
    "The severity is said by the policy.",
    "It asks of every record what it costs.",
    "It reads so many bytes.",
    "The request is decided otherwise.",
    "The outcome is deny, otherwise than before.",
    "It is detected where unsaid.",
    "The lock holds until nobody waits.",
    "There is a way out.",
    "The unit makes no sense here.",
    "The format is guessed.",
    "This is no entry of a lock file.",
    "A dearer model answers.",
    "The gravest outcome holds.",
    "The numbers are at hand.",
    "It puts the usage in place of the estimate.",
    "A substitute takes the place of the model.",
    "They are decided one after the other.",
    "A note that the fix mends.",
    "Findings as one types.",
    "Reading again: fewer lines.",
]
PLAIN = [
    "The bucket's level is exact.",
    "What does Bursar not do?",
    "The sizes are told apart by their digits.",
    "A limit stands out in the report.",
    "The code is `stands twice` here, and [here](https://example.org/is told) there.",
    "It grew so much that it is split.",
    "There is no policy in force.",
]


def findings(text, name="page.md", exceptions=()):
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        return prose.check(path, list(exceptions))


class ProseTests(unittest.TestCase):
    def test_every_rule_finds_its_sample(self):
        self.assertEqual(len(FOUND), len(prose.RULES))
        for sample, (pattern, advice), (rule, _) in zip(FOUND, prose.COMPILED, prose.RULES):
            self.assertTrue(pattern.search(sample), f"{rule} does not find: {sample}")
            self.assertTrue(any(advice in line for line in findings(sample)), sample)

    def test_sentences_inside_tables_lists_and_paragraphs(self):
        for text in ("| a | Of a rate: its length |", "- What is left", "## Where it is", "It ends. Whether it holds is open."):
            self.assertTrue(findings(text), text)

    def test_phrases_over_two_lines(self):
        self.assertEqual(len(findings("The request is decided\notherwise.")), 1)

    def test_plain_sentences_pass(self):
        for sample in PLAIN:
            self.assertEqual(findings(sample), [], sample)

    def test_fenced_code_is_skipped(self):
        self.assertEqual(findings("```\nWhat is told stands twice\n```\n"), [])

    def test_comments_and_messages_of_swift(self):
        text = '/// Of a rate: its length.\nlet message = "the key stands twice"\nlet whatStands = stands(in: place)\n'
        self.assertEqual(len(findings(text, "File.swift")), 2)

    def test_exceptions_hold_for_their_file_and_phrase(self):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "page.md"
            path.write_text("The owner is told.\n\nThe name stands twice.", encoding="utf-8")
            other = ["Docs/other.md", "is told", 1, False]
            own = [path.resolve().as_posix(), "is told", 2, False]
            self.assertEqual(len(prose.check(path, [other])), 2)
            self.assertEqual(len(prose.check(path, [other, own])), 1)
            self.assertEqual((other[3], own[3]), (False, True))

    def test_broken_links_are_found(self):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "page.md"
            path.write_text("# A page\n[a](#a-page) [b](#b) [c](page.md#a-page) [d](none.md) [e](https://example.org)")
            self.assertEqual(list(links.broken(path)), ["#b", "none.md"])


class ArrowTests(unittest.TestCase):
    LAYERS = ["Values", "State Rules"]

    def test_a_type_of_a_later_folder_is_found(self):
        files = {
            ("Values", "Name.swift"): "struct Name { var counter: Counter }",
            ("State", "Counter.swift"): "package struct Counter { var name: Name }",
        }
        self.assertEqual(len(list(arrows.backward("Engine", files, self.LAYERS))), 1)
        self.assertEqual(list(arrows.backward("Engine", files, self.LAYERS, [("Values", "Counter")])), [])

    def test_folders_of_one_layer_do_not_use_each_other(self):
        files = {
            ("State", "Counter.swift"): "struct Counter {}",
            ("Rules", "Rule.swift"): "final class Rule { let counter = Counter() }",
        }
        self.assertEqual(len(list(arrows.backward("Engine", files, self.LAYERS))), 1)

    def test_comments_texts_and_private_types_do_not_count(self):
        files = {
            ("Values", "Name.swift"): '/// Names a Counter.\nstruct Name { let text = "Counter"; var row: Row }\nprivate struct Row {}',
            ("State", "Counter.swift"): "struct Counter {}\nstruct Row {}",
        }
        self.assertEqual(list(arrows.backward("Engine", files, self.LAYERS)), [])

    def test_an_exception_that_is_not_needed_and_an_unknown_folder_are_found(self):
        files = {("New", "Name.swift"): "struct Name {}"}
        self.assertEqual(len(list(arrows.backward("Engine", files, self.LAYERS, [("Values", "Counter")]))), 2)

    def test_an_import_that_the_manifest_does_not_declare_is_found(self):
        manifest = """.target(name: "A"), .target(name: "B", dependencies: ["A"]), .target(name: "C", dependencies: ["B"])"""
        declared = arrows.dependencies(manifest)
        self.assertEqual(declared["C"], {"A", "B"})
        self.assertEqual(list(arrows.undeclared_imports("C", {"c.swift": "import A\nimport Foundation"}, declared)), [])
        self.assertEqual(len(list(arrows.undeclared_imports("A", {"a.swift": "import B"}, declared))), 1)


if __name__ == "__main__":
    unittest.main()
