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
. tests/serving.sh Clients "${1:-}"
tools=${UNPAD_CI_TOOLS:-${TMPDIR:-/tmp}/unpad-ci-tools}/clients

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

serve() { # ID DIALECT BASE: a gateway for one portal, so that no entry stands in the way of another
  printf 'portals:\n  %s:\n    base: %s\n    dialect: %s\n    allow_cidr: ["127.0.0.1/32"]\n' \
    "$1" "$3" "$2" >"$work/$1.yaml"
  start "$1" '^unpad serves .* at (http://[0-9.:]+)/.*' "$program" serve --config "$work/$1.yaml" \
    --listen 127.0.0.1:0 --cache-dir "$work/cache-$1" --log-level warn
}

install_debian python node npm
install_clients

mkdir "$work/files"
"$venv/bin/python" -B "$here/data.py" "$work/files" || fail 'the files cannot be made'

start origins '^Origins listen at ([0-9]+)$' "$venv/bin/python" -B "$here/origins.py" "$work/files"
origins=http://127.0.0.1:$said
start_demo
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
