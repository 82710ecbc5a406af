"""A client of HTTP/1.1 that can be slow, many and impolite. It judges nothing."""

import asyncio
import json
import socket
import time

#: How long anything may take before it counts as hung.
HUNG = 60


class Answer:
    """What came back: a status of 0 is a connection that broke, and `error` says how."""

    __slots__ = ("status", "fields", "body", "took", "error")

    def __init__(self, status=0, fields=None, body=b"", took=0.0, error=None):
        self.status, self.fields, self.body, self.took, self.error = status, fields or {}, body, took, error

    @property
    def problem(self):
        """The name of the problem that the answer is, if it is one."""
        if "problem+json" not in self.fields.get("content-type", ""):
            return None
        return json.loads(self.body)["type"].rpartition("#")[2]

    @property
    def cache(self):
        return self.fields.get("cache-status", "")

    def __repr__(self):
        return f"{self.status} {self.error or self.body[:120]!r} {self.cache}"


class Connection:
    """One connection to a server."""

    def __init__(self, reader, writer):
        self.reader, self.writer, self.reusable = reader, writer, True

    @classmethod
    async def open(cls, address, source=None, receive=None):
        """Connects. `source` is our own address, `receive` the size of the kernel's receive buffer."""
        sock = socket.socket(socket.AF_INET)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        try:
            if source:
                sock.bind((source, 0))
            await asyncio.get_running_loop().sock_connect(sock, address)
            return cls(*await asyncio.open_connection(sock=sock, limit=64 << 10))
        except BaseException:
            sock.close()
            raise

    async def send(self, target, method="GET", fields=()):
        lines = [f"{method} {target} HTTP/1.1", "Host: gateway.test", *(f"{n}: {v}" for n, v in fields)]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        await self.writer.drain()

    async def head(self):
        """The status and the fields of the next answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *lines = head[:-4].split("\r\n")
        fields = {}
        for text in lines:
            name, _, value = text.partition(":")
            name = name.lower()
            fields[name] = f"{fields[name]}, {value.strip()}" if name in fields else value.strip()
        self.reusable = fields.get("connection", "").lower() != "close"
        return int(line.split(" ", 2)[1]), fields

    async def body(self, status, fields, method="GET"):
        if method == "HEAD" or status in (204, 304) or status < 200:
            return b""
        if "content-length" in fields:
            return await self.reader.readexactly(int(fields["content-length"]))
        if fields.get("transfer-encoding", "").lower() == "chunked":
            return b"".join([piece async for piece in self.chunks()])
        self.reusable = False
        return await self.reader.read()

    async def chunks(self):
        while size := int((await self.reader.readline()).split(b";")[0], 16):
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readline()

    async def ask(self, target, method="GET", fields=(), hung=HUNG):
        """One request and its whole answer."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(hung):
                await self.send(target, method, fields)
                status, answered = await self.head()
                body = await self.body(status, answered, method)
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError) as error:
            self.close()
            return Answer(took=time.monotonic() - begun, error=type(error).__name__)
        if not self.reusable:
            self.close()
        return Answer(status, answered, body, time.monotonic() - begun)

    @property
    def is_open(self):
        return self.reusable and not self.reader.at_eof() and not self.writer.transport.is_closing()

    async def until_closed(self, hung=HUNG):
        """What the server says until it closes, or `None` if it does not."""
        said = b""
        try:
            async with asyncio.timeout(hung):
                while piece := await self.reader.read(64 << 10):
                    said += piece
        except ConnectionError:
            pass
        except TimeoutError:
            return None
        return said

    def close(self):
        self.reusable = False
        self.writer.transport.abort()


class Pool:
    """Connections that are kept and used again, as a browser or a server in front does."""

    def __init__(self, address, source=None):
        self.address, self.source, self.idle = address, source, []

    async def ask(self, target, method="GET", fields=(), hung=HUNG):
        begun = time.monotonic()
        connection = None
        while self.idle and connection is None:
            connection = self.idle.pop()
            if not connection.is_open:
                connection.close()
                connection = None
        try:
            connection = connection or await asyncio.wait_for(Connection.open(self.address, self.source), hung)
        except (OSError, TimeoutError) as error:
            return Answer(took=time.monotonic() - begun, error=f"connect: {type(error).__name__}")
        try:
            answer = await connection.ask(target, method, fields, hung)
        except asyncio.CancelledError:
            connection.close()
            raise
        answer.took = time.monotonic() - begun
        if connection.is_open:
            self.idle.append(connection)
        return answer

    def close(self):
        for connection in self.idle:
            connection.close()
        self.idle.clear()


async def many(address, count, source=None, at_once=100):
    """So many connections; at most `at_once` of them are being made, so that no queue of the kernel's overflows."""
    turns = asyncio.Semaphore(at_once)

    async def one():
        async with turns:
            return await Connection.open(address, source)

    return await asyncio.gather(*(one() for _ in range(count)))
