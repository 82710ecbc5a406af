"""A name server that says what a scenario tells it, over UDP and TCP. It knows nothing of unpad."""

import asyncio
import collections
import ipaddress
import struct

A, CNAME, AAAA = 1, 5, 28
CODES = {"servfail": 2, "nxdomain": 3}


def name_at(message, at):
    """The name at a place of a message, and the place behind it. Questions are not compressed."""
    labels = []
    while size := message[at]:
        labels.append(message[at + 1:at + 1 + size].decode("ascii", "replace").lower())
        at += size + 1
    return ".".join(labels), at + 1


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


class NameServer:
    """`names` has for each name a list of addresses, a name it is another name of, one of the words `nxdomain`,
    `servfail`, `silent`, `cut` and `garbage`, or a function that gives one of these for the nth question."""

    def __init__(self, names=None):
        self.names, self.asked = names or {}, collections.Counter()
        self.transport = self.server = None

    async def up(self, address):
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: Datagrams(self), local_addr=(address, 53))
        self.server = await asyncio.start_server(self._serve, address, 53)
        return self

    async def down(self):
        """Is gone: who asks is told that nobody listens."""
        if self.transport:
            self.transport.close()
            self.server.close()
            self.transport = None
        await asyncio.sleep(0.05)

    def answer(self, message, tcp=False):
        """The answer to a question, or nothing."""
        name, end = name_at(message, 12)
        kind = struct.unpack(">H", message[end:end + 2])[0]
        said = self.names.get(name, "nxdomain")
        if callable(said):
            said = said(self.asked[name, kind])
        self.asked[name, kind] += 1
        if said == "silent":
            return None
        if said == "garbage":
            return message[:2] + b"\x81\x80\xff\xff"
        flags, records, code = 0x8180, [], 0
        if isinstance(said, str):
            code = CODES.get(said, 0)
        if isinstance(said, tuple) and said[0] == "cut":
            said, flags = said[1], flags | (0 if tcp else 0x0200)
            if not tcp:
                said = []
        question = message[12:end + 4]
        seen = encoded(name)
        while isinstance(said, str) and said.endswith(".test"):
            records.append(seen + struct.pack(">HHIH", CNAME, 1, 0, len(encoded(said))) + encoded(said))
            seen, said = encoded(said), self.names.get(said, "nxdomain")
        for address in said if isinstance(said, list) else []:
            packed = ipaddress.ip_address(address).packed
            if (len(packed) == 4) == (kind == A) and kind in (A, AAAA):
                records.append(seen + struct.pack(">HHIH", kind, 1, 0, len(packed)) + packed)
        return message[:2] + struct.pack(">HHHHH", flags | code, 1, len(records), 0, 0) + question + b"".join(records)

    async def _serve(self, reader, writer):
        try:
            while True:
                size = struct.unpack(">H", await reader.readexactly(2))[0]
                said = self.answer(await reader.readexactly(size), tcp=True)
                if said:
                    writer.write(struct.pack(">H", len(said)) + said)
        except (EOFError, OSError, IndexError, struct.error):
            pass
        finally:
            writer.close()


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server):
        self.server = server

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, message, peer):
        try:
            said = self.server.answer(message)
        except (IndexError, struct.error):
            return
        if said:
            self.transport.sendto(said, peer)
