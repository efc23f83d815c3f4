"""Carry out due items of the outbox: many at once, each by its step, and what went wrong sorted out by name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import TypeGuard

from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError

from accounts.access import merchant_rows
from connectors import calls
from connectors.base.errors import AuthorizationError, PermanentError, RateLimited, ScopeMissing, TemporaryError
from connectors.http import TooLate, no_later_than
from connectors.models import ConnectedStore
from connectors.speaking import StoreWaits, TokenRenewed, renewed, speaking_to_destination
from orders import (
    aftersale_rules,
    aftersales,
    cancellations,
    copying,
    goods,
    holding,
    locating,
    outbox,
    partial,
    pausing,
    refunds,
    replying,
    retelling,
    routing,
    tracking,
    troubles,
)
from orders.mirror import CreateStep
from orders.models import Mirror, MirrorState, Order, OutboxItem, OutboxKind
from orders.placing import Creation
from orders.tracking import Push, PushStep
from orders.work import Drain, Step, Work

log = logging.getLogger(__name__)

_STEPS: Mapping[OutboxKind, Step] = {
    OutboxKind.CREATE_ORDER: CreateStep(),
    OutboxKind.PUSH_TRACKING: PushStep(),
}


Errand = Sequence[OutboxItem]


@dataclass(frozen=True, slots=True)
class Claimed:
    """Items that are ours now, and those of the frequent kinds with what our rows say of them."""

    items: Sequence[OutboxItem] = ()
    loaded: Mapping[OutboxKind, Sequence[Work]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.items)


def claim(*, drain: Drain, limit: int) -> Claimed:
    """Take up to so many of the store's due items, and read what belongs to them. Raises DatabaseError."""
    try:
        return _claim(drain, limit, _STEPS)
    except IntegrityError:  # another preparer took something else of one of these orders at this moment
        return Claimed()
    except DatabaseError:
        raise
    except Exception:  # one of them cannot be loaded: each is sorted out by itself
        log.exception("items could not be loaded", extra={"store": drain.store.pk})
        return _claim(drain, limit, {})


def _claim(drain: Drain, limit: int, steps: Mapping[OutboxKind, Step]) -> Claimed:
    with merchant_rows(drain.store.merchant_id):
        items = outbox.claim(store=drain.store, now=drain.clock(), limit=limit)
        loaded = {kind: steps[kind].load(members, drain) for kind, members in _by_kind(items) if kind in steps}
        return Claimed(items, loaded)


def _by_kind(items: Sequence[OutboxItem]) -> list[tuple[OutboxKind, list[OutboxItem]]]:
    grouped = groupby(sorted(items, key=lambda item: item.kind), key=lambda item: OutboxKind(item.kind))
    return [(kind, list(group)) for kind, group in grouped]


def prepare(*, claimed: Claimed, drain: Drain) -> list[Work]:
    """Take claimed items of the frequent kinds as far as their call, which `send` then makes.

    Not inside a transaction. Raises nothing. May be repeated after a crash at any point.
    """
    works: list[Work] = []
    for kind, members in _by_kind(claimed.items):
        if (step := _STEPS.get(kind)) is not None:
            works += _prepare(step, members, claimed.loaded.get(kind, ()), drain)
    return works


def errands_of(claimed: Claimed) -> list[Errand]:
    """The claimed items of the seldom kinds, as they are carried out: each by itself, or those of one kind together."""
    found: list[Errand] = []
    for kind, members in _by_kind(claimed.items):
        if kind == OutboxKind.READ_CANCELS:
            found.append(members)
        elif kind in _ALONE:
            found += [[item] for item in members]
    return found


def carry_out(*, errand: Errand, drain: Drain) -> None:
    """Take it to its end. Not inside a transaction. Raises nothing but DatabaseError. May be repeated after a crash at
    any point."""
    for item in errand if len(errand) == 1 else _read_together(errand, drain):
        _alone(item=item, drain=drain)


def put_off(*, errands: Iterable[Errand], drain: Drain) -> None:
    """These were not begun: they are due as before."""
    for item in chain.from_iterable(errands):
        try:
            with merchant_rows(drain.store.merchant_id):
                outbox.postpone(
                    item=item,
                    now=drain.clock(),
                    error=item.last_error,
                    wait=0,
                    counts=False,
                    is_doubtful=item.is_doubtful,
                )
        except outbox.LostLease:
            log.warning("item was taken over", extra={"item": item.pk})


def _read_together(items: Sequence[OutboxItem], drain: Drain) -> Sequence[OutboxItem]:
    """Returns those that are to be carried out by themselves."""
    try:
        return aftersales.perform_together(items=items, drain=drain)
    except DatabaseError:
        raise
    except Exception:
        log.exception("could not be read together", extra={"items": len(items)})
        return items


def _prepare(step: Step, items: Sequence[OutboxItem], loaded: Sequence[Work], drain: Drain) -> Sequence[Work]:
    """All together; where that fails each by itself, so that one that cannot be prepared stops no other."""
    calls.take()
    try:
        works = loaded or _load(step, items, drain)
        step.prepare(works, drain)
    except Exception as error:
        log.exception("a step could not be prepared", extra={"kind": items[0].kind, "items": len(items)})
        if len(items) > 1:
            return [work for item in items for work in _prepare(step, [item], (), drain)]
        _sort_out(item=items[0], error=error, drain=drain)
        return []
    _keep_calls(calls.take(), works, drain)
    return works


def _load(step: Step, items: Sequence[OutboxItem], drain: Drain) -> Sequence[Work]:
    with merchant_rows(drain.store.merchant_id):
        return step.load(items, drain)


def send(*, work: Work) -> None:
    """Make the call of a marked item; it may run in any thread, and touches no row. Raises nothing."""
    calls.take()
    try:
        with no_later_than(work.send_by):
            _STEPS[OutboxKind(work.item.kind)].call(work)
    except Exception as error:
        work.error = error
    work.calls += calls.take()


def settle(*, works: Sequence[Work], drain: Drain) -> None:
    """Write down what became of these, in few commits. Not inside a transaction. Raises nothing but DatabaseError."""
    for kind, group in groupby(sorted(works, key=lambda work: work.item.kind), key=lambda work: work.item.kind):
        members = list(group)
        done = [work for work in members if work.is_open]
        if done:
            _settle(_STEPS[OutboxKind(kind)], done, drain)
    _renew([work for work in works if isinstance(work.error, AuthorizationError)], drain)
    for work in works:
        drain.count(work.error, is_unanswered=_is_unanswered(work.error))
    failed = [work for work in works if work.error is not None and not work.is_settled]
    late = [work.item for work in failed if isinstance(work.error, TooLate)]
    waiting = [(work.item, work.error) for work in failed if _waits_for_platform(work.error, drain)]
    for work in failed:
        if not isinstance(work.error, TooLate) and not _waits_for_platform(work.error, drain):
            _sort_out_work(work=work, drain=drain)
    if late or waiting or drain.asked or any(work.calls for work in works):
        with merchant_rows(drain.store.merchant_id):
            if late:
                outbox.give_back(items=late, now=drain.clock())
            if waiting:
                outbox.wait_for_platform(failed=waiting, now=drain.clock())
            _save_calls(works, drain)


def _is_unanswered(error: Exception | None) -> bool:
    is_temporary = isinstance(error, TemporaryError) and not error.reason
    return is_temporary and not isinstance(error, RateLimited | StoreWaits | TokenRenewed | TooLate)


def _waits_for_platform(error: Exception | None, drain: Drain) -> TypeGuard[TemporaryError]:
    return drain.is_down and troubles.is_platforms(error)


def _settle(step: Step, works: Sequence[Work], drain: Drain) -> None:
    """All together, with the record of their calls; where that fails each by itself, so that one that cannot be
    written down stops no other."""
    try:
        with merchant_rows(drain.store.merchant_id):
            step.settle(works, drain)
            _save_calls(works, drain)
    except (OperationalError, InterfaceError):
        raise  # the database is away: all of them wait for their leases' end
    except Exception as error:
        for work in works:
            work.is_settled = False
        if len(works) == 1:
            works[0].error = error
            return
        log.warning("settled one by one", exc_info=error, extra={"store": drain.store.pk})
        for work in works:
            _settle(step, [work], drain)
        return
    for work in works:
        work.calls = []
    try:
        step.follow([work for work in works if work.is_settled], drain)
    except DatabaseError:
        raise
    except Exception:  # what was done is written down
        log.exception("what follows a step failed", extra={"store": drain.store.pk})


def _renew(works: Sequence[Work], drain: Drain) -> None:
    """The token was refused while calls were under way: nothing was done there, and they wait for the new one. The
    first of them says which token that was."""
    waits: TemporaryError | None = None
    for work in works:
        if isinstance(work.error, AuthorizationError) and not isinstance(work.error, ScopeMissing):
            waits = waits or renewed(store=_spoken_for(work, drain), error=work.error, now=drain.clock())
            work.error = waits


def _spoken_for(work: Work, drain: Drain) -> ConnectedStore:
    """The store with the token that the work's call was made with; others may have renewed it since."""
    speaker = work.source if isinstance(work, Push) else work.destination if isinstance(work, Creation) else None
    return speaker.store if speaker is not None and isinstance(speaker.store, ConnectedStore) else drain.store


def _sort_out_work(*, work: Work, drain: Drain) -> None:
    error = work.error
    assert error is not None
    is_refusal = isinstance(error, PermanentError) and not isinstance(error, AuthorizationError)
    if isinstance(work, Push) and work.is_marked and is_refusal:
        assert isinstance(error, PermanentError)
        try:
            tracking.refused(push=work, error=error, now=drain.clock())
        except outbox.LostLease:
            log.warning("item was taken over", extra={"item": work.item.pk})
        return
    _sort_out(item=work.item, error=error, drain=drain)


def _sort_out(*, item: OutboxItem, error: Exception, drain: Drain) -> None:
    try:
        if isinstance(error, outbox.LostLease):
            raise error
        if _waits_for_platform(error, drain):
            with merchant_rows(item.merchant_id):
                outbox.wait_for_platform(failed=[(item, error)], now=drain.clock())
        else:
            troubles.sort_out(item=item, error=error, now=drain.clock())
    except outbox.LostLease:
        log.warning("item was taken over", extra={"item": item.pk})


# Kinds that are seldom, one at a time


def _alone(*, item: OutboxItem, drain: Drain) -> None:
    calls.take()
    error: Exception | None = None
    try:
        _ALONE[OutboxKind(item.kind)](item, drain)
    except Exception as caught:
        error = caught
    records = calls.take()
    is_unanswered = _is_unanswered(error)
    if is_unanswered or any(record.was_answered for store_id, _, record in records if store_id == drain.store.pk):
        drain.count(error, is_unanswered=is_unanswered)
    if error is not None:
        _sort_out(item=item, error=error, drain=drain)
    with merchant_rows(item.merchant_id):
        subject = Order.objects.values_list("external_id", flat=True).get(pk=item.order_id)
        calls.save(records=records, merchant_id=item.merchant_id, subject=subject)


def _cancel(item: OutboxItem, drain: Drain) -> None:
    with merchant_rows(item.merchant_id):
        copy = Mirror.objects.select_related("store").get(order_id=item.order_id, store_id=item.store_id)
        shop_id = Order.objects.values_list("source_store_id", flat=True).get(pk=item.order_id)
        restock = aftersale_rules.rules_of(shop_id).restock_cancelled
    outcome, refusal = "cancelled", None
    if copy.state == MirrorState.CREATED:
        try:
            with speaking_to_destination(copy.store, clock=drain.clock, pace=drain.pace) as destination:
                now = drain.clock()
                outcome = cancellations.perform(
                    item=item, mirror=copy, destination=destination, restock=restock, now=now
                )
        except AuthorizationError:
            raise
        except PermanentError as error:
            refusal = error
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update().get(pk=item.order_id)
        if refusal is not None:
            cancellations.settle_refused(item=item, order=order, mirror=copy, error=refusal, now=drain.clock())
        else:
            cancellations.settle(item=item, order=order, mirror=copy, outcome=outcome, now=drain.clock())


_ALONE: Mapping[OutboxKind, Callable[[OutboxItem, Drain], None]] = {
    OutboxKind.CHOOSE_STORES: lambda item, drain: routing.choose_stores(item=item, clock=drain.clock),
    OutboxKind.CANCEL_ORDER: _cancel,
    OutboxKind.HOLD_ORDER: lambda item, drain: holding.keep_back(item=item, drain=drain),
    OutboxKind.RELEASE_ORDER: lambda item, drain: holding.let_go(item=item, drain=drain),
    OutboxKind.MOVE_ORDER: lambda item, drain: locating.perform(item=item, drain=drain),
    OutboxKind.COPY_TRACKING: lambda item, drain: copying.perform(item=item, drain=drain),
    OutboxKind.EDIT_TRACKING: lambda item, drain: retelling.change(item=item, drain=drain),
    OutboxKind.PAUSE_ORDER: lambda item, drain: pausing.perform_stop(item=item, drain=drain),
    OutboxKind.RESUME_ORDER: lambda item, drain: pausing.perform_go_on(item=item, drain=drain),
    OutboxKind.CANCEL_LINES: lambda item, drain: partial.perform(item=item, drain=drain),
    OutboxKind.RECORD_RETURN: lambda item, drain: goods.perform_record(item=item, drain=drain),
    OutboxKind.CLOSE_RETURN: lambda item, drain: goods.perform_close(item=item, drain=drain),
    OutboxKind.RECORD_REFUND: lambda item, drain: refunds.perform(item=item, drain=drain),
    OutboxKind.READ_CANCELS: lambda item, drain: aftersales.perform(item=item, drain=drain),
    OutboxKind.ANSWER_CANCEL: lambda item, drain: replying.answer_cancel(item=item, drain=drain),
    OutboxKind.ANSWER_RETURN: lambda item, drain: replying.answer_return(item=item, drain=drain),
    OutboxKind.CANCEL_AT_SOURCE: lambda item, drain: replying.cancel_at_source(item=item, drain=drain),
}


# The record of calls


def _keep_calls(records: list[calls.Collected], works: Sequence[Work], drain: Drain) -> None:
    """What was asked for several orders at once belongs to the timeline of each only when it is one."""
    if len(works) == 1:
        works[0].calls += records
    else:
        drain.asked += records


def _save_calls(works: Sequence[Work], drain: Drain) -> None:
    """In the caller's transaction."""
    asked = []
    while drain.asked:  # others may add to it meanwhile
        asked.append(("", drain.asked.pop()))
    rows = [(work.order.external_id, record) for work in works for record in work.calls] + asked
    try:
        calls.save_many(rows=rows, merchant_id=drain.store.merchant_id)
    except Exception:
        drain.asked += [record for _, record in asked]
        raise
