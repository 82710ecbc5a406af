"""Holds a socket as systemd does for examples/deploy/unpad.socket, and starts a program with it.

    handover.py PROGRAM ARGUMENT…

SIGHUP ends the program with SIGTERM and, once it has ended, starts it again; SIGTERM ends both. It starts
nothing by itself when the program ends.
"""

import signal
import socket
import subprocess
import sys

LONGEST_END = 60

listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
fd = listener.fileno()


def start():
    # Only the new process knows the number that LISTEN_PID has to be; `exec` keeps it.
    script = f'exec env LISTEN_FDS=1 LISTEN_PID=$$ "$@" 3<&{fd}'
    return subprocess.Popen(["sh", "-c", script, "sh", *sys.argv[1:]], pass_fds=[fd])


def end():
    program.terminate()
    try:
        program.wait(LONGEST_END)
    except subprocess.TimeoutExpired:
        program.kill()
        raise


def restart(*_):
    global program
    end()
    program = start()


def leave(*_):
    end()
    sys.exit()


program = start()
signal.signal(signal.SIGHUP, restart)
signal.signal(signal.SIGTERM, leave)
while True:
    signal.pause()
