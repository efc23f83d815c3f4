"""Start the process: see the package."""

from __future__ import annotations

import argparse
import asyncio

from bench import platforms
from bench.platforms.line import serve
from bench.platforms.world import World


def main() -> None:
    parser = argparse.ArgumentParser(
        description=platforms.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--epoch", type=int, required=True)
    parser.add_argument("--limits", action="store_true")
    options = parser.parse_args()
    asyncio.run(serve(options.port, World(epoch=options.epoch, has_limits=options.limits)))


if __name__ == "__main__":
    main()
