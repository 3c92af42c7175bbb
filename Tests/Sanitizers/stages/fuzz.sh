#!/usr/bin/env bash
# Random inputs for every command. What is left allocated when a worker ends is looked for by other stages.
set -euo pipefail
export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"
fuzz="$(dirname "$BURSAR")/bursar-fuzz"
"$fuzz" replay --no-memory-bound Tests/Fixtures/fuzz
"$fuzz" run --no-memory-bound --seed "${SEED:-1}" --inputs "$([ -n "$LONG" ] && echo 3000 || echo 15)" --findings "${FINDINGS:-.build/fuzz}"
