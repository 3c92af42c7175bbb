"""Inputs that are built to be slow. Each function writes files of about `size` bytes into a folder and returns a command."""

import json

ALL = {}

CATALOG = """catalog: c
version: 1
models:
  m: {price: {input: $1/1M, output: $1/1M}}
"""
BARE = """policy: p
version: 1
catalog: c
default tier: t
tiers:
  t: {models: any, limits: {daily: $1/day}}
"""
POLICY = CATALOG + "---\n" + BARE


def case(function):
    ALL[function.__name__.replace("_", "-")] = function
    return function


def lines(path, head, size, line, tail=""):
    """Writes `head`, numbered lines up to `size` bytes, and `tail`. Returns the number of lines."""
    with open(path, "w") as file:
        written = file.write(head)
        number = 0
        while written < size:
            written += file.write(line(number))
            number += 1
        file.write(tail)
    return number


def policy_set(root):
    (root / "set").mkdir()
    (root / "set" / "policy.yaml").write_text(POLICY)


# Policies


@case
def policy_nothing_but_dashes(root, size):
    lines(root / "p.yaml", "", size, lambda n: "---\n")
    return ["check", "p.yaml"]


@case
def policy_unknown_keys(root, size):
    lines(root / "p.yaml", POLICY, size, lambda n: f"tieers{n}: 1\n")
    return ["check", "p.yaml"]


@case
def policy_duplicate_keys(root, size):
    lines(root / "p.yaml", POLICY + "features: {a: 1}\n", size, lambda n: "tiers: {}\n")
    return ["check", "p.yaml"]


@case
def policy_unreadable_documents(root, size):
    lines(root / "p.yaml", "", size, lambda n: "a: [\n---\n")
    return ["check", "p.yaml"]


@case
def policy_tabs(root, size):
    lines(root / "p.yaml", POLICY, size, lambda n: "\t\t\t\t\n")
    return ["check", "p.yaml"]


@case
def policy_one_long_line(root, size):
    (root / "p.yaml").write_text("policy: p\nversion: 1\nfeatures: [" + "é, " * (size // 4) + "]\n")
    return ["check", "p.yaml"]


@case
def policy_long_condition(root, size):
    (root / "p.yaml").write_text(
        POLICY + "rules:\n  r: {when: '" + " && ".join(["input_tokens > 5"] * (size // 20)) + "', deny: x}\n"
    )
    return ["check", "p.yaml"]


@case
def policy_deep_condition(root, size):
    (root / "p.yaml").write_text(
        POLICY + "rules:\n  r: {when: '" + "(" * (size // 2) + "a" + ")" * (size // 2) + "', deny: x}\n"
    )
    return ["check", "p.yaml"]


@case
def policy_many_tenants(root, size):
    lines(root / "p.yaml", POLICY + "---\ntenants:\n", size, lambda n: f"  t{n}: {{tier: t}}\n")
    return ["check", "p.yaml"]


@case
def policy_tenants_with_limits(root, size):
    lines(
        root / "p.yaml", POLICY + "---\ntenants:\n", size,
        lambda n: f"  t{n}: {{tier: t, limits: {{daily: ${n}/day, more: {n} requests/hour}}}}\n",
    )
    return ["check", "p.yaml"]


@case
def policy_tenants_of_unknown_tiers(root, size):
    lines(root / "p.yaml", POLICY + "---\ntenants:\n", size, lambda n: f"  t{n}: {{tier: tt{n}}}\n")
    return ["check", "p.yaml"]


LIMITS = "{" + ", ".join(f"l{i}: {1000 + i} requests/day" for i in range(1000)) + "}"


@case
def policy_tenants_of_a_large_tier(root, size):
    head = "policy: p\nversion: 1\ntiers:\n  t: {models: any, limits: " + LIMITS + "}\n---\ntenants:\n"
    lines(root / "p.yaml", head, size, lambda n: f"  t{n}: {{tier: t, limits: {{l{n % 1000}: {n} requests/day}}}}\n")
    return ["check", "p.yaml"]


@case
def policy_rules(root, size):
    count = 2000
    pad = max(1, size // count - 60)
    with open(root / "p.yaml", "w") as file:
        file.write(POLICY + "rules:\n")
        for number in range(count):
            terms = " || ".join(f'feature == "f{number}x{i}"' for i in range(min(900, pad // 20 + 1)))
            file.write(f"  r{number}: {{when: '{terms}', deny: x}}\n")
    return ["check", "p.yaml"]


@case
def policy_rules_of_ranges(root, size):
    with open(root / "p.yaml", "w") as file:
        file.write(POLICY + "rules:\n")
        for number in range(2000):
            terms = " || ".join(
                f"(input_tokens > {number * 1000 + i} && max_output_tokens < {i * 7 + number})" for i in range(90)
            )
            file.write(f"  r{number}: {{when: '{terms}', deny: x}}\n")
    return ["check", "p.yaml"]


@case
def policy_tiers_that_extend(root, size):
    limits = ", ".join(f"l{i}: {i + 1} requests/day" for i in range(100))
    with open(root / "p.yaml", "w") as file:
        file.write("policy: p\nversion: 1\ntiers:\n  t0: {models: any, limits: {" + limits + "}}\n")
        for number in range(1, 2000):
            parent = 0 if number % 60 == 0 else number - 1
            file.write(f"  t{number}: {{extends: t{parent}, limits: {{m{number}: 1 requests/day, {limits}}}}}\n")
    return ["check", "p.yaml"]


@case
def policy_limits(root, size):
    with open(root / "p.yaml", "w") as file:
        file.write("policy: p\nversion: 1\ntiers:\n")
        for tier in range(size // 40_000):
            limits = ", ".join(f"l{i}: {tier + i + 1} requests/{i % 300 + 1} hours" for i in range(1000))
            file.write(f"  t{tier}: {{models: any, limits: {{{limits}}}}}\n")
    return ["check", "p.yaml"]


@case
def policy_weights(root, size):
    weights = ", ".join(f"f{i}: 0.01%" for i in range(1000))
    with open(root / "p.yaml", "w") as file:
        file.write("policy: p\nversion: 1\ntiers:\n")
        for tier in range(min(2000, size // 13_000)):
            file.write(f"  t{tier}: {{models: any, limits: {{d: $1/day}}, weights: {{of: d, {weights}}}}}\n")
    return ["check", "p.yaml"]


@case
def policy_versions(root, size):
    pad = size // 1000 - 150
    with open(root / "p.yaml", "w") as file:
        for number in range(1000):
            file.write(
                f"policy: p\nversion: {number + 1}\neffective: {1000 + number}-01-01\ntiers:\n"
                f"  t: {{models: any, limits: {{d: {number + 1} requests/day}}, description: {'x' * pad}}}\n---\n"
            )
    return ["check", "p.yaml"]


@case
def policy_models(root, size):
    count = 10_000
    with open(root / "p.yaml", "w") as file:
        file.write(BARE + "---\ncatalog: c\nversion: 1\nmodels:\n")
        pad = max(0, size // count - 90) // 12
        for number in range(count):
            aliases = ", ".join(f"a{number}b{i}*" for i in range(pad))
            file.write(f"  m{number}: {{price: {{input: $1/1M, output: $1/1M}}, aliases: [{aliases}]}}\n")
    return ["check", "p.yaml"]


@case
def policy_alerts(root, size):
    with open(root / "p.yaml", "w") as file:
        file.write(POLICY + "audiences: {a: b}\nalerts:\n")
        for number in range(1000):
            file.write(
                f"  a{number}: {{if: 'spend > {number + 101}% of baseline', window: day, baseline: 7, notify: a}}\n"
            )
        file.write("#" * size + "\n")
    return ["check", "p.yaml"]


@case
def policy_features(root, size):
    lines(root / "p.yaml", POLICY + "features:\n", size, lambda n: f"  f{n}: {{}}\n")
    return ["check", "p.yaml"]


@case
def policy_fix_many(root, size):
    count = size // 60
    with open(root / "p.yaml", "w") as file:
        file.write("policy: p\nversion: 1\ntiers:\n")
        for number in range(min(count, 2000)):
            limits = ", ".join(f"l{i}: {{amuont: 1 requests/day}}" for i in range(size // 2000 // 40))
            file.write(f"  t{number}: {{modles: any, limits: {{{limits}}}}}\n")
    return ["check", "--fix", "p.yaml"]


@case
def policy_fix_tenants(root, size):
    lines(root / "p.yaml", POLICY + "---\ntenants:\n", size, lambda n: f"  t{n}: {{teir: t}}\n")
    return ["check", "--fix", "p.yaml"]


@case
def format_lines(root, size):
    lines(root / "p.yaml", POLICY + "---\ntenants:\n", size, lambda n: f"  t{n}:   {{tier:   t}}\n")
    return ["fmt", "p.yaml"]


@case
def format_difference(root, size):
    lines(root / "p.yaml", POLICY + "---\ntenants:\n", size, lambda n: f"  t{n}:   {{tier:   t}}\n")
    return ["fmt", "--diff", "p.yaml"]


@case
def format_difference_of_equal_lines(root, size):
    lines(root / "p.yaml", POLICY + "---\ntenants:\n", size, lambda n: f"  t{n}:\n    tier:   t\n\n\n\n")
    return ["fmt", "--diff", "p.yaml"]


@case
def format_comments(root, size):
    lines(root / "p.yaml", POLICY, size, lambda n: "    #x\n")
    return ["fmt", "p.yaml"]


# Lock files


@case
def lock_strays(root, size):
    policy_set(root)
    lines(root / "set" / "bursar.lock", "", size, lambda n: "a\n")
    return ["check", "set"]


@case
def lock_versions_that_are_gone(root, size):
    policy_set(root)
    lines(root / "set" / "bursar.lock", "", size, lambda n: f"policy p{n} 1 sha256:{n}\n")
    return ["check", "set"]


@case
def lock_anew(root, size):
    policy_set(root)
    lines(root / "set" / "bursar.lock", "", size, lambda n: f"policy p{n} 1 sha256:{n}\n")
    return ["lock", "set"]


@case
def lock_of_many_versions(root, size):
    (root / "set").mkdir()
    with open(root / "set" / "p.yaml", "w") as file:
        for number in range(1000):
            file.write(
                f"policy: p\nversion: {number + 1}\neffective: {1000 + number}-01-01\ntiers:\n"
                f"  t: {{models: any, limits: {{d: {number + 1} requests/day}}}}\n---\n"
            )
    lines(root / "set" / "bursar.lock", "", size, lambda n: f"policy p {n % 1000 + 1} sha256:{n}\n")
    return ["check", "set"]


# Tests of policies


ROOMY = POLICY.replace("$1/day", "100M requests/day")


def tests(root, size, head, line, options=(), policy=ROOMY):
    (root / "set").mkdir()
    (root / "set" / "policy.yaml").write_text(policy)
    lines(root / "set" / "tests.yaml", head, size, line)
    return ["test", "--quiet", *options, "set"]


REQUEST = "{tier: t, model: m, input_tokens: 1}"


@case
def tests_that_pass(root, size):
    return tests(root, size, "tests:\n", lambda n: f"  t{n}: {{request: {REQUEST}, expect: allow}}\n")


@case
def tests_that_fail(root, size):
    return tests(root, size, "tests:\n", lambda n: f"  t{n}: {{request: {REQUEST}, expect: deny}}\n")


@case
def tests_that_fail_as_json(root, size):
    return tests(
        root, size, "tests:\n", lambda n: f"  t{n}: {{request: {REQUEST}, expect: deny}}\n", ["--format", "json"]
    )


@case
def tests_that_fail_as_junit(root, size):
    return tests(
        root, size, "tests:\n", lambda n: f"  t{n}: {{request: {REQUEST}, expect: deny}}\n", ["--format", "junit"]
    )


@case
def tests_cases(root, size):
    def line(number):
        head = f"  t{number // 9000}:\n    request: {REQUEST}\n    each:\n" if number % 9000 == 0 else ""
        return head + "    - {request: {input_tokens: 2}, expect: deny}\n"

    return tests(root, size, "tests:\n", line)


@case
def tests_repeat(root, size):
    return tests(
        root, 1000, "tests:\n",
        # As many as the size has hundreds of bytes.
        lambda n: f"  t{n}: {{request: {REQUEST}, repeat: {max(1, size // 500)}, every: 1s, expect: allow}}\n"
        if n < 5 else "#" * 200,
    )


BIG_PLAN = CATALOG + "---\npolicy: p\nversion: 1\ncatalog: c\ndefault tier: t\ntiers:\n  t: {models: any, limits: {" + ", ".join(
    f"l{i}: {1_000_000 + i} requests/day" for i in range(1000)
) + "}}\n"


@case
def tests_of_a_large_plan(root, size):
    return tests(
        root, size, "tests:\n", lambda n: f"  t{n}: {{request: {REQUEST}, expect: allow}}\n", policy=BIG_PLAN
    )


@case
def tests_that_fail_in_a_large_plan(root, size):
    return tests(
        root, size, "tests:\n", lambda n: f"  t{n}: {{request: {REQUEST}, expect: deny}}\n", policy=BIG_PLAN
    )


@case
def tests_repeat_in_a_large_plan(root, size):
    return tests(
        root, 1000, "tests:\n",
        # As many as the size has hundreds of bytes.
        lambda n: f"  t{n}: {{request: {REQUEST}, repeat: {max(1, size // 500)}, every: 1s, expect: allow}}\n"
        if n < 5 else "#" * 200,
        policy=BIG_PLAN,
    )


@case
def tests_large_expectation(root, size):
    expected = ", ".join(["{code: x, limit: y}"] * (size // 20))
    return tests(root, 10, f"tests:\n  t: {{request: {REQUEST}, expect: {{limits: [{expected}]}}}}\n", lambda n: "#" * 9,
                 policy=BIG_PLAN)


@case
def tests_large_expectations(root, size):
    expected = ", ".join(["{limit: y}"] * 900)
    return tests(root, size, "tests:\n",
                 lambda n: f"  t{n}: {{request: {REQUEST}, expect: {{limits: [{expected}]}}}}\n", policy=BIG_PLAN)


@case
def tests_unknown_fields(root, size):
    return tests(root, size, "tests:\n", lambda n: f"  t{n}: {{request: {{inputt_tokens: 1}}, expect: allow}}\n")


@case
def tests_many_steps(root, size):
    def line(number):
        head = f"  t{number // 9000}:\n    steps:\n" if number % 9000 == 0 else ""
        return head + f"    - {{request: {REQUEST}, at: +1s}}\n"

    return tests(root, size, "tests:\n", line)


# Price lists


@case
def prices_many_models(root, size):
    entry = '{"litellm_provider": "x", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}'
    lines(root / "prices.json", "{", size, lambda n: f'"m{n}": {entry},\n', '"sample_spec": {}}')
    return ["import", "prices", "prices.json"]


@case
def prices_equal_names(root, size):
    entry = '{"litellm_provider": "x", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}'
    lines(root / "prices.json", "{", size, lambda n: f'"m": {entry},\n', '"sample_spec": {}}')
    return ["import", "prices", "prices.json"]


@case
def prices_unknown_keys(root, size):
    keys = ", ".join(f'"k{i}": 1' for i in range(500))
    lines(root / "prices.json", "{", size, lambda n: f'"m{n}": {{{keys}}},\n', '"sample_spec": {}}')
    return ["import", "prices", "prices.json"]


@case
def prices_one_model_of_many_keys(root, size):
    lines(root / "prices.json", '{"m": {', size, lambda n: f'"k{n}": 1,\n', '"z": 1}}')
    return ["import", "prices", "prices.json"]


@case
def prices_names_that_need_quotes(root, size):
    entry = '{"litellm_provider": "x", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}'
    lines(root / "prices.json", "{", size, lambda n: f'"m\\u2028 {n}": {entry},\n', '"sample_spec": {}}')
    return ["import", "prices", "prices.json"]


@case
def prices_deep(root, size):
    (root / "prices.json").write_text('{"a":' * (size // 5))
    return ["import", "prices", "prices.json"]


@case
def prices_long_number(root, size):
    (root / "prices.json").write_text(
        '{"m": {"input_cost_per_token": 0.' + "0" * size + '1, "output_cost_per_token": 1e-06}}'
    )
    return ["import", "prices", "prices.json"]


@case
def prices_empty_values(root, size):
    (root / "prices.json").write_text("[" + "[]," * (size // 3) + "[]]")
    return ["import", "prices", "prices.json"]


# Shards


def sealed(root, name, head, rest):
    import hashlib

    rest = rest.encode()
    head["digest"] = "sha256:" + hashlib.sha256(rest).hexdigest()
    (root / name).write_bytes(json.dumps(head, sort_keys=True).encode() + b"\n" + rest)


def shard_head():
    return {"kind": "bursar partial replay 2", "shard": 1, "shards": 1, "basis": "b"}


@case
def shard_deep(root, size):
    sealed(root, "part", shard_head(), "[" * size)
    return ["merge", "part"]


@case
def shard_unknown_keys(root, size):
    sealed(root, "part", shard_head(), "{" + ",".join(f'"k{i}":{i}' for i in range(size // 12)) + "}")
    return ["merge", "part"]


@case
def shard_empty_values(root, size):
    sealed(root, "part", shard_head(), '{"tenants":[' + "{}," * (size // 3) + "{}]}")
    return ["merge", "part"]


@case
def shard_long_head(root, size):
    (root / "part").write_text('{"kind": "' + "x" * size + '"}')
    return ["merge", "part"]


# Requests


@case
def requests_many_lines(root, size):
    policy_set(root)
    lines(root / "r.jsonl", "", size, lambda n: '{"tenant":"t","model":"m","tier":"t"}\n')
    return ["eval", "--policies", "set", "r.jsonl"]


@case
def requests_bad_lines(root, size):
    policy_set(root)
    lines(root / "r.jsonl", "", size, lambda n: "{\n")
    return ["eval", "--policies", "set", "r.jsonl"]


@case
def requests_one_long(root, size):
    policy_set(root)
    (root / "r.jsonl").write_text('{"tenant":"t","model":"m","tools":[' + '"a",' * (size // 4) + '"b"]}')
    return ["eval", "--policies", "set", "r.jsonl"]


@case
def requests_explained(root, size):
    policy_set(root)
    lines(root / "r.jsonl", "", size, lambda n: '{"tenant":"t","model":"m","tier":"t"}\n')
    return ["explain", "--policies", "set", "r.jsonl"]


# The language server


def session(root, messages):
    with open(root / "session", "wb") as file:
        for message in [
            {"id": 0, "method": "initialize", "params": {"capabilities": {}}}, *messages,
            {"id": 9, "method": "shutdown", "params": None}, {"method": "exit", "params": None},
        ]:
            text = json.dumps({"jsonrpc": "2.0", **message}).encode()
            file.write(b"Content-Length: %d\r\n\r\n" % len(text) + text)
    return ["<", "session", "lsp"]


def opened(root, text):
    document = {"uri": (root / "p.yaml").as_uri(), "languageId": "yaml", "version": 1, "text": text}
    return {"method": "textDocument/didOpen", "params": {"textDocument": document}}


def asked(root, method, number, line=12):
    place = {"textDocument": {"uri": (root / "p.yaml").as_uri()}, "position": {"line": line, "character": 6}}
    return {"id": number, "method": f"textDocument/{method}", "params": {**place, "newName": "n", "context": {}}}


@case
def editor_large_document(root, size):
    text = POLICY + "---\ntenants:\n" + "".join(f"  t{n}: {{tier: t}}\n" for n in range(size // 16))
    methods = ["hover", "completion", "definition", "references", "rename", "formatting", "documentSymbol"]
    return session(root, [opened(root, text), *(asked(root, method, n + 1) for n, method in enumerate(methods))])


@case
def editor_errors(root, size):
    text = POLICY + "---\ntenants:\n" + "".join(f"  t{n}: {{teir: t}}\n" for n in range(size // 16))
    return session(root, [opened(root, text), asked(root, "hover", 1), asked(root, "documentSymbol", 2)])


@case
def editor_many_changes(root, size):
    text = POLICY + "---\ntenants:\n" + "".join(f"  t{n}: {{tier: t}}\n" for n in range(size // 160))
    uri = (root / "p.yaml").as_uri()
    place = {"line": 20, "character": 0}
    change = {"range": {"start": place, "end": place}, "text": "  # x\n"}
    changes = [
        {
            "method": "textDocument/didChange",
            "params": {"textDocument": {"uri": uri, "version": n + 2}, "contentChanges": [change]},
        }
        for n in range(100)
    ]
    return session(root, [opened(root, text), *changes, asked(root, "hover", 1)])


@case
def editor_one_long_line(root, size):
    text = POLICY + "features: {" + ", ".join(f"é{n}: {{}}" for n in range(size // 12)) + "}\n"
    return session(root, [opened(root, text), *(asked(root, "hover", n + 1, line=11) for n in range(20))])


@case
def editor_many_requests(root, size):
    return session(root, [opened(root, POLICY), *(asked(root, "hover", n + 10) for n in range(size // 200))])

# Logs


RECORD = '{"ts":"2026-06-01T00:00:00Z","request_id":"r%d","tenant":"t","model":"m"}\n'


def replay(root, name, *options):
    policy_set(root)
    return ["replay", "--quiet", "--policies", "set", *options, name]


@case
def logs_blank_lines(root, size):
    lines(root / "l.jsonl", RECORD % 0, size, lambda n: "\n")
    return replay(root, "l.jsonl")


@case
def logs_open_quotes(root, size):
    lines(root / "l.csv", "ts,request_id,tenant,model\n", size, lambda n: 'a,"\n')
    return replay(root, "l.csv", "--rejects", "r")


@case
def logs_open_quotes_of_another_system(root, size):
    lines(root / "l.csv", "startTime,prompt_tokens,completion_tokens,model,team_id\n", size, lambda n: 'a,"\n')
    return replay(root, "l.csv", "--rejects", "r")


@case
def logs_one_line(root, size):
    (root / "l.jsonl").write_text(RECORD % 0 + "x" * size)
    return replay(root, "l.jsonl")


@case
def logs_deep(root, size):
    (root / "l.jsonl").write_text('{"a":' * (size // 5))
    return replay(root, "l.jsonl")


@case
def logs_open_objects(root, size):
    lines(root / "l.jsonl", "", size, lambda n: '{"a":\n')
    return replay(root, "l.jsonl")


@case
def logs_list(root, size):
    lines(root / "l.json", "[", size, lambda n: RECORD % n + ",", RECORD % 0 + "]")
    return replay(root, "l.json")


@case
def logs_many_names(root, size):
    record = '{"ts":"2026-06-01T00:00:00Z","request_id":"r%d","tenant":"t%d","user":"u%d","feature":"f%d","model":"m%d"}\n'
    lines(root / "l.jsonl", "", size, lambda n: record % (n, n, n, n, n))
    return replay(root, "l.jsonl")


@case
def logs_out_of_order(root, size):
    record = '{"ts":"2026-06-01T%02d:%02d:00Z","request_id":"r%d","tenant":"t","model":"m"}\n'
    lines(root / "l.jsonl", "", size, lambda n: record % (n * 7 % 24, n * 11 % 60, n))
    return replay(root, "l.jsonl", "--decisions", "d")


@case
def logs_attributes_of_a_resource(root, size):
    attributes = ",".join('{"key":"k%d","value":{"stringValue":"x"}}' % n for n in range(2_000))
    span = '{"name":"s","attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"m"}}]}'
    spans = ",".join([span] * 1_000)
    line = '{"resourceSpans":[{"resource":{"attributes":[%s]},"scopeSpans":[{"spans":[%s]}]}]}\n' % (attributes, spans)
    lines(root / "l.jsonl", "", size, lambda n: line)
    return replay(root, "l.jsonl")


@case
def logs_text_that_is_json(root, size):
    inner = "{" + ",".join('\\"a%d\\":1' % n for n in range(size // 30)) + "}"
    record = '{"request_id":"r","startTime":"2026-06-01T10:00:00Z","prompt_tokens":1,"completion_tokens":1,"model":"m",'
    (root / "l.jsonl").write_text(record + f'"metadata":"{inner}","request_tags":"{inner}"}}\n')
    return replay(root, "l.jsonl")


@case
def logs_wide_table(root, size):
    names = ["startTime", "prompt_tokens", "completion_tokens", "model", "team_id"]
    head = ",".join(names + [f"c{n}" for n in range(4_000)]) + "\n"
    lines(root / "l.csv", head, size, lambda n: "2026-06-01T10:00:00Z,1,1,m,t" + "," * 4_000 + "\n")
    return replay(root, "l.csv")


@case
def logs_aggregates(root, size):
    row = '{"input_tokens":4000000,"output_tokens":1,"num_model_requests":1000000,"project_id":"p%d","model":"m"}'
    head = '{"data":[{"start_time":1780272000,"end_time":1780275600,"results":['
    lines(root / "l.json", head, size, lambda n: row % n + ",", row % 0 + "]}]}")
    return replay(root, "l.json", "--input", "openai-usage")


@case
def logs_bomb(root, size):
    import gzip

    with gzip.open(root / "l.jsonl.gz", "wb") as file:
        for _ in range(size // 40_000):
            file.write(b"x" * 8_000_000)
    return replay(root, "l.jsonl.gz")


@case
def logs_many_members(root, size):
    import gzip

    member = gzip.compress((RECORD % 0).encode())
    (root / "l.jsonl.gz").write_bytes(member * (size // len(member)))
    return replay(root, "l.jsonl.gz")
