"""`python -m sandbox --port 8801 [--hold 3600] [--public URL] [--journal FILE] [--state FILE]`."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path
from types import FrameType

from sandbox.app import serve
from sandbox.memory import Memory
from sandbox.world import World


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The platforms, played on this machine.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--hold", type=int, default=3600, metavar="SECONDS", help="how long an order is on hold")
    parser.add_argument("--public", metavar="URL", help="address under which browsers reach the sandbox")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="append every effect to this file")
    parser.add_argument("--state", type=Path, metavar="FILE", help="remember everything in this file")
    options = parser.parse_args()
    public_url = options.public or f"http://127.0.0.1:{options.port}"
    world = World(public_url=public_url, hold_seconds=options.hold, ledger_file=options.journal)
    server = serve(world, options.port)
    print(f"sandbox: {public_url} with {', '.join(sorted(world.halves)) or 'no platform'}", flush=True)
    memory = Memory(world, options.state) if options.state else None
    if memory:
        memory.load()
        memory.keep_saving()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        if memory:
            memory.stop()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
