#!/usr/bin/env bash
# Inputs that once corrupted memory or brought the program down: policies and logs of a folder, against each other.
set -euo pipefail
. Tests/Sanitizers/expect.sh
shopt -s nullglob

for folder in Tests/Fixtures/crashes/*/; do
  for policy in "$folder"*.yaml; do
    expect 0 1 2 -- "$BURSAR" check "$policy"
    for log in "$folder"*.jsonl; do
      for threads in 1 3; do
        expect 0 1 2 -- "$BURSAR" replay --quiet --threads $threads --policies "$policy" "$log"
      done
      expect 0 1 2 -- "$BURSAR" check "$policy" --traffic "$log"
      for other in "$folder"*.yaml; do
        expect 0 1 2 -- "$BURSAR" diff --quiet "$other" "$policy" --traffic "$log"
      done
    done
  done
done
