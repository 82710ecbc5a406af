"""What the tests share: the gateways that run.sh started, a gateway that lies, and the verbs in both ways."""

import asyncio
import os
import pathlib
import shutil
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import unpad

#: The demonstration, and a gateway for the portals `faulty` and `soda` of portal.py.
DEMO, FAULTS = os.environ["GATEWAY"], os.environ["FAULTS"]
PANDAS = os.environ["WITH_PANDAS"] == "1"
MEASURES = "e5f516c7-456f-50aa-804b-81826abed5b5"


class Case(unittest.TestCase):
    gateway = DEMO

    def setUp(self):
        unpad.use(self.gateway, timeout=30)
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, name):
        return f"{FAULTS}/p/simple/{name}"

    def raises(self, kind, *arguments, **named):
        with self.assertRaises(kind) as caught:
            self.call(*arguments, **named)
        self.assertIs(type(caught.exception), kind)
        return caught.exception

    def call(self, verb, *arguments, **named):
        return getattr(unpad.sync, verb)(*arguments, **named)

    def written(self):
        """What advice has before a verb."""
        return "await unpad." if type(self).__name__.endswith("WithAwait") else "unpad.sync."


def both_ways(case):
    """Runs the tests of a class twice: with `await`, and without."""
    def call(self, verb, *arguments, **named):
        return asyncio.run(getattr(unpad, verb)(*arguments, **named))

    namespace = vars(__import__("sys").modules[case.__module__])
    namespace[case.__name__ + "WithAwait"] = type(case.__name__ + "WithAwait", (case,), {"call": call, "__module__": case.__module__})
    return case


class Liar:
    """A gateway in this process that answers what a test says, whatever that does to the protocol."""

    def __init__(self, answer):
        self.asked = []

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(handler):
                self.asked.append((handler.path, dict(handler.headers)))
                status, fields, content = answer(handler.path)
                handler.send_response_only(status)
                for name, value in fields.items():
                    handler.send_header(name, value)
                handler.end_headers()
                handler.wfile.write(content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # a client that has left
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self):
        self.thread.start()
        unpad.use(self.url, timeout=10)
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
