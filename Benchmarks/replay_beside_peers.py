#!/usr/bin/env python3
"""Times `bursar replay` and what DuckDB and Polars need to group the same log, in turn; prints medians and ratios."""
import gzip
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import time

ROUNDS = 9
POLICIES = "Policies/saas-tiers"

DUCKDB = """
import duckdb, sys
connection = duckdb.connect(config={"threads": int(sys.argv[2])})
connection.execute(
    "select tenant, cast(ts as date), count(*), sum(input_tokens), sum(output_tokens) "
    f"from read_json('{sys.argv[1]}', format='newline_delimited') group by all").fetchall()
"""

POLARS = """
import polars as pl, sys
(pl.scan_ndjson(sys.argv[1]).group_by("tenant", pl.col("ts").str.slice(0, 10))
 .agg(pl.len(), pl.col("input_tokens").sum(), pl.col("output_tokens").sum()).collect())
"""

# Interpreters start and import before the clock does.
TIMED = """
import time
{imports}
start = time.perf_counter()
{body}
print(time.perf_counter() - start)
"""


def timed(action):
    start = time.perf_counter()
    reported = action()
    return time.perf_counter() - start if reported is None else reported


def python(body, *arguments, **environment):
    first, rest = body.strip().split("\n", 1)
    program = TIMED.format(imports=first, body=rest)
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], check=True, capture_output=True, text=True,
        env={**os.environ, **environment})
    return float(done.stdout.split()[-1])


def next_version(folder):
    """The policies with a lower starter budget, as a change that is under review."""
    target = pathlib.Path(folder) / "next-version"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(POLICIES, target)
    policy = target / "policy.yaml"
    policy.write_text(policy.read_text().replace("$5/day", "$4/day").replace("amount: $5", "amount: $4"))
    return str(target)


def main():
    binary, log, records = sys.argv[1], sys.argv[2], int(sys.argv[3])
    packed = log + ".gz"
    if not os.path.exists(packed):
        with open(log, "rb") as source, gzip.open(packed, "wb", 6) as target:
            shutil.copyfileobj(source, target)
    changed = next_version(os.path.dirname(log))

    def replay(threads, *more, path=log, policies=POLICIES):
        subprocess.run(
            [binary, "replay", "--quiet", "--policies", policies, "--threads", str(threads), *more, path],
            check=True, stdout=subprocess.DEVNULL)

    def unpack():
        subprocess.run(["gzip", "-dc", packed], check=True, stdout=subprocess.DEVNULL)

    runs = {
        "bursar, 1 thread": lambda: replay(1), "bursar, 2 threads": lambda: replay(2),
        "bursar --against, 1 thread": lambda: replay(1, "--against", POLICIES, policies=changed),
        "bursar .gz, 2 threads": lambda: replay(2, path=packed), "gzip -dc": unpack,
        "duckdb, 1 thread": lambda: python(DUCKDB, log, 1), "duckdb, 2 threads": lambda: python(DUCKDB, log, 2),
        "polars, 1 thread": lambda: python(POLARS, log, POLARS_MAX_THREADS="1"),
        "polars, 2 threads": lambda: python(POLARS, log, POLARS_MAX_THREADS="2"),
    }
    times = {name: [] for name in runs}
    for action in runs.values():
        action()
    for _ in range(ROUNDS):
        for name, action in runs.items():
            times[name].append(timed(action))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name:28} {median:6.2f} s  {records / median / 1e6:5.2f} M records/s")
    for left, right in [
        ("duckdb, 1 thread", "bursar, 1 thread"), ("duckdb, 2 threads", "bursar, 2 threads"),
        ("polars, 1 thread", "bursar, 1 thread"), ("polars, 2 threads", "bursar, 2 threads"),
        ("bursar, 1 thread", "bursar, 2 threads"), ("bursar --against, 1 thread", "bursar, 1 thread"),
        ("bursar .gz, 2 threads", "gzip -dc"),
    ]:
        print(f"{left} takes {medians[left] / medians[right]:.2f}x of {right}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"largest peak of memory: {peak / 1024:.0f} MB")


if __name__ == "__main__":
    main()
