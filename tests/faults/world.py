"""What a scenario is given: portals, gateways, a place for figures, and a judge of what must hold."""

import asyncio
import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import tempfile

from client import Pool
from gateway import Gateway
from load import eventually, load
from upstream import Upstream

#: Options that some scenarios need, as the smallest registry that has them.
OPTIONS = {
    "server.clients": {"server": {"clients": {"exempt": ["127.0.0.0/8"]}}},
    "server.leave_time": {"server": {"leave_time": "1s"}},
    "server.trusted_proxies": {"server": {"trusted_proxies": ["127.0.0.1/32"]}},
}

#: Who asks here is one client with the load of thousands.
EXEMPT = ["127.0.0.0/8", "::1/128"]

#: Under this, times of a busy machine say nothing.
NOISE = 0.02


@dataclasses.dataclass
class Scenario:
    id: str
    title: str
    run: object
    options: tuple
    space: bool
    seconds: float


SCENARIOS = []


def scenario(id, title, options=(), space=False, seconds=60):
    """Registers a scenario. `space`: it needs network namespaces; `seconds`: after so many it hangs."""
    def register(run):
        SCENARIOS.append(Scenario(id, title, run, options, space, seconds))
        return run
    return register


class World:
    def __init__(self, program, folder, full, network, options):
        self.program, self.folder, self.full = program, folder, full
        self.network, self.options = network, options
        self.figures, self.failures, self.unmet, self.stack = {}, [], [], contextlib.AsyncExitStack()
        self.pools = []

    def figure(self, name, value, unit=""):
        """Notes what was measured."""
        self.figures[name] = (round(value, 4) if isinstance(value, float) else value, unit)
        return value

    @staticmethod
    def within(seconds):
        """So long on this machine: UNPAD_FAULTS_SLACK times as long as the criterion has it, 1 if it is not set."""
        return seconds * float(os.environ.get("UNPAD_FAULTS_SLACK", 1))

    def holds(self, condition, otherwise):
        """Notes a failure; the scenario goes on, so that all are told."""
        if not condition:
            self.failures.append(str(otherwise)[:400])
        return bool(condition)

    def should(self, condition, otherwise):
        """Notes that a criterion is not met, which is known: docs/faults.md says why. What it must not get worse than is
        another condition, which holds."""
        if not condition:
            self.unmet.append(str(otherwise)[:400])

    def scaled(self, normal, full):
        """A figure of the usual run, or of `--full`."""
        return full if self.full else normal

    async def upstream(self, answer, **named):
        portal = await Upstream(answer, **named).up()
        self.stack.push_async_callback(portal.down)
        return portal

    async def gateway(self, portals, server=None, cache=None, defaults=None, limited=False, **named):
        """A gateway in front of portals. Who asks is exempt from what clients may do, unless `limited`."""
        server = dict(server or {})
        if "server.clients" in self.options and not limited:
            server.setdefault("clients", {"exempt": EXEMPT})
        registry = {"server": server, "cache": cache or {}, "defaults": defaults or {}, "portals": portals}
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        gateway = await Gateway.start(self.program, folder, registry, **named)
        self.stack.push_async_callback(gateway.end)
        gateway.told = registry
        return gateway

    def pool(self, gateway, source=None):
        pool = Pool(gateway.address, source)
        self.stack.callback(pool.close)
        self.pools.append(pool)
        return pool

    async def metrics(self, gateway):
        """The gateway's figures by name and labels."""
        return await self.metrics_of(gateway, self.pool(gateway))

    async def metrics_of(self, gateway, pool):
        """The same, asked for by a certain client."""
        answer = await pool.ask("/metrics")
        lines = (line.rpartition(" ") for line in answer.body.decode().splitlines() if line and line[0] != "#")
        return {name: float(value) for name, _, value in lines}

    async def noise(self, gateway, rate, percent=99):
        """What a time comes to here without any doing of a portal's: this machine, and this harness."""
        pool = self.pool(gateway)
        quiet = await load(lambda _: pool.ask("/healthz"), rate, 1)
        return max(NOISE, quiet.percentile(percent))

    async def is_left(self, gateway, within=10):
        """Whether descriptors and work under way go back to what an idle gateway has, once its clients have gone."""
        for pool in self.pools:
            pool.close()
        watching = self.pool(gateway)

        async def idle():
            figures = await self.metrics_of(gateway, watching)
            under_way = [v for n, v in figures.items() if "in_flight" in n or "under_way" in n or "waiting" in n]
            # The connection that asks for the figures is one, and may be under way itself.
            return sum(under_way) <= 1 and gateway.descriptors() <= gateway.idle_descriptors + 4

        took = await eventually(idle, within)
        if self.holds(took is not None, f"{gateway.descriptors()} descriptors stay open, "
                      f"{gateway.idle_descriptors} when idle"):
            self.figure("idle again after", took, "s")

    async def close(self):
        await self.stack.aclose()


def known_options(program, folder):
    """Which of the options this program has."""
    known = set()
    for name, registry in OPTIONS.items():
        path = folder / "option.yaml"
        portals = {"city": {"base": "http://city.test"}}
        path.write_text(json.dumps({**registry, "portals": portals}))
        checked = subprocess.run([program, "check", path], capture_output=True, timeout=20)
        if checked.returncode == 0:
            known.add(name)
    return known


async def together(count, one):
    """So many at once."""
    return await asyncio.gather(*(one(number) for number in range(count)))
