#!/usr/bin/env bash
# Breaks what is around the gateway (portals, names, clients, disk, clock) and measures what becomes of
# requests. Needs bash and Python 3.11; for portals with public addresses, names and cables that are
# pulled also the right to make a network namespace, and for what happens to the disk and the clock a C
# compiler: without those, such scenarios are skipped, and that is said. Nothing leaves the machine.
# docs/faults.md says what each scenario is about.
#
#   tests/faults/run.sh PROGRAM [SCENARIO...] [--full] [--json FILE] [--list]
set -euo pipefail
cd "$(dirname "$0")/../.."

here=$PWD/tests/faults
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  printf 'Faults: Python 3.11 or later is needed\n' >&2
  exit 1
}
# Ten thousand clients are as many descriptors; a harness that grows without end is no test.
ulimit -n "$(ulimit -Hn)"
ulimit -v 6000000
if unshare -rmn true 2>/dev/null; then
  exec env UNPAD_FAULTS_SPACE=1 unshare -rmn python3 -B "$here/main.py" "$@"
fi
printf 'No network namespace can be made here: scenarios that need one are skipped\n'
exec python3 -B "$here/main.py" "$@"
