"""A network of this process's own: public addresses that lead nowhere but here, names, a cable to pull.

Every address stands on the loopback interface of a network namespace, so that no packet can leave it."""

import asyncio
import os
import pathlib
import subprocess
import tempfile

#: Public addresses of the namespace.
PUBLIC, OTHER_PUBLIC, PUBLIC_V6 = "8.8.4.4", "1.1.1.1", "2606:4700::1111"

#: A public address at which nobody is.
NOBODY = "9.9.9.9"

#: Where nothing may be dialled. Somebody listens there all the same, and tells.
PRIVATE = ["10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "172.16.0.1", "198.18.0.1", "192.0.0.170"]
PRIVATE_V6 = ["64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::1", "2001:0:a00:1::1", "fd00::1", "2001:db8::1",
              "::10.0.0.1", "fec0::1", "2606:4700::5efe:a00:1", "64:ff9b::808:404", "2002:808:404::1"]

#: Where the name server listens.
NAME_SERVER = "127.0.0.53"

CABLE = "cable0"


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


class Network:
    """The namespace's network. There is one, made once."""

    @classmethod
    def here(cls):
        """The network, or `None` outside a namespace."""
        return cls() if os.environ.get("UNPAD_FAULTS_SPACE") else None

    def __init__(self):
        ip("link", "set", "lo", "up")
        for address in (PUBLIC, OTHER_PUBLIC, *PRIVATE):
            ip("addr", "add", f"{address}/32", "dev", "lo")
        self.has_v6 = True
        try:
            for address in (PUBLIC_V6, *PRIVATE_V6):
                ip("-6", "addr", "add", f"{address}/128", "dev", "lo", "nodad")
        except subprocess.CalledProcessError:
            self.has_v6 = False
        self.set("ip_local_port_range", "10000 64000")
        self.resolv = pathlib.Path(tempfile.mkstemp(prefix="unpad-resolv-")[1])
        self.asks()
        subprocess.run(["mount", "--bind", self.resolv, "/etc/resolv.conf"], check=True, timeout=10)

    def set(self, name, value):
        """A setting of the namespace's TCP; the one before."""
        path = pathlib.Path(f"/proc/sys/net/ipv4/{name}")
        before = path.read_text()
        path.write_text(value)
        return before

    def asks(self, *lines):
        """What the resolver is told. The file stays the same one, because it is mounted."""
        lines = [f"nameserver {NAME_SERVER}", "options timeout:1 attempts:1", *lines]
        self.resolv.write_text("\n".join(lines) + "\n")

    def connects(self):
        """How many TCP connections the namespace has begun, whoever did."""
        names, values = [line.split() for line in pathlib.Path("/proc/self/net/snmp").read_text().splitlines()
                         if line.startswith("Tcp:")]
        return int(values[names.index("ActiveOpens")])

    def pull(self, address=PUBLIC):
        """Pulls the cable: packets to the address vanish, and nobody is told."""
        if not pathlib.Path(f"/sys/class/net/{CABLE}").exists():
            try:
                ip("tuntap", "add", "dev", CABLE, "mode", "tun")
                ip("link", "set", CABLE, "up")
            except subprocess.CalledProcessError:
                return False
        ip("addr", "del", f"{address}/32", "dev", "lo")
        ip("route", "add", f"{address}/32", "dev", CABLE)
        return True

    def plug(self, address=PUBLIC):
        ip("route", "del", f"{address}/32", "dev", CABLE)
        ip("addr", "add", f"{address}/32", "dev", "lo")


async def short_buffers(world):
    """Keeps the kernel's buffers short, so that what was sent is what was taken, until the scenario's end."""
    if not world.network:
        return False
    for name in ("tcp_rmem", "tcp_wmem"):
        before = world.network.set(name, "4096 65536 131072")
        world.stack.callback(world.network.set, name, before)
    await asyncio.sleep(0)
    return True
