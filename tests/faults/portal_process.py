"""A portal in a process of its own: JSON of a given length, whatever is asked for.

    python3 portal_process.py BYTES [gzip]        # prints its port"""

import asyncio
import gzip
import random
import sys

from upstream import Upstream


async def main(size, coding):
    values = random.Random(1)
    rows = b"".join(b'{"id":%10d,"name":"a record of a portal"},' % values.randrange(10**10) for _ in range(size // 48))
    content = b"[" + rows + b"0]"
    coded = {}

    async def answer(exchange):
        callback = exchange.query.get("callback", "")
        if not coding:
            return await exchange.json(content)
        if callback not in coded:
            coded[callback] = gzip.compress(callback.encode() + b"(" + content + b");", 6)
        return await exchange.reply(200, coded[callback], "application/javascript", ("Content-Encoding: gzip",))

    portal = await Upstream(answer).up()
    print(portal.port, flush=True)
    await portal.server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), "gzip" in sys.argv[2:]))
