"""P12 and P14: what the processes hold, and what they do while there is nothing to do."""

from __future__ import annotations

import time

import psutil

from bench import due, engine
from bench.due import Due
from bench.installation import Installation
from bench.report import Line
from bench.rows import MERCHANTS
from bench.run import Run
from bench.usage import MEGABYTE, measured, memory_of, statements


def memory(installation: Installation, run: Run) -> list[Line]:
    """P12: the largest process of a worker, before and after many orders, and of the web server."""
    count = 3_000 if run.is_quick else 100_000
    with engine.platform(installation) as played, engine.worker(installation, played) as pid:
        sizes, begun = [], max(memory_of(pid))
        for part in range(5):
            orders = [Due(1 + n % 50, part * count // 5 + n, due.now()) for n in range(count // 5)]
            engine.put(installation, played, orders)
            engine.wait_until_created(played, len(orders))
            sizes.append(max(memory_of(pid)))
            run.say(f"P12: after {(part + 1) * count // 5:,} orders the largest process has {sizes[-1]:.0f} MB")
        whole = _own_memory(pid)
    growth = sizes[-1] - sizes[1]
    pid, _ = installation.start_web("web", "verisync_site.wsgi")
    web = max(memory_of(pid))
    installation.end("web")
    notes = (
        f"{begun:.0f} MB before the first order",
        f"the worker's {whole[1]} processes hold {whole[0]:.0f} MB of their own; a web process {web:.0f} MB",
    )
    return [
        Line("P12", f"memory of the largest worker process, after {count:,} orders", f"{sizes[-1]:.0f} MB", "≤ 90 MB",
             sizes[-1] <= 90, "33 MB procrastinate, 399 MB n8n (measured before)", "", notes),
        Line("P12", "its growth over the last three fifths of them", f"{growth:+.1f} MB", "none (≤ 3 MB)", growth <= 3),
    ]  # fmt: skip


def idle(installation: Installation, run: Run) -> list[Line]:
    """P14: a worker among a thousand merchants without any work."""
    seconds = 10 if run.is_quick else 60
    with engine.platform(installation) as played, installation.admin() as admin:
        engine.put(installation, played, [])
        with engine.worker(installation, played) as pid:
            time.sleep(40)  # what is only done once, at the beginning
            before = statements(admin)
            with measured(pid, database=installation.database_pid) as used:
                time.sleep(seconds)
            sent = (statements(admin) - before).statements / seconds
    share, database = used.cpu / seconds, used.database_cpu / seconds
    return [
        Line("P14", f"idle worker, {MERCHANTS:,} idle merchants: statements a second", f"{sent:.1f}", "≤ 2",
             sent <= 2, "5 (one django-q2 worker's poll at its default)"),
        Line("P14", "its share of a core, the database's beside it", f"{share:.1%} and {database:.1%}", "≤ 1 %",
             share <= 0.01),
    ]  # fmt: skip


def _own_memory(pid: int) -> tuple[float, int]:
    """Megabytes that no other process shares, and of how many processes."""
    root = psutil.Process(pid)
    processes = [root, *root.children(recursive=True)]
    return sum(process.memory_full_info().uss for process in processes) / MEGABYTE, len(processes)
