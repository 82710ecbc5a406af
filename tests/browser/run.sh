#!/usr/bin/env bash
# Tries the gateway, its page and its clients in a real browser: Debian's Chromium, on pages of other
# origins and in JupyterLite. Needs bash, Python 3.11 or later, node 20 or later and Chromium, which
# it installs on Debian, and packages of npm and PyPI, which it keeps outside the tree.
#
#   tests/browser/run.sh [PROGRAM] [PART…]   # default: ${CARGO_TARGET_DIR:-target}/debug/unpad
#
# Parts: bridge, page, examples, docs, lite; all of them by default. UNPAD_SHOTS: a folder for the screenshots.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=$PWD/tests/browser
program=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/debug/unpad}")
shift || true
tools=${UNPAD_CI_TOOLS:-${TMPDIR:-/tmp}/unpad-ci-tools}/browser
work=$(mktemp -d)
started=()

finish() {
  local pid
  for pid in "${started[@]}"; do
    kill "$pid" 2>>"$work/ended" || true
    wait "$pid" 2>>"$work/ended" || true
  done
  rm -rf "$work"
}
trap finish EXIT

fail() { # MESSAGE [LOG]
  printf 'Browser: %s\n' "$1" >&2
  if [ -n "${2:-}" ]; then tail -n 20 "$2" >&2; fi
  exit 1
}

timed() { # TITLE COMMAND…
  local title=$1 since=$SECONDS
  shift
  "$@"
  printf 'Browser: %s: %s s\n' "$title" "$((SECONDS - since))"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_programs() {
  local missing=()
  python3 -c 'import venv, ensurepip' 2>>"$work/ended" || missing+=(python3 python3-venv)
  command -v node >>"$work/ended" || missing+=(nodejs)
  command -v npm >>"$work/ended" || missing+=(npm)
  # The fonts have the Greek of the demonstration.
  command -v chromium >>"$work/ended" || missing+=(chromium fonts-dejavu-core)
  [ ${#missing[@]} = 0 ] || {
    as_root apt-get update -qq
    as_root apt-get install --yes -qq --no-install-recommends "${missing[@]}" >"$work/apt.log" 2>&1 || fail 'apt-get install' "$work/apt.log"
  }
}

# Installed and built once for each list of versions.
install_packages() {
  local wanted
  wanted=$(cat "$here/requirements.txt" "$here/package.json" "$here/site.py" | sha256sum | cut -c1-16)
  kept=$tools/$wanted
  [ -e "$kept/.done" ] && return
  rm -rf "${kept:?}"
  mkdir -p "$kept/node"
  python3 -m venv "$kept/venv"
  "$kept/venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt" >"$work/pip.log" 2>&1 || fail 'pip install' "$work/pip.log"
  cp "$here/package.json" "$kept/node"
  (cd "$kept/node" && npm install --silent --no-audit --no-fund) >"$work/npm.log" 2>&1 || fail 'npm install' "$work/npm.log"
  "$kept/venv/bin/python" -B "$here/site.py" "$kept/node/node_modules/pyodide" "$kept/sites" >"$work/site.log" 2>&1 || fail 'the sites cannot be built' "$work/site.log"
  touch "$kept/.done"
}

# Starts the demonstration and waits, at most twenty seconds, until it has said where it is.
start_demo() {
  "$program" demo --listen 127.0.0.1:0 --log-level warn >"$work/demo.out" 2>"$work/demo.log" &
  started+=($!)
  for _ in $(seq 200); do
    GATEWAY=$(sed -nE 's,^What else is here: (http://[0-9.:]+)/.*,\1,p' "$work/demo.out")
    [ -z "$GATEWAY" ] || break
    kill -0 "$!" 2>>"$work/ended" || fail 'the demonstration does not start' "$work/demo.log"
    sleep 0.1
  done
  PORTAL=$(sed -nE 's,^A demonstration portal answers at ([^ ]*)/\,.*,\1,p' "$work/demo.out")
  export GATEWAY PORTAL
}

timed 'programs' install_programs
timed 'packages and sites' install_packages
start_demo

export PROGRAM=$program PACKAGES=$kept/node SITES=$kept/sites WORK=$work SHOTS=$work/shots
CHROMIUM=$(command -v chromium)
export CHROMIUM
mkdir "$SHOTS"
status=0
timed 'checks' node "$here/run.mjs" "$@" || status=$?
if [ -n "${UNPAD_SHOTS:-}" ]; then
  mkdir -p "$UNPAD_SHOTS"
  cp -r "$SHOTS/." "$UNPAD_SHOTS"
fi
exit "$status"
