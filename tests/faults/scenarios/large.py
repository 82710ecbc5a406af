"""Answers that are too long, or become so when they are decoded, and clients that take them slowly."""

import asyncio
import hashlib
import itertools
import time

import bodies
from bodies import MIB
from client import Connection
from load import eventually
from network import short_buffers
from world import scenario, together


@scenario("F03", "a portal sends a gibibyte of JSON")
async def gibibyte(world):
    """Four at once at the default limit of 32 MiB. The kernel's buffers are short, so that what the portal has sent is
    what the gateway has read."""
    closed = {}

    async def answer(exchange):
        begun = None
        try:
            await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in bodies.numbers(1 << 30):
                if exchange.sent > 32 * MIB:
                    begun = begun or time.monotonic()
                await exchange.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        finally:
            closed[exchange.path] = (exchange.sent, time.monotonic() - (begun or time.monotonic()))

    short = await short_buffers(world)
    portal = await world.upstream(answer)
    gateway = await world.gateway({"long": portal.portal()})
    gateway.forget_peak()
    pool = world.pool(gateway)
    found = await together(4, lambda n: pool.ask(f"/p/long/{n}"))
    grown = world.figure("memory", gateway.peak() - gateway.idle_rss, "B")
    world.holds(all((a.status, a.problem) == (502, "response-too-large") for a in found), found[0])
    await eventually(lambda: len(closed) == 4, 5)
    read = world.figure("read of each", max((sent for sent, _ in closed.values()), default=0), "B")
    late = world.figure("closed after", max((late for _, late in closed.values()), default=99.0), "s")
    world.holds(len(closed) == 4 and late <= world.within(1), "the portal's connection stays open")
    # A piece of 256 KiB is counted whole, and the kernel has some of it.
    world.holds(read <= 33 * MIB + (MIB if short else 12 * MIB), "too much is read")
    world.should(grown <= 192 * MIB, "over 192 MiB of memory")
    world.holds(grown <= 400 * MIB, "too much memory")


def file(total):
    """Content of which no two pieces are the same."""
    for number in range(total // (64 << 10)):
        yield hashlib.sha256(b"%d" % number).digest() * 2048


@scenario("F04", "a gibibyte is downloaded by slow clients")
async def slow_clients(world):
    """Eight at once for 4 s (`--full`: 30 s), without a disk tier: with one, the file is written as fast as the portal
    sends, which is what a disk tier is for. Then 100 MiB to their end. Without a namespace the kernel's buffers are as
    long as it likes, and what the portal is ahead is not judged."""
    async def answer(exchange):
        total = (1 << 30) if exchange.path.endswith("long") else 100 * MIB
        await exchange.stream(file(total), "application/octet-stream", total)

    short = await short_buffers(world)
    portal = await world.upstream(answer)
    limits = {"limits": {"buffer_time": "500ms"}}
    gateway = await world.gateway({"files": portal.portal(dialect="plain", **limits)}, cache={"buffer": "1MiB"})
    gateway.forget_peak()
    read, until = [0] * 8, time.monotonic() + world.scaled(4, 30)

    async def slowly(number):
        connection = await Connection.open(gateway.address, receive=32 << 10)
        await connection.send(f"/p/files/{number}/long")
        await connection.head()
        while time.monotonic() < until:
            read[number] += len(await connection.reader.read(16 << 10))
            await asyncio.sleep(0.05)
        ahead[number] = sent() // 8
        connection.close()

    def sent():
        return portal.sent - sum(read)

    ahead = [0] * 8
    await together(8, slowly)
    grown = world.figure("memory", gateway.peak() - gateway.idle_rss, "B")
    world.holds(grown <= 32 * MIB, "too much memory")
    most = world.figure("the portal is ahead of each by", max(ahead), "B")
    world.holds(not short or most <= 2 * MIB, "the portal is not held up")
    answer = await asyncio.gather(*(world.pool(gateway).ask(f"/p/files/{n}/whole") for n in range(2)))
    expected = hashlib.sha256(b"".join(file(100 * MIB))).digest()
    right = [a.status == 200 and hashlib.sha256(a.body).digest() == expected for a in answer]
    world.holds(all(right), f"the file is not the portal's: {[len(a.body) for a in answer]}")
    world.holds(await eventually(lambda: not portal.open or len(portal.open) <= 2, 5) is not None, "connections stay")


BOMBS = {
    "gzip": ("gzip", bodies.gzip_bomb),
    "x-gzip": ("x-gzip", bodies.gzip_bomb),
    "gzip-members": ("gzip", bodies.gzip_members),
    "deflate": ("deflate", bodies.deflate_bomb),
    "brotli": ("br", lambda: bodies.BROTLI_BOMB),
    "zstd": ("zstd", bodies.zstd_bomb),
    "gzip-gzip": ("gzip, gzip", lambda: __import__("gzip").compress(bodies.gzip_bomb(), 9)),
    "brotli-gzip": ("br, gzip", lambda: __import__("gzip").compress(bodies.BROTLI_BOMB, 9)),
    "json-too-long": ("gzip", bodies.just_too_long),
    "empty-members": ("gzip", lambda: __import__("gzip").compress(b"") * 500_000),
}


@scenario("F05", "compression bombs")
async def bombs(world):
    """Four of each at once, and where the answer is a file without padding too."""
    made = {name: (coding, make()) for name, (coding, make) in BOMBS.items()}

    async def answer(exchange):
        coding, content = made[exchange.path.split("/")[2]]
        await exchange.reply(200, content, fields=(f"Content-Encoding: {coding}",))

    portal = await world.upstream(answer)
    gateway = await world.gateway({"bombs": portal.portal(limits={"failures": 0})})
    pool, slowest, grown = world.pool(gateway), 0.0, 0
    for name in made:
        gateway.forget_peak()
        before = gateway.rss()
        found = await together(4, lambda n: pool.ask(f"/p/bombs/{name}/{n}"))
        took = max(a.took for a in found)
        # Members that decode to nothing run into no limit but the time; docs/faults.md.
        judge = world.should if name == "empty-members" else world.holds
        judge(took <= world.within(5), f"{name}: refused after {took:.1f} s")
        world.holds(took <= world.within(31), f"{name}: refused after {took:.1f} s")
        slowest = max(slowest, took)
        taken = gateway.peak() - before
        grown = max(grown, taken)
        told = {(a.status, a.problem) for a in found}
        world.holds(all(status in (502, 413) for status, _ in told), f"{name}: {told}")
        # JSON that is too long takes what it takes in F03.
        most = 400 if name == "json-too-long" else 128
        world.should(taken <= min(most, 192) * MIB, f"{name}: over 192 MiB of memory")
        world.holds(taken <= most * MIB, f"{name}: {taken / MIB:.0f} MiB of memory")
    world.figure("kinds", len(made))
    world.figure("slowest", slowest, "s")
    world.figure("memory", grown, "B")
    stored = (await world.metrics(gateway))["unpad_cache_memory_entries"]
    world.holds(stored == 0, f"{stored} are stored")


@scenario("F05b", "header floods and endless heads")
async def heads(world):
    """Fields without end, one field without end, interim responses without end."""
    async def answer(exchange):
        kind = exchange.path.rsplit("/", 1)[1]
        await exchange.write(b"HTTP/1.1 200 OK\r\n" if kind != "interim" else b"")
        piece = {"many": b"X-%d: 1\r\n", "one": b"a" * 1000 + b"%d", "interim": b"HTTP/1.1 103 %d\r\nLink: </a>\r\n\r\n",
                 "fold": b"X: %d\r\n y\r\n"}[kind]
        if kind == "one":
            await exchange.write(b"X: ")
        for block in itertools.count():
            if exchange.sent > 256 * MIB:
                return
            await exchange.write(b"".join(piece % number for number in range(block * 500, block * 500 + 500)))

    portal = await world.upstream(answer)
    limits = {"failures": 0, "first_byte_time": "2s"}
    gateway = await world.gateway({"heads": portal.portal(limits=limits)})
    gateway.forget_peak()
    pool = world.pool(gateway)
    for kind in ("many", "one", "interim", "fold"):
        found = await together(4, lambda n: pool.ask(f"/p/heads/{n}/{kind}"))
        told = {(a.status, a.problem) for a in found}
        world.holds(all(status in (502, 504) for status, _ in told), f"{kind}: {told}")
        world.figure(kind, max(a.took for a in found), "s")
    world.holds(gateway.peak() - gateway.idle_rss <= 32 * MIB, "too much memory")
    world.figure("memory", gateway.peak() - gateway.idle_rss, "B")
    world.figure("sent", portal.sent, "B")
