#!/usr/bin/env python3
"""Holds the example policies and the fixtures against Grammar/bursar.schema.json, with a public validator.

Every example must pass; a fixture passes exactly if its fault is none of form: of shape, keys, or a scalar's pattern.
"""
import pathlib
import sys

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Faults of these kinds the schema must see; other codes are about meaning.
OF_FORM = {"syntax-unknown-key", "syntax-shape"}
# Shapes that depend on more than their place.
BEYOND = {
    "syntax-shape/test-expects-nothing", "syntax-shape/no-amount", "syntax-shape/prepaid-window", "syntax-shape/no-policy", "syntax-shape/lock-line", "syntax-unknown-key/kind-not-first",
}
OF_MEANING = ("name-", "version-", "model-", "chain-", "limit-", "weight-", "type-", "grant-", "exception-")


def documents(path):
    return [node for node in yaml.load_all(path.read_bytes(), Loader=yaml.BaseLoader) if node not in ("", None)]


def undescribed(node, path="#"):
    """Keys of the language that the schema says nothing about."""
    if isinstance(node, list):
        for index, value in enumerate(node):
            yield from undescribed(value, f"{path}/{index}")
    if not isinstance(node, dict):
        return
    properties = node.get("properties")
    for name, value in (properties if isinstance(properties, dict) else {}).items():
        if isinstance(value, dict) and not value.get("description"):
            yield f"{path}/{name}"
    for key, value in node.items():
        yield from undescribed(value, f"{path}/{key}")


def main():
    import json
    schema = json.loads((ROOT / "Grammar/bursar.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    silent = list(undescribed(schema))
    if silent:
        sys.exit("no description, so that editors explain nothing: " + ", ".join(silent))
    failures, count = [], 0
    for path in sorted((ROOT / "Policies").rglob("*.yaml")):
        count += 1
        for document in documents(path):
            error = jsonschema.exceptions.best_match(validator.iter_errors(document))
            if error:
                failures.append(f"{path.relative_to(ROOT)} should pass: {error.message[:200]}")
    for path in sorted((ROOT / "Tests/Fixtures/diagnostics").rglob("*.yaml")):
        code, name = path.parent.name, f"{path.parent.name}/{path.stem}"
        if code == "syntax-yaml":
            continue
        try:
            passes = all(validator.is_valid(document) for document in documents(path))
        except yaml.YAMLError:
            continue
        count += 1
        if code in OF_FORM and name not in BEYOND and passes:
            failures.append(f"{name} should not pass")
        if code.startswith(OF_MEANING) and not passes:
            failures.append(f"{name} should pass: its form is right")
    for failure in failures:
        print(failure)
    print(f"schema: {count - len(failures)} passed, {len(failures)} failed")
    return 1 if failures or count < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
