"""`bursar lsp` spoken to by a real client over pipes: pytest-lsp, which is built on pygls."""
import asyncio
import os
import pathlib
import shutil
import statistics
import time

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BURSAR_BINARY", str(ROOT / ".build/release/bursar"))


def client_config():
    return ClientServerConfig(server_command=[BINARY, "lsp", "--stdio"])


@pytest_lsp.fixture(config=client_config())
async def client(lsp_client: LanguageClient):
    await lsp_client.initialize_session(
        types.InitializeParams(
            capabilities=types.ClientCapabilities(
                general=types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf16]))))
    yield
    await lsp_client.shutdown_session()


@pytest.fixture
def folder(tmp_path):
    """The example set, which a test may change."""
    target = tmp_path / "saas tiers"
    shutil.copytree(ROOT / "Policies/saas-tiers", target)
    return target


class Document:
    """An open file of the client."""

    def __init__(self, client, path, text=None):
        self.client, self.path, self.uri, self.version = client, path, path.as_uri(), 1
        self.text = path.read_text() if text is None else text
        client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(self.uri, "yaml", self.version, self.text)))

    def position(self, needle, inside=0, occurrence=0):
        offset = -1
        for _ in range(occurrence + 1):
            offset = self.text.index(needle, offset + 1)
        before = self.text[:offset + inside]
        line = before.count("\n")
        return types.Position(line, len(before[before.rfind("\n") + 1:].encode("utf-16-le")) // 2)

    def at(self, *args, **kwargs):
        return dict(text_document=types.TextDocumentIdentifier(self.uri), position=self.position(*args, **kwargs))

    def replace(self, old, new):
        """Sends a change of a part of the text, as editors do."""
        start, end = self.position(old), self.position(old, len(old))
        self.text = self.text.replace(old, new, 1)
        self.version += 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.version, self.uri),
                [types.TextDocumentContentChangePartial(range=types.Range(start, end), text=new)]))

    async def diagnostics(self, code, timeout=10):
        """Waits until findings of this code are there, or gone for a code that begins with `no `."""
        wanted = not code.startswith("no ")
        code = code.removeprefix("no ")
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            found = [item for item in self.client.diagnostics.get(self.uri, []) if item.code == code]
            if bool(found) == wanted:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(f"{code}: {self.client.diagnostics.get(self.uri)}")


def texts(edits):
    return [edit.new_text for edit in edits]


@pytest.mark.asyncio
async def test_findings_follow_the_text(client, folder):
    policy = Document(client, folder / "policy.yaml")
    policy.replace("extends: free", "extends: fre")
    found = await policy.diagnostics("name/unknown")
    assert found[0].severity == types.DiagnosticSeverity.Error
    assert found[0].range.start == policy.position("fre\n")
    assert "free" in found[0].message
    policy.replace("extends: fre\n", "extends: free\n")
    await policy.diagnostics("no name/unknown")


@pytest.mark.asyncio
async def test_a_quick_fix_mends_a_misspelled_name(client, folder):
    policy = Document(client, folder / "policy.yaml")
    policy.replace("extends: free", "extends: fre")
    found = await policy.diagnostics("name/unknown")
    actions = await client.text_document_code_action_async(
        types.CodeActionParams(
            types.TextDocumentIdentifier(policy.uri), found[0].range, types.CodeActionContext(found)))
    assert [texts(action.edit.changes[policy.uri]) for action in actions] == [["free"]]


@pytest.mark.asyncio
async def test_names_are_counted_in_utf16(client, folder):
    policy = Document(client, folder / "policy.yaml")
    policy.replace("{owner: account owner}", "{owner: \U0001F600, ops: x}")
    policy.replace("80%: notify owner", "80%: notify ownr")
    found = await policy.diagnostics("name/unknown")
    line = policy.text.splitlines()[found[0].range.start.line]
    assert line[found[0].range.start.character:found[0].range.end.character] == "notify ownr"
    where = await client.text_document_definition_async(types.DefinitionParams(**policy.at("{owner:", inside=2)))
    assert where[0].range.start == policy.position("owner: \U0001F600")


@pytest.mark.asyncio
async def test_hover_says_what_a_limit_means_and_where_it_is_overridden(client, folder):
    policy = Document(client, folder / "policy.yaml")
    await policy.diagnostics("no name/unknown")
    for _ in range(200):
        hover = await client.text_document_hover_async(types.HoverParams(**policy.at("daily:", inside=1)))
        if "At most" in hover.contents.value:
            break
        await asyncio.sleep(0.01)
    text = hover.contents.value
    assert "**limit `daily`**" in text
    assert "At most $0.5/day." in text and "80%: notify owner" in text and "Carries over 50%" in text
    assert "`starter` at policy.yaml:" in text and "`enterprise` at policy.yaml:" in text
    assert hover.range.start == policy.position("daily:")


@pytest.mark.parametrize(
    "needle, inside, expected",
    [
        ("rollover: 50%", 2, "carry into the next window"),
        ("default tier:", 9, "tenants that no document lists"),
        ("notify owner, 100%", 2, "crosses the threshold"),
        ("request_class ==", 3, "text"),
    ])
@pytest.mark.asyncio
async def test_hover_explains_keys_actions_and_attributes(client, folder, needle, inside, expected):
    policy = Document(client, folder / "policy.yaml")
    hover = await client.text_document_hover_async(types.HoverParams(**policy.at(needle, inside=inside)))
    assert expected in hover.contents.value


@pytest.mark.parametrize(
    "old, new, wanted, unwanted",
    [
        ("    extends: free\n", "    extends: ", ["free", "pro", "enterprise"], ["economy"]),
        ("    models: [economy, standard]\n", "    models: [economy, ", ["standard", "premium", "gpt-4o", "any"], ["free"]),
        ("80%: notify owner", "80%: notify ", ["owner"], ["deny"]),
        ("100%: downgrade else deny", "100%: ", ["deny", "downgrade", "notify"], ["owner"]),
        ("daily: {amount: $5/day}", "daily: {amount: $5/day, ", ["rollover", "at", "when", "per"], ["price"]),
        ("    price: $29/month\n", "    \n", ["price", "limits", "upgrade"], ["amount"]),
        ('when: tier == "free" &&', 'when: tier == "', ["free", "starter"], ["economy"]),
        ('when: tier == "free" &&', "when: ", ["tier", "feature.critical"], ["free"]),
        ("weights: {of: daily,", "weights: {of: ", ["daily", "monthly", "requests"], ["free"]),
        ("timezone: UTC", "mode: ", ["enforce", "shadow", "frozen"], ["free"]),
        ("timezone: UTC", "alerts: {jump: {", ["if", "budget", "window", "notify"], ["amount"]),
    ])
@pytest.mark.asyncio
async def test_completion_offers_what_may_stand_there(client, folder, old, new, wanted, unwanted):
    policy = Document(client, folder / "policy.yaml")
    cursor = len(new.rstrip("\n"))
    policy.replace(old, new)
    items = await client.text_document_completion_async(types.CompletionParams(**policy.at(new, inside=cursor)))
    labels = [item.label for item in items]
    assert set(wanted) <= set(labels), labels
    assert not set(unwanted) & set(labels), labels


@pytest.mark.asyncio
async def test_definition_and_references_go_over_files(client, folder):
    policy = Document(client, folder / "policy.yaml")
    catalog = Document(client, folder / "catalog.yaml")
    where = await client.text_document_definition_async(types.DefinitionParams(**policy.at("gpt-4o-mini", inside=3)))
    assert [(place.uri, place.range.start) for place in where] == [
        (catalog.uri, catalog.position("gpt-4o-mini:"))]
    where = await client.text_document_definition_async(types.DefinitionParams(**policy.at("[economy]", inside=3)))
    assert [place.uri for place in where] == [catalog.uri]
    uses = await client.text_document_references_async(
        types.ReferenceParams(context=types.ReferenceContext(include_declaration=False), **policy.at("extends: pro", inside=10)))
    assert policy.position("extends: pro", inside=9) in [use.range.start for use in uses]
    assert policy.position("{to: pro", inside=5) in [use.range.start for use in uses]
    assert policy.position("  pro:", inside=2) not in [use.range.start for use in uses]


@pytest.mark.parametrize(
    "name, needle, old, new, least", [
        ("saas-tiers", "  starter:", "starter", "basic", 3),
        # A limit stands in the comparisons of alerts, a budget, and what tests give.
        ("alerts", "  daily:", "daily", "day-budget", 5),
        ("alerts", "  monthly:", "monthly", "month", 5),
        ("alerts", "  budget:", "budget", "money", 4),
    ])
@pytest.mark.asyncio
async def test_rename_changes_every_use_and_the_set_still_compiles(client, tmp_path, name, needle, old, new, least):
    folder = tmp_path / "set"
    shutil.copytree(ROOT / "Policies" / name, folder)
    policy = Document(client, folder / "policy.yaml")
    edit = await client.text_document_rename_async(types.RenameParams(new_name=new, **policy.at(needle, inside=3)))
    changed = 0
    for uri, edits in edit.changes.items():
        path = next(path for path in folder.iterdir() if path.as_uri() == uri)
        lines = path.read_text().splitlines(keepends=True)
        for change in sorted(edits, key=lambda item: (item.range.start.line, item.range.start.character), reverse=True):
            line = lines[change.range.start.line]
            assert line[change.range.start.character:change.range.end.character] == old
            lines[change.range.start.line] = line[:change.range.start.character] + change.new_text + line[change.range.end.character:]
            changed += 1
        path.write_text("".join(lines))
    assert changed >= least
    for verb in ("check", "test"):
        process = await asyncio.create_subprocess_exec(
            BINARY, verb, str(folder), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        output, errors = await process.communicate()
        assert process.returncode == 0, (output + errors).decode()


@pytest.mark.asyncio
async def test_rename_refuses_a_name_that_is_taken_or_is_none(client, folder):
    policy = Document(client, folder / "policy.yaml")
    for name in ("pro", "two words"):
        with pytest.raises(Exception, match="already|cannot be"):
            await client.text_document_rename_async(types.RenameParams(new_name=name, **policy.at("  starter:", inside=3)))


@pytest.mark.asyncio
async def test_formatting_is_that_of_fmt(client, folder):
    policy = Document(client, folder / "policy.yaml")
    policy.replace("    price: $29/month", "    price:   $29/month")
    edits = await client.text_document_formatting_async(
        types.DocumentFormattingParams(
            types.TextDocumentIdentifier(policy.uri), types.FormattingOptions(tab_size=2, insert_spaces=True)))
    assert texts(edits) == [(folder / "policy.yaml").read_text()]


@pytest.mark.asyncio
async def test_the_outline_names_tiers_and_limits(client, folder):
    policy = Document(client, folder / "policy.yaml")
    symbols = await client.text_document_document_symbol_async(
        types.DocumentSymbolParams(types.TextDocumentIdentifier(policy.uri)))
    assert symbols[0].name == "policy saas"
    tiers = {child.name: [limit.name for limit in child.children or []] for child in symbols[0].children}
    assert tiers["free"] == ["daily", "monthly", "requests", "prompt"]


@pytest.mark.asyncio
async def test_text_that_is_no_yaml_is_told_and_forgotten(client, folder):
    policy = Document(client, folder / "policy.yaml")
    policy.replace("tiers:\n", "tiers: {{{\n")
    await policy.diagnostics("syntax/yaml")
    hover = await client.text_document_hover_async(types.HoverParams(**policy.at("catalog: providers", inside=2)))
    assert hover is not None
    policy.replace("tiers: {{{\n", "tiers:\n")
    await policy.diagnostics("no syntax/yaml")


@pytest.mark.asyncio
async def test_unknown_requests_are_answered_with_an_error(client, folder):
    with pytest.raises(Exception, match="not supported"):
        await client.protocol.send_request_async("textDocument/noSuchThing", {})


@pytest.mark.asyncio
async def test_answers_on_ten_thousand_lines(client, tmp_path):
    """Prints how long answers take; a clock decides nothing here."""
    shutil.copy(ROOT / "Policies/saas-tiers/catalog.yaml", tmp_path / "catalog.yaml")
    head, tiers = (ROOT / "Policies/saas-tiers/policy.yaml").read_text().split("tiers:\n", 1)
    (tmp_path / "policy.yaml").write_text(head + "tiers:\n" + tiers)
    tenants = ["tenants:\n"]
    for index in range(2_500):
        tenants.append(
            f"  tenant-{index}:\n    tier: pro\n    limits:\n"
            f"      daily: {{amount: ${index + 1}/day, at: {{80%: notify owner, 100%: deny}}}}\n")
    (tmp_path / "tenants.yaml").write_text("".join(tenants))
    document = Document(client, tmp_path / "tenants.yaml")
    times = {"hover": [], "completion": [], "definition": []}
    for index in range(20):
        document.replace(f"  tenant-{index * 100}:\n    tier: pro", f"  tenant-{index * 100}:\n    tier: free")
        place = dict(needle=f"  tenant-{index * 100 + 1}:\n    tier: pro", inside=len(f"  tenant-{index * 100 + 1}:\n    tier: p"))
        for name, action in [
            ("hover", lambda: client.text_document_hover_async(types.HoverParams(**document.at(**place)))),
            ("completion", lambda: client.text_document_completion_async(types.CompletionParams(**document.at(**place)))),
            ("definition", lambda: client.text_document_definition_async(types.DefinitionParams(**document.at(**place)))),
        ]:
            start = time.perf_counter()
            answer = await action()
            times[name].append((time.perf_counter() - start) * 1_000)
            assert answer
    for name, values in times.items():
        print(f"{name}: median {statistics.median(values):.1f} ms, longest {max(values):.1f} ms")
