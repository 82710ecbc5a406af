#!/usr/bin/env bash
# Runs what the README tells a reader to run. Needs bash, curl and a built program.
#
#   tests/readme.sh [PROGRAM]        # default: ${CARGO_TARGET_DIR:-target}/debug/unpad
#
# Every line of an ```sh block is run by what it begins with:
#   cargo …         not run here: building and testing are steps of their own
#   unpad serve …   started on a free port, waited for, ended
#   unpad …         run as it is; has to succeed
#   curl …          asked of a demonstration; has to be answered with 200
# Anything else is an error: give it a rule here, or take it out of the README.
# A ```javascript or ```python block below a line `<!-- run -->` is run against the demonstration
# if node or python3 is there.
set -euo pipefail
cd "$(dirname "$0")/.."

readme=README.md
program=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/debug/unpad}")
work=$(mktemp -d)
demo=
server=
PATH=$work:$PATH
export UNPAD_CACHE_DIR=$work/cache
ln -s "$program" "$work/unpad"

end() { # PID: ends a process that was started here, and waits for it.
  if [ -n "$1" ] && kill "$1" 2>>"$work/ended"; then
    wait "$1" 2>>"$work/ended" || true
  fi
}

finish() {
  end "$server"
  end "$demo"
  rm -rf "$work"
}
trap finish EXIT

fail() {
  printf 'README: %s\n' "$*" >&2
  exit 1
}

# Waits, at most ten seconds, until the output of a server names its address and the address
# answers; prints it.
address_of() { # OUTPUT PID
  local address tries
  for tries in $(seq 100); do
    address=$(sed -nE 's,^(unpad serves .* at|What else is here:) http://([0-9.:]+)/.*,\2,p' "$1")
    if [ -n "$address" ] && curl -sf -o "$work/healthz" "http://$address/healthz"; then
      printf '%s\n' "$address"
      return
    fi
    kill -0 "$2" 2>>"$work/ended" || break
    sleep 0.1
  done
  cat "$1" >&2
  return 1
}

run_curl() { # LINE
  local line status
  line=${1//127.0.0.1:8080/$address}
  status=$(bash -c "$line -sS -o '$work/answer' -w '%{http_code}'") || fail "this fails: $1"
  [ "$status" = 200 ] || fail "this is answered with $status: $1"
}

run_serve() { # LINE
  bash -c "exec ${1/unpad serve/unpad serve --listen 127.0.0.1:0}" >"$work/serve" 2>&1 &
  server=$!
  address_of "$work/serve" "$server" >"$work/address" || fail "this does not start: $1"
  end "$server"
  server=
}

run_line() { # LINE
  case $1 in
    '' | '#'*) return ;;
    'cargo '*) return ;;
    'unpad serve'*) run_serve "$1" ;;
    'unpad '*) bash -c "$1" >"$work/output" 2>&1 || { cat "$work/output" >&2; fail "this fails: $1"; } ;;
    'curl '*) run_curl "$1" ;;
    *) fail "no rule in tests/readme.sh for: $1" ;;
  esac
  printf 'ok  %s\n' "$1"
  ran=$((ran + 1))
}

run_block() { # LANGUAGE FILE
  local interpreter=python3 extension=py
  if [ "$1" = javascript ]; then
    interpreter=node extension=mjs
  fi
  if ! command -v "$interpreter" >"$work/found"; then
    printf -- '--  a %s block: no %s here\n' "$1" "$interpreter"
    return
  fi
  sed "s,127\.0\.0\.1:8080,$address,g" "$2" >"$work/block.$extension"
  "$interpreter" "$work/block.$extension" >"$work/output" 2>&1 || {
    cat "$work/output" >&2
    fail "a $1 block fails"
  }
  printf 'ok  a %s block: %s\n' "$1" "$(head -n 1 "$work/output")"
  ran=$((ran + 1))
}

"$program" demo --listen 127.0.0.1:0 >"$work/demo" 2>"$work/log" &
demo=$!
address=$(address_of "$work/demo" "$demo") || fail "the demonstration does not start"

ran=0 language='' marked=no
while IFS= read -r line <&3; do
  if [ -n "$language" ]; then
    if [ "$line" = '```' ]; then
      if [ "$marked" = yes ] && [ "$language" != sh ]; then
        run_block "$language" "$work/block"
      fi
      language='' marked=no
    elif [ "$language" = sh ]; then
      run_line "$line"
    else
      printf '%s\n' "$line" >>"$work/block"
    fi
  elif [[ $line == '```'* ]]; then
    language=${line#'```'}
    : >"$work/block"
  elif [ "$line" = '<!-- run -->' ]; then
    marked=yes
  fi
done 3<"$readme"

[ "$ran" -gt 0 ] || fail "nothing was run"
printf 'README: %s commands and blocks run\n' "$ran"
