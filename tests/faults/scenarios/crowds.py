"""Many who want the same at once: one fetch for all, whatever becomes of it."""

import asyncio

from client import many
from load import eventually, load
from world import scenario, together

MIB = 1 << 20


def held(seconds, **named):
    """An answer that takes its time."""
    async def answer(exchange):
        await asyncio.sleep(seconds)
        await exchange.json({"success": True, "result": exchange.number}, **named)
    return answer


@scenario("F06", "10,000 identical misses at once")
async def misses(world):
    """All connections are there before the first asks, so that it is the crowd that is measured. `cache.patience` is 30 s
    instead of 5 s: the portal is in the process that sends all these requests, and late by as much."""
    portal = await world.upstream(held(2))
    # Where the machine is busy, ten seconds are not enough to make them all.
    gateway = await world.gateway({"city": portal.portal()}, server={"header_time": "60s"}, cache={"patience": "30s"})
    connections = await many(gateway.address, 10_000)
    gateway.forget_peak()
    before = gateway.rss()
    found = await asyncio.gather(*(c.ask("/p/city/x") for c in connections))
    right = sum(a.status == 200 for a in found)
    rest = [a for a in found if a.status != 200]
    slowest = world.figure("all answered after", max(a.took for a in found), "s")
    grown = world.figure("memory", gateway.peak() - before, "B")
    world.figure("memory of the idle connections", before - gateway.idle_rss, "B")
    world.figure("requests to the portal", portal.requests)
    world.holds(portal.requests == 1, f"{portal.requests} requests to the portal")
    world.holds(right >= 9_990, f"{right} answered well; {rest[:1]}")
    world.holds(all(a.status == 503 and "retry-after" in a.fields for a in rest), f"the others: {rest[:1]}")
    world.holds(slowest <= world.within(7), "it takes too long")
    world.holds(grown <= 400 * MIB, "too much memory")
    for connection in connections:
        connection.close()


@scenario("F07", "the client whose request leads hangs up")
async def hanging_up(world):
    """Twice as fast as written: 100 clients, one each 50 ms, who give up after 0.5 s; the portal takes 1.5 s."""
    portal = await world.upstream(held(1.5))
    gateway = await world.gateway({"city": portal.portal()})
    pool = world.pool(gateway)
    outcome = await load(lambda _: pool.ask("/p/city/x", hung=0.5), 20, 5)
    served = world.figure("served of 100", outcome.count(200))
    world.figure("requests to the portal", portal.requests)
    world.holds(portal.requests <= 2, f"{portal.requests} requests to the portal")
    world.holds(served >= 60, f"only {served} were served")
    after = await pool.ask("/p/city/x")
    world.holds("hit" in after.cache, f"it is not stored: {after}")


@scenario("F08", "the request that leads fails")
async def failing(world):
    """A portal that resets, one that resets twice and answers then, and one that answers 502; 200 ask at once."""
    async def resets(exchange):
        await asyncio.sleep(0.5)
        exchange.reset()

    async def resets_twice(exchange):
        await asyncio.sleep(0.5)
        if exchange.number <= 2:
            return exchange.reset()
        return await exchange.json({"success": True})

    async def page(exchange):
        await asyncio.sleep(0.5)
        await exchange.reply(502, b"<html>Bad Gateway</html>", "text/html")

    slowest = 0.0
    for name, answer, right in (("resets", resets, {502}), ("twice", resets_twice, {200, 502}), ("page", page, {502})):
        portal = await world.upstream(answer)
        gateway = await world.gateway({"city": portal.portal()})
        pool = world.pool(gateway)
        # They are there before the first asks, so that all come within one fetch.
        connections = await many(gateway.address, 200)
        found = await asyncio.gather(*(c.ask("/p/city/x") for c in connections))
        slowest = max(slowest, *(a.took for a in found))
        told = {a.status for a in found}
        world.figure(f"requests where it {name}", portal.requests)
        world.holds(portal.requests <= 3, f"{name}: {portal.requests} requests to the portal")
        world.holds(told <= right, f"{name}: {told}")
        if name == "twice":
            after = await pool.ask("/p/city/x")
            world.holds(after.status == 200, f"the next one: {after}")
    world.figure("slowest", slowest, "s")
    world.holds(slowest <= world.within(5 + 1), "somebody waits too long")


@scenario("F09", "an answer that may not be stored is wanted by many")
async def unstorable(world):
    """50 ask at once, twice; the portal takes 1 s."""
    portal = await world.upstream(held(1, fields=("Cache-Control: no-store",)))
    gateway = await world.gateway({"city": portal.portal()})
    pool = world.pool(gateway)
    for turn, most in (("the first time", 5), ("the second time", 2.5)):
        found = await together(50, lambda _: pool.ask("/p/city/x"))
        world.holds(all(a.status == 200 for a in found), f"{found[0]}")
        slowest = world.figure(turn, max(a.took for a in found), "s")
        world.holds(slowest <= world.within(most), f"{turn} they wait for each other")


@scenario("F10", "what everybody reads becomes stale")
async def stampede(world):
    """1,000 requests/s for 4 s (`--full`: 10 s); the portal takes longer than that to say that all is as it was."""
    seconds = world.scaled(4, 10)
    portal = await world.upstream(held(0))
    entry = portal.portal(freshness={"default": "1s", "stale_while_revalidate": "10m"})
    gateway = await world.gateway({"city": entry})
    pool = world.pool(gateway)
    await pool.ask("/p/city/x")
    noise = await world.noise(gateway, 1000)
    fetched = portal.requests
    portal.answer = held(seconds + 2)
    # Whoever finds it stale first is the one for whom it is validated.
    await eventually(lambda: is_stale(pool), 5)
    outcome = await load(lambda _: pool.ask("/p/city/x"), 1000, seconds)
    validations = world.figure("validations", portal.requests - fetched)
    slow = world.figure("p99", outcome.percentile(99), "s")
    world.figure("p99 of /healthz", noise, "s")
    stale = sum("stale-while-revalidate" in a.cache for _, a in outcome.answers)
    world.figure("answered stale", stale)
    world.holds(not outcome.but(200), outcome.statuses)
    world.holds(validations == 1, f"{validations} validations")
    world.holds(stale >= len(outcome) * 0.99, f"{stale} of {len(outcome)} were stale hits")
    world.holds(slow <= max(world.within(0.02), 3 * noise), "too slow")


async def is_stale(pool):
    return "stale-while-revalidate" in (await pool.ask("/p/city/x")).cache
