#!/usr/bin/env bash
# Example sets with their traffic: replay with one thread and with three, shards and merge, check, diff, explain, test.
# The short form takes the sets that differ most: scopes, alerts and their windows, fallbacks, prepaid budgets.
set -euo pipefail
. Tests/Sanitizers/expect.sh

sets=(Policies/copilot Policies/alerts Policies/fallbacks Policies/prepaid)
[ -z "$LONG" ] || sets=(Policies/*/)
previous=Policies/trial
for set in "${sets[@]}"; do
  set=${set%/}
  log=$set/traffic.jsonl
  for threads in 1 3; do
    expect 0 -- "$BURSAR" replay --quiet --threads $threads --policies "$set" --decisions "$SCRATCH/d$threads" \
      --report "$SCRATCH/report.html" --report "$SCRATCH/report.json" --against "$previous" "$log"
    expect 0 -- "$BURSAR" replay --quiet --threads $threads --policies "$set" "$log"
    cp "$SCRATCH/out" "$SCRATCH/summary$threads"
  done
  cmp "$SCRATCH/d1" "$SCRATCH/d3"
  cmp "$SCRATCH/summary1" "$SCRATCH/summary3"
  cmp "$SCRATCH/summary1" "$set/expected-summary.txt"
  for shard in 1 2 3; do
    expect 0 -- "$BURSAR" replay --quiet --policies "$set" --shard $shard/3 --partial "$SCRATCH/part$shard" "$log"
  done
  expect 0 -- "$BURSAR" merge "$SCRATCH"/part[123]
  expect 0 1 -- "$BURSAR" check "$set" --traffic "$log"
  expect 0 1 -- "$BURSAR" diff --quiet "$previous" "$set" --traffic "$log"
  expect 0 1 -- "$BURSAR" test --coverage "$set"
  id=$(sed -n 's/.*"request_id": *"\([^"]*\)".*/\1/p' "$log" | sed -n 40p)
  expect 0 1 -- "$BURSAR" explain --policies "$set" --log "$log" --request-id "$id"
  previous=$set
done
