"""What would be sent, without sending it: the same routes, the same draft, and what the platform makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.access import merchant_rows
from connectors.base.errors import PlatformError, UnsupportedFeature
from connectors.base.types import CreateRequest, OrderDraft, PlatformOrder
from connectors.models import ConnectedStore
from connectors.speaking import speaking_to_destination
from orders import admission, ingest, mirror, routing
from orders.drafting import Blocked
from orders.models import Attention, Mirror, Order, OrderState
from orders.splitting import counted, rest_ids
from orders.wanted import left_of


@dataclass(frozen=True, slots=True)
class DryRun:
    """What one store would get: a draft and the very request that makes it, or the reason why not. `part` is what is
    left of its part of the order. `store` is None when no route takes the order, and where `by_hand` names the items
    that are the merchant's to ship, or `skip_rule` the rule that sends it nowhere."""

    store: ConnectedStore | None
    part: PlatformOrder | None = None
    draft: OrderDraft | None = None
    request: CreateRequest | None = None
    code: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    preview: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    skip_rule: str = ""


def dry_run(*, order: Order, clock: Callable[[], datetime]) -> list[DryRun]:
    """What each store would get of this order, as it was last read. Changes nothing anywhere; may be repeated.

    Makes calls: not inside a transaction. What fails is said in the result, not raised.
    """
    seen = ingest.seen_of(order)
    try:
        copies = _copies(order, seen, clock)
        return [*(_of_store(order, seen, copy, clock) for copy in copies), *_by_hand(seen, copies)]
    except admission.Refused as error:
        return [DryRun(None, skip_rule=error.rule)]
    except routing.NoRoute as error:
        skus = [line.sku.strip() or line.title for line in error.lines]
        return [DryRun(None, code=Attention.NO_ROUTE, detail={"skus": skus})]
    except PlatformError as error:
        return [DryRun(None, code=Attention.REMOTE_ERROR, detail={"message": error.message})]


def _copies(order: Order, seen: PlatformOrder, clock: Callable[[], datetime]) -> list[Mirror]:
    """The mirrors that are planned, or those that would be."""
    with merchant_rows(order.merchant_id):
        if kept := list(order.mirrors.select_related("store").order_by("id")):
            return kept
        routes = routing.chosen_routes(order.source_store)
    if not routes:
        return []
    stocked = routing.ask_stores(routes=routes, lines=seen.lines, clock=clock)
    shares = routing.share_out(
        seen, routes, stocked, is_by_hand=order.state == OrderState.READY and order.skip_rule != ""
    )
    with merchant_rows(order.merchant_id):
        return [routing.mirror_of(order, seen, route, line_ids, now=clock()) for route, line_ids in shares]


def _by_hand(seen: PlatformOrder, copies: Sequence[Mirror]) -> list[DryRun]:
    left = set(rest_ids((line.external_id for line in seen.lines), [copy.line_ids for copy in copies]))
    items = counted(line.sku.strip() or line.title for line in seen.lines if line.external_id in left)
    return [DryRun(None, by_hand=tuple(items))] if items else []


def _of_store(order: Order, seen: PlatformOrder, copy: Mirror, clock: Callable[[], datetime]) -> DryRun:
    try:
        with speaking_to_destination(copy.store, clock=clock) as destination:
            draft = mirror.draft_for(order=order, seen=seen, mirror=copy, destination=destination, now=clock())
            try:
                request = destination.rendered(draft, reference=copy.reference)
                part, preview = left_of(order, seen, copy).part, destination.preview(draft)
                return DryRun(copy.store, part, draft=draft, request=request, preview=preview)
            except UnsupportedFeature as error:
                return DryRun(copy.store, code=Attention.NOT_SUPPORTED, detail={"message": error.message})
    except Blocked as error:
        return DryRun(copy.store, code=error.code, detail=error.detail)
    except PlatformError as error:
        code = error.reason if error.reason in Attention.values[1:] else Attention.REMOTE_ERROR
        return DryRun(copy.store, code=code, detail={"message": error.message})
