"""Asks for the same thing over kept connections, eight at once, and says how many answers were wrong. It
tries nothing again, so that whatever fails is seen.

    asking.py PORT TARGET [CERTIFICATE]      with a certificate by TLS, as data.example.org

SIGTERM ends it, or a minute. It succeeds if every answer was 200.
"""

import http.client
import signal
import socket
import ssl
import sys
import threading
import time

port, target = int(sys.argv[1]), sys.argv[2]
tls = ssl.create_default_context(cafile=sys.argv[3]) if len(sys.argv) > 3 else None
over = threading.Event()
right, wrong, longest = 0, [], 0.0
counting = threading.Lock()


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname="data.example.org")


def ask(connection):
    connection.request("GET", target)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def keep_asking():
    global right, longest
    connection = Connection("data.example.org")
    while not over.is_set():
        begun = time.monotonic()
        try:
            said = ask(connection)
        except (OSError, http.client.HTTPException) as error:
            said = repr(error)
            connection.close()
        with counting:
            longest = max(longest, time.monotonic() - begun)
            if said == 200:
                right += 1
            else:
                wrong.append(said)
        over.wait(0.005)


signal.signal(signal.SIGTERM, lambda *_: over.set())
threads = [threading.Thread(target=keep_asking) for _ in range(8)]
for thread in threads:
    thread.start()
over.wait(60)
over.set()
for thread in threads:
    thread.join()
print(f"{right} answers, {len(wrong)} wrong {wrong[:5]}, the longest took {longest:.1f} s")
sys.exit(bool(wrong) or not right)
