#!/usr/bin/env bash
# Installs and starts a real CKAN on loopback, with PostgreSQL, Redis and a small stand-in for Solr
# (solr.py), fills it with a fixed catalogue (seed.py), and prints where it is. A machine on which the
# packages cannot be had fails.
#
#   start-ckan.sh [up]      install what is missing, start, seed; 0 when CKAN answers
#   start-ckan.sh down      stop what this script started, by process id; the files stay
#   start-ckan.sh wipe      the same, and forget the databases and files; the packages stay
#   start-ckan.sh restart   stop and start CKAN alone
#   start-ckan.sh set K=V   change ckan.ini, for the next restart
#   start-ckan.sh pg-stop   stop PostgreSQL alone, as `pg_ctl stop` does
#   start-ckan.sh pg-start  and start it again
#   start-ckan.sh env       print the exports again
#
# Environment: CKAN_VERSION (2.12.0, 2.11.6, 2.10.11), CKAN_HOME (one for each version, kept between
# runs; about 450 MB), CKAN_ROWS (of the large table), CKAN_WORKERS, CKAN_PYTHON (3.10 or later). Ports
# are free ones. Another seed.py or number of rows makes the databases anew.
#
# One thread for each worker: with more, datastore_search of 2.12.0 now and then closes a cursor that
# another thread reads (`resource_id_from_alias`).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

version=${CKAN_VERSION:-2.12.0}
home=${CKAN_HOME:-${UNPAD_CI_TOOLS:-${TMPDIR:-/tmp}/unpad-ci-tools}/ckan-$version}
rows=${CKAN_ROWS:-100000}
workers=${CKAN_WORKERS:-3}
python=${CKAN_PYTHON:-python3}
venv=$home/venv
export CKAN_INI=$home/ckan.ini
started=$SECONDS

say() {
  printf '[%3s s] %s\n' "$((SECONDS - started))" "$*" >&2
}

fail() { # MESSAGE [LOG]
  say "FAILED: $1"
  if [ -n "${2:-}" ]; then tail -n 20 "$2" >&2; fi
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

as_postgres() { # PostgreSQL refuses to run as root.
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

pg_programs() {
  find /usr/lib/postgresql -path '*/bin/initdb' -printf '%h\n' 2>>"$home/log/probes" | sort -V | tail -n 1
}

# Whether the process of that pid file runs and is ours: the number may have gone to another.
is_alive() { # NAME
  [ -s "$home/$1.pid" ] || return 1
  tr '\0' ' ' 2>>"$home/log/probes" <"/proc/$(cat "$home/$1.pid")/cmdline" | grep -qE -- "$home/|redis-server 127.0.0.1"
}

stop() { # NAME
  if is_alive "$1"; then
    kill "$(cat "$home/$1.pid")" || true
    for _ in $(seq 100); do is_alive "$1" || break; sleep 0.1; done
    if is_alive "$1"; then kill -9 "$(cat "$home/$1.pid")" || true; fi
  fi
  rm -f "$home/$1.pid"
}

# --- What has to be installed --------------------------------------------------------------------

missing_packages() {
  [ -n "$(pg_programs)" ] || printf 'postgresql\n'
  command -v redis-server >>"$home/log/probes" || printf 'redis-server\n'
  command -v curl >>"$home/log/probes" || printf 'curl\n'
  ldconfig -p | grep -q libmagic.so.1 || printf 'libmagic1\n'
  command -v gcc >>"$home/log/probes" || printf 'gcc\nlibc6-dev\n'
  [ -e /usr/include/postgresql/libpq-fe.h ] || printf 'libpq-dev\n'
  "$python" -c 'import venv, ensurepip, sysconfig, os
assert os.path.exists(sysconfig.get_path("include") + "/Python.h")' 2>>"$home/log/probes" || printf 'python3-venv\npython3-dev\n'
}

install_packages() { # NAME…  without a default cluster and without services of their own
  say "apt: $*"
  as_root apt-get update -qq
  as_root mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    printf 'create_main_cluster = false\n' | as_root tee /etc/postgresql-common/createcluster.conf >>"$home/log/probes"
  local made=
  if ! [ -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >>"$home/log/probes"
    as_root chmod +x /usr/sbin/policy-rc.d
    made=yes
  fi
  local status=0
  as_root apt-get install --yes -qq --no-install-recommends "$@" >"$home/log/apt.log" 2>&1 || status=$?
  if [ -n "$made" ]; then as_root rm -f /usr/sbin/policy-rc.d; fi
  [ "$status" = 0 ] || fail 'apt-get install' "$home/log/apt.log"
}

install_ckan() {
  say "pip: ckan[requirements]==$version"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail 'CKAN needs Python 3.10 or later'
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/pip" install -q --disable-pip-version-check "ckan[requirements]==$version" 'setuptools<81' \
    gunicorn==23.0.0 >"$home/log/pip.log" 2>&1 || fail 'pip install' "$home/log/pip.log"
  touch "$venv/.done"
}

install_what_is_missing() {
  local missing
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
  [ -e "$venv/.done" ] || install_ckan
}

# --- What has to run -----------------------------------------------------------------------------

choose_ports() { # as long as nothing of ours runs
  if [ -e "$home/ports" ] && { is_alive ckan || is_alive redis || is_alive solr || pg_runs; }; then
    return
  fi
  "$python" - >"$home/ports" <<'PYTHON'
import socket
names = ["ckan_port", "pg_port", "redis_port", "solr_port"]
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in names]
print(*(f"{name}={each.getsockname()[1]}" for name, each in zip(names, sockets)), sep="\n")
PYTHON
}

read_ports() { # ckan_port, pg_port, redis_port, solr_port
  [ -e "$home/ports" ] || fail 'nothing was started here'
  # shellcheck source=/dev/null
  . "$home/ports"
}

pg_runs() {
  [ -e "$home/pg/data/PG_VERSION" ] && as_postgres "$(pg_programs)/pg_ctl" -D "$home/pg/data" status >>"$home/log/probes" 2>&1
}

start_pg() {
  local programs
  programs=$(pg_programs)
  if ! [ -e "$home/pg/data/PG_VERSION" ]; then
    mkdir -p "$home/pg"
    if [ "$(id -u)" = 0 ]; then chown postgres "$home/pg"; fi
    as_postgres "$programs/initdb" -D "$home/pg/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 \
      >"$home/log/initdb.log" 2>&1 || fail 'initdb' "$home/log/initdb.log"
  fi
  pg_runs && return
  as_postgres "$programs/pg_ctl" -D "$home/pg/data" -w -t 60 -l "$home/pg/pg.log" -o "-p $pg_port \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c synchronous_commit=off \
    -c full_page_writes=off" start >"$home/log/pg_ctl.log" 2>&1 || fail 'pg_ctl start' "$home/pg/pg.log"
}

stop_pg() {
  if pg_runs; then
    as_postgres "$(pg_programs)/pg_ctl" -D "$home/pg/data" -m fast -w stop >"$home/log/pg_ctl.log" 2>&1 ||
      fail 'pg_ctl stop' "$home/log/pg_ctl.log"
  fi
}

sql() {
  "$(pg_programs)/psql" -h 127.0.0.1 -p "$pg_port" -U postgres -v ON_ERROR_STOP=1 -qAt "$@"
}

start_redis() {
  is_alive redis && return
  redis-server --bind 127.0.0.1 --port "$redis_port" --save '' --appendonly no --dir "$home/redis" \
    </dev/null >"$home/log/redis.log" 2>&1 &
  printf '%s\n' $! >"$home/redis.pid"
}

# The stand-in keeps its index in memory.
start_solr() { # answers 0 if it was started just now
  is_alive solr && return 1
  "$venv/bin/python" "$here/solr.py" "$solr_port" "${version%.*}" "$home/" \
    </dev/null >"$home/log/solr.log" 2>&1 &
  printf '%s\n' $! >"$home/solr.pid"
}

wait_for_both() {
  for _ in $(seq 100); do
    if curl -fs -o "$home/log/ping" "http://127.0.0.1:$solr_port/solr/ckan/admin/ping" &&
      redis-cli -p "$redis_port" ping >"$home/log/ping" 2>&1; then
      return
    fi
    sleep 0.1
  done
  fail 'Redis or the stand-in for Solr does not answer'
}

start_ckan() {
  is_alive ckan && return
  say "CKAN $version at 127.0.0.1:$ckan_port"
  "$venv/bin/gunicorn" --bind "127.0.0.1:$ckan_port" --worker-class gthread --workers "$workers" --threads 1 \
    --timeout 120 --limit-request-line 8190 --chdir "$home" wsgi:application \
    </dev/null >"$home/log/ckan.log" 2>&1 &
  printf '%s\n' $! >"$home/ckan.pid"
  for _ in $(seq 300); do
    curl -fs -o "$home/log/ping" "http://127.0.0.1:$ckan_port/api/3/action/status_show" && return
    is_alive ckan || fail 'CKAN ended' "$home/log/ckan.log"
    sleep 0.2
  done
  fail 'CKAN does not answer' "$home/log/ckan.log"
}

# --- What has to be in it ------------------------------------------------------------------------

configure() {
  [ -e "$CKAN_INI" ] || "$venv/bin/ckan" generate config "$CKAN_INI" >"$home/log/config.log" 2>&1 ||
    fail 'ckan generate config' "$home/log/config.log"
  "$venv/bin/ckan" config-tool "$CKAN_INI" \
    "sqlalchemy.url = postgresql://ckan:pass@127.0.0.1:$pg_port/ckan" \
    "ckan.datastore.write_url = postgresql://ckan:pass@127.0.0.1:$pg_port/datastore" \
    "ckan.datastore.read_url = postgresql://datastore_ro:pass@127.0.0.1:$pg_port/datastore" \
    "ckan.site_url = http://127.0.0.1:$ckan_port" 'ckan.site_id = default' \
    'ckan.site_title = Dades obertes · Ανοικτά δεδομένα' \
    "ckan.redis.url = redis://127.0.0.1:$redis_port/0" \
    "solr_url = http://127.0.0.1:$solr_port/solr/ckan" \
    "ckan.storage_path = $home/storage" 'ckan.max_resource_size = 100' \
    'ckan.plugins = datastore' 'ckan.datastore.sqlsearch.enabled = true' \
    >"$home/log/config.log" 2>&1 || fail 'ckan config-tool' "$home/log/config.log"
  cat >"$home/wsgi.py" <<'PYTHON'
import os
from logging.config import fileConfig
from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app
ini = os.environ["CKAN_INI"]
fileConfig(ini, disable_existing_loggers=False)
application = make_app(CKANConfigLoader(ini).get_config())
PYTHON
}

make_databases() {
  say 'databases, tables, a user'
  sql -c "create role ckan login password 'pass'" -c "create role datastore_ro login password 'pass'" \
    -c "create database ckan owner ckan encoding 'utf8'" -c "create database datastore owner ckan encoding 'utf8'"
  "$venv/bin/ckan" db init >"$home/log/db.log" 2>&1 || fail 'ckan db init' "$home/log/db.log"
  "$venv/bin/ckan" datastore set-permissions 2>"$home/log/db.log" | sql >>"$home/log/db.log" 2>&1 ||
    fail 'ckan datastore set-permissions' "$home/log/db.log"
  {
    "$venv/bin/ckan" user add admin email=admin@example.org password=correct-horse &&
      "$venv/bin/ckan" sysadmin add admin
  } >"$home/log/user.log" 2>&1 || fail 'ckan user add' "$home/log/user.log"
  "$venv/bin/ckan" user token add admin e2e -q 2>>"$home/log/user.log" | tail -n 1 | tr -d ' \t\n' >"$home/token"
  [ -s "$home/token" ] || fail 'ckan user token add' "$home/log/user.log"
  touch "$home/databases.done"
}

catalogue() { # what the databases are made from
  { sha256sum <"$here/seed.py"; printf '%s rows\n' "$rows"; } | tr '\n' ' '
}

up() {
  mkdir -p "$home/log"
  if [ -e "$home/catalogue" ] && [ "$(cat "$home/catalogue")" != "$(catalogue)" ]; then wipe; fi
  mkdir -p "$home/log" "$home/redis" "$home/storage"
  chmod 755 "$home"
  catalogue >"$home/catalogue"
  install_what_is_missing
  choose_ports
  read_ports
  say 'PostgreSQL, Redis, the stand-in for Solr'
  start_pg
  start_redis
  local index_is_empty=no
  if start_solr; then index_is_empty=yes; fi
  wait_for_both
  is_alive ckan || configure
  [ -e "$home/databases.done" ] || make_databases
  start_ckan
  if ! [ -e "$home/seed.json" ]; then
    say "the catalogue: 5 organizations, 200 packages, $rows rows"
    "$venv/bin/python" "$here/seed.py" "http://127.0.0.1:$ckan_port" "$(cat "$home/token")" \
      "$home/seed.json.new" "$rows" >&2 || fail 'seed.py'
    mv "$home/seed.json.new" "$home/seed.json"
  elif [ "$index_is_empty" = yes ]; then
    say 'the search index'
    "$venv/bin/ckan" search-index rebuild -q >"$home/log/index.log" 2>&1 || fail 'ckan search-index rebuild' "$home/log/index.log"
  fi
  say "ready: http://127.0.0.1:$ckan_port"
  environment
}

environment() {
  read_ports
  printf 'export CKAN_URL=%q CKAN_TOKEN=%q CKAN_SEED=%q\n' \
    "http://127.0.0.1:$ckan_port" "$(cat "$home/token")" "$home/seed.json"
}

down() {
  mkdir -p "$home/log"
  local name
  for name in ckan solr redis; do stop "$name"; done
  stop_pg
}

wipe() {
  down
  rm -rf "$home"/{pg,storage,redis,log,databases.done,seed.json,catalogue,token,ports,ckan.ini}
}

case ${1:-up} in
  up) up ;;
  down) down ;;
  wipe) wipe ;;
  restart)
    read_ports
    stop ckan
    start_ckan
    environment
    ;;
  set)
    shift
    "$venv/bin/ckan" config-tool "$CKAN_INI" "$@" >"$home/log/config.log" 2>&1 || fail 'ckan config-tool' "$home/log/config.log"
    ;;
  pg-stop) stop_pg ;;
  pg-start)
    read_ports
    start_pg
    ;;
  env) environment ;;
  *) fail "no such command: $1" ;;
esac
