"""A portal that does what a scenario tells it, and counts what reached it. It knows nothing of unpad."""

import asyncio
import collections
import json
import socket
import struct
from urllib.parse import parse_qs, urlsplit

#: The kernel's send buffer of a connection: small, so that what was sent is nearly what was taken.
SEND_BUFFER = 64 << 10


class Exchange:
    """One request, and the ways to answer it."""

    def __init__(self, head, writer, portal, connection):
        line, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target = line.split(" ")[:2]
        self.fields = {n.lower(): v.strip() for n, _, v in (text.partition(":") for text in lines if text)}
        at = urlsplit(self.target)
        self.path = at.path
        self.query = {n: v[-1] for n, v in parse_qs(at.query, keep_blank_values=True).items()}
        self.writer, self.portal, self.connection = writer, portal, connection
        self.number, self.sent, self.closing = portal.requests, 0, False

    async def write(self, content):
        """Sends bytes as they are."""
        self.writer.write(content)
        await self.writer.drain()
        self.sent += len(content)
        self.portal.sent += len(content)

    async def reply(self, status=200, content=b"", kind="application/json", fields=()):
        """A whole answer, with the length that it has."""
        lines = [f"HTTP/1.1 {status} S", f"Content-Type: {kind}", f"Content-Length: {len(content)}", *fields]
        if self.closing:
            lines.append("Connection: close")
        content = b"" if self.method == "HEAD" else content
        await self.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content)

    async def json(self, value, status=200, fields=()):
        """JSON, with the padding that was asked for; as CKAN does, only with status 200."""
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        callback = self.query.get("callback")
        if callback and status == 200:
            return await self.reply(200, callback.encode() + b"(" + content + b");", "application/javascript", fields)
        return await self.reply(status, content, fields=fields)

    async def stream(self, pieces, kind="application/json", length=None):
        """Content that is made while it is sent: chunked, or of a length that is said."""
        framing = f"Content-Length: {length}" if length is not None else "Transfer-Encoding: chunked"
        await self.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n".encode())
        for piece in pieces:
            await self.write(piece if length is not None else b"%x\r\n%s\r\n" % (len(piece), piece))
        if length is None:
            await self.write(b"0\r\n\r\n")

    async def silence(self):
        """Says nothing more until the other side has gone."""
        self.closing = True
        await self.portal.gone(self.connection)

    def reset(self):
        """Ends the connection with a reset."""
        self.closing = True
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Upstream:
    """A portal on a port of its own. `answer` is a coroutine that gets an exchange. At `::` it listens at every address
    that this machine has, of IPv4 too, and `dialled` counts at which it was asked."""

    def __init__(self, answer, host="127.0.0.1", tls=None):
        self.answer, self.host, self.tls = answer, host, tls
        self.port, self.server = 0, None
        self.connections = self.requests = self.sent = self.aborted = 0
        self.open, self.by_path, self.dialled = {}, collections.Counter(), collections.Counter()

    async def up(self):
        """Listens, at the same port as before."""
        place = (self.host, self.port)
        if self.host == "::":
            sock = socket.create_server(place, family=socket.AF_INET6, dualstack_ipv6=True)
        else:
            sock = socket.create_server(place)
        self.server = await asyncio.start_server(self._serve, sock=sock, limit=1 << 20, backlog=4096, ssl=self.tls)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def down(self):
        """Is gone: nobody listens, and what was open is closed."""
        self.server.close()
        for reader, writer in list(self.open.values()):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def gone(self, connection):
        """Waits until a connection has been closed by the other side."""
        reader, _ = self.open[connection]
        try:
            while await reader.read(4096):
                pass
        except ConnectionError:
            pass

    def portal(self, host=None, **entry):
        """The entry of a registry that leads here."""
        scheme = "https" if self.tls else "http"
        base = f"{scheme}://{host or self.host}:{self.port}/data"
        allowed = {} if host else {"allow_cidr": ["127.0.0.0/8"]}
        return {"base": base, **allowed, **entry}

    async def _serve(self, reader, writer):
        self.connections += 1
        number = self.connections
        self.open[number] = (reader, writer)
        sock = writer.get_extra_info("socket")
        self.dialled[sock.getsockname()[0].removeprefix("::ffff:")] += 1
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        writer.transport.set_write_buffer_limits(high=SEND_BUFFER)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                exchange = Exchange(head[:-4], writer, self, number)
                self.by_path[exchange.path] += 1
                await self.answer(exchange)
                if exchange.closing:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            self.aborted += 1
        except asyncio.CancelledError:
            pass
        finally:
            self.open.pop(number, None)
            writer.close()
