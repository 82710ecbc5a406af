#!/usr/bin/env bash
# Starts a real CKAN and the gateway in front of it, and holds what the gateway says against what CKAN
# says itself (checks.py). Needs bash, Python 3.10 or later, and the right to install packages the
# first time (start-ckan.sh says which).
#
#   tests/ckan/run.sh [PROGRAM]        # default: ${CARGO_TARGET_DIR:-target}/debug/unpad
set -euo pipefail
cd "$(dirname "$0")/../.."

program=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/debug/unpad}")
tools=${UNPAD_CI_TOOLS:-${TMPDIR:-/tmp}/unpad-ci-tools}
export CKAN_HOME=${CKAN_HOME:-$tools/ckan-${CKAN_VERSION:-2.12.0}}
work=$(mktemp -d)
gateway=

finish() {
  if [ -n "$gateway" ] && kill "$gateway" 2>>"$work/ended"; then
    wait "$gateway" 2>>"$work/ended" || true
  fi
  tests/ckan/start-ckan.sh down 3>&-
  rm -rf "$work"
}

fail() {
  printf 'CKAN: %s\n' "$*" >&2
  exit 1
}

# One at a time: the databases are kept between runs.
mkdir -p "$CKAN_HOME"
exec 3>"$CKAN_HOME/lock"
flock -w 900 3 || fail "another run holds $CKAN_HOME"
trap finish EXIT

# Databases that were kept may be damaged, for they are not synchronised with the disk: once more anew.
tests/ckan/start-ckan.sh up >"$work/environment" 3>&- || {
  tests/ckan/start-ckan.sh wipe 3>&-
  tests/ckan/start-ckan.sh up >"$work/environment" 3>&-
} || fail 'CKAN does not start'
# shellcheck source=/dev/null
. "$work/environment"

# The same portal twice: as entries are by default, and with answers that are stale after a second.
cat >"$work/portals.yaml" <<YAML
portals:
  city:
    base: $CKAN_URL
    allow_cidr: ["127.0.0.1/32"]
  brief:
    base: $CKAN_URL
    allow_cidr: ["127.0.0.1/32"]
    freshness: { default: 1s, stale_while_revalidate: 0s }
YAML
"$program" serve --config "$work/portals.yaml" --listen 127.0.0.1:0 --cache-dir "$work/cache" \
  --log-level error >"$work/serve" 2>"$work/log" 3>&- &
gateway=$!
for _ in $(seq 100); do
  GATEWAY=$(sed -nE 's,^unpad serves .* at (http://[0-9.:]+)/.*,\1,p' "$work/serve")
  [ -z "$GATEWAY" ] || break
  kill -0 "$gateway" 2>>"$work/ended" || break
  sleep 0.1
done
[ -n "$GATEWAY" ] || { cat "$work/log" >&2; fail 'the gateway does not start'; }

export CKAN_URL CKAN_TOKEN CKAN_SEED GATEWAY
python3 -B tests/ckan/checks.py 3>&- || { cat "$work/log" >&2; exit 1; }
