"""Portals whose certificates cannot be trusted."""

import asyncio
import ssl
import subprocess

from names import NameServer
from network import NAME_SERVER, PUBLIC
from world import scenario


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=30)


def certificate(folder, name, host, issuer=None, days=30, ca=False):
    """A certificate and its key: signed by `issuer`, or by itself."""
    key, request, out, extensions = (folder / f"{name}.{end}" for end in ("key", "csr", "pem", "ext"))
    constraint = "critical,CA:TRUE" if ca else "CA:FALSE"
    extensions.write_text(f"subjectAltName=DNS:{host}\nbasicConstraints={constraint}\n")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
            "-subj", f"/CN={host}")
    signer = ("-CA", folder / f"{issuer}.pem", "-CAkey", folder / f"{issuer}.key", "-CAcreateserial") if issuer \
        else ("-signkey", key)
    openssl("x509", "-req", "-in", request, "-out", out, "-days", days, "-extfile", extensions, *signer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(out, key)
    return context


@scenario("R9", "certificates that nobody vouches for", space=True)
async def certificates(world):
    """One that signed itself, one of another authority, of another name, that has ended, and no TLS at all; and one that
    is right, so that something can be told from the rest. The authority stands in SSL_CERT_FILE."""
    names = ["itself", "stranger", "othername", "ended", "right", "plain", "old"]
    server = await NameServer({f"{name}.test": [PUBLIC] for name in names}).up(NAME_SERVER)
    world.stack.push_async_callback(server.down)
    folder = world.folder
    certificate(folder, "authority", "authority.test", ca=True)
    certificate(folder, "unknown", "unknown.test", ca=True)
    contexts = {
        "itself": certificate(folder, "itself", "itself.test"),
        "stranger": certificate(folder, "stranger", "stranger.test", "unknown"),
        "othername": certificate(folder, "othername", "somebody.test", "authority"),
        "ended": certificate(folder, "ended", "ended.test", "authority", days=-1),
        "right": certificate(folder, "right", "right.test", "authority"),
        "plain": None,
        "old": certificate(folder, "old", "old.test", "authority"),
    }
    contexts["old"].minimum_version = ssl.TLSVersion.TLSv1
    contexts["old"].maximum_version = ssl.TLSVersion.TLSv1_1
    contexts["old"].set_ciphers("ALL:@SECLEVEL=0")

    async def answer(exchange):
        await exchange.json({"success": True})

    portals = {name: await world.upstream(answer, host="::", tls=context) for name, context in contexts.items()}
    entries = {name: portal.portal(host=f"{name}.test", limits={"connect_time": "1s"}) for name, portal in portals.items()}
    entries["plain"]["base"] = entries["plain"]["base"].replace("http:", "https:")
    gateway = await world.gateway(entries, env={"SSL_CERT_FILE": str(folder / "authority.pem"), "SSL_CERT_DIR": "/nowhere"})
    pool = world.pool(gateway)
    for name, portal in portals.items():
        answer = await pool.ask(f"/p/{name}/x")
        # Who does not speak TLS may also say nothing to its beginning.
        expected = {"right": [(200, None)], "plain": [(502, "portal-unreachable"), (504, "portal-timeout")]}
        right = expected.get(name, [(502, "portal-unreachable")])
        world.holds((answer.status, answer.problem) in right, f"{name}: {answer}")
        if name in ("itself", "stranger", "othername", "ended"):
            world.holds(b"certificate" in answer.body, f"{name} does not say why: {answer.body!r}")
        world.holds(portal.requests == (name == "right"), f"{name}: {portal.requests} requests reached it")
        await asyncio.sleep(0)
    world.figure("certificates", len(contexts))
    world.figure("requests that reached a portal", sum(portal.requests for portal in portals.values()))
