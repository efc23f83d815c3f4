"""P9: the list of orders as a person asks for it, over HTTP and logged in, with every figure and filter."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from bench import dataset, due, rows
from bench.installation import Installation
from bench.report import Line
from bench.rounds import figure_of, percentile
from bench.run import Run
from bench.usage import measured

BIG, SMALL = rows.BIG, 7
MOST_QUERIES = 6
_KINDS = (
    "", "?tab=on_hold", "?tab=ready", "?tab=in_transit", "?tab=delivered", "?tab=cancelled", "?tab=needs_attention",
    "?ordered=7", "?ordered=30", "?kind=preorder", "?kind=sample", "?sync=synced", "?sync=skipped", "?ship_by=late",
    "?ship_by=3", "?tab=delivered&kind=sample", "?ordered=30&sync=synced", "?q=fig", "?q=carver", "?q=ada+carver",
    "?q=CAN-FIG-04", "?q={id}", "?q={tail}", "?q=nobody",
)  # fmt: skip
_OFFSET = "select * from orders_order where merchant_id = 1 order by ordered_at desc, id desc limit 50 offset %s"
_COUNT = (
    "select count(*), count(*) filter (where source_status = 'ON_HOLD'), count(*) filter (where attention <> '')"
    " from orders_order where merchant_id = 1"
)


class Person:
    """Somebody logged in, on one kept-alive connection."""

    def __init__(self, address: str, cookie: str) -> None:
        self.line = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        self.headers = {"Cookie": f"sessionid={cookie}", "X-Forwarded-Proto": "https", "Host": "127.0.0.1"}

    def get(self, path: str) -> tuple[float, str]:
        """Milliseconds until the whole answer was there, and its text. Raises RuntimeError unless it is 200 or 204."""
        try:
            return self._get(path)
        except (http.client.RemoteDisconnected, ConnectionResetError):  # ended while idle
            self.line.close()
            return self._get(path)

    def _get(self, path: str) -> tuple[float, str]:
        began = time.perf_counter()
        self.line.request("GET", path, headers=self.headers)
        answer = self.line.getresponse()
        text = answer.read().decode()
        took = (time.perf_counter() - began) * 1000
        if answer.status not in (200, 204):
            raise RuntimeError(f"{path}: HTTP {answer.status}")
        return took, text


def order_list(installation: Installation, run: Run) -> list[Line]:
    """P9."""
    count, each = (20_000, 5) if run.is_quick else (1_000_000, 20)
    dataset.ensure(installation, count=count, now=due.now(), say=run.say)
    with serving(installation) as (pid, people):
        for person in people:
            for path in _paths(count):  # the first answers fill caches
                person.get(path)
        found: list[list[float]] = []
        costs: list[tuple[float, float]] = []
        worst = ""
        for number in range(run.rounds):
            with measured(pid, database=installation.database_pid) as used:
                took = {path: [person.get(path)[0] for _ in range(each) for person in people] for path in _paths(count)}
                took |= _browse(people[0], each)
            all_took = [one for several in took.values() for one in several]
            found.append(all_took)
            costs.append((used.cpu / len(all_took) * 1000, used.database_cpu / len(all_took) * 1000))
            worst = max(took, key=lambda path: percentile(took[path], 0.99))
            median, high = percentile(all_took, 0.5), percentile(all_took, 0.99)
            run.say(f"P9 round {number + 1}: p50 {median:.0f} ms, p99 {high:.0f} ms, slowest {worst}")
        queries = _queries(_paths(count))
    p99 = figure_of([percentile(took, 0.99) for took in found])
    p50 = figure_of([percentile(took, 0.5) for took in found])
    peer = by_offset(installation, count)
    notes = (
        f"p50 {p50.median:.0f} ms; CPU an answer: web {costs[-1][0]:.0f} ms, database {costs[-1][1]:.1f} ms",
        f"p99 of the rounds from {p99.low:.0f} to {p99.high:.0f} ms; the slowest was {worst}",
    )
    return [
        Line("P9", f"orders page, {count:,} orders of {rows.MERCHANTS:,} merchants, one with a tenth, p99",
             f"{p99.median:.0f} ms", "≤ 50 ms", p99.median <= 50,
             f"{peer:.0f} ms (OFFSET page and count, database alone)", f"{p99.median / peer:.2f}", notes),
        Line("P9", "queries of a whole answer, whatever the rows and the filter", str(queries), f"≤ {MOST_QUERIES}",
             queries <= MOST_QUERIES),
    ]  # fmt: skip


@contextmanager
def serving(installation: Installation) -> Iterator[tuple[int, list[Person]]]:
    """The web server as production runs it, and the owners of a big and a small merchant."""
    installation.programs.run("static", "manage.py", "collectstatic", "--no-input", env=installation.env)
    pid, address = installation.start_web("web", "verisync_site.wsgi")
    try:
        yield pid, [Person(address, _session(merchant)) for merchant in (BIG, SMALL)]
    finally:
        installation.end("web")


def _paths(count: int) -> list[str]:
    newest = rows.external_id(count - count % 10 - 100)
    return [f"/orders/{kind}".format(id=newest, tail=newest[-6:]) for kind in _KINDS]


def _browse(person: Person, each: int) -> dict[str, list[float]]:
    """From page to page, and the poll of the first one: silent, and with rows that changed."""
    took: dict[str, list[float]] = {"older pages": [], "poll": [], "poll with news": []}
    _, page = person.get("/orders/")
    rows = re.findall(r'data-row="(\d+)" data-version="(\d+)"', page)
    poll = re.search(r'hx-get="([^"]+)"', page)
    path = "/orders/"
    for _ in range(each):
        spent, page = person.get(path)
        took["older pages"].append(spent)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        path = older[1].replace("&amp;", "&") if older else "/orders/"
    if poll is None:
        return took
    shown = ",".join(f"{pk}:{version}" for pk, version in rows)
    changed = ",".join(f"{pk}:{int(version) - (place < 3)}" for place, (pk, version) in enumerate(rows))
    asked = poll[1].replace("&amp;", "&")
    for _ in range(each):
        took["poll"].append(person.get(f"{asked}&rows={shown}")[0])
        took["poll with news"].append(person.get(f"{asked}&rows={changed}")[0])
    return took


def _session(merchant: int) -> str:
    """The session of the merchant's owner, who is made where there is none."""
    from django.test import Client

    from accounts.access import all_merchants
    from accounts.models import Membership, Role, User

    owner, _ = User.objects.get_or_create(email=f"owner{merchant}@example.com")
    with all_merchants("a yardstick's own person"):
        Membership.objects.get_or_create(merchant_id=merchant, user=owner, defaults={"role": Role.OWNER})
    client = Client()
    client.force_login(owner)
    return client.cookies["sessionid"].value


def _queries(paths: Sequence[str]) -> int:
    """The most queries that any of these answers asks; what only opens, ends or scopes a transaction is none."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client, most = Client(), 0
    client.cookies["sessionid"] = _session(BIG)
    for path in paths:
        with CaptureQueriesContext(connection) as asked:
            client.get(path, secure=True, headers={"host": "127.0.0.1"})
        most = max(most, sum(" FROM " in query["sql"] for query in asked.captured_queries))
    return most


def by_offset(installation: Installation, count: int) -> float:
    """The same page as one would begin to write it: database time of OFFSET halfway, and of counting."""
    with installation.admin() as admin:
        took = [_database_time(admin, _OFFSET % (count // 20)) + _database_time(admin, _COUNT) for _ in range(5)]
    return figure_of(took).median


def _database_time(admin: Any, statement: str) -> float:
    plan = admin.execute(f"explain (analyze, format json) {statement}").fetchone()[0]
    return float(plan[0]["Execution Time"])
