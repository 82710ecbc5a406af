"""Portals that do not speak HTTP as it is written. What they say is no data, and spoils nothing for the next request."""

import gzip

from world import scenario

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
JSON = b'{"a":1}'


def sized(length, content=JSON, fields=b""):
    return OK + fields + b"Content-Length: %s\r\n\r\n" % str(length).encode() + content


#: What a portal says to a request, and the statuses with which it may be answered. `EOF` after it, unless it stays.
SAYINGS = {
    "length too long": (sized(20), {502}),
    "length too short": (sized(3), {502}),
    "two lengths": (sized(7, fields=b"Content-Length: 8\r\n"), {502}),
    "same length twice": (sized(7, fields=b"Content-Length: 7\r\n"), {200, 502}),
    "length no number": (sized("seven"), {502}),
    "length negative": (sized(-7), {502}),
    "length with plus": (sized("+7"), {502}),
    "length as a list": (sized("7, 8"), {502}),
    "length beside chunks": (OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n" + JSON + b"\r\n0\r\n\r\n", {200, 502}),
    "chunks cut": (OK + b"Transfer-Encoding: chunked\r\n\r\n7\r\n" + JSON + b"\r\n", {502}),
    "chunk size no number": (OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + JSON + b"\r\n0\r\n\r\n", {502}),
    "chunk size huge": (OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + JSON + b"\r\n0\r\n\r\n", {502}),
    "chunk longer than said": (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\n" + JSON + b"\r\n0\r\n\r\n", {502}),
    "unknown transfer coding": (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n7\r\n" + JSON + b"\r\n0\r\n\r\n", {502}),
    "chunked is not the last": (OK + b"Transfer-Encoding: chunked, identity\r\n\r\n7\r\n" + JSON + b"\r\n0\r\n\r\n", {502}),
    "status 101": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + JSON, {502}),
    "status 100 alone": (b"HTTP/1.1 100 Continue\r\n\r\n", {502, 504}),
    "status 103 and then an answer": (b"HTTP/1.1 103 Early Hints\r\n\r\n" + sized(7), {200}),
    "status 206 unasked": (sized(7).replace(b"200 OK", b"206 P").replace(b"\r\n\r\n", b"\r\nContent-Range: bytes 0-6/7\r\n\r\n", 1), {502}),
    "status 304 unasked": (b"HTTP/1.1 304 Not Modified\r\n\r\n", {502}),
    "status 204": (b"HTTP/1.1 204 No Content\r\n\r\n", {204, 502}),
    "status 205": (b"HTTP/1.1 205 R\r\nContent-Length: 0\r\n\r\n", {205, 502}),
    "status 299": (sized(7).replace(b"200 OK", b"299 X"), {200, 299, 502}),
    "status 300 without target": (sized(7).replace(b"200 OK", b"300 X"), {300, 502}),
    "status 407": (sized(7).replace(b"200 OK", b"407 X"), {407, 502}),
    "status 999": (sized(7).replace(b"200 OK", b"999 X"), {502}),
    "status 000": (sized(7).replace(b"200 OK", b"000 X"), {502}),
    "status 20": (sized(7).replace(b"200 OK", b"20 X"), {502}),
    "status no number": (sized(7).replace(b"200 OK", b"abc X"), {502}),
    "HTTP/0.9": (JSON, {502}),
    "HTTP/2.0": (sized(7).replace(b"HTTP/1.1", b"HTTP/2.0"), {502}),
    "HTTP/1.0 without length": (b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + JSON, {200}),
    "HTTP/1.1 without length": (OK + b"\r\n" + JSON, {200, 502}),
    "bare line feeds": (sized(7).replace(b"\r\n", b"\n"), {200, 502}),
    "NUL in a field": (sized(7, fields=b"X: a\0b\r\n"), {502}),
    "blank before the colon": (sized(7, fields=b"X : a\r\n"), {502, 200}),
    "a field without a colon": (sized(7, fields=b"nonsense\r\n"), {502}),
    "a folded field": (sized(7, fields=b"X: a\r\n b\r\n"), {200, 502}),
    "nothing": (b"", {502}),
    "a blank line": (b"\r\n", {502}),
    "a TLS alert": (b"\x15\x03\x01\x00\x02\x02\x28", {502}),
    "an SSH server": (b"SSH-2.0-OpenSSH_9.2\r\n", {502}),
    "JSON cut": (sized(6, JSON[:6]), {502}),
    "empty": (sized(0, b""), {502}),
    "no UTF-8": (sized(7, b'{"a":"\xff\xfe"}'[:7]), {502}),
    "unknown content coding": (sized(7, fields=b"Content-Encoding: rot13\r\n"), {502}),
    "coding that is none": (sized(7, fields=b"Content-Encoding: gzip\r\n"), {502}),
    "gzip cut": (sized(15, gzip.compress(JSON)[:15], b"Content-Encoding: gzip\r\n"), {502}),
    "gzip with a tail": (sized(len(gzip.compress(JSON)) + 4, gzip.compress(JSON) + b"tail", b"Content-Encoding: gzip\r\n"), {502}),
    "gzip with a false checksum": (sized(len(gzip.compress(JSON)), gzip.compress(JSON)[:-8] + b"\0" * 8, b"Content-Encoding: gzip\r\n"), {502}),
    "gzip of two members": (sized(len(gzip.compress(b'{"a":') + gzip.compress(b"1}")), gzip.compress(b'{"a":') + gzip.compress(b"1}"), b"Content-Encoding: gzip\r\n"), {200}),
    "an answer behind the answer": (sized(7) + sized(15, b'{"smuggled":1}\n'), {200}),
}


@scenario("U1", "portals that do not speak HTTP as it is written")
async def sayings(world):
    """Each is said to a request of its own; then the same portal is asked for something else, which must be its own
    answer, and for the same again, which must not come from what is stored unless it was an answer."""
    async def answer(exchange):
        path = exchange.path.rsplit("/", 1)[1]
        if path == "next":
            return await exchange.json({"success": True, "result": exchange.query["q"]})
        content, _ = table[int(path)]
        await exchange.write(content)
        exchange.closing = b"smuggled" not in content

    table = list(SAYINGS.values())
    portal = await world.upstream(answer)
    limits = {"failures": 0, "first_byte_time": "1s", "total_time": "2s"}
    gateway = await world.gateway({"odd": portal.portal(limits=limits)})
    pool = world.pool(gateway)
    for number, (name, (content, right)) in enumerate(SAYINGS.items()):
        told = await pool.ask(f"/p/odd/{number}")
        world.holds(told.status in right, f"{name}: {told}")
        world.holds(told.status != 200 or told.body == JSON, f"{name}: {told.body!r}")
        after = await pool.ask(f"/p/odd/next?q={number}")
        own = f'"result": "{number}"'.encode()
        world.holds(after.status == 200 and own in after.body, f"after {name}: {after}")
        if told.status == 502:
            seen = portal.by_path[f"/data/{number}"]
            await pool.ask(f"/p/odd/{number}")
            world.holds(portal.by_path[f"/data/{number}"] > seen, f"{name}: a problem is stored")
    world.figure("kinds", len(SAYINGS))
    world.holds(gateway.is_running, "the gateway has ended")
    world.holds(not gateway.logged("panicked"), "something panicked")


@scenario("U2", "redirects without end, and to where nobody may go")
async def redirects(world):
    """To itself, around, ever longer, without a target, to private addresses and to other schemes."""
    async def answer(exchange):
        kind, _, number = exchange.path.rsplit("/", 1)[1][:20].partition("-")
        here = f"http://127.0.0.1:{portal.port}/data"
        number = int(number or 0)
        location = {
            "self": f"{here}/self", "around": f"{here}/around-{(number + 1) % 2}", "longer": f"{here}/longer-{number + 1}",
            "relative": "relative", "private": "http://10.0.0.1/x", "spelled": "http://2130706433/x", "file": "file:///etc/passwd",
            "user": f"http://a:b@127.0.0.1:{portal.port}/data/x", "port": "http://127.0.0.1:1/x", "broken": "http://[::1", "empty": "",
            "crlf": f"{here}/x\\r\\nX: y", "huge": f"{here}/" + "a" * 20_000, "elsewhere": "https://example.com/x",
        }.get(kind, here)
        await exchange.reply(302, b"", fields=(f"Location: {location}",))

    portal = await world.upstream(answer)
    gateway = await world.gateway({"leads": portal.portal(limits={"failures": 0})})
    pool = world.pool(gateway)
    kinds = ["self", "around-0", "longer-0", "relative", "private", "spelled", "file", "user", "port", "broken", "empty", "crlf",
             "huge", "elsewhere"]
    for kind in kinds:
        before = portal.requests
        told = await pool.ask(f"/p/leads/{kind}")
        world.holds(told.status == 502, f"{kind}: {told}")
        world.holds(portal.requests - before <= 6, f"{kind}: {portal.requests - before} requests")
    world.figure("kinds", len(kinds))
    world.figure("requests to the portal", portal.requests)
