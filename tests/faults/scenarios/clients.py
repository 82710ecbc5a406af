"""Clients that are slow, silent, or very many."""

import asyncio
import time

from client import Connection, Pool, many
from load import eventually, load
from world import scenario, together

MIB = 1 << 20


async def answers(exchange):
    await exchange.json({"success": True, "result": exchange.target})


async def closes(address, begun, every=None, within=8.0, read=None):
    """After how long the server closes a connection on which this was said, and then a byte now and then."""
    connection = await Connection.open(address, receive=read)
    since = time.monotonic()
    try:
        connection.writer.write(begun)
        closed = asyncio.create_task(connection.until_closed(within))
        while every and not closed.done():
            await asyncio.sleep(every)
            try:
                connection.writer.write(b"X")
            except OSError:
                break
        said = await closed
        return (time.monotonic() - since) if said is not None else None, said
    finally:
        connection.close()


HEAD = b"GET /p/city/x HTTP/1.1\r\nHost: a\r\n"


@scenario("S1", "slow clients in every phase")
async def slowloris(world):
    """`header_time`, `idle_time`, `stall_time` and `content_time` are 1 s instead of 10 s, 75 s, 60 s and 30 s. Fifty of
    each kind at once; meanwhile others are served as ever."""
    portal = await world.upstream(answers)
    server = {"header_time": "1s", "idle_time": "1s", "stall_time": "1s", "content_time": "1s"}
    own = portal.portal(dialect="transparent", dangerous_transparent=True)
    gateway = await world.gateway({"city": portal.portal(), "own": own}, server=server)
    pool = world.pool(gateway)
    kinds = {
        "silent": (b"", None), "half a head": (HEAD, None), "a byte now and then": (HEAD + b"X: ", 0.1),
        "half a line": (b"GET /p/ci", None), "idle after an answer": (HEAD + b"\r\n", None),
        "drips after an answer": (HEAD + b"\r\n" + HEAD, 0.1),
        "slow content": (b"POST /p/own/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx", 0.1),
        "slow chunks": (b"POST /p/own/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx", None),
        "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None),
    }
    quiet = await load(lambda n: pool.ask(f"/p/city/{n}"), 50, 1)
    running = asyncio.create_task(load(lambda n: pool.ask(f"/p/city/b/{n}"), 50, 3))
    for name, found in zip(kinds, await asyncio.gather(
            *(together(50, lambda _, k=kind: closes(gateway.address, *k)) for kind in kinds.values()))):
        took = [took for took, _ in found]
        world.holds(None not in took, f"{name}: stays open")
        slowest = world.figure(name, max(t or 8.0 for t in took), "s")
        world.holds(slowest <= world.within(2), f"{name}: closed late")
    beside = await running
    world.figure("p99 of others", beside.percentile(99), "s")
    world.holds(not beside.but(200), beside.statuses)
    most = max(2 * quiet.percentile(99), 4 * await world.noise(gateway, 100))
    world.holds(beside.percentile(99) <= most, "others are slower")
    await world.is_left(gateway)


@scenario("S2", "slow readers")
async def readers(world):
    """Forty clients ask for 8 MiB each and take nothing, or 16 KiB each half second: those who take nothing for
    `stall_time`, 1 s, are closed. Memory is one content and what the kernel holds."""
    content = b"[" + b"1234567890," * (8 * MIB // 11) + b"0]"

    async def long(exchange):
        await exchange.json(content)

    portal = await world.upstream(long)
    gateway = await world.gateway({"city": portal.portal()}, server={"stall_time": "1s"})
    pool = world.pool(gateway)
    await pool.ask("/p/city/x")
    gateway.forget_peak()
    before = gateway.rss()

    async def takes_nothing(_):
        connection = await Connection.open(gateway.address, receive=8 << 10)
        await connection.send("/p/city/x")
        # The transport stops to read after its buffer is full; the kernel's is short.
        connection.writer.transport.pause_reading()
        return connection

    async def takes_little(_):
        connection = await Connection.open(gateway.address, receive=8 << 10)
        await connection.send("/p/city/x")
        until = time.monotonic() + 4
        while time.monotonic() < until:
            if not await connection.reader.read(16 << 10):
                return False
            await asyncio.sleep(0.5)
        connection.close()
        return True

    held, little = await asyncio.gather(together(20, takes_nothing), together(20, takes_little))
    figures = await world.metrics(gateway)
    left = world.figure("connections after 4 s", figures["unpad_connections"])
    world.figure("memory", gateway.peak() - before, "B")
    world.holds(left <= 4, f"{left} connections are left")
    world.holds(all(little), "one that takes something is closed")
    world.holds(gateway.peak() - before <= 32 * MIB, "too much memory")
    for connection in held:
        connection.close()


@scenario("S3", "10,000 idle connections", seconds=90)
async def idle(world):
    """They have asked once. Others are served as ever, and after `idle_time` (8 s instead of 75 s) all are closed."""
    portal = await world.upstream(answers)
    gateway = await world.gateway({"city": portal.portal()}, server={"idle_time": "8s", "header_time": "30s"})
    pool = world.pool(gateway)
    await pool.ask("/p/city/x")
    noise = await world.noise(gateway, 200)
    before = gateway.rss()
    connections = await many(gateway.address, 10_000)
    turns = asyncio.Semaphore(500)

    async def once(connection):
        async with turns:
            return (await connection.ask("/p/city/x")).status

    told = await asyncio.gather(*(once(c) for c in connections))
    world.holds(told.count(200) == len(told), f"{told.count(200)} of {len(told)} were answered")
    figures = await world.metrics(gateway)
    world.figure("open", figures["unpad_connections"])
    world.figure("memory of each", (gateway.rss() - before) // len(connections), "bytes")
    world.holds(gateway.rss() - before <= 400 * MIB, "too much memory")
    beside = await load(lambda _: pool.ask("/p/city/x"), 200, 2)
    world.figure("p99 of others", beside.percentile(99), "s")
    world.holds(not beside.but(200), beside.statuses)
    world.holds(beside.percentile(99) <= 3 * noise, "others are slower")
    gone = await eventually(lambda: all(c.reader.at_eof() for c in connections), 20, every=0.5)
    world.holds(gone is not None, f"{sum(not c.reader.at_eof() for c in connections)} stay open")
    for connection in connections:
        connection.close()
    await world.is_left(gateway)


@scenario("S4", "one client with everything, and another", options=("server.clients",))
async def greedy(world):
    """127.0.0.2 opens 600 connections of which it may have 100, and asks as fast as it can, 5 times a second of which
    may go to a portal; 127.0.0.3 is served as ever."""
    portal = await world.upstream(answers)
    clients = {"rate": 5, "burst": 20, "connections": 100, "exempt": []}
    gateway = await world.gateway({"city": portal.portal()}, server={"clients": clients}, limited=True)
    other = world.pool(gateway, "127.0.0.3")
    alone = await load(lambda n: other.ask("/p/city/x"), 50, 1)
    noise = await world.noise(gateway, 230)
    opening = (Connection.open(gateway.address, "127.0.0.2") for _ in range(600))
    opened = await asyncio.gather(*opening, return_exceptions=True)
    greedy = world.pool(gateway, "127.0.0.2")
    held = [c for c in opened if isinstance(c, Connection)]
    told = await asyncio.gather(*(c.ask(f"/p/city/greedy/{n}", hung=5) for n, c in enumerate(held)))
    served = sum(a.status == 200 for a in told)
    refused = [a for a in told if a.status in (429, 503)]
    figures = await world.metrics_of(gateway, other)
    world.figure("connections that were made", len(held))
    world.figure("open at the gateway", figures["unpad_connections"])
    world.figure("served", served)
    world.figure("refused with a status", len(refused))
    world.holds(figures["unpad_connections"] <= 110, f"{figures['unpad_connections']} connections")
    world.holds(20 <= served <= 60, f"{served} of its requests reached the portal")
    world.holds(all("retry-after" in a.fields for a in refused), f"without Retry-After: {refused[:1]}")
    for connection in held:
        connection.close()
    await asyncio.sleep(0.2)
    refusals = asyncio.create_task(load(lambda n: greedy.ask(f"/p/city/more/{n}"), 200, 2))
    beside = await load(lambda n: other.ask("/p/city/x" if n % 10 else f"/p/city/own/{n}"), 30, 2)
    refused = await refusals
    world.figure("p99 of the other", beside.percentile(99), "s")
    world.figure("p99 of a refusal", refused.percentile(99, 429), "s")
    world.holds(refused.count(429) >= 300, refused.statuses)
    world.holds(refused.percentile(99, 429) <= max(world.within(0.1), 3 * noise), "refusals take too long")
    world.holds(not beside.but(200), f"the other: {beside.statuses}")
    world.holds(beside.percentile(99) <= max(2 * alone.percentile(99), 3 * noise), "the other is slower")
