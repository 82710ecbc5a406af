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
. tests/serving.sh Browser "${1:-}"
shift || true
tools=${UNPAD_CI_TOOLS:-${TMPDIR:-/tmp}/unpad-ci-tools}/browser

timed() { # TITLE COMMAND…
  local title=$1 since=$SECONDS
  shift
  "$@"
  printf 'Browser: %s: %s s\n' "$title" "$((SECONDS - since))"
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

timed 'programs' install_debian python node npm chromium
timed 'packages and sites' install_packages
start_demo

export PROGRAM=$program PORTAL=$DEMO_PORTAL PACKAGES=$kept/node SITES=$kept/sites WORK=$work SHOTS=$work/shots
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
