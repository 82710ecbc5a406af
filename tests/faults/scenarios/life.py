"""The gateway's own life: its end under load, its reload under load, and without descriptors."""

import asyncio
import json
import resource
import signal
import time

from client import Pool, many
from load import eventually, load
from world import scenario

RATE = 500


async def answers(exchange):
    """Every tenth answer takes a while, so that there is something to finish."""
    if exchange.query.get("slow"):
        await asyncio.sleep(0.4)
    await exchange.json({"success": True, "result": exchange.target})


def target(number):
    return f"/p/city/{number}?slow=1" if number % 10 == 0 else f"/p/city/{number % 50}"


@scenario("F22", "SIGTERM under load", options=("server.leave_time",), seconds=120)
async def terminated(world):
    """500 requests/s, 4 rounds (`--full`: 20). `leave_time` is 1 s instead of 5 s. As with a front server, no new request
    is sent from 300 ms after `/readyz` has said no; every other one must be answered, on connections that are kept and on
    new ones."""
    portal = await world.upstream(answers)
    failed, slowest, unready, closing = [], 0.0, [], 0
    for number in range(world.scaled(4, 20)):
        gateway = await world.gateway({"city": portal.portal()}, server={"leave_time": "1s", "drain_time": "10s"})
        kept, away = world.pool(gateway), asyncio.Event()

        async def ask(number):
            if number % 5:
                return await kept.ask(target(number))
            fresh = Pool(gateway.address)
            try:
                return await fresh.ask(target(number))
            finally:
                fresh.close()

        async def watch():
            watching = world.pool(gateway)
            await asyncio.sleep(0.7)
            gateway.signal()
            took = await eventually(lambda: says_no(watching), 2, every=0.02)
            unready.append(took)
            await asyncio.sleep(0.3)
            away.set()

        found, _ = await asyncio.gather(load(ask, RATE, 6, away), watch())
        begun = time.monotonic()
        status = await gateway.ended(30)
        slowest = max(slowest, time.monotonic() - begun)
        failed += found.but(200)
        closing += sum(a.fields.get("connection", "").lower() == "close" for _, a in found.answers)
        world.holds(status == 0, f"round {number}: it ended with {status}")
        world.holds(not found.but(200), f"round {number}: {found.statuses}")
    world.figure("rounds", number + 1)
    world.figure("failed requests", len(failed))
    world.figure("not ready after", max(t or 9.0 for t in unready), "s")
    world.figure("answers that close the connection", closing)
    world.figure("ended after the last answer", slowest, "s")
    world.holds(None not in unready, "/readyz does not say no")
    world.holds(closing > 0, "no answer says `Connection: close`")
    await at_once(world, portal)


async def says_no(pool):
    return (await pool.ask("/readyz")).status == 503


async def at_once(world, portal):
    """A second signal ends it at once, whatever is under way."""
    async def hangs(exchange):
        await exchange.silence()

    portal.answer = hangs
    gateway = await world.gateway({"city": portal.portal()}, server={"leave_time": "1s", "drain_time": "10s"})
    pool = world.pool(gateway)
    waiting = asyncio.create_task(pool.ask("/p/city/hangs"))
    await eventually(lambda: portal.by_path["/data/hangs"], 5)
    gateway.signal()
    await eventually(lambda: gateway.logged("ending") or says_no(pool), 2)
    gateway.signal(signal.SIGINT)
    begun = time.monotonic()
    status = await gateway.ended(5)
    took = world.figure("second signal", time.monotonic() - begun, "s")
    world.holds(status is not None and took <= world.within(0.5), f"the second signal: {status} after {took:.2f} s")
    await waiting


@scenario("F23", "reload under load, of good files and broken ones")
async def reloaded(world):
    """500 requests/s for 5 s; each 250 ms the file is another one, each second one is broken."""
    portal = await world.upstream(answers)
    gateway = await world.gateway({"city": portal.portal(), "more": portal.portal()})
    pool, good = world.pool(gateway), gateway.told

    async def reloads():
        for number in range(20):
            await asyncio.sleep(0.25)
            portals = {**good["portals"], f"new-{number}": portal.portal()}
            text = json.dumps({**good, "portals": portals})
            gateway.registry.write_text(text if number % 2 else text[:-5] + "nonsense: [")
            gateway.signal(signal.SIGHUP)

    found, _ = await asyncio.gather(load(lambda n: pool.ask(target(n)), RATE, 5.5), reloads())
    noise = await world.noise(gateway, RATE)
    figures = await world.metrics(gateway)
    done, refused = (figures.get(f'unpad_reloads_total{{result="{r}"}}', 0) for r in ("ok", "refused"))
    world.figure("reloads", int(done))
    world.figure("refused", int(refused))
    world.figure("p90", found.percentile(90), "s")
    world.figure("statuses", found.statuses)
    world.holds(not found.but(200), found.statuses)
    world.holds(done == 10 and refused == 10, f"{done} and {refused} reloads")
    world.holds(gateway.logged("portals.yaml") >= 10, "the broken file is not logged")
    world.holds((await pool.ask("/p/new-19/x")).status == 200, "the last good file is not in place")
    world.holds(found.percentile(90) <= 0.45 + noise, "requests wait for the reload")


@scenario("F25", "descriptors run out", seconds=90)
async def descriptors(world):
    """4 s instead of 60 s. Its limit is lowered under what it has open while it runs, so that nothing can be accepted and no
    portal dialled; then 120 clients come, as many as the kernel's queue has places for. Then the same with as few
    descriptors from the start (128): it takes fewer connections, and the rest waits in the kernel's queue."""
    portal = await world.upstream(answers)
    gateway = await world.gateway({"city": portal.portal()})
    pool = world.pool(gateway)
    stored = await pool.ask("/p/city/stored")
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (gateway.descriptors() + 2, resource.prlimit(
        gateway.pid, resource.RLIMIT_NOFILE)[1]))
    world.holds(stored.status == 200, f"{stored}")
    await starved(world, gateway, pool, "lowered")
    told = await pool.ask("/p/city/other")
    world.holds(told.status in (200, 502, 503), f"a miss: {told}")
    few = await world.gateway({"city": portal.portal()}, prefix=("prlimit", "--nofile=128:128"))
    await starved(world, few, world.pool(few), "few")


async def starved(world, gateway, pool, name):
    clients = await many(gateway.address, 120)
    before, seconds = gateway.cpu(), world.scaled(4, 60)
    kept = await load(lambda _: pool.ask("/p/city/stored", hung=seconds), 1, seconds) if pool.idle else None
    if kept is None:
        await asyncio.sleep(seconds)
    used = world.figure(f"processor, {name}", (gateway.cpu() - before) / seconds * 100, "%")
    world.holds(used <= 50, f"{name}: it spins")
    world.holds(gateway.is_running, f"{name}: it has ended")
    if kept is not None:
        world.holds(not kept.but(200), f"{name}: connections that are there: {kept.statuses}")
    for client in clients:
        client.close()
    pool.close()
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (1024 if name == "lowered" else 128,
                     resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)[1]))
    back = await eventually(lambda: is_well(world.pool(gateway)), 6)
    world.figure(f"serves again, {name}", back or 0.0, "s")
    world.holds(back is not None and back <= world.within(5), f"{name}: it does not serve again")


async def is_well(pool):
    return (await pool.ask("/healthz", hung=1)).status == 200
