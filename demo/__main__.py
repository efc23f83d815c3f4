"""`python -m demo [--check] [--reset]`: start everything, connect the demo's stores, let buyers order, and tell where.

`make demo` calls this. Only the standard library and `requests` here, and our programs as processes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from demo import story
from demo.processes import ROOT, DemoFailed, Programs, free_port, require_free
from demo.site import Site, log_in, prepare

KEPT = ROOT / ".var" / "demo"


def main() -> int:
    """Run the demo; the exit status is 0 when it did what was asked."""
    parser = argparse.ArgumentParser(
        prog="python -m demo", description="VeriSync against the sandbox, on this machine."
    )
    parser.add_argument("--check", action="store_true", help="walk one order through each store, check it, and end")
    parser.add_argument("--reset", action="store_true", help="forget what earlier demos kept")
    parser.add_argument("--port", type=int, default=8000, help="of the product (8000)")
    parser.add_argument("--sandbox-port", type=int, default=8801, help="of the sandbox (8801)")
    parser.add_argument("--hold", type=int, help="seconds an order is on hold: 60, or 5 with --check")
    options = parser.parse_args()
    if options.reset:
        shutil.rmtree(KEPT, ignore_errors=True)
        print("The demo's data is gone.")
        return 0
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)  # also where a shell started it in the background
    folder = Path(tempfile.mkdtemp(prefix="verisync-demo-")) if options.check else KEPT
    try:
        return _run(options, folder)
    except DemoFailed as error:
        print(f"\nThe demo stops: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0
    finally:
        if options.check:
            shutil.rmtree(folder, ignore_errors=True)


def _run(options: argparse.Namespace, folder: Path) -> int:
    began = time.monotonic()
    if options.check:
        options.port, options.sandbox_port = free_port(), free_port()
    else:
        require_free(options.port, option="PORT")
        require_free(options.sandbox_port, option="SANDBOX_PORT")
    site = Site(
        folder=folder,
        port=options.port,
        sandbox_port=options.sandbox_port,
        hold_seconds=options.hold or (5 if options.check else 60),
    )
    programs = Programs(logs=folder / "logs")
    with prepare(site, programs, say=_say):
        person = log_in(site)
        story.connect_stores(site, person, say=_say)
        print(f"Ready after {time.monotonic() - began:.0f} s.\n")
        if options.check:
            return story.walk_all(site, person)
        print(_where(site))
        story.keep_busy(site, programs)
    return 0


def _say(text: str) -> None:
    print(f"  {text} …", flush=True)


def _where(site: Site) -> str:
    return f"""
  Orders on TikTok Shop   {site.url}/orders/
      log in as           {story.EMAIL} with {story.PASSWORD}
  Staff admin             {site.url}/staff/
      log in as           {story.STAFF_EMAIL} with {story.PASSWORD}
  Sandbox: buy, cancel, ship by hand, break things
                          {site.sandbox_url}/

  Buyers order by themselves now. TikTok Shop holds each order for {site.hold_seconds} s, then it goes to the
  store that a route names, or to two; the warehouse ships it, and the tracking number goes back.
  Logs are in {_short(site.folder)}/logs.
  Ctrl-C stops all of it; the data stays for the next time, until `make demo-reset`.
"""


def _short(path: Path) -> str:
    return os.path.relpath(path, Path.cwd())


def _interrupt(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a signal handler
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
