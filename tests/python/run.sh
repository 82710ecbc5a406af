#!/usr/bin/env bash
# Tries the Python client on the demonstration portal and on a portal that misbehaves (portal.py), with pandas
# and without. Needs bash and Python 3.9 or later with venv; what it installs is kept outside the tree.
#
#   tests/python/run.sh [PROGRAM]        # default: ${CARGO_TARGET_DIR:-target}/debug/unpad
set -euo pipefail
cd "$(dirname "$0")/../.."

here=$PWD/tests/python
. tests/serving.sh 'Python client' "${1:-}"
tools=${UNPAD_CI_TOOLS:-${TMPDIR:-/tmp}/unpad-ci-tools}/python

# The oldest Python that the client promises, where it is installed.
oldest() {
  if python3.9 -c 'import venv, ensurepip' 2>>"$work/ended"; then echo python3.9; else echo python3; fi
}

install_pythons() {
  install_debian python
  local wanted
  wanted=$({ cat "$here/requirements.txt"; "$(oldest)" -V; python3 -V; } | sha256sum | cut -c1-16)
  venvs=$tools/$wanted
  [ -e "$venvs/.done" ] && return
  rm -rf "${venvs:?}"
  mkdir -p "$venvs"
  "$(oldest)" -m venv "$venvs/bare"
  python3 -m venv "$venvs/pandas"
  "$venvs/pandas/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt" >"$work/pip.log" 2>&1 || fail 'pip install' "$work/pip.log"
  touch "$venvs/.done"
}

install_pythons
start portal '^The portal listens at ([0-9]+)$' python3 -B "$here/portal.py"
portal=http://127.0.0.1:$said
cat >"$work/portals.yaml" <<PORTALS
portals:
  faulty:
    base: $portal/data
    limits: { json_bytes: 1MiB }
    allow_cidr: ["127.0.0.1/32"]
  simple:
    base: $portal/files
    dialect: plain
    licence: CC-BY-4.0
    attribution: Ajuntament de Vilanova del Camí
    allow_cidr: ["127.0.0.1/32"]
  soda: { base: "$portal/", dialect: socrata, allow_cidr: ["127.0.0.1/32"] }
  down: { base: "http://127.0.0.1:9", allow_cidr: ["127.0.0.1/32"] }
PORTALS
start faults '^unpad serves .* at (http://[0-9.:]+)/.*' "$program" serve --config "$work/portals.yaml" \
  --listen 127.0.0.1:0 --cache-dir "$work/cache" --log-level error
export FAULTS=$said
start_demo

failed=0
for kind in bare pandas; do
  WITH_PANDAS=$([ "$kind" = pandas ] && echo 1 || echo 0)
  export WITH_PANDAS
  printf 'Python client with %s, %s\n' "$("$venvs/$kind/bin/python" -V)" "$kind"
  PYTHONPATH=$PWD/clients/python:$here "$venvs/$kind/bin/python" -B -W error -W default::ResourceWarning -m unittest discover -s "$here" || failed=1
done
# What the document tells people to write, with the package from the gateway.
document=$PWD/docs/notebooks.md
(cd "$work" && "$venvs/pandas/bin/pip" install -q --disable-pip-version-check --force-reinstall \
  "$GATEWAY/client/unpad-0.1.0-py3-none-any.whl" && "$venvs/pandas/bin/python" -B "$here/docs.py" "$document" "$GATEWAY") || failed=1
"$venvs/pandas/bin/pip" uninstall -q --yes unpad || failed=1
exit "$failed"
