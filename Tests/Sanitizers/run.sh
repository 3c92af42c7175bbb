#!/usr/bin/env bash
# Builds everything with a sanitizer and runs what must hold under it:
#
#     Tests/Sanitizers/run.sh address            # the short form, a part of `make test`
#     LONG=1 Tests/Sanitizers/run.sh address     # the long form, a part of `make soak`
#
# There is no form for the thread sanitizer: in Swift 6.3 on Linux it sees neither `Synchronization.Mutex`, whose code is in a
# library that is not instrumented, nor `Atomic`, whose every use it reports as a race.
#
# Each executable in `stages/` is one stage; a new file there is a new stage. A stage gets BURSAR (the program),
# SCRATCH (a folder that is removed), LONG (empty or not), SANITIZER and BUILD (the arguments that name the build), and
# fails with any status but 0.
set -euo pipefail
cd "$(dirname "$0")/../.."

export SANITIZER=${1:-address} LONG=${LONG:-}
export BUILD="--sanitize=$SANITIZER --scratch-path .build/$SANITIZER"
swift=${SWIFT:-swift}

# A status of its own, so that a finding is told from a refusal.
export FINDING=99
here=Tests/Sanitizers
export ASAN_OPTIONS="exitcode=$FINDING:detect_leaks=${LEAKS:-1}:detect_stack_use_after_return=1:strict_string_checks=1"
export LSAN_OPTIONS="exitcode=$FINDING:suppressions=$here/leak.supp:print_suppressions=0"

# The short form needs two of the test targets.
[ -n "$LONG" ] || export BURSAR_SANITIZED=1

begun=$SECONDS
$swift build $BUILD --build-tests >/dev/null
echo "built for the $SANITIZER sanitizer in $((SECONDS - begun)) s"

export BURSAR="$PWD/.build/$SANITIZER/debug/bursar"
SCRATCH=$(mktemp -d)
export SCRATCH
trap 'rm -rf "$SCRATCH"' EXIT

for stage in "$here"/stages/*.sh; do
  begun=$SECONDS
  "$stage"
  echo "$(basename "$stage" .sh): clean in $((SECONDS - begun)) s"
done
