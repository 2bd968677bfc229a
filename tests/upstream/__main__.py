"""``python -m tests.upstream``: the scripted upstream as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import signal

from tests.upstream.server import ScriptedUpstream


async def _serve(port: int, api_key: str | None) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with ScriptedUpstream(port=port, api_key=api_key) as upstream:
        print(upstream.base_url, flush=True)  # noqa: T201  (whoever started it reads this)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.upstream")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--api-key", help="accept only this key; by default, any")
    options = parser.parse_args()
    asyncio.run(_serve(options.port, options.api_key))


if __name__ == "__main__":
    main()
