"""Portals that accept and say nothing, drip, or are unplugged."""

import asyncio

from client import many
from load import eventually, load
from network import PUBLIC
from world import NOISE, scenario


async def answers(exchange):
    await exchange.json({"success": True, "result": exchange.target})


async def says_nothing(exchange):
    await exchange.silence()


@scenario("F01", "a portal accepts and never answers")
async def silent(world):
    """`first_byte_time` is 1 s instead of 15 s, and the load 6 s instead of 60 s (`--full`)."""
    dead, good = await world.upstream(says_nothing), await world.upstream(answers)
    limits = {"limits": {"first_byte_time": world.scaled("1s", "15s")}}
    patience = world.scaled(1, 15)
    gateway = await world.gateway({"dead": dead.portal(**limits), "good": good.portal()})
    pool = world.pool(gateway)
    alone = await load(lambda n: pool.ask(f"/p/good/alone/{n}"), 50, world.scaled(2, 10))
    seconds = world.scaled(6, 60)
    to_dead, to_good, to_us = await asyncio.gather(
        load(lambda n: pool.ask(f"/p/dead/{n}"), 50, seconds),
        load(lambda n: pool.ask(f"/p/good/beside/{n}"), 50, seconds),
        load(lambda _: pool.ask("/healthz"), 50, seconds))
    # Where `first_byte_time` is longer than `queue_time`, those who waited for a turn are refused before.
    first = next((a for _, a in to_dead.answers if a.status == 504), to_dead.answers[0][1])
    world.figure("first 504 after", min(to_dead.took(504), default=0.0), "s")
    world.holds(first.status == 504 and first.took <= world.within(patience + 1), f"the first answer: {first} after {first.took:.2f} s")
    later = [a for at, a in to_dead.answers if at > patience + 0.5]
    refused = [a.took for a in later if a.status == 503]
    noise = max(NOISE, to_us.percentile(99))
    world.figure("refused at once", len(refused))
    world.holds(sorted(refused)[int(len(refused) * 0.99) - 1] <= max(world.within(0.05), 2 * noise), "refusals take too long")
    world.holds(len(later) - len(refused) <= 2 + seconds / 5, f"after the fifth failure: {to_dead.statuses}")
    before, beside = alone.percentile(99), to_good.percentile(99)
    world.figure("the other portal's p99 before", before, "s")
    world.figure("beside it", beside, "s")
    world.holds(not to_good.but(200), f"the other portal: {to_good.statuses}")
    world.holds(beside <= max(2 * before, 2 * noise), "the other portal is slower")
    dead.answer = answers
    back = await eventually(lambda: asks_well(pool, "/p/dead/back"), 11)
    world.holds(back is not None, "it is not asked again")
    world.figure("asked again after its return", back or 0.0, "s")
    await dead.down()
    await good.down()
    await world.is_left(gateway, 35)


async def asks_well(pool, target):
    return (await pool.ask(target)).status == 200


@scenario("F02", "a portal drips a byte a second")
async def drips(world):
    """`total_time` is 3 s instead of 30 s. `concurrency` is 256, so that 200 drip at once."""
    async def drip(exchange):
        await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n[")
        while True:
            await asyncio.sleep(1)
            await exchange.write(b" ")

    portal = await world.upstream(drip)
    total = world.scaled(3, 30)
    limits = {"total_time": f"{total}s", "concurrency": 256}
    gateway = await world.gateway({"drips": portal.portal(limits=limits)})
    gateway.forget_peak()
    connections = await many(gateway.address, 200)
    found = await asyncio.gather(*(c.ask(f"/p/drips/{n}") for n, c in enumerate(connections)))
    grown = world.figure("memory", gateway.peak() - gateway.idle_rss, "B")
    slowest = world.figure("slowest", max(a.took for a in found), "s")
    statuses = {a.status for a in found}
    world.holds(statuses <= {502, 504}, f"statuses {statuses}")
    world.holds(slowest <= world.within(total * 1.1) + 0.5, "an answer comes too late")
    world.should(grown <= 16 << 20, "over 16 MiB of memory")
    world.holds(grown <= 40 << 20, "too much memory")
    stored = (await world.metrics(gateway))["unpad_cache_memory_entries"]
    world.holds(stored == 0, f"{stored} are stored")
    await portal.down()
    for connection in connections:
        connection.close()
    await world.is_left(gateway)


@scenario("F30", "the cable of a portal is pulled", space=True)
async def unplugged(world):
    """12 s instead of 120 s (`--full`); `connect_time` and `first_byte_time` are 1 s. The portal's packets vanish
    without a word, in pooled connections and in new ones."""
    portal = await world.upstream(answers, host=PUBLIC)
    seen, answering = [], portal.answer

    async def notes(exchange):
        seen.append(exchange.path)
        await answering(exchange)

    portal.answer = notes
    limits = {"connect_time": "1s", "first_byte_time": "1s", "total_time": "3s"}
    entry = portal.portal(limits=limits)
    del entry["allow_cidr"]
    gateway = await world.gateway({"far": entry})
    pool = world.pool(gateway)
    seconds = world.scaled(12, 120)
    running = asyncio.create_task(load(lambda n: pool.ask(f"/p/far/{n}"), 50, seconds))
    await asyncio.sleep(seconds / 4)
    if not world.network.pull():
        running.cancel()
        world.figure("skipped", "no tunnel device can be made")
        return
    pulled = True
    try:
        await asyncio.sleep(seconds / 3)
        world.network.plug()
        pulled = False
    finally:
        if pulled:
            world.network.plug()
    back = await eventually(lambda: asks_well(pool, "/p/far/back"), 15)
    outcome = await running
    slowest = world.figure("slowest", max(outcome.took()), "s")
    world.figure("statuses", outcome.statuses)
    world.holds(slowest <= world.within(3.5), "a request outlives its total time")
    world.holds(not outcome.but(200, 502, 503, 504), outcome.statuses)
    world.holds(outcome.count(502, 503, 504) > 0, "nobody noticed")
    world.holds(back is not None and back <= world.within(10), "it is not used again")
    world.figure("used again after", back or 0.0, "s")
    twice = {path for path in seen if seen.count(path) > 2}
    world.holds(not twice, f"asked more than twice: {list(twice)[:3]}")
