"""The program under test as a process: started, watched, ended."""

import asyncio
import json
import os
import pathlib
import re
import signal

SERVES = re.compile(r"unpad serves .* at (http://[0-9.:]+)/")
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Gateway:
    """`unpad serve` with a registry, on a free port of 127.0.0.1."""

    def __init__(self, process, address, log, registry):
        self.process, self.address, self.log, self.registry = process, address, log, registry
        self.pid = process.pid
        self.idle_rss, self.idle_descriptors = self.rss(), self.descriptors()

    @classmethod
    async def start(cls, program, folder, registry, prefix=(), arguments=("--no-disk",), env=None, level="warn"):
        """Starts it; `registry` is what `portals.yaml` means, `prefix` a command to start it with."""
        path, log = folder / "portals.yaml", folder / "log"
        path.write_text(json.dumps(registry))
        command = [*prefix, program, "serve", "--config", path, "--listen", "127.0.0.1:0", "--log-level", level]
        with log.open("w") as errors:
            process = await asyncio.create_subprocess_exec(
                *map(str, command), *map(str, arguments), stdout=asyncio.subprocess.PIPE, stderr=errors,
                env={**os.environ, **(env or {})})
        said = ""
        try:
            async with asyncio.timeout(20):
                while not (found := SERVES.search(said)):
                    line = await process.stdout.readline()
                    if not line:
                        raise RuntimeError(f"the gateway did not start: {log.read_text()[-600:]}")
                    said += line.decode()
        except TimeoutError:
            process.kill()
            raise RuntimeError(f"the gateway did not start: {said}") from None
        host, _, port = found[1].removeprefix("http://").partition(":")
        return cls(process, (host, int(port)), log, path)

    def _status(self, name):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1])

    def rss(self):
        """Memory in use, in bytes."""
        return self._status("VmRSS") << 10

    def peak(self):
        """The most memory since `forget_peak`, in bytes."""
        return self._status("VmHWM") << 10

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu(self):
        """Seconds of processor time so far."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS

    def signal(self, which=signal.SIGTERM):
        self.process.send_signal(which)

    @property
    def is_running(self):
        return self.process.returncode is None

    async def ended(self, within):
        """The status it ends with, or `None` if it does not in time."""
        try:
            return await asyncio.wait_for(self.process.wait(), within)
        except TimeoutError:
            return None

    async def end(self):
        if self.is_running:
            self.process.kill()
            await self.process.wait()

    def logged(self, text):
        """How many lines of the log have a text."""
        return sum(text in line for line in self.log.read_text(errors="replace").splitlines())
