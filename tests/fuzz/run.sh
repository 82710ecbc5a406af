#!/usr/bin/env bash
# Builds the fuzz targets and runs each for some seconds, one process at a time:
#
#     tests/fuzz/run.sh SECONDS [TARGET…]
#
# Prints for each what it did; fails where a target cannot be built or finds something. An input that is
# found stays in artifacts/. It installs nothing: the flags are those of cargo-fuzz, but for the address
# sanitizer, because no code here is `unsafe`.
set -euo pipefail
cd "$(dirname "$0")"

if ! [[ ${1:-} =~ ^[1-9][0-9]*$ ]]; then
  printf 'usage: %s SECONDS [TARGET…]\n' "$0" >&2
  exit 2
fi
seconds=$1
shift
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  for file in src/bin/*.rs; do
    targets+=("$(basename "$file" .rs)")
  done
fi

# The longest input, of which most targets need a tenth.
longest=2048
built=${CARGO_TARGET_DIR:-../../target}/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
flags=(
  --cfg fuzzing
  -Cpasses=sancov-module
  -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares
)

build() {
  # The versions that are shipped; cargo adds what only the fuzzer needs.
  cp ../../Cargo.lock Cargo.lock
  local -a bins=()
  for target in "${targets[@]}"; do
    bins+=(--bin "$target")
  done
  local started=$SECONDS
  # With a target, build scripts and macros are built without these flags.
  RUSTFLAGS="${flags[*]}" cargo build --quiet --release --target "$host" --target-dir "$built" "${bins[@]}"
  printf 'built in %s s\n' "$((SECONDS - started))"
}

# The last figure that a log has for a name.
figure() { # LOG PATTERN
  grep -oE "$2" "$1" | tail -n 1 | grep -oE '[0-9]+' | tail -n 1 || printf '?'
}

fuzz() { # TARGET
  local target=$1 log=logs/$1.log status=0
  local -a dictionary=()
  [ ! -f "dictionaries/$target" ] || dictionary=("-dict=dictionaries/$target")
  mkdir -p "corpus/$target" artifacts logs
  # A single allocation over the limit of the address space fails, which ends the process: that, too, is
  # a finding. `-rss_limit_mb` is looked at once a second.
  (
    ulimit -v 4000000
    "$built/$host/release/$target" "corpus/$target" "seeds/$target" \
      -max_total_time="$seconds" -max_len="$longest" -timeout=10 \
      -rss_limit_mb=2048 -malloc_limit_mb=1024 "${dictionary[@]}" \
      -artifact_prefix="artifacts/$target-" -print_final_stats=1
  ) >"$log" 2>&1 || status=$?
  local found=0
  [ "$status" = 0 ] || found=1
  printf '%-10s %10s executions %8s/s  %5s edges  %6s inputs  %s MB  findings: %s\n' \
    "$target" "$(figure "$log" 'number_of_executed_units: +[0-9]+')" \
    "$(figure "$log" 'average_exec_per_sec: +[0-9]+')" "$(figure "$log" 'cov: [0-9]+')" \
    "$(figure "$log" 'corp: [0-9]+')" "$(figure "$log" 'peak_rss_mb: +[0-9]+')" "$found"
  if [ "$found" = 1 ]; then
    tail -n 30 "$log"
  fi
  return "$found"
}

build
failed=0
for target in "${targets[@]}"; do
  fuzz "$target" || failed=1
done
exit "$failed"
