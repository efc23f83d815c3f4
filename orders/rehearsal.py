"""The dry run of a shop's last orders, a few at a time, so that a platform is never asked faster than it allows.

What is known so far lies in the shared cache under a key that names merchant, shop and run: it is only for looking at,
holds no buyer's data, and may vanish.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.core.cache import cache

from accounts.access import merchant_rows
from connectors import calls
from connectors.base import snapshot
from connectors.base.types import PlatformOrder
from connectors.models import ConnectedStore
from connectors.registry import connector_class, label_of
from orders import dryrun, reason_words, shipping, stand_in
from orders.models import Order, OrderState, Setup

SIZES = (10, 20, 50, 100, 200)
STEP = 10  # orders in one step
LIFE = 3600  # seconds that a run can be looked at
SHARE = 0.5  # of a platform's pace: the other half is for orders that are really sent
LONGEST_PAUSE = 20.0
AFTER_REFUSAL = 10.0


class Outcome(StrEnum):
    """What would become of an order."""

    SAME = "SAME"  # created as TikTok has it
    DIFFERS = "DIFFERS"  # created, with something that differs or should be looked at, and is named
    BLOCKED = "BLOCKED"  # not created, for a reason


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One order's outcome: what each store would get, in words, and what differs or blocks. `has_stand_in`: its address
    is not shown, and another one was taken to try it."""

    order_id: int
    external_id: str
    outcome: Outcome
    currency: str
    total: int | None  # TikTok's, in minor units
    sent_total: int | None  # of all stores together; None where nothing would be created
    stores: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    has_stand_in: bool = False


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A run so far: what is done, what is left, and how many seconds to wait before the next step."""

    key: str
    done: tuple[Rehearsed, ...]
    todo: tuple[int, ...]
    pause: float = 0.0

    @property
    def counts(self) -> Counter[Outcome]:
        return Counter(each.outcome for each in self.done)


def begin(*, shop: ConnectedStore, size: int) -> Rehearsal:
    """A run over the shop's last orders, without those that are unpaid or cancelled. Nothing is asked yet."""
    with merchant_rows(shop.merchant_id):
        orders = Order.objects.filter(source_store=shop).exclude(state__in=[OrderState.UNPAID, OrderState.CANCELLED])
        ids = orders.order_by("-ordered_at", "-id").values_list("pk", flat=True)
        run = Rehearsal(key=secrets.token_urlsafe(12), done=(), todo=tuple(ids[: min(size, max(SIZES))]))
    _keep(shop, run)
    return run


def found(*, shop: ConnectedStore, key: str) -> Rehearsal | None:
    """The run with this key, or None when there is none any more."""
    kept = cache.get(_name(shop, key))
    if kept is None:
        return None
    done = tuple(
        Rehearsed(**{
            **each, "outcome": Outcome(each["outcome"]),
            **{name: tuple(each[name]) for name in ("stores", "methods", "words")},
        })
        for each in kept["done"]
    )  # fmt: skip
    return Rehearsal(key=key, done=done, todo=tuple(kept["todo"]), pause=kept["pause"])


def go_on(*, shop: ConnectedStore, run: Rehearsal, clock: Callable[[], datetime]) -> Rehearsal:
    """The next few orders. Makes calls: not inside a transaction. A run that is through counts as looked at."""
    with merchant_rows(shop.merchant_id):
        orders = Order.objects.select_related("source_store").in_bulk(run.todo[:STEP])
    done, todo, made = list(run.done), list(run.todo), []
    calls.take()
    is_refused = False
    for order_id in run.todo[:STEP]:
        todo.remove(order_id)
        if order := orders.get(order_id):
            rehearsed = rehearse(order=order, clock=clock)
            asked = calls.take()
            made += asked
            if is_refused := any(record.status == 429 for _, _, record in asked):
                todo.insert(0, order_id)
                break
            done.append(rehearsed)
    with merchant_rows(shop.merchant_id):
        calls.save(records=made, merchant_id=shop.merchant_id, subject="")
        pause = AFTER_REFUSAL if is_refused else _pause(made)
        if not todo:
            Setup.objects.filter(store=shop).update(dry_run_seen_at=clock())
    run = replace(run, done=tuple(done), todo=tuple(todo), pause=pause)
    _keep(shop, run)
    return run


def rehearse(*, order: Order, clock: Callable[[], datetime]) -> Rehearsed:
    """What would become of one order as things are now. Makes calls: not inside a transaction. Changes nothing."""
    read = snapshot.from_json(order.snapshot)
    runs = tried(order=order, clock=clock)
    return replace(_judge(order, read, runs), has_stand_in=stand_in.is_needed(read))


def tried(*, order: Order, clock: Callable[[], datetime]) -> list[dryrun.DryRun]:
    """The dry run of an order, with a stand-in where its address is not shown. Makes calls: not inside a transaction.
    The order that was given has the stand-in afterwards, and must not be saved."""
    seen = stand_in.with_address(snapshot.from_json(order.snapshot), region=order.source_store.region)
    order.snapshot = snapshot.to_json(seen)
    return dryrun.dry_run(order=order, clock=clock)


def _judge(order: Order, seen: PlatformOrder, runs: Sequence[dryrun.DryRun]) -> Rehearsed:
    drafts = [run.draft for run in runs if run.draft is not None]
    sent = sum(draft.total for draft in drafts)
    words = [words for run in runs for words in (*_words(run), *_unmapped(seen, run))]
    is_whole = not any(run.by_hand for run in runs)
    blocked = [run for run in runs if run.code or run.skip_rule] or not runs
    if not blocked and is_whole and order.total is not None and sent != order.total:
        words.append("The stores' total is not what the buyer paid")
    if len(drafts) > 1:
        words.append("Goes to several stores")
    if not runs:
        words.append("There is no store to send it to")
    unlike = Outcome.DIFFERS if words else Outcome.SAME
    return Rehearsed(
        order_id=order.pk,
        external_id=order.external_id,
        outcome=Outcome.BLOCKED if blocked else unlike,
        currency=order.currency,
        total=order.total,
        sent_total=sent if drafts and not blocked else None,
        stores=tuple(label_of(run.store) for run in runs if run.store is not None),
        methods=tuple(dict.fromkeys(draft.charges[0].title for draft in drafts if draft.charges)),
        words=tuple(dict.fromkeys(words)),
    )


def _unmapped(seen: PlatformOrder, run: dryrun.DryRun) -> list[str]:
    """That the buyer's delivery option has no method of its own there, where the order goes out all the same."""
    option = seen.delivery_option_id
    if run.store is None or run.draft is None or not option:
        return []
    with merchant_rows(run.store.merchant_id):
        if option in shipping.methods_of(run.store):
            return []
    return [f"{seen.delivery_option_name or option} has no method of its own in {label_of(run.store)}"]


def _words(run: dryrun.DryRun) -> list[str]:
    """What of one store's part is not as TikTok has it, or why it gets none."""
    if run.by_hand:
        return [f"Yours to ship by hand: {', '.join(run.by_hand)}"]
    if run.skip_rule:
        return [f"Skipped: {run.skip_rule}"]
    if run.code:
        label = label_of(run.store) if run.store else "The store"
        return [reason_words.reason_of(run.code, {"label": label, **run.detail}).title]
    return [*(run.draft.remarks if run.draft else ()), *(run.request.remarks if run.request else ())]


def _pause(made: Sequence[calls.Collected]) -> float:
    """Seconds after which the calls of this step are no more than our share of each store's pace."""
    with_store = Counter(store_id for store_id, _, _ in made)
    stores = ConnectedStore.objects.in_bulk(with_store)
    longest = 0.0
    for store_id, count in with_store.items():
        limits = connector_class(stores[store_id].platform).limits
        longest = max(longest, count * limits.default_cost / (limits.rate * SHARE))
    return round(min(longest, LONGEST_PAUSE), 1)


def _keep(shop: ConnectedStore, run: Rehearsal) -> None:
    kept = {"done": [asdict(each) for each in run.done], "todo": list(run.todo), "pause": run.pause}
    cache.set(_name(shop, run.key), kept, LIFE)


def _name(shop: ConnectedStore, key: str) -> str:
    return f"dry-run:{shop.merchant_id}:{shop.pk}:{key[:40]}"
