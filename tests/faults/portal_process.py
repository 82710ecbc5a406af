"""A portal in a process of its own: JSON of a given length, whatever is asked for.

    python3 portal_process.py BYTES        # prints its port"""

import asyncio
import sys

from upstream import Upstream


async def main(size):
    content = b"[" + b'{"id":12345,"name":"a record of a portal"},' * (size // 43) + b"0]"

    async def answer(exchange):
        await exchange.json(content)

    portal = await Upstream(answer).up()
    print(portal.port, flush=True)
    await portal.server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
