"""One storm: orders come in, calls break, processes die by the plan; then all is left alone until it is settled."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from proof import faults, ours
from proof.installation import Installation
from proof.judge import judge
from proof.leases import LeaseWatch
from proof.ledger import Ledger
from proof.people import People
from proof.plan import COMING_BACK, Blow, Plan, Strike
from proof.verdict import Verdict

SAY_EVERY = 5.0
NEARLY_ALL = 0.9
PAUSE = 0.1
SETTLED_WITHIN = 60.0


@dataclass(slots=True)
class Outcome:
    """What one storm came to."""

    plan: Plan
    verdict: Verdict
    settled_after: float | None  # seconds after the last fault; None: not within the time that was given
    traffic: Traffic  # while the storm raged
    over: int = 0  # returns and refunds that were over at the source while it raged
    order_ids: list[str] = field(default_factory=list)
    struck: dict[Blow, int] = field(default_factory=dict)
    revived: int = 0  # programs that ended by themselves and were started again
    late_take_over: float = 0.0
    seconds: float = 0.0
    latest: list[str] = field(default_factory=list)  # orders that were settled last

    @property
    def is_late(self) -> bool:
        return self.settled_after is None or self.settled_after > SETTLED_WITHIN


class Weather:
    """Carries the plan's blows out and undoes them in time, all in the caller's thread."""

    def __init__(self, *, here: Installation, plan: Plan, say: Callable[[str], object]) -> None:
        self.here = here
        self.say = say
        self.dice = random.Random(plan.seed)
        self.began = time.monotonic()
        self.due = list(plan.strikes)
        self.mending: list[tuple[float, Callable[[], object], str]] = []
        self.struck: dict[Blow, int] = {}
        self.revived = 0

    @property
    def is_over(self) -> bool:
        return not self.due and not self.mending

    def blow(self) -> None:
        """Do what is due, and start again what ended by itself."""
        for name in self.here.revive():
            self.revived += 1
            self.say(f"{name} ended by itself and was started again")
        now = time.monotonic() - self.began
        for entry in [each for each in self.mending if each[0] <= now]:
            self.mending.remove(entry)
            entry[1]()
        while self.due and self.due[0].at <= now:
            self._strike(self.due.pop(0))

    def calm(self) -> None:
        """Everything that still lies down is up again."""
        for _, mend, _ in self.mending:
            mend()
        self.mending.clear()

    def _strike(self, strike: Strike) -> None:
        victim, mend = self._victim(strike)
        if any(victim == each for _, _, each in self.mending):
            strike = Strike(at=strike.at + 1.0, blow=strike.blow, seconds=strike.seconds, which=strike.which)
            self.due = sorted([*self.due, strike], key=lambda each: each.at)
            return  # it lies down already: a moment later
        here = self.here
        if strike.blow is Blow.GROUP:
            here.kill_group(victim)
        elif strike.blow is Blow.ONE:
            here.kill_one_of(victim, dice=self.dice)
        elif strike.blow is Blow.STOP:
            here.stop_group(victim)
        elif strike.blow is Blow.WEB:
            here.kill_web()
        else:
            here.kill_database()
        self.struck[strike.blow] = self.struck.get(strike.blow, 0) + 1
        self.say(f"{strike.blow.value}: {victim}{f', for {strike.seconds:.1f} s' if mend else ''}")
        if mend is not None:
            self.mending.append((time.monotonic() - self.began + strike.seconds, mend, victim))

    def _victim(self, strike: Strike) -> tuple[str, Callable[[], object] | None]:
        here, group = self.here, self.here.group_name(strike.which)
        mends: dict[Blow, tuple[str, Callable[[], object] | None]] = {
            Blow.GROUP: (group, lambda: here.start_group(group)),
            Blow.ONE: (group, None),
            Blow.STOP: (group, lambda: here.wake_group(group)),
            Blow.WEB: ("web", here.start_web),
            Blow.DATABASE: ("database", here.start_database),
        }
        return mends[strike.blow]


def weather(
    *,
    here: Installation,
    ledger: Ledger,
    plan: Plan,
    longest: float,
    patience: float,
    say: Callable[[str], object],
) -> Outcome:
    """Run the storm and judge it. `longest` is for how many seconds it may go on after the last order was bought,
    `patience` how long it may take to settle after the last fault."""
    began = time.monotonic()
    people = People(site=here.site, ledger=ledger, plan=plan)
    before = traffic(here)
    faults.begin(control=here.site.control, broken=plan.storm.broken, seed=plan.seed)
    sky = Weather(here=here, plan=plan, say=say)
    watch = LeaseWatch(here.tables, is_anyone_up=here.is_anyone_up)
    watch.start()
    people.begin()
    try:
        _rage(people=people, ledger=ledger, sky=sky, plan=plan, longest=longest, say=say)
        sky.calm()
        here.end_faults()
        over = people.over
        people.hurry()
        last_fault = time.time()
        raged = traffic(here).since(before)
        say("the last fault is over; waiting until all is settled")
        verdict, settled_at, latest = _settle(
            sky=sky, people=people, ledger=ledger, last_fault=last_fault, patience=patience, say=say
        )
    finally:
        people.end()
        watch.end()
    return Outcome(
        plan=plan,
        verdict=verdict,
        settled_after=None if settled_at is None else max(0.0, settled_at - last_fault),
        traffic=raged,
        over=over,
        order_ids=list(people.orders),
        struck=sky.struck,
        revived=sky.revived,
        late_take_over=watch.latest,
        seconds=time.monotonic() - began,
        latest=latest,
    )


def _rage(
    *, people: People, ledger: Ledger, sky: Weather, plan: Plan, longest: float, say: Callable[[str], object]
) -> None:
    """Until every order was bought, every blow has fallen, and nearly all orders went through it: a storm that ended
    while they still lie waiting would have broken nothing. Or until that took too long."""
    ends_at = plan.storm.seconds + plan.storm.hold
    next_word = 0.0
    while True:
        now = time.monotonic() - sky.began
        people.check()
        sky.blow()
        if now >= next_word:
            say(_word(ledger, people, plan))
            next_word = now + SAY_EVERY
        is_over = people.bought == len(plan.buys) and sky.is_over and now >= ends_at
        are_through = _share_created(ledger, people) >= NEARLY_ALL and _share_back(people, plan) >= NEARLY_ALL
        if is_over and (are_through or now >= ends_at + longest):
            return
        time.sleep(PAUSE)


def _share_created(ledger: Ledger, people: People) -> float:
    """Of the orders that can be and are to be in a store, the share that is."""
    orders = [
        ledger.orders[one] for one, buy in list(people.orders.items()) if one in ledger.orders and not buy.is_poison
    ]
    wanted = [order for order in orders if order.cancelled_at is None]
    return sum(1 for order in wanted if order.copies) / max(1, len(wanted))


def _share_back(people: People, plan: Plan) -> float:
    """Of the returns and refunds of the plan, the share that is over at the source."""
    return people.over / max(1, sum(1 for buy in plan.buys if buy.fate in COMING_BACK))


def _settle(
    *,
    sky: Weather,
    people: People,
    ledger: Ledger,
    last_fault: float,
    patience: float,
    say: Callable[[str], object],
) -> tuple[Verdict, float | None, list[str]]:
    """Judge again and again until all is settled and nothing more can come; the last verdict, since when, and the
    orders that were settled last."""
    echo = last_fault + people.plan.storm.echo
    settled_since: float | None = None
    latest: list[str] = []
    next_word = time.monotonic() + SAY_EVERY
    while True:
        people.check()
        sky.blow()
        began = time.time()
        verdict = judge_now(here=sky.here, ledger=ledger, order_ids=list(people.orders), last_fault=last_fault)
        is_settled = verdict.is_settled and people.are_done
        settled_since = (settled_since or began) if is_settled else None
        latest = latest if is_settled else verdict.unsettled or latest
        if settled_since is not None and began > echo:
            return verdict, settled_since, latest
        if began - last_fault > patience:
            return verdict, settled_since, latest
        if time.monotonic() >= next_word:
            open_ones = {name: len(found) for name, found in verdict.wrongs.items() if found}
            say(f"{began - last_fault:.0f} s after the last fault, still open: {open_ones or len(verdict.open)}")
            next_word = time.monotonic() + SAY_EVERY
        time.sleep(max(0.2, min(2.0, verdict.orders / 2000)))


def judge_now(*, here: Installation, ledger: Ledger, order_ids: list[str], last_fault: float) -> Verdict:
    """The verdict at this moment. Raises psycopg.Error when the database does not come back."""
    known = [ledger.orders[order_id] for order_id in order_ids if order_id in ledger.orders]
    for attempt in range(20):
        try:
            kept = ours.look(here.tables, order_ids=order_ids)
            break
        except psycopg.Error:
            if attempt == 19:
                raise
            time.sleep(1)
    return judge(orders=known, strangers=ledger.strangers, ours=kept, last_fault=last_fault, now=time.time())


def _word(ledger: Ledger, people: People, plan: Plan) -> str:
    orders = [ledger.orders[order_id] for order_id in list(people.orders) if order_id in ledger.orders]
    created = sum(1 for order in orders if order.copies)
    cancelled = sum(1 for order in orders if order.cancelled_at is not None)
    told = sum(len(order.pushed) for order in orders)
    bought = f"{people.bought} of {len(plan.buys)} bought"
    ended = f"{people.over} returned, refunded or replaced"
    return f"{bought}, {created} in stores, {cancelled} cancelled, {told} parcels told back, {ended}"


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the sandbox has counted so far."""

    calls: int
    broken: int
    webhooks: int  # of the source
    lost: int

    def since(self, before: Traffic) -> Traffic:
        return Traffic(
            self.calls - before.calls,
            self.broken - before.broken,
            self.webhooks - before.webhooks,
            self.lost - before.lost,
        )


def traffic(here: Installation) -> Traffic:
    """Calls to the platforms and webhooks from the source, by the sandbox's own count."""
    rows: Any = here.site.look("calls")["calls"]
    calls = [row for row in rows if not row["operation"].startswith("webhook ")]
    notices = [row for row in rows if row["operation"].startswith("webhook ") and row["platform"] == "tiktok_shop"]
    return Traffic(
        calls=sum(row["calls"] for row in calls),
        broken=sum(row["calls"] for row in calls if row["fault"]),
        webhooks=sum(row["calls"] for row in notices),
        lost=sum(row["calls"] for row in notices if row["fault"] == "webhook_lose"),
    )
