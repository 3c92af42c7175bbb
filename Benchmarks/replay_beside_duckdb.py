#!/usr/bin/env python3
"""Times `bursar replay` and DuckDB's group-by on the same log in turn, and prints medians and ratios."""
import resource
import statistics
import subprocess
import sys
import time

import duckdb

ROUNDS = 5


def timed(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main():
    binary, log, records = sys.argv[1], sys.argv[2], int(sys.argv[3])

    def replay(threads):
        subprocess.run(
            [binary, "replay", "--quiet", "--policies", "Policies/saas-tiers", "--threads", str(threads), log],
            check=True, stdout=subprocess.DEVNULL)

    def group():
        connection = duckdb.connect(config={"threads": 1})
        connection.execute(
            "select tenant, cast(ts as date), count(*), sum(input_tokens), sum(output_tokens) "
            f"from read_json('{log}', format='newline_delimited') group by all").fetchall()

    runs = {"bursar, 1 thread": lambda: replay(1), "bursar, 2 threads": lambda: replay(2), "duckdb, 1 thread": group}
    times = {name: [] for name in runs}
    for action in runs.values():
        action()
    for _ in range(ROUNDS):
        for name, action in runs.items():
            times[name].append(timed(action))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name:20} {median:6.2f} s  {records / median / 1e6:5.2f} M records/s")
    print(f"bursar against duckdb, 1 thread: {medians['duckdb, 1 thread'] / medians['bursar, 1 thread']:.2f}x")
    print(f"2 threads against 1: {medians['bursar, 1 thread'] / medians['bursar, 2 threads']:.2f}x")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"peak memory of a replay: {peak / 1024:.0f} MB (the mapped log counts while it is in memory)")


if __name__ == "__main__":
    main()
