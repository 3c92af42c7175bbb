# Sourced by stages: `expect STATUS... -- COMMAND...` runs a command and ends the stage where its status is another one.

expect() {
  local allowed=()
  while [ "$1" != "--" ]; do allowed+=("$1"); shift; done
  shift
  local status=0
  "$@" >"$SCRATCH/out" 2>"$SCRATCH/err" || status=$?
  for one in "${allowed[@]}"; do [ "$status" = "$one" ] && return 0; done
  echo "status $status: $*" >&2
  tail -n 60 "$SCRATCH/err" >&2
  exit 1
}
