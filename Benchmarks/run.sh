#!/usr/bin/env bash
# Replay beside DuckDB and Polars grouping the same file by tenant and day. Prints medians and ratios.
# usage: [BURSAR=BINARY] Benchmarks/run.sh [SAMPLE.jsonl[.gz]] [RECORDS]
set -euo pipefail
cd "$(dirname "$0")/.."
sample=${1:-Policies/saas-tiers/traffic.jsonl}
records=${2:-1000000}
work=${TMPDIR:-/tmp}/bursar-bench
mkdir -p "$work"
name=$(basename "$sample")
log=$work/${name%%.*}-$records.jsonl
[ -s "$log" ] || python3 Benchmarks/make_log.py "$sample" "$records" "$log"
[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
"$work/venv/bin/python" -c 'import duckdb, polars' 2>/dev/null || "$work/venv/bin/pip" install -q duckdb polars
"$work/venv/bin/python" Benchmarks/replay_beside_peers.py "${BURSAR:-.build/release/bursar}" "$log" "$records"
