#!/usr/bin/env bash
# Tries the JavaScript module: with the gateway and its demonstration portal, with a gateway that fails
# as the tests want, and its types with TypeScript. Needs bash and node 18.19 or later, which it installs on
# Debian, and TypeScript, which it keeps outside the tree. tests/browser has browsers and JupyterLite.
#
#   tests/javascript/run.sh [PROGRAM]     # default: ${CARGO_TARGET_DIR:-target}/debug/unpad
set -euo pipefail
cd "$(dirname "$0")/../.."

here=$PWD/tests/javascript
program=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/debug/unpad}")
typescript=typescript@5.9.3
tools=${UNPAD_CI_TOOLS:-${TMPDIR:-/tmp}/unpad-ci-tools}/javascript/$typescript
work=$(mktemp -d)
started=

finish() {
  if [ -n "$started" ]; then
    kill "$started" 2>>"$work/ended" || true
    wait "$started" 2>>"$work/ended" || true
  fi
  rm -rf "$work"
}
trap finish EXIT

fail() { # MESSAGE [LOG]
  printf 'JavaScript: %s\n' "$1" >&2
  if [ -n "${2:-}" ]; then tail -n 20 "$2" >&2; fi
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_tools() {
  local missing=()
  command -v node >>"$work/ended" || missing+=(nodejs)
  command -v npm >>"$work/ended" || missing+=(npm)
  [ ${#missing[@]} = 0 ] || {
    as_root apt-get update -qq
    as_root apt-get install --yes -qq --no-install-recommends "${missing[@]}" >"$work/apt.log" 2>&1 || fail 'apt-get install' "$work/apt.log"
  }
  [ -e "$tools/.done" ] && return
  rm -rf "${tools:?}"
  mkdir -p "$tools"
  npm install --silent --no-audit --no-fund --prefix "$tools" "$typescript" >"$work/npm.log" 2>&1 || fail 'npm install' "$work/npm.log"
  touch "$tools/.done"
}

# Starts the demonstration and waits, at most twenty seconds, for what it says when it is ready.
start_demo() {
  "$program" demo --listen 127.0.0.1:0 --log-level warn >"$work/demo.out" 2>"$work/demo.log" &
  started=$!
  for _ in $(seq 200); do
    GATEWAY=$(sed -nE 's,^What else is here: (http://[0-9.:]+)/.*,\1,p' "$work/demo.out")
    [ -z "$GATEWAY" ] || break
    kill -0 "$started" 2>>"$work/ended" || break
    sleep 0.1
  done
  [ -n "$GATEWAY" ] || fail 'the demonstration does not start' "$work/demo.log"
  DEMO_PORTAL=$(sed -nE 's,^A demonstration portal answers at ([^ ]*)/\,.*,\1,p' "$work/demo.out")
  export GATEWAY DEMO_PORTAL
}

install_tools
start_demo

failed=0
# With that flag node can load a module as if it came from the gateway, which is where it looks for its own.
NODE_OPTIONS='--experimental-vm-modules --no-warnings' node --test "$here"/*.test.mjs || failed=1
"$tools/node_modules/.bin/tsc" --noEmit --strict --noUncheckedIndexedAccess --target es2022 --module nodenext \
  --lib es2022,dom,dom.iterable "$here/consumer.ts" || failed=1
exit "$failed"
