# What the scripts that start servers share. Sourced from the root of the tree:
#
#   . tests/serving.sh TITLE [PROGRAM]       # default: ${CARGO_TARGET_DIR:-target}/debug/unpad
#
# Sets `program`, and `work`, a folder that goes away at the end, as do the servers that were started.
# shellcheck shell=bash

title=$1
program=$(realpath -e "${2:-${CARGO_TARGET_DIR:-target}/debug/unpad}") || {
  printf '%s: no program there: build it first (cargo build)\n' "$title" >&2
  exit 1
}
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
  printf '%s: %s\n' "$title" "$1" >&2
  if [ -n "${2:-}" ]; then tail -n 20 "$2" >&2; fi
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs Debian's packages for those of these that are missing: python, node, npm, chromium.
install_debian() { # NAME…
  local name missing=()
  for name in "$@"; do
    case $name in
      python) python3 -c 'import venv, ensurepip' 2>>"$work/ended" || missing+=(python3 python3-venv) ;;
      node) command -v node >>"$work/ended" || missing+=(nodejs) ;;
      npm) command -v npm >>"$work/ended" || missing+=(npm) ;;
      # The fonts have the Greek of the demonstration.
      chromium) command -v chromium >>"$work/ended" || missing+=(chromium fonts-dejavu-core) ;;
      *) fail "no rule for $name" ;;
    esac
  done
  [ ${#missing[@]} = 0 ] || {
    as_root apt-get update -qq
    as_root apt-get install --yes -qq --no-install-recommends "${missing[@]}" >"$work/apt.log" 2>&1 || fail 'apt-get install' "$work/apt.log"
  }
}

# Starts a server and waits, at most twenty seconds, for what it says when it is ready: `said`.
start() { # NAME PATTERN COMMAND…
  local name=$1 pattern=$2
  shift 2
  # Made before the server is, so that it can be looked into at once.
  : >"$work/$name.out"
  "$@" >>"$work/$name.out" 2>"$work/$name.log" &
  started+=($!)
  for _ in $(seq 200); do
    said=$(sed -nE "s@$pattern@\1@p" "$work/$name.out" | head -n 1)
    [ -z "$said" ] || return 0
    kill -0 "$!" 2>>"$work/ended" || break
    sleep 0.1
  done
  fail "$name does not start" "$work/$name.log"
}

# Starts the demonstration: `GATEWAY`, and `DEMO_PORTAL`, its portal's own address.
start_demo() {
  start demo '^What else is here: (http://[0-9.:]+)/.*' "$program" demo --listen 127.0.0.1:0 --log-level warn
  GATEWAY=$said
  DEMO_PORTAL=$(sed -nE 's,^A demonstration portal answers at ([^ ]*)/\,.*,\1,p' "$work/demo.out")
  export GATEWAY DEMO_PORTAL
}
