"""An installation of the product that may be beaten: each of its programs can be killed, stopped and started again.

Programs are started by the main thread only: what watches over them ends them with the thread that began them.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

from demo import apps, story
from demo.browser import Browser
from demo.processes import DemoFailed, Programs, free_port
from demo.site import Site, environment, fresh_secrets, log_in, web_command
from proof import families
from proof.plan import PRICES, RULED_WORD
from verisync_site.postgres import DATABASE, OWNER, EmbeddedPostgres, PostgresError

STARTING_TAKES = 6.0
NEVER_EMPTY = 10_000_000
NO_LIMIT = 1_000_000_000
REFUND_SECONDS = 1


class Installation:
    """PostgreSQL, the sandbox, the web server and some worker groups. The sandbox is never touched: it keeps the
    ledger."""

    def __init__(self, *, folder: Path, hold: int, poll: int, groups: int) -> None:
        self.site = Site(folder=folder, port=free_port(), sandbox_port=free_port(), hold_seconds=hold)
        self.ledger_file = folder / "ledger.jsonl"
        self.programs = Programs(logs=folder / "logs")
        self.database = EmbeddedPostgres(folder / "postgres", is_durable=True)
        self.keys = fresh_secrets()
        self.groups = groups
        self.running: dict[str, float] = {}  # since when
        self.stopped: dict[str, list[psutil.Process]] = {}
        self.env = {**environment(self.site, self.keys), "POLL_SECONDS": str(poll), "LOG_LEVEL": "WARNING"}

    @property
    def tables(self) -> str:
        """The address of the database for whoever may see every merchant's rows."""
        return self.database.url.replace(f"{OWNER}@/{DATABASE}", f"postgres@/{DATABASE}")

    def start_web(self) -> None:
        """The web server, without waiting for it: without its database it may answer nobody."""
        self.programs.start("web", *web_command(self.site), env={**self.env, "DATABASE_POOL": "8"})

    def wait_for_web(self) -> None:
        """Until the web server answers. Raises DemoFailed."""
        self.programs.wait_for(f"{self.site.url}/health/live", name="web", seconds=40)

    def kill_web(self) -> None:
        self._kill("web")

    def group_name(self, which: int) -> str:
        """One of the groups, by any number."""
        return f"worker-{which % self.groups + 1}"

    def start_group(self, name: str) -> None:
        """A worker group, unless it runs."""
        if name not in self.running:
            self.running[name] = time.monotonic()
            self.programs.start(name, "manage.py", "work", env=self.env)

    def kill_group(self, name: str) -> None:
        """A worker group with its task cluster and all of its workers."""
        self.running.pop(name, None)
        self.stopped.pop(name, None)
        self._kill(name)

    def kill_one_of(self, name: str, *, dice: random.Random) -> str:
        """One process of a worker group, not its leader; what it was."""
        return families.kill_one(families.members(self._pid(name)), dice=dice)

    def stop_group(self, name: str) -> None:
        """Hold every process of the group where it stands."""
        self.stopped[name] = families.members(self._pid(name))
        families.send(self.stopped[name], signal.SIGSTOP)

    def wake_group(self, name: str) -> None:
        """Let a stopped group go on as if nothing had happened."""
        families.send(self.stopped.pop(name, []), signal.SIGCONT)

    def revive(self) -> list[str]:
        """Start again what ended by itself, as a service manager would, and name it. Raises DemoFailed when that is
        the sandbox, which nobody beats."""
        ended = [name for name, process in self.programs.running if process.poll() is not None]
        if "sandbox" in ended:
            self.programs.check()
        for name in ended:
            self._kill(name)
            if name == "web":
                self.start_web()
            else:
                self.running.pop(name, None)
                self.start_group(name)
        database = self.database.process
        if database is not None and database.poll() is not None:
            ended.append(f"PostgreSQL ({database.returncode})")
            self.kill_database()
            self.start_database()
        return ended

    def is_anyone_up(self) -> bool:
        """Whether some worker group has had the time to start, and is not stopped."""
        now = time.monotonic()
        return any(now - since > STARTING_TAKES for name, since in self.running.items() if name not in self.stopped)

    def end_faults(self) -> None:
        """From now on the platforms behave."""
        requests.delete(f"{self.site.sandbox_url}/_sandbox/faults", timeout=30).raise_for_status()

    def kill_database(self) -> None:
        """The server and every process of it."""
        process = self.database.process
        if process is not None:
            families.kill(families.members(process.pid))
            process.wait()
            self.database.process = None

    def start_database(self) -> None:
        """The server again, with what it kept. It may need some seconds to recover."""
        self.database.start()

    def end(self) -> None:
        """Everything, at once, and its folder."""
        with contextlib.suppress(Exception):
            for _, process in self.programs.running:
                families.kill(families.members(process.pid))
        self.programs.stop()
        self.kill_database()
        shutil.rmtree(Path(self.database.url.partition("host=")[2]), ignore_errors=True)
        shutil.rmtree(self.site.folder, ignore_errors=True)

    def _pid(self, name: str) -> int:
        for each, process in self.programs.running:
            if each == name:
                return process.pid
        raise DemoFailed(f"{name} does not run.")

    def _kill(self, name: str) -> None:
        process = self.programs.take(name)
        families.kill(families.members(process.pid))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # orphans of one that ended by itself
        process.wait()


@contextmanager
def installed(
    *, folder: Path, hold: int, poll: int, groups: int, say: Callable[[str], object]
) -> Iterator[Installation]:
    """A whole installation, its stores connected through the pages and without the platforms' limits of pace."""
    began = time.monotonic()
    here = Installation(folder=folder, hold=hold, poll=poll, groups=groups)
    site, programs = here.site, here.programs
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    try:
        say("starting PostgreSQL, sandbox, web server and workers, connecting five stores")
        try:
            here.env["DATABASE_URL"] = here.database.start()
        except PostgresError as error:
            raise DemoFailed(str(error)) from error
        programs.run("migrate", "manage.py", "migrate", "--no-input", env=here.env)
        sandbox = [f"--port={site.sandbox_port}", f"--hold={site.hold_seconds}", f"--journal={here.ledger_file}"]
        programs.start("sandbox", "-m", "sandbox", *sandbox, env={})
        programs.wait_for(f"{site.sandbox_url}/_sandbox/clock", name="sandbox", seconds=20)
        here.start_web()
        here.wait_for_web()
        apps.register(site.control, here.keys, site=site.url)
        for number in range(groups):
            here.start_group(here.group_name(number))
        person = log_in(site)
        story.connect_stores(site, person, say=lambda _: None)
        _set_rules(site, person)
        _take_away_limits(site.control)
        say(f"ready after {time.monotonic() - began:.0f} s")
        yield here
    finally:
        here.end()
        signal.signal(signal.SIGINT, handlers[0])
        signal.signal(signal.SIGTERM, handlers[1])


def _set_rules(site: Site, person: Browser) -> None:
    """What the merchant says on the page about cancellations and returns: requests for one reason are accepted without
    a person, and what comes back goes into stock."""
    person.open(f"{site.url}/settings/aftersales/")
    rule = {"answer_rules-0-name": "Mistakes", "answer_rules-0-reply": "ACCEPT", "answer_rules-0-reasons": RULED_WORD}
    look = ("step", "look")
    person.submit(holding="answer_rules-0-name", press=look, **rule, restock_returns="ALWAYS")
    page = person.submit(holding="seen", press=("step", "save"))
    if RULED_WORD not in page.text or page.request.method != "GET":
        raise DemoFailed("The rules about cancellations and returns were not saved.")


def _take_away_limits(control: Callable[..., Any]) -> None:
    """The proof is about faults; how the product keeps to each platform's pace is another question (`make bench`)."""
    control("tiktok_shop/shop_settings", shop=story.SHOP, qps=NO_LIMIT, refund_seconds=REFUND_SECONDS)
    control("shopify/settings", bucket=NO_LIMIT, bucket_size=NO_LIMIT, restore_rate=NO_LIMIT)
    control("amazon/settings", burst=NO_LIMIT, rate=NO_LIMIT)
    control("wix/settings", calls_per_minute=NO_LIMIT)
    control("squarespace/settings", calls_per_minute=NO_LIMIT)
    for platform in ("shopify", "amazon", "wix", "squarespace"):
        for sku in PRICES:
            control(f"{platform}/set_stock", sku=sku, quantity=NEVER_EMPTY)
