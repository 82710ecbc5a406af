"""A disk that is slow, broken, gone or read-only. Killing and filling it: tests/kill.rs, tests/disk_full.sh."""

import asyncio
import errno
import os
import shutil
import subprocess
import tempfile
import pathlib

from load import load
from shim import Shim
from world import scenario, together


async def answers(exchange):
    await exchange.json({"success": True, "result": exchange.target + "x" * 2000})


def directory(world):
    return pathlib.Path(tempfile.mkdtemp(dir=world.folder, prefix="cache-"))


async def with_disk(world, cache, **named):
    """A gateway whose memory holds next to nothing, so that what is stored is read from the disk."""
    portal = await world.upstream(answers)
    entry = portal.portal(freshness={"default": "1h"})
    gateway = await world.gateway({"city": entry}, cache={"memory": "64KiB"}, arguments=("--cache-dir", cache), **named)
    return portal, gateway, world.pool(gateway)


async def fill(pool, count):
    for part in range(0, count, 50):
        await together(50, lambda n: pool.ask(f"/p/city/{part + n}"))
    await asyncio.sleep(0.5)  # what the disk's writer has in its queue


@scenario("F15", "a disk that is slow, and one that cannot be read", options=("shim",))
async def slow_disk(world):
    """100 requests/s for what is stored on disk, 2 s each: as ever, with 500 ms for each read, and with an input/output
    error for each. The reads of the program itself are held up (shim.c). `/healthz` is asked beside it."""
    cache = directory(world)
    shim = Shim(world.folder, cache)
    portal, gateway, pool = await with_disk(world, cache, env=shim.env)
    await fill(pool, 500)
    health = world.pool(gateway)
    noise = await world.noise(gateway, 200)

    async def phase(name, most):
        before = portal.requests
        found, alive = await asyncio.gather(
            load(lambda n: pool.ask(f"/p/city/{n * 7 % 500}"), 100, 2), load(lambda _: health.ask("/healthz"), 50, 2))
        slow, alive = found.percentile(99), alive.percentile(99)
        world.figure(f"p99 {name}", slow, "s")
        world.figure(f"/healthz {name}", alive, "s")
        world.figure(f"asked of the portal {name}", portal.requests - before)
        world.holds(not found.but(200), f"{name}: {found.statuses}")
        world.holds(slow <= world.within(most) + noise, f"{name}: too slow")
        world.holds(alive <= max(world.within(0.02), 3 * noise), f"{name}: the runtime is held up")

    await phase("as ever", 0.2)
    shim.disk(slow=0.5)
    await phase("slow", 0.6)
    slow = world.figures["p99 slow"][0]
    world.should(slow <= world.within(0.2), "p99 over 200 ms with a slow disk")
    shim.disk(error=errno.EIO)
    await phase("broken", 0.2)
    shim.disk()
    await phase("well again", 0.2)
    world.holds(not gateway.logged("panicked"), "something panicked")
    world.holds(gateway.logged("WARN") <= 3, f"{gateway.logged('WARN')} lines in the log")


@scenario("F17", "the cache directory is removed, or becomes read-only")
async def taken_away(world):
    """100 requests/s for 6 s, half of them stored ones: the directory is removed after 1 s, is there again after 2 s, and
    cannot be written from the third on (only in a namespace). That a file may stand in its place: tests/wire/disk.rs;
    a whole file system that cannot be written: tests/disk_full.sh."""
    cache = directory(world)
    portal, gateway, pool = await with_disk(world, cache)
    await fill(pool, 200)

    async def trouble():
        await asyncio.sleep(1)
        await asyncio.to_thread(shutil.rmtree, cache, True)
        await asyncio.sleep(1)
        os.makedirs(cache, exist_ok=True)
        await asyncio.sleep(1)
        if world.network:
            for words in (("--bind", cache, cache), ("-o", "remount,bind,ro", cache)):
                await asyncio.to_thread(subprocess.run, ["mount", *words], check=True, timeout=10)
            world.stack.callback(subprocess.run, ["umount", cache], timeout=10)

    found, _ = await asyncio.gather(
        load(lambda n: pool.ask(f"/p/city/{n % 200 if n % 2 else 1000 + n}"), 100, 6), trouble())
    world.figure("statuses", found.statuses)
    world.figure("p99", found.percentile(99), "s")
    world.figure("write errors", sum(v for n, v in (await world.metrics(gateway)).items() if "write_errors" in n))
    world.holds(not found.but(200), found.statuses)
    world.holds(gateway.is_running and not gateway.logged("panicked"), "something panicked")
    world.holds(gateway.logged("WARN") <= 4, f"{gateway.logged('WARN')} lines in the log")
    # The mount must not be what keeps the directory from being removed.
    await gateway.end()


@scenario("F21", "the wall clock jumps", options=("shim",))
async def clock(world):
    """100 requests/s; the clock jumps a day ahead, a day back and an hour back (shim.c). What is fresh for 3 s by the
    monotonic clock stays so, is fetched anew after it, and no age is below 0 or over what has passed."""
    cache = directory(world)
    shim = Shim(world.folder, cache)
    portal = await world.upstream(answers)
    freshness = {"default": "3s", "stale_while_revalidate": "0s"}
    gateway = await world.gateway({"city": portal.portal(freshness=freshness)}, env=shim.env)
    pool = world.pool(gateway)
    fetched = []
    for name, ahead in (("+1 day", 86_400), ("-1 day", -86_400), ("-1 h", -3600)):
        shim.clock(0)
        await pool.ask("/p/city/x")
        before = portal.by_path["/data/x"]
        shim.clock(ahead)
        found = await load(lambda _: pool.ask("/p/city/x"), 100, 4)
        ages = [int(a.fields.get("age", 0)) for _, a in found.answers]
        again = portal.by_path["/data/x"] - before
        fetched.append(again)
        world.holds(not found.but(200), f"{name}: {found.statuses}")
        world.holds(0 <= min(ages) and max(ages) <= 4, f"{name}: ages of {min(ages)} to {max(ages)} s")
        world.holds(1 <= again <= 2, f"{name}: fetched {again} times in 4 s")
    portal.answer = fails
    told = [(await pool.ask(f"/p/city/bad/{n}")).status for n in range(7)]
    shim.clock(86_400)
    later = (await pool.ask("/p/city/bad/later")).status
    world.figure("fetched in 4 s", " ".join(map(str, fetched)))
    world.figure("failures", " ".join(map(str, told)))
    world.holds(told[-1] == later == 503, f"the suspension: {told}, then {later}")
    world.holds(not gateway.logged("panicked"), "something panicked")


async def fails(exchange):
    exchange.reset()
