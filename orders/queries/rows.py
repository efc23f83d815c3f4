"""One order as a row of the list, and as the head of its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db.models import IntegerField
from django.db.models.expressions import RawSQL
from django.urls import reverse

from connectors.base.money import to_text
from connectors.registry import connector_class
from orders import badges, reason_words
from orders.models import Mirror, MirrorState, Order, OrderState
from orders.splitting import rest_ids

ON = 0  # no step is open
# What may be cancelled together with others: not shipped, not closed.
STATES_TO_CANCEL = (OrderState.HELD, OrderState.READY, OrderState.MIRRORED, OrderState.SKIPPED)
STATUSES_TO_CANCEL = ("ON_HOLD", "AWAITING_SHIPMENT", "AWAITING_COLLECTION")
SIGNS = {"USD": "$", "GBP": "£", "EUR": "€", "JPY": "¥"}


@dataclass(frozen=True, slots=True)
class SeenMirror:
    """What a row shows of a mirror."""

    state: str
    external_id: str
    name: str
    url: str
    line_ids: Sequence[str]
    platform: str


def seen_mirror(mirror: Mirror) -> SeenMirror:
    """The same of a whole one, its store loaded."""
    return SeenMirror(mirror.state, mirror.external_id, mirror.name, mirror.url, mirror.line_ids, mirror.store.platform)


def money_text(amount: int | None, currency: str) -> str:
    """With the currency's sign: $75.99; without one, its code before it."""
    if amount is None:
        return "–"
    text = to_text(abs(amount), currency)
    sign = SIGNS.get(currency, f"{currency} ")
    return f"{'−' if amount < 0 else ''}{sign}{text}"


def row_of(
    order: Order,
    *,
    mirrors: Sequence[SeenMirror],
    now: datetime,
    waits_until: datetime | None,
    open_step: int | None,
) -> dict[str, Any]:
    """What templates/orders/_row.html draws. `waits_until`: the end of an extra hold, where one is running;
    `open_step`: see `step_of`."""
    lines = order.snapshot.get("lines", [])
    living = [mirror for mirror in mirrors if mirror.external_id]
    sync = badges.sync_badge(
        state=order.state,
        attention=order.attention,
        has_mirrors=bool(mirrors),
        is_waiting=waits_until is not None,
        not_ready="" if open_step == ON else badges.not_ready(open_step),
    )
    return {
        "id": order.pk,
        "version": order.version,
        "external_id": order.external_id,
        "url": _page_of(order.pk),
        "status": badges.status_badge(order.source_status, order.source_status_text),
        "sync": sync,
        "hold": _hold(order, now=now, waits_until=waits_until),
        "request_text": "Cancellation requested" if _has_request(order) else "",
        "kind_text": _kind(order, lines, has_rest=bool(rest_of(order, mirrors))),
        "mirrors": [mirror_of(mirror) for mirror in living],
        "mirror_text": "Not created",
        "quantity": sum(line["quantity"] for line in lines),
        **_items(lines),
        "buyer_name": order.buyer_name or None,
        "buyer_place": order.buyer_place,
        "total_text": money_text(order.total, order.currency),
        "currency": order.currency,
        "ordered_at": order.ordered_at,
        "ship_by": None if order.state in (OrderState.CANCELLED, OrderState.UNPAID) else order.ship_by,
        "ship_note": "Shipped" if has_left(order) else "",
        "reason": _reason(order),
        "can_cancel": order.state in STATES_TO_CANCEL and order.source_status in STATUSES_TO_CANCEL,
    }


def _page_of(order_id: int) -> str:
    return f"{_pages()}{order_id}/"


@cache
def _pages() -> str:
    """Asked for once: fifty rows want it for every answer."""
    return reverse("order", args=[0]).removesuffix("0/")


def step_of() -> RawSQL:
    """ON where an order's shop is switched on, else its checklist's first open step, None where that is unknown."""
    return RawSQL(_STEP, [], IntegerField())  # noqa: S611 - a constant


_STEP = """
select case when s.switched_on_at is null then s.open_step else 0 end
from orders_setup s where s.store_id = orders_order.source_store_id
"""


def rest_of(order: Order, mirrors: Sequence[Mirror] | Sequence[SeenMirror]) -> list[dict[str, Any]]:
    """The lines that are in none of the order's mirrors, and so the merchant's to ship by hand."""
    lines = [line for line in order.snapshot.get("lines", []) if line["status"] != "CANCELLED"]
    left = set(rest_ids((line["external_id"] for line in lines), [mirror.line_ids for mirror in mirrors]))
    return [line for line in lines if line["external_id"] in left]


def seller_center_url(order: Order) -> str:
    """The order's page at its source."""
    return f"https://seller-us.tiktok.com/order/detail?order_no={order.external_id}"


def has_left(order: Order) -> bool:
    """Whether a carrier has the parcel: no deadline to ship runs any more."""
    return order.source_status in ("IN_TRANSIT", "DELIVERED", "COMPLETED")


def variant_of(line: Mapping[str, Any]) -> str:
    """The variant's name, where a product has several; TikTok Shop calls an only one Default."""
    return "" if line["variant_title"].strip().casefold() == "default" else str(line["variant_title"])


def mirror_of(mirror: SeenMirror) -> dict[str, Any]:
    """A link to the store's order; its fate beside it if it is no more."""
    fate = badges.MIRROR_TEXT.get(MirrorState(mirror.state), "")
    return {
        "label": f"{mirror.name} {fate}".strip(),
        "url": mirror.url,
        "name": connector_class(mirror.platform).label,
    }


def _hold(order: Order, *, now: datetime, waits_until: datetime | None) -> dict[str, Any] | None:
    if order.state == OrderState.HELD and order.release_at:
        return {"from": order.paid_at or order.ordered_at, "due": order.release_at}
    if waits_until is not None and waits_until > now + timedelta(seconds=60):
        return {"from": order.released_at or order.ordered_at, "due": waits_until}
    return None


def _has_request(order: Order) -> bool:
    return order.cancel_requested_at is not None and order.state != OrderState.CANCELLED


def _kind(order: Order, lines: Sequence[dict[str, Any]], *, has_rest: bool) -> str:
    words = []
    if order.is_sample:
        words.append("Free sample")
    if order.is_preorder:
        words.append("Pre-order")
    if any(line["is_gift"] for line in lines):
        words.append("Gift")
    if has_rest:
        words.append("Part by hand")
    return ", ".join(words)


def _items(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = list(dict.fromkeys(_name(line) for line in lines))
    skus = list(dict.fromkeys(line["sku"] or "No SKU" for line in lines))
    return {
        "items_text": names[0] if names else "No items",
        "items_title": ", ".join(names),
        "items_more": len(skus) - 1 if len(skus) > 1 else "",
        "sku_text": skus[0] if skus else "",
    }


def _name(line: dict[str, Any]) -> str:
    return ", ".join(filter(None, [line["title"], variant_of(line)]))


def _reason(order: Order) -> dict[str, str] | None:
    if order.attention:
        words = reason_words.reason_of(order.attention, order.attention_detail)
        full = f"{words.title}. {words.what_to_do}"
        return {
            "title": reason_words.short_reason(order.attention),
            "text": words.what_to_do,
            "full": full,
            "tone": "red",
        }
    if order.state == OrderState.SKIPPED:
        return {"title": order.skip_rule, "text": "Nothing was sent", "full": order.skip_rule, "tone": "gray"}
    return None
