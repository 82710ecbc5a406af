#!/usr/bin/env bash
# How many answers a second come from memory, beside nginx with `proxy_cache` in front of the same
# origin server. Not a test: a slow result is a result, and only a set-up that fails is an error.
# Needs bash, curl, nginx, pgrep, taskset, wrk and two processors; builds the program unless it is named.
#
#   benches/nginx.sh [PROGRAM]
#
#   ROUNDS=7                        rounds; in each, both servers take their turn at each size
#   SECONDS_EACH=3                  how long one turn takes
#   SIZES="200 2000 20000 200000"   bytes of content
#   RAW=FILE                        where the raw table goes [target/nginx-raw.tsv]
#   SERVER_CORE=0 CLIENT_CORE=1     who runs where
#   NGINX_SENDFILE=on               `off` is what nginx does if it is told nothing; `on` is what
#                                   distributions tell it, and spares it copying long content
#   NGINX_HTTP="…"                  more directives for nginx's http block, such as
#                                   "open_file_cache max=1000 inactive=10m;"
#
# Two figures for each size. The rate is what a client sees; where the client's core is busy before
# the server's is, it says little of the server. The processor time that the server spends on one
# answer, in its own code and in the kernel, says more, and other work on the machine disturbs it
# less.
#
# One core for the server, one for the load generator; 32 connections that are kept alive. Access
# logs are off on both sides. nginx adds the fields that the gateway sends, word for word, and has
# two of its own (Server, Connection); one value is shortened by as much, so that both send the same
# number of bytes. At the end it is checked that the origin server was asked once for each size.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${ROUNDS:-7}
seconds=${SECONDS_EACH:-3}
read -ra sizes <<<"${SIZES:-200 2000 20000 200000}"
sendfile=${NGINX_SENDFILE:-on}
target=${CARGO_TARGET_DIR:-target}
raw=${RAW:-$target/nginx-raw.tsv}
server_core=${SERVER_CORE:-0}
client_core=${CLIENT_CORE:-1}
PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d)
pids=()

finish() {
  local pid
  for pid in "${pids[@]}"; do
    if kill "$pid" 2>>"$work/ended"; then
      wait "$pid" 2>>"$work/ended" || true
    fi
  done
  rm -rf "$work"
}
trap finish EXIT

fail() {
  printf 'nginx.sh: %s\n' "$*" >&2
  exit 1
}

for tool in curl nginx pgrep taskset wrk; do
  command -v "$tool" >>"$work/found" ||
    fail "$tool is missing: apt-get install curl nginx procps util-linux wrk"
done
[ "$(nproc)" -ge 2 ] || fail "it takes two processors, one for the server and one for the client"

free_port() {
  local port
  for _ in $(seq 50); do
    port=$((20000 + RANDOM % 10000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>>"$work/ports"; then
      printf '%s\n' "$port"
      return
    fi
  done
  fail "no free port"
}

# Waits, at most ten seconds, until a URL is answered with 200.
answers() { # URL
  for _ in $(seq 100); do
    if curl -sf --max-time 2 -o "$work/answer" "$1"; then
      return
    fi
    sleep 0.1
  done
  cat "$work"/*.log "$work"/*.out >&2
  fail "nobody answers at $1"
}

# The beginning of each nginx's configuration.
preamble() { # NAME
  # A worker of a master that runs as root would be somebody who cannot read our files.
  if [ "$(id -u)" = 0 ]; then
    printf 'user root;\n'
  fi
  cat <<CONF
daemon off;
worker_processes 1;
pid $work/$1.pid;
error_log $work/$1.log warn;
events { worker_connections 1024; }
CONF
}

# The http block that both have. Without a limit of requests nginx would close connections, which
# costs it more than it costs the others.
http_block() { # NAME
  cat <<CONF
  default_type application/octet-stream;
  types { application/json json; }
  sendfile $sendfile;
  tcp_nopush $sendfile;
  keepalive_requests 1000000000;
  client_body_temp_path $work/$1-body;
  proxy_temp_path $work/$1-proxy;
  fastcgi_temp_path $work/$1-fastcgi;
  uwsgi_temp_path $work/$1-uwsgi;
  scgi_temp_path $work/$1-scgi;
CONF
}

start_nginx() { # NAME CORE: starts nginx with the configuration of that name.
  taskset -c "$2" nginx -p "$work" -e "$work/$1.log" -c "$work/$1.conf" >"$work/$1.out" 2>&1 &
  pids+=($!)
}

start_origin() {
  local size
  mkdir "$work/files"
  for size in "${sizes[@]}"; do
    [ "$size" -ge 20 ] || fail "a size is at least 20 bytes"
    {
      printf '{"text": "'
      head -c $((size - 12)) /dev/zero | tr '\0' x
      printf '"}'
    } >"$work/files/$size.json"
    # Old enough to be a strong validator.
    touch -d '2020-01-01 00:00:00 UTC' "$work/files/$size.json"
  done
  {
    preamble origin
    printf 'http {\n'
    http_block origin
    cat <<CONF
  log_format asked "\$uri";
  access_log $work/asked asked;
  server {
    listen 127.0.0.1:$origin_port;
    root $work/files;
    add_header Cache-Control "public, max-age=86400";
  }
}
CONF
  } >"$work/origin.conf"
  start_nginx origin "$client_core"
  answers "http://127.0.0.1:$origin_port/${sizes[0]}.json"
}

start_unpad() {
  cat >"$work/portals.yaml" <<CONF
portals:
  city:
    base: http://127.0.0.1:$origin_port
    dialect: plain
    allow_cidr: ["127.0.0.1/32"]
CONF
  taskset -c "$server_core" "$program" serve --config "$work/portals.yaml" --no-disk \
    --listen "127.0.0.1:$unpad_port" --log-level warn >"$work/unpad.out" 2>"$work/unpad.log" &
  unpad_pid=$!
  pids+=("$unpad_pid")
  answers "http://127.0.0.1:$unpad_port/healthz"
}

# The fields of the gateway's hit as nginx's directives; but for those that nginx has itself or
# takes from the origin server.
add_headers() { # HEAD
  local line name value
  while IFS= read -r line; do
    line=${line%$'\r'}
    name=${line%%: *} value=${line#*: }
    case ${name,,} in
      http/* | '' | date | content-type | content-length | etag | last-modified | accept-ranges | cache-control) ;;
      access-control-expose-headers)
        # Server and Connection, with their line ends.
        value=${value:0:$((${#value} - 39))}
        printf '      add_header %s "%s";\n' "$name" "$value"
        ;;
      *) printf '      add_header %s "%s";\n' "$name" "${value//\"/\\\"}" ;;
    esac
  done <"$1"
}

start_nginx_cache() {
  local size
  {
    preamble cache
    printf 'http {\n'
    http_block cache
    cat <<CONF
  ${NGINX_HTTP:-}
  access_log off;
  server_tokens off;
  proxy_cache_path $work/cache levels=1:2 keys_zone=cache:10m max_size=1g inactive=1d;
  server {
    listen 127.0.0.1:$nginx_port;
CONF
    for size in "${sizes[@]}"; do
      printf '    location = /p/city/%s.json {\n' "$size"
      printf '      proxy_pass http://127.0.0.1:%s/%s.json;\n' "$origin_port" "$size"
      printf '      proxy_cache cache;\n'
      add_headers "$work/unpad-$size.head"
      printf '    }\n'
    done
    printf '  }\n}\n'
  } >"$work/cache.conf"
  start_nginx cache "$server_core"
  answers "http://127.0.0.1:$nginx_port/p/city/${sizes[0]}.json"
  # What serves is the worker, not the master that was started; its other child loads the cache and
  # ends.
  # shellcheck disable=SC2034 # `measure` finds it by its name
  nginx_pid=$(pgrep -P "${pids[-1]}" -f 'worker process') || fail "nginx has no worker"
}

# The head of a hit: the second answer, so that it comes from the cache.
head_of() { # URL FILE
  curl -sf --max-time 5 -o "$work/answer" "$1" || fail "no answer at $1"
  curl -sf --max-time 5 -o "$work/answer" -D "$2" "$1" || fail "no answer at $1"
}

processor_ticks() { # PID: the processor time a process has spent, in hundredths of a second.
  local stat fields
  stat=$(<"/proc/$1/stat")
  read -ra fields <<<"${stat##*) }"
  printf '%s\n' $((fields[11] + fields[12]))
}

measure() { # SERVER SIZE SECONDS: prints answers in a second, answers, processor ticks.
  local port=${1}_port pid=${1}_pid before output
  before=$(processor_ticks "${!pid}")
  output=$(timeout $(($3 + 20)) taskset -c "$client_core" \
    wrk -t1 -c32 -d"$3s" "http://127.0.0.1:${!port}/p/city/$2.json") || fail "wrk fails: $output"
  case $output in
    *'Socket errors'* | *'Non-2xx'*) fail "answers of $1 fail: $output" ;;
  esac
  awk -v ticks=$(($(processor_ticks "${!pid}") - before)) -v OFS='\t' \
    '/ requests in / { answers = $1 } /^Requests\/sec:/ { print $2, answers, ticks }' <<<"$output"
}

program=${1:-}
if [ -z "$program" ]; then
  cargo build --release --locked
  program=$target/release/unpad
fi
[ -x "$program" ] || fail "$program is no program"

origin_port=$(free_port) unpad_port=$(free_port) nginx_port=$(free_port)
start_origin
start_unpad
for size in "${sizes[@]}"; do
  head_of "http://127.0.0.1:$unpad_port/p/city/$size.json" "$work/unpad-$size.head"
  grep -qi '^cache-status: unpad; hit' "$work/unpad-$size.head" || fail "no hit for $size bytes"
done
start_nginx_cache
for size in "${sizes[@]}"; do
  head_of "http://127.0.0.1:$nginx_port/p/city/$size.json" "$work/nginx-$size.head"
done

printf 'heads for %s bytes: unpad %s bytes, nginx %s bytes\n' "${sizes[0]}" \
  "$(wc -c <"$work/unpad-${sizes[0]}.head")" "$(wc -c <"$work/nginx-${sizes[0]}.head")"
asked=$(wc -l <"$work/asked")

mkdir -p "$(dirname "$raw")"
printf 'round\tsize\tserver\tanswers_per_second\tanswers\tprocessor_ticks\n' >"$raw"
for size in "${sizes[@]}"; do
  for server in unpad nginx; do
    measure "$server" "$size" 1 >>"$work/warm"
  done
done
for round in $(seq "$rounds"); do
  order=(unpad nginx)
  if [ $((round % 2)) = 0 ]; then
    order=(nginx unpad)
  fi
  for size in "${sizes[@]}"; do
    for server in "${order[@]}"; do
      figures=$(measure "$server" "$size" "$seconds")
      printf '%s\t%s\t%s\t%s\n' "$round" "$size" "$server" "$figures" >>"$raw"
    done
  done
done
[ "$asked" = "$(wc -l <"$work/asked")" ] || fail "the origin server was asked meanwhile"

printf '%s, %s with sendfile %s; %s rounds of %s s\n\n' "$("$program" --version)" \
  "$(nginx -v 2>&1 | sed 's/.*version: //')" "$sendfile" "$rounds" "$seconds"
awk -F'\t' '
  function median(list,   values, count, i, j, held) {
    count = split(list, values, " ")
    for (i = 2; i <= count; i++) {
      held = values[i]
      for (j = i - 1; j >= 1 && values[j] + 0 > held + 0; j--) values[j + 1] = values[j]
      values[j + 1] = held
    }
    return count % 2 ? values[(count + 1) / 2] : (values[count / 2] + values[count / 2 + 1]) / 2
  }
  NR == 1 { next }
  !($2 in known) { order[++sizes] = $2; known[$2] = 1 }
  {
    rates[$2, $3] = rates[$2, $3] " " $4
    micros[$2, $3] = micros[$2, $3] " " $6 * 10000 / $5
  }
  END {
    print "| content | unpad, answers/s | nginx, answers/s | ratio | unpad, µs of processor | nginx, µs of processor | ratio |"
    print "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for (i = 1; i <= sizes; i++) {
      size = order[i]
      ours = median(rates[size, "unpad"]); theirs = median(rates[size, "nginx"])
      our_time = median(micros[size, "unpad"]); their_time = median(micros[size, "nginx"])
      of_rates += log(ours / theirs); of_times += log(their_time / our_time)
      printf "| %d B | %d | %d | %.2f | %.1f | %.1f | %.2f |\n", size, ours, theirs, ours / theirs,
        our_time, their_time, their_time / our_time
    }
    printf "| geometric mean | | | %.2f | | | %.2f |\n", exp(of_rates / sizes), exp(of_times / sizes)
  }' "$raw"
printf '\nMedians of the rounds; raw table: %s\n' "$raw"
