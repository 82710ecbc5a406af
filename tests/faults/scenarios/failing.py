"""Portals that fail, go away and come back, and what stored answers do for them."""

import asyncio

from load import eventually, load
from world import scenario, together


async def answers(exchange):
    await exchange.json({"success": True, "result": exchange.target})


@scenario("F11", "a portal goes down whose answers are stored")
async def down(world):
    """100 requests/s for 5 s instead of 60 s, over 1,000 URLs."""
    portal = await world.upstream(answers)
    freshness = {"default": "1s", "stale_while_revalidate": "0s"}
    gateway = await world.gateway({"city": portal.portal(freshness=freshness)})
    pool = world.pool(gateway)
    for part in range(20):
        await together(50, lambda n: pool.ask(f"/p/city/{part * 50 + n}"))
    await portal.down()
    await asyncio.sleep(1.1)  # what is stored becomes stale: the program's own clock
    stored, other = await asyncio.gather(
        load(lambda n: pool.ask(f"/p/city/{n * 7 % 1000}"), 100, world.scaled(5, 60)),
        load(lambda n: pool.ask(f"/p/city/other/{n}"), 10, world.scaled(5, 60)))
    stale = sum("stale-if-error" in a.cache for _, a in stored.answers)
    world.figure("answered from what is stored", stale)
    world.figure("p99", stored.percentile(99), "s")
    slowest = world.figure("slowest of what is not stored", max(other.took()), "s")
    world.holds(not stored.but(200), stored.statuses)
    world.holds(stale >= len(stored) * 0.99, f"{stale} of {len(stored)} say that they are stale")
    world.holds(not other.but(502, 503), other.statuses)
    world.holds(slowest <= world.within(1), "what is not stored takes too long to be refused")
    await portal.up()

    async def is_fresh():
        answer = await pool.ask("/p/city/1")
        return answer.status == 200 and "stale" not in answer.cache

    back = await eventually(is_fresh, 11)
    world.figure("fresh again after", back or 0.0, "s")
    world.holds(back is not None and back <= world.within(10), "it is not asked again")


async def flaps(world, fail, most=1.1):
    """A portal that fails every other time. What it came to: misses of clients, and answers that were wrong too long."""
    turn = iter(range(10**9))

    async def flapping(exchange):
        if next(turn) % 2:
            return await fail(exchange)
        return await answers(exchange)

    portal = await world.upstream(flapping)
    freshness = {"default": "1s", "stale_while_revalidate": "0s", "stale_if_error": "0s"}
    gateway = await world.gateway({"city": portal.portal(freshness=freshness)})
    pool = world.pool(gateway)
    outcome = await load(lambda n: pool.ask(f"/p/city/{n % 40 if n % 2 else n}"), 100, world.scaled(8, 60))
    # Who waits for another's fetch does not ask the portal; who is refused at once does neither.
    asked = [a for _, a in outcome.answers if "hit" not in a.cache and "collapsed" not in a.cache
             and a.problem != "portal-suspended"]
    old = [a for _, a in outcome.answers if a.status >= 500 and int(a.fields.get("age", 0)) > 5]
    world.figure("clients' misses", len(asked))
    world.figure("requests to the portal", portal.requests)
    world.figure("statuses", outcome.statuses)
    world.holds(not old, f"an error is {old and old[0].fields.get('age')} s old")
    world.holds(len(asked) > 100, f"only {len(asked)} misses")
    each = world.figure("requests for each miss", portal.requests / len(asked))
    world.should(portal.requests <= 1.1 * len(asked) + 5, "over 1.1 requests for each miss")
    world.holds(portal.requests <= most * len(asked) + 5, f"{each} requests for each miss")


@scenario("F12", "a portal answers 500 every other time")
async def errors(world):
    """100 requests/s for 8 s, half of them for 40 URLs that are asked for again and again."""
    await flaps(world, lambda exchange: exchange.json({"success": False, "error": {}}, status=500))


@scenario("F12b", "a portal resets every other connection")
async def resets(world):
    """The same with resets, after each of which a request may be sent once more: retries have a budget."""
    async def reset(exchange):
        exchange.reset()

    await flaps(world, reset, most=2)
