"""A consumer that takes a batch, says so, and never settles it: the child process of a test."""

import asyncio
import sys

from libs.common.bus import open_bus


async def main(url, queue):
    async def hang(deliveries):
        print(f"holding {len(deliveries)}", flush=True)
        await asyncio.Event().wait()

    await open_bus(url).consume(queue, types=["order.completed"], handler=hang).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
