"""The reference for P7 and P8: one queue for all stores, first come first served, and no thought of pace.

    python -m bench.first_come ADDRESS --orders 2000 --shops 5 --quiet 0 --seconds 30

Sixty-four senders take the next order, whosever it is, and send it; a refused one goes to the end. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import urllib3

from bench import raw
from bench.raw import domain

SENDERS = 64


def run(address: str, **options: float) -> dict[str, Any]:
    """Run it as a process of its own: what it prints."""
    command = [sys.executable, "-m", "bench.first_come", address]
    command += [f"--{name}={value}" for name, value in options.items()]
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class Queue:
    """Orders in the order in which they came, and what became of them."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.waiting: deque[tuple[str, str]] = deque()
        self.pool = urllib3.PoolManager(maxsize=SENDERS)
        self.refused = self.sent = 0
        self.done_at: dict[str, float] = {}

    def send(self, ends_at: float) -> None:
        """Until nothing waits or the time is over."""
        while time.time() < ends_at:
            try:
                shop, reference = self.waiting.popleft()
            except IndexError:
                time.sleep(0.01)
                continue
            body = {"query": "mutation OrderCreate($order", "variables": {"order": {"sourceIdentifier": reference}}}
            url = f"{self.address}/shopify/{shop}/admin/api/2026-07/graphql.json"
            answer = self.pool.request("POST", url, body=json.dumps(body).encode())
            self.sent += 1
            if answer.status == 200 and b"THROTTLED" not in answer.data:
                self.done_at[reference] = time.time()
            else:
                self.refused += 1
                self.waiting.append((shop, reference))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--orders", type=int, required=True, help="of the busy shops, which came first")
    parser.add_argument("--shops", type=int, default=1, help="how many busy shops")
    parser.add_argument("--quiet", type=int, default=0, help="shops with one order each, which came after")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    queue = Queue(options.address)
    queue.waiting.extend((domain(1 + n % options.shops), raw.order_id(n)) for n in range(options.orders))
    quiet = [(domain(1 + options.shops + n), raw.order_id(options.orders + n)) for n in range(options.quiet)]
    queue.waiting.extend(quiet)
    began = time.time()
    threads = [threading.Thread(target=queue.send, args=(began + options.seconds,)) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    late = sorted(queue.done_at.get(reference, began + options.seconds) - began for _, reference in quiet)
    print(json.dumps({"sent": queue.sent, "refused": queue.refused, "late": late}))


if __name__ == "__main__":
    main()
