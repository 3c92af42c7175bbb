#!/usr/bin/env bash
# The engine against the plain implementation of the semantics, storage, and many threads on one engine.
set -euo pipefail

decisions=1000
tests='BursarStorageTests|ReferenceAgreement|MovedCounters|ForgottenCounters|Concurrency|Misuse'
if [ -n "$LONG" ]; then
  decisions=200000
  tests='BursarStorageTests|BursarEngineTests|BursarLogsTests'
fi
log=$SCRATCH/engine.log
status=0
BURSAR_DECISIONS=$decisions ${SWIFT:-swift} test $BUILD --skip-build \
  --filter "$tests" >"$log" 2>&1 || status=$?
if [ "$status" != 0 ]; then
  grep -v ' started\.$\| passed after ' "$log" | tail -n 80 >&2
  exit 1
fi
# What was filtered away proves nothing.
grep -q "compared $decisions decisions" "$log"
