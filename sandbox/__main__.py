"""`python -m sandbox --port 8801 [--hold 3600] [--public URL] [--journal FILE]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.app import serve
from sandbox.world import World


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The platforms, played on this machine.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--hold", type=int, default=3600, metavar="SECONDS", help="how long an order is on hold")
    parser.add_argument("--public", metavar="URL", help="address under which browsers reach the sandbox")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="append every effect to this file")
    options = parser.parse_args()
    public_url = options.public or f"http://127.0.0.1:{options.port}"
    world = World(public_url=public_url, hold_seconds=options.hold, ledger_file=options.journal)
    server = serve(world, options.port)
    print(f"sandbox: {public_url} with {', '.join(sorted(world.halves)) or 'no platform'}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
