#!/usr/bin/env bash
# Tries the JavaScript module: with the gateway and its demonstration portal, with a gateway that fails
# as the tests want, and its types with TypeScript. Needs bash and node 18.19 or later, which it installs on
# Debian, and TypeScript, which it keeps outside the tree. tests/browser has browsers and JupyterLite.
#
#   tests/javascript/run.sh [PROGRAM]     # default: ${CARGO_TARGET_DIR:-target}/debug/unpad
set -euo pipefail
cd "$(dirname "$0")/../.."

here=$PWD/tests/javascript
. tests/serving.sh JavaScript "${1:-}"
typescript=typescript@5.9.3
tools=${UNPAD_CI_TOOLS:-${TMPDIR:-/tmp}/unpad-ci-tools}/javascript/$typescript

install_tools() {
  install_debian node npm
  [ -e "$tools/.done" ] && return
  rm -rf "${tools:?}"
  mkdir -p "$tools"
  npm install --silent --no-audit --no-fund --prefix "$tools" "$typescript" >"$work/npm.log" 2>&1 || fail 'npm install' "$work/npm.log"
  touch "$tools/.done"
}

install_tools
start_demo

failed=0
# With that flag node can load a module as if it came from the gateway, which is where it looks for its own.
NODE_OPTIONS='--experimental-vm-modules --no-warnings' node --test "$here"/*.test.mjs || failed=1
"$tools/node_modules/.bin/tsc" --noEmit --strict --noUncheckedIndexedAccess --target es2022 --module nodenext \
  --lib es2022,dom,dom.iterable "$here/consumer.ts" || failed=1
exit "$failed"
