"""What happens in one storm, drawn from a seed: who buys what and when, what becomes of it, and what is broken."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatch
from itertools import count
from typing import Any

from demo import story

PRICES = {
    "CND-FIG-08": "24.00",
    "ACC-TRM-BR": "16.00",
    "GFT-MTC-01": "4.00",
    "CND-AMB-12": "34.00",
    "TIN-LAV-04": "14.00",
    "TPR-BEE-02": "18.00",
    "MLT-SMP-06": "16.00",
    "CND-VAN-3W": "42.00",
    "CND-SEA-08": "24.00",
}
# How many calls a minute the product allows itself where a platform does not tell its pace; so many calls, tries that
# break included, one order needs. Such a store gets no more orders than can go through.
CALLS_A_MINUTE = {"wix": 200, "squarespace": 300}
CALLS_AN_ORDER = 12
NOWHERE = "CND-PINE-12"  # in no store: a question for a person
# A buyer's reason that the rule of the installation accepts, and the word of it that the rule names.
RULED, RULED_WORD = "ecom_order_to_ship_canceled_reason_created_by_mistakes", "mistake"
_FIRST = ("Ada", "Bela", "Chidi", "Dora", "Emre", "Fatou", "Gus", "Hana", "Ines", "Jun")
_LAST = ("Abara", "Brandt", "Castillo", "Dubois", "Eriksen", "Farouk", "Garcia", "Huang", "Ito", "Jansen")
_BUYERS = 4  # of the sandbox's cast, in the US


class Fate(StrEnum):
    """What becomes of an order after it was bought."""

    KEEP = "stays in its store"
    SHIP = "is shipped"
    CANCEL_IN_HOLD = "is cancelled in the hold"
    CANCEL_AT_RELEASE = "is cancelled when the hold ends"
    CANCEL_LATER = "is cancelled after it was created"
    ASK_TO_CANCEL = "is asked to be cancelled after it was created, which a rule accepts"
    TAKE_BACK = "is asked to be cancelled, and wanted after all"
    PART_IN_HOLD = "loses some items in the hold"
    PART_LATER = "loses some items after it was created"
    RETURN = "is shipped, comes back and is refunded"
    REFUND = "is shipped and refunded, all of it or a part"
    REPLACE = "is shipped and replaced"
    NOWHERE = "has an item that no store has"
    UNREADABLE = "cannot be read"


SHIPPED = frozenset({Fate.SHIP, Fate.RETURN, Fate.REFUND, Fate.REPLACE})
COMING_BACK = (Fate.RETURN, Fate.REFUND, Fate.REPLACE)
IN_PART = (Fate.PART_IN_HOLD, Fate.PART_LATER)
# Of these there is at least one in each storm that has room for it.
AFTER_SALES = (*COMING_BACK, *IN_PART, Fate.ASK_TO_CANCEL, Fate.TAKE_BACK)
_CHANCES = {
    Fate.SHIP: 32,
    Fate.KEEP: 12,
    Fate.CANCEL_IN_HOLD: 9,
    Fate.CANCEL_AT_RELEASE: 9,
    Fate.CANCEL_LATER: 5,
    Fate.ASK_TO_CANCEL: 6,
    Fate.TAKE_BACK: 3,
    Fate.PART_IN_HOLD: 3,
    Fate.PART_LATER: 5,
    Fate.RETURN: 7,
    Fate.REFUND: 7,
    Fate.REPLACE: 2,
}


@dataclass(frozen=True, slots=True)
class Buy:
    """One order: `at` and `after` are seconds, from the storm's begin and from what its fate waits for; `pace` are
    those between two steps of what is done about it afterwards. `part` are the units that this is about, `share` how
    much of the whole money goes back where no items are named."""

    number: int
    at: float
    order: dict[str, Any]
    fate: Fate
    after: float
    pace: float = 0.0
    part: dict[str, int] = field(default_factory=dict)
    share: Decimal | None = None

    @property
    def is_poison(self) -> bool:
        """Whether no store can have it, so that a person has to look at it."""
        return self.fate in (Fate.NOWHERE, Fate.UNREADABLE)


class Blow(StrEnum):
    """What is done to a process."""

    GROUP = "a worker group was killed"
    ONE = "one process of a worker group was killed"
    STOP = "a worker group was stopped and woken"
    WEB = "the web server was killed"
    DATABASE = "PostgreSQL was killed"


@dataclass(frozen=True, slots=True)
class Strike:
    """One blow: when, for how long the victim is away, and which one of several."""

    at: float
    blow: Blow
    seconds: float
    which: int


@dataclass(frozen=True, slots=True)
class Broken:
    """Calls of an operation that go wrong, and the share of them."""

    platform: str
    operation: str
    kind: str
    share: float
    how: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Storm:
    """What is asked for: how many orders in how many seconds, which calls break, how often each blow falls."""

    name: str
    orders: int
    seconds: float
    hold: int
    broken: tuple[Broken, ...] = ()
    blows: dict[Blow, int] = field(default_factory=dict)

    @property
    def shares(self) -> dict[str, float]:
        """Of all orders, the share that each store gets."""
        minutes = self.seconds / 60 + 1
        slow = {
            name: min(0.2, calls * minutes / CALLS_AN_ORDER / max(1, self.orders))
            for name, calls in CALLS_A_MINUTE.items()
        }
        rest = 1 - sum(slow.values())
        return {"shopify": rest * 0.6, "amazon": rest * 0.4, **slow}

    @property
    def echo(self) -> float:
        """For how long after its end a call that broke may still be carried out, or a webhook arrive."""
        late = (each.how["seconds"] for each in self.broken if each.kind in ("late_commit", "webhook_scatter"))
        return max((seconds + 2 for seconds in late), default=0.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen."""

    seed: int
    storm: Storm
    buys: tuple[Buy, ...]
    strikes: tuple[Strike, ...]


def draw(*, storm: Storm, seed: int) -> Plan:
    """The same plan for the same seed, always."""
    dice = random.Random(f"{seed} {storm.name}")
    buys = tuple(_buy(dice, storm, number) for number in range(storm.orders))
    strikes = sorted(
        (_strike(dice, storm, blow) for blow, times in storm.blows.items() for _ in range(times)),
        key=lambda strike: strike.at,
    )
    return Plan(seed=seed, storm=storm, buys=buys, strikes=tuple(strikes))


def platform_of(sku: str) -> str:
    """The store that gets this SKU by the demo's routes; empty for what no store has."""
    if sku == NOWHERE:
        return ""
    for platform, (_, _, skus) in story.STORES.items():
        if any(fnmatch(sku, pattern) for pattern in skus):
            return platform
    return "shopify"


def _buy(dice: random.Random, storm: Storm, number: int) -> Buy:
    fate = dice.choices(list(_CHANCES), weights=list(_CHANCES.values()))[0]
    fate = _forced(storm.orders).get(number, fate)
    if fate in (Fate.CANCEL_IN_HOLD, Fate.PART_IN_HOLD):
        after = dice.uniform(0.1, 0.8) * storm.hold
    elif fate is Fate.CANCEL_AT_RELEASE:
        after = storm.hold + dice.uniform(-0.5, 1.5)
    else:
        after = dice.uniform(0.1, 4)
    order = _order(dice, storm, number, fate)
    return Buy(
        number=number,
        at=storm.seconds * number / max(1, storm.orders),
        order=order,
        fate=fate,
        after=after,
        pace=dice.uniform(0.2, 1.5),
        part=_part(dice, order, leaves_some=fate in IN_PART),
        share=Decimal(dice.randint(10, 60)) / 100 if fate is Fate.REFUND and dice.random() < 0.4 else None,
    )


def _forced(orders: int) -> dict[int, Fate]:
    """What befalls certain orders in any case: the poisoned ones, in the midst of the others, and one of each fate that
    is rare."""
    fates = {orders // 5: Fate.UNREADABLE, orders // 2: Fate.NOWHERE}
    for place, fate in enumerate(AFTER_SALES, start=1):
        number = orders * place // (len(AFTER_SALES) + 1)
        fates[next(free for free in count(number) if free not in fates)] = fate
    return fates


def _part(dice: random.Random, order: dict[str, Any], *, leaves_some: bool) -> dict[str, int]:
    """Some of the order's units, at least one, by SKU; not all of them where some are to stay."""
    units = [line["sku"] for line in order["lines"] for _ in range(line["quantity"])]
    chosen = dice.sample(units, dice.randint(1, max(1, len(units) - leaves_some)))
    return {sku: chosen.count(sku) for sku in dict.fromkeys(chosen)}


def _order(dice: random.Random, storm: Storm, number: int, fate: Fate) -> dict[str, Any]:
    """What the sandbox is told: some items, mostly of one store, at sums that have to be carried over to the cent."""
    homes: dict[str, list[str]] = {}
    for sku in PRICES:
        homes.setdefault(platform_of(sku), []).append(sku)
    names, shares = list(storm.shares), list(storm.shares.values())
    chosen = dict.fromkeys(dice.choices(names, weights=shares, k=2 if dice.random() < 0.25 else 1))
    skus = [sku for home in chosen for sku in dice.sample(homes[home], dice.randint(1, len(homes[home])))]
    if fate is Fate.NOWHERE:
        skus = [NOWHERE]
    units = {sku: dice.randint(2 if fate in IN_PART else 1, 3) for sku in skus}
    total = sum((Decimal(PRICES.get(sku, "34.00")) * count for sku, count in units.items()), Decimal(0))
    discounts = {}
    for kind in ("seller", "platform"):
        if dice.random() < 0.3:
            discounts[kind] = str((total * Decimal(dice.randint(1, 20)) / 100).quantize(Decimal("0.01")))
    return {
        "buyer": dice.randrange(_BUYERS),
        "lines": [{"sku": sku, "quantity": count} for sku, count in units.items()],
        "discounts": discounts,
        "shipping_fee": dice.choice(["0", "3.99", "4.99", "5.99"]),
        "tax_rate": dice.choice(["0", "0.0625", "0.08", "0.0875"]),
        "address": _address(dice, number),
        "hold": dice.random() >= 0.05,
    }


def _address(dice: random.Random, number: int) -> dict[str, Any]:
    """Another name, house and phone for each, so that mixed up orders show."""
    first, last = dice.choice(_FIRST), f"{dice.choice(_LAST)}-{number}"
    street = f"{number + 1} {dice.choice(['Mulberry St', 'Hawthorne Blvd', 'Hennepin Ave'])}"
    return {
        "name": f"{first} {last}",
        "first_name": first,
        "last_name": last,
        "phone_number": f"(+1)973{5_550_000 + number:07d}",
        "address_line1": street,
        "address_line2": dice.choice(["", f"Apt {dice.randint(1, 99)}"]),
        "address_detail": street,
    }


def _strike(dice: random.Random, storm: Storm, blow: Blow) -> Strike:
    """While holds end and orders are created."""
    at = dice.uniform(storm.hold / 2, storm.seconds + storm.hold)
    seconds = dice.uniform(2, 8) if blow is Blow.STOP else 0.0 if blow is Blow.ONE else dice.uniform(0.2, 2.0)
    return Strike(at=at, blow=blow, seconds=seconds, which=dice.randrange(1000))
