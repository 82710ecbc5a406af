#!/usr/bin/env bash
# Tries clients that know nothing of the gateway, as people install them, on the demonstration portal,
# on a file server and on a Socrata portal: checks.py has those of Python, checks.mjs those of
# JavaScript. Needs bash, Python 3.11 or later and node 18 or later, which it installs on Debian, and
# the clients' packages, which it keeps outside the tree.
#
#   tests/clients/run.sh [PROGRAM]        # default: ${CARGO_TARGET_DIR:-target}/debug/unpad
set -euo pipefail
cd "$(dirname "$0")/../.."

here=$PWD/tests/clients
program=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/debug/unpad}")
tools=${UNPAD_CI_TOOLS:-${TMPDIR:-/tmp}/unpad-ci-tools}/clients
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
  printf 'Clients: %s\n' "$1" >&2
  if [ -n "${2:-}" ]; then tail -n 20 "$2" >&2; fi
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_interpreters() {
  local missing=()
  python3 -c 'import venv, ensurepip' 2>>"$work/ended" || missing+=(python3 python3-venv)
  command -v node >>"$work/ended" || missing+=(nodejs)
  command -v npm >>"$work/ended" || missing+=(npm)
  [ ${#missing[@]} = 0 ] || {
    as_root apt-get update -qq
    as_root apt-get install --yes -qq --no-install-recommends "${missing[@]}" >"$work/apt.log" 2>&1 || fail 'apt-get install' "$work/apt.log"
  }
}

# Installed once for each list of versions.
install_clients() {
  local wanted
  wanted=$(cat "$here/requirements.txt" "$here/package.json" | sha256sum | cut -c1-16)
  venv=$tools/$wanted/venv
  packages=$tools/$wanted/node
  [ -e "$tools/$wanted/.done" ] && return
  rm -rf "${tools:?}/$wanted"
  mkdir -p "$packages"
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt" >"$work/pip.log" 2>&1 || fail 'pip install' "$work/pip.log"
  cp "$here/package.json" "$packages"
  (cd "$packages" && npm install --silent --no-audit --no-fund) >"$work/npm.log" 2>&1 || fail 'npm install' "$work/npm.log"
  touch "$tools/$wanted/.done"
}

# Starts a server and waits, at most twenty seconds, for what it says when it is ready.
start() { # NAME PATTERN COMMAND…
  local name=$1 pattern=$2
  shift 2
  "$@" >"$work/$name.out" 2>"$work/$name.log" &
  started+=($!)
  for _ in $(seq 200); do
    said=$(sed -nE "s@$pattern@\1@p" "$work/$name.out" | head -n 1)
    [ -z "$said" ] || return 0
    kill -0 "$!" 2>>"$work/ended" || break
    sleep 0.1
  done
  said=
  printf 'Clients: %s does not start: %s\n' "$name" "$(tail -n 3 "$work/$name.log")" >&2
}

serve() { # ID DIALECT BASE: a gateway for one portal, so that no entry stands in the way of another
  printf 'portals:\n  %s:\n    base: %s\n    dialect: %s\n    allow_cidr: ["127.0.0.1/32"]\n' \
    "$1" "$3" "$2" >"$work/$1.yaml"
  start "$1" '^unpad serves .* at (http://[0-9.:]+)/.*' "$program" serve --config "$work/$1.yaml" \
    --listen 127.0.0.1:0 --cache-dir "$work/cache-$1" --log-level warn
}

install_interpreters
install_clients

mkdir "$work/files"
"$venv/bin/python" -B "$here/data.py" "$work/files" || fail 'the files cannot be made'

start origins '^Origins listen at ([0-9]+)$' "$venv/bin/python" -B "$here/origins.py" "$work/files"
origins=http://127.0.0.1:$said
start demo '^What else is here: (http://[0-9.:]+)/.*' "$program" demo --listen 127.0.0.1:0 --log-level warn
export GATEWAY=$said
DEMO_PORTAL=$(sed -nE 's,^A demonstration portal answers at ([^ ]*)/\,.*,\1,p' "$work/demo.out")
export DEMO_PORTAL
serve files plain "$origins/files"
export FILES=$said/p/files
serve soda socrata "$origins"
export SODA=$said/p/soda
export FOLDER=$work/files

# What the page writes, and the package that it is written for.
cp clients/page/snippets.js "$work/snippets.mjs"
export SNIPPETS=$work/snippets.mjs PYTHONPATH=$PWD/clients/python

failed=0
PATH=$venv/bin:$PATH "$venv/bin/python" -B -W ignore "$here/checks.py" || failed=1
cp "$here/checks.mjs" "$packages"
node "$packages/checks.mjs" || failed=1
exit "$failed"
