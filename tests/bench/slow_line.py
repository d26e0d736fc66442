"""A proxy on loopback that passes each part of a request on late, and each answer at once: a far AWS.

`python slow_line.py PORT MILLISECONDS` prints the port it listens on. A program of its own, so that it takes no time
from the process that is measured.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import contextmanager

LOOPBACK = "127.0.0.1"


@contextmanager
def slow_line(port: int, delay_ms: int) -> Iterator[str]:
    """Yield the URL of a proxy before `port` of this machine."""
    proxy = subprocess.Popen([sys.executable, __file__, str(port), str(delay_ms)], stdout=subprocess.PIPE, text=True)
    try:
        assert proxy.stdout is not None
        yield f"http://{LOOPBACK}:{int(proxy.stdout.readline())}"
    finally:
        proxy.kill()
        proxy.communicate()


async def _serve(port: int, delay_s: float) -> None:
    async def pass_on(here: StreamReader, back: StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(LOOPBACK, port)
        await asyncio.gather(_pass(here, requests, delay_s), _pass(answers, back, 0.0))

    server = await asyncio.start_server(pass_on, LOOPBACK, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _pass(reader: StreamReader, writer: StreamWriter, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    try:
        while part := await reader.read(1 << 16):
            # A timer for each: head and body of one request are late together, not one after the other.
            loop.call_later(delay_s, writer.write, part)
    except ConnectionError:
        pass
    loop.call_later(delay_s, writer.close)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]) / 1000))
