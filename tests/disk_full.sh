#!/usr/bin/env bash
# What becomes of requests when the disk of the cache is full, or can no longer be written. Needs
# bash, curl, root (for a file system of its own in memory) and a built program; without the right to
# mount it says so and is skipped.
#
#   tests/disk_full.sh [PROGRAM]        # default: ${CARGO_TARGET_DIR:-target}/debug/unpad
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/debug/unpad}")
work=$(mktemp -d)
disk=$work/disk
portal=
gateway=
mkdir "$disk"

end() { # PID
  if [ -n "$1" ] && kill "$1" 2>>"$work/ended"; then
    wait "$1" 2>>"$work/ended" || true
  fi
}

finish() {
  end "$gateway"
  end "$portal"
  umount "$disk" 2>>"$work/ended" || true
  umount "$disk" 2>>"$work/ended" || true
  rm -rf "$work"
}
trap finish EXIT

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  cat "$work/log" >&2
  exit 1
}

if [ "$(id -u)" != 0 ] || ! mount -t tmpfs -o size=32m unpad "$disk" 2>>"$work/ended"; then
  printf 'Skipped: no file system can be mounted here\n'
  exit 0
fi

# Waits, at most ten seconds, for what a server says; prints it.
said() { # FILE PATTERN
  local tries found
  for tries in $(seq 100); do
    found=$(sed -nE "s@$2@\1@p" "$1" | head -n 1)
    if [ -n "$found" ]; then
      printf '%s\n' "$found"
      return
    fi
    sleep 0.1
  done
  return 1
}

"$program" demo --listen 127.0.0.1:0 --log-level off >"$work/demo" 2>&1 &
portal=$!
base=$(said "$work/demo" '^A demonstration portal answers at ([^ ]*)/, .*') || fail 'no portal'
printf 'portals:\n  city:\n    base: %s\n    allow_cidr: ["127.0.0.1/32"]\n' "$base" >"$work/portals.yaml"
"$program" serve --config "$work/portals.yaml" --listen 127.0.0.1:0 --cache-dir "$disk/cache" \
  --log-level warn >"$work/serve" 2>"$work/log" &
gateway=$!
address=$(said "$work/serve" '^unpad serves .* at (http://[0-9.:]+)/.*') || fail 'no gateway'

asked=0
ask() { # COUNT: so many answers that nobody has asked for before, all of them right
  local last=$((asked + $1)) wrong
  wrong=$(seq "$((asked + 1))" "$last" | xargs -P 4 -I N curl -s -o /dev/null -w '%{http_code}\n' \
    "$address/p/city/api/3/action/package_search?rows=20&q=N" | grep -vc '^200$' || true)
  asked=$last
  [ "$wrong" = 0 ] || fail "$wrong of $1 requests failed"
}

figure() { # NAME
  curl -s "$address/metrics" | sed -nE "s/^unpad_cache_disk_$1(_total)? ([0-9]+)$/\2/p"
}

# Until the figure has grown beyond a number, with a request now and then, at most a minute.
grows() { # NAME NUMBER
  local tries
  for tries in $(seq 120); do
    ask 1
    [ "$(figure "$1")" -gt "$2" ] && return
    sleep 0.5
  done
  fail "$1 does not grow beyond $2"
}

ask 50
grows stored 40
printf 'ok  50 answers, stored\n'

head -c 64m /dev/zero >"$disk/filler" 2>>"$work/ended" || true
ask 200
[ "$(figure write_errors)" -gt 0 ] || fail 'nobody noticed that the disk is full'
printf 'ok  200 answers with a full disk, %s writes failed\n' "$(figure write_errors)"

rm "$disk/filler"
before=$(figure stored)
grows stored "$before"
printf 'ok  stored again once there is room\n'

# A view of it that cannot be written, laid over it.
mount --bind "$disk" "$disk"
mount -o remount,bind,ro "$disk"
before=$(figure write_errors)
grows write_errors "$before"
ask 200
printf 'ok  200 answers with a disk that cannot be written\n'

lines=$(grep -c WARN "$work/log" || true)
[ "$lines" -le 3 ] || fail "$lines lines in the log, which is more than one a minute"
kill -0 "$gateway" || fail 'the gateway has ended'
printf 'ok  %s lines in the log\n' "$lines"
