"""Names: with several addresses, with changing ones, with addresses in disguise, and without a name server."""

import asyncio

from load import eventually, load
from names import A, NameServer
from network import NAME_SERVER, NOBODY, OTHER_PUBLIC, PRIVATE, PRIVATE_V6, PUBLIC, PUBLIC_V6
from world import scenario


async def closes(exchange):
    """Answers, and closes the connection, so that the next request needs the name again."""
    exchange.closing = True
    await exchange.json({"success": True, "result": exchange.target})


async def names_and_portal(world, names, answer=closes):
    server = await NameServer(names).up(NAME_SERVER)
    world.stack.push_async_callback(server.down)
    return server, await world.upstream(answer, host="::")


def portals(portal, *names, **entry):
    """An entry for each name, with the id that the name begins with."""
    return {name.partition(".")[0]: portal.portal(host=name, **entry) for name in names}


def dialled(portal):
    return {address for address in portal.dialled if address not in (PUBLIC, OTHER_PUBLIC, PUBLIC_V6)}


@scenario("R4a", "names with addresses of which some, or all, may not be dialled", space=True)
async def several(world):
    """Every address of the table has somebody who listens there, and must not be asked."""
    table = {
        "one": ([PUBLIC], (200, None)),
        "both": ([PUBLIC, PUBLIC_V6], (200, None)),
        "mixed": (["10.0.0.1", PUBLIC, "169.254.169.254"], (200, None)),
        "mixed6": (["fd00::1", "64:ff9b::a00:1", PUBLIC], (200, None)),
        "deadpublic": ([NOBODY, "10.0.0.1"], (502, "portal-unreachable")),
        "crowd": ([*PRIVATE * 3, PUBLIC], (200, None)),
        "cname": ("inner.test", (502, "address-prohibited")),
        "chain": ("hop.test", (502, "address-prohibited")),
        "goodcname": ("one.test", (200, None)),
        "mapped": (["::ffff:10.0.0.1"], (502, "address-prohibited")),
        "loopback": (["127.0.0.1", "::1"], (502, "address-prohibited")),
        "unspecified": (["0.0.0.0", "::"], (502, "address-prohibited")),
        "broadcast": (["255.255.255.255"], (502, "address-prohibited")),
        **{f"v4-{n}": ([a], (502, "address-prohibited")) for n, a in enumerate(PRIVATE)},
        **{f"v6-{n}": ([a], (502, "address-prohibited")) for n, a in enumerate(PRIVATE_V6)},
    }
    names = {f"{id}.test": said for id, (said, _) in table.items()}
    names |= {"inner.test": ["10.0.0.1"], "hop.test": "inner.test"}
    server, portal = await names_and_portal(world, names)
    gateway = await world.gateway(portals(portal, *(f"{id}.test" for id in table)))
    pool = world.pool(gateway)
    for id, (said, expected) in table.items():
        answer = await pool.ask(f"/p/{id}/x")
        world.holds((answer.status, answer.problem) == expected, f"{id} {said}: {answer}")
    world.figure("names", len(table))
    world.figure("dialled", " ".join(sorted(portal.dialled)))
    world.holds(not dialled(portal), f"dialled: {dialled(portal)}")


@scenario("R4b", "a name whose addresses change", space=True)
async def rebinding(world):
    """What is looked up once is what is dialled: a second look-up, which would bring a private address, is never made
    for one fetch. Across redirects and later fetches each new look-up is judged anew."""
    def turns(number):
        return [PUBLIC] if number == 0 else ["10.0.0.1"]

    def alternates(number):
        return [PUBLIC] if number % 2 == 0 else ["10.0.0.1"]

    names = {"once.test": turns, "flip.test": alternates, "back.test": turns}
    server, portal = await names_and_portal(world, names)

    async def redirects(exchange):
        if "/hop" in exchange.target:
            exchange.closing = True
            return await exchange.reply(302, b"", fields=(f"Location: http://back.test:{portal.port}/data/x",))
        return await closes(exchange)

    portal.answer = redirects
    gateway = await world.gateway(portals(portal, "once.test", "flip.test", "back.test", limits={"failures": 0}))
    pool = world.pool(gateway)
    first, second = await pool.ask("/p/once/1"), await pool.ask("/p/once/2")
    world.holds(first.status == 200, f"the first: {first}")
    world.holds((second.status, second.problem) == (502, "address-prohibited"), f"the second: {second}")
    asked = world.figure("look-ups for two fetches", server.asked["once.test", A])
    world.holds(asked == 2, f"{asked} look-ups for two fetches")
    told = [(await pool.ask(f"/p/flip/{n}")).status for n in range(10)]
    world.holds(told == [200, 502] * 5, f"a name that alternates: {told}")
    hop = await pool.ask("/p/back/hop")
    world.holds((hop.status, hop.problem) == (502, "address-prohibited"), f"a redirect to itself: {hop}")
    world.holds(not dialled(portal), f"dialled: {dialled(portal)}")


@scenario("R4c", "an entry's own ranges, and no others", space=True)
async def ranges(world):
    """`allow_cidr` opens what it names, for the entry that names it."""
    names = {"inside.test": ["10.0.0.1"], "beside.test": ["10.0.0.1"], "both.test": ["192.168.1.1", "10.0.0.1"],
             "carried.test": ["64:ff9b::a00:1"]}
    server, portal = await names_and_portal(world, names)
    entries = portals(portal, *names)
    for id in ("inside", "both", "carried"):
        entries[id]["allow_cidr"] = ["10.0.0.0/8"]
    pool = world.pool(await world.gateway(entries))
    for id, status in (("inside", 200), ("beside", 502), ("both", 200), ("carried", 502)):
        answer = await pool.ask(f"/p/{id}/x")
        world.holds(answer.status == status, f"{id}: {answer}")
    world.figure("dialled", " ".join(sorted(portal.dialled)))
    world.holds(set(portal.dialled) == {"10.0.0.1"}, f"dialled: {set(portal.dialled)}")


@scenario("R4d", "the machine's search list", space=True)
async def search_list(world):
    """The list is the machine's and is used (docs/security.md, 4); what it leads to is judged like any address."""
    world.network.asks("search evil.test")
    world.stack.callback(world.network.asks)
    names = {"intern.evil.test": ["10.0.0.1"], "data.city.evil.test": ["10.0.0.1"], "open.evil.test": [PUBLIC]}
    server, portal = await names_and_portal(world, names)
    pool = world.pool(await world.gateway(portals(portal, "intern", "data.city", "open")))
    for id in ("intern", "data"):
        answer = await pool.ask(f"/p/{id}/x")
        world.holds((answer.status, answer.problem) == (502, "address-prohibited"), f"{id}: {answer}")
    world.holds((await pool.ask("/p/open/x")).status == 200, "what the list leads to is not found")
    world.figure("dialled", " ".join(sorted(portal.dialled)))
    world.holds(set(portal.dialled) == {PUBLIC}, f"dialled: {set(portal.dialled)}")


@scenario("R4e", "name servers that refuse, fail, say nothing or nonsense", space=True)
async def refusals(world):
    """An answer that is cut is asked for by TCP. Silence costs 3 s (`RESOLVE_TIME`), the client's own time-out 1 s."""
    names = {"none.test": "nxdomain", "fails.test": "servfail", "mute.test": "silent", "noise.test": "garbage",
             "empty.test": [], "long.test": ("cut", [PUBLIC]), "loop.test": "loop.test.evil"}
    server, portal = await names_and_portal(world, names)
    gateway = await world.gateway(portals(portal, *names))
    pool, slowest = world.pool(gateway), 0.0
    for name in names:
        id = name.partition(".")[0]
        answer = await pool.ask(f"/p/{id}/x")
        expected = (200, None) if id == "long" else (502, "portal-unresolvable")
        world.holds((answer.status, answer.problem) == expected, f"{id}: {answer}")
        slowest = max(slowest, answer.took)
    world.figure("slowest", slowest, "s")
    world.holds(slowest <= world.within(5), "it takes too long")
    world.holds(set(portal.dialled) == {PUBLIC}, f"dialled: {set(portal.dialled)}")


@scenario("F26", "the name server goes down and comes back", space=True)
async def flapping(world):
    """100 requests/s, half of them stored ones, for 3 s with a name server, 4 s with a silent one, 3 s with none, then
    with one again."""
    said = {"way": [PUBLIC]}
    names = {"city.test": lambda _: said["way"]}
    server, portal = await names_and_portal(world, names)
    gateway = await world.gateway(portals(portal, "city.test", freshness={"default": "1h"}))
    pool = world.pool(gateway)
    await asyncio.gather(*(pool.ask(f"/p/city/stored/{n}") for n in range(20)))

    async def ask(number):
        way = f"stored/{number % 20}" if number % 2 else f"{number}/{id(said['way'])}"
        return await pool.ask(f"/p/city/{way}")

    async def phase(name, seconds):
        outcome = await load(ask, 100, seconds)
        hits = [a for _, a in outcome.answers if "hit" in a.cache]
        rest = [a for _, a in outcome.answers if "hit" not in a.cache]
        slowest = world.figure(f"slowest miss, {name}", max(a.took for a in rest), "s")
        world.holds(len(hits) >= len(outcome) // 2 - 1, f"{name}: {len(hits)} hits of {len(outcome)}")
        world.holds(max(a.took for a in hits) <= world.within(1), f"{name}: hits wait")
        world.holds(slowest <= world.within(5), f"{name}: misses take too long")
        return {a.status for a in rest}

    world.holds(await phase("well", 3) == {200}, "with a name server not all is well")
    said["way"] = "silent"
    world.holds(await phase("silent", 4) <= {502, 503, 504}, "with a silent one")
    await server.down()
    world.holds(await phase("gone", 3) <= {502, 503, 504}, "with none")
    said["way"] = [PUBLIC]
    await server.up(NAME_SERVER)

    async def is_back():
        return (await pool.ask(f"/p/city/back/{asyncio.get_running_loop().time()}")).status == 200

    back = await eventually(is_back, 11)
    world.figure("used again after", back or 0.0, "s")
    world.holds(back is not None and back <= world.within(10), "it does not recover")


@scenario("R10", "what is refused dials nobody", space=True)
async def nobody(world):
    """The kernel of the namespace counts every connection that is begun. All requests go over one that is there."""
    names = {"inner.test": ["10.0.0.1"], "city.test": [PUBLIC]}
    server, portal = await names_and_portal(world, names)
    entries = portals(portal, "inner.test", "city.test")
    entries |= {f"literal-{n}": {"base": f"http://{address}/data"} for n, address in enumerate(
        ["10.0.0.1", "127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "0.0.0.0"])}
    pool = world.pool(await world.gateway(entries))
    await pool.ask("/healthz")
    refused = [f"/p/{id}/x" for id in entries if id != "city"] + [
        "/p/nobody/x", "/p/city/../x", "/p/city/%2e%2e/x", "/p/city/a%5cb", "/p/city/%00", "/p/city/a%0d%0ab",
        "/https://10.0.0.1/x", "/http://2130706433/x", "/?url=http%3A%2F%2F127.0.0.1%2Fx", "/raw?url=http%3A%2F%2F0x7f.1%2F",
        "/?url=http%3A%2F%2F%5B%3A%3A1%5D%2F", "/http://user@city.test/x", "/http://city.test:22/x", "/ftp://city.test/x",
        "/?url=http%3A%2F%2Fcity.test%2540evil.test%2F", "/p/city%2f..%2f..%2fx"]
    before = world.network.connects()
    for target in refused:
        answer = await pool.ask(target)
        world.holds(400 <= answer.status <= 502 and answer.status != 500, f"{target}: {answer}")
        await pool.ask(target, method="POST")
    begun = world.figure("connections begun", world.network.connects() - before)
    world.figure("requests", 2 * len(refused))
    world.holds(begun == 0, f"{begun} connections were begun")
