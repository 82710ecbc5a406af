"""More than the gateway can do, and for long."""

import asyncio
import os
import pathlib
import sys

from load import eventually, load
from world import scenario

MIB = 1 << 20
HERE = pathlib.Path(__file__).parent.parent


async def portal_process(world, size, core=None, coding=()):
    """A portal in a process of its own, so that the harness's own time is not the portal's. Its address."""
    pin = ("taskset", "-c", str(core)) if core is not None else ()
    process = await asyncio.create_subprocess_exec(
        *pin, sys.executable, "-B", str(HERE / "portal_process.py"), str(size), *coding, stdout=asyncio.subprocess.PIPE)

    async def end():
        process.kill()
        await process.wait()

    world.stack.push_async_callback(end)
    port = int(await process.stdout.readline())
    return {"base": f"http://127.0.0.1:{port}/data", "allow_cidr": ["127.0.0.0/8"]}


@scenario("F24", "five times as much as it can do", options=("server.clients",), seconds=120)
async def overload(world):
    """Gateway on one core; portal and load on the other. Each request is a miss of two mebibytes of JSON in gzip, asked
    for by HEAD, so that the work is the gateway's: decode, check, digest. First what it can do is found (closed loop, 16
    at once), then 5 times that comes for 8 s (`--full`: 60 s), by its own count. `concurrency`, `queue` and the portal's
    rate are as by default; clients are exempt, so that it is the process that sheds. Smaller answers, many more of them,
    and what is stored: benches/overload.rs."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        world.figure("skipped", "one core alone")
        return
    os.sched_setaffinity(0, {cores[0]})
    world.stack.callback(os.sched_setaffinity, 0, set(cores))
    entry = await portal_process(world, 2 * MIB, cores[0], ("gzip",))
    gateway = await world.gateway({"city": entry}, prefix=("taskset", "-c", str(cores[-1])), cache={"memory": "16MiB"})
    pool, number = world.pool(gateway), iter(range(10**9))

    async def ask(_=None):
        return await pool.ask(f"/p/city/{next(number)}", method="HEAD")

    unloaded = await load(ask, 5, 2)
    peak = world.figure("peak", await closed_loop(ask, 16, 4), "/s")
    offered = world.figure("offered", 5 * peak, "/s")
    gateway.forget_peak()
    cpu = gateway.cpu()
    seconds = world.scaled(8, 60)
    noise = await world.noise(gateway, offered)
    found = await load(ask, offered, seconds)
    spent = (max(a.took + at for at, a in found.answers))
    good = world.figure("goodput", found.count(200) / spent, "/s")
    shed = [a for _, a in found.answers if a.status in (429, 503)]
    world.figure("of the peak", good / peak * 100, "%")
    world.figure("statuses", found.statuses)
    late = [a for a in shed if a.took > 1]
    world.figure("refused after more than 1 s", f"{len(late)} of {len(shed)}")
    world.figure("median of refusals", found.percentile(50, 429, 503), "s")
    refused = world.figure("p99 of refusals", found.percentile(99, 429, 503), "s")
    accepted = world.figure("p99 of answers", found.percentile(99, 200), "s")
    world.figure("p99 unloaded", unloaded.percentile(99, 200), "s")
    used = world.figure("processor", (gateway.cpu() - cpu) / spent * 100, "%")
    world.figure("memory", gateway.peak(), "B")
    # Where its core is not busy, the load or the portal is what there is too little of.
    world.holds(good >= 0.8 * peak or used < 80, "goodput falls")
    world.holds(not found.but(200, 429, 503), found.statuses)
    world.holds(all("retry-after" in a.fields for a in shed), "refusals without Retry-After")
    world.should(refused <= max(world.within(0.1), 3 * noise), "p99 of refusals over 100 ms")
    world.holds(refused <= world.within(12), "refusals take too long")
    world.holds(gateway.peak() <= 512 * MIB, "too much memory")

    async def well():
        return (await load(ask, 5, 1)).percentile(99, 200) <= 2 * unloaded.percentile(99, 200) + 0.02

    back = await eventually(well, 10)
    world.figure("as before after", back if back is not None else 99.0, "s")
    world.holds(back is not None, "it does not recover")


async def closed_loop(ask, clients, seconds):
    """Answers a second, where so many ask again as soon as they have their answer."""
    loop = asyncio.get_running_loop()
    begun, good = loop.time(), 0

    async def client():
        nonlocal good
        while loop.time() - begun < seconds:
            answer = await ask()
            good += answer.status == 200

    await asyncio.gather(*(client() for _ in range(clients)))
    return good / (loop.time() - begun)


@scenario("F27", "keys without end", seconds=90)
async def soak(world):
    """300 requests/s of 8 KiB for 12 s with 8 MiB of memory and 16 MiB of disk (`--full`: 500 requests/s of 2 KiB for 30
    min, 64 MiB and 256 MiB), every one for something else. The program's own memory stands beside the budget."""
    seconds, rate = world.scaled(12, 1800), world.scaled(300, 500)
    memory, disk = world.scaled((8, 16), (64, 256))
    entry = await portal_process(world, world.scaled(8192, 2048))
    entry["freshness"] = {"default": "1h"}
    cache = world.folder / "soak"
    gateway = await world.gateway({"city": entry}, arguments=("--cache-dir", cache),
                                  cache={"memory": f"{memory}MiB", "disk": {"size": f"{disk}MiB"}})
    pool, over, rss = world.pool(gateway), [], []
    await load(lambda n: pool.ask(f"/p/city/first/{n}"), 100, 1)
    series = len(await world.metrics(gateway))

    async def watch():
        for _ in range(int(seconds / 0.5)):
            await asyncio.sleep(0.5)
            over.append(await asyncio.to_thread(on_disk, cache))
            rss.append(gateway.rss())

    found, _ = await asyncio.gather(load(lambda n: pool.ask(f"/p/city/{n}"), rate, seconds), watch())
    figures = await world.metrics(gateway)
    world.figure("requests", len(found))
    most = world.figure("memory", max(rss) - gateway.idle_rss, "B")
    world.figure("stored in memory", int(figures["unpad_cache_memory_bytes"]), "B")
    used = world.figure("disk", max(over), "B")
    third = len(rss) // 3
    slope = world.figure("memory grows in the last third", (sum(rss[-third // 2:]) / len(rss[-third // 2:])
                         - sum(rss[-third:-third // 2]) / len(rss[-third:-third // 2])) / (seconds / 6) * 60 / MIB, "MiB/min")
    world.holds(not found.but(200), found.statuses)
    # Half as much again as the budget is what the program needs beside it: buffers, connections, the disk's index.
    world.holds(most <= memory * MIB * 1.3 + 48 * MIB, "too much memory")
    world.holds(not world.full or slope < 1, "memory grows")
    world.holds(used <= disk * MIB * 1.05, "too much on disk")
    world.holds(len(await world.metrics(gateway)) <= series + 12, f"{len(figures) - series} new series of metrics")


def on_disk(folder):
    """What a directory takes on disk, in bytes of blocks."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_blocks * 512
            except FileNotFoundError:
                pass
    return total
