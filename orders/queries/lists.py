"""The list of orders: tabs with counts, filters that live in the address, pages by key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.postgres.fields import ArrayField
from django.db.models import DateTimeField, F, JSONField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.urls import reverse

from accounts.access import merchant_rows
from connectors.models import ConnectedStore, StorePart, StoreState
from orders.models import Attention, Order, OrderState, OutboxKind, OutboxStatus
from orders.queries.counts import MOST, Counts, counts_from_tallies, counts_of_few, counts_of_span
from orders.queries.rows import SeenMirror, row_of, step_of
from orders.queries.searching import searched, words_of
from orders.queries.stores import platforms_to_add

PAGE = 50
TABS = {
    "all": ("All", Q()),
    "on_hold": ("On hold", Q(tab="on_hold")),
    "ready": ("Ready to ship", Q(tab="ready")),
    "in_transit": ("In transit", Q(tab="in_transit")),
    "delivered": ("Delivered", Q(tab="delivered")),
    "cancelled": ("Cancelled", Q(tab="cancelled")),
    "needs_attention": ("Needs attention", ~Q(attention="")),
}
_ORDERED = {"1": "Last 24 hours", "7": "Last 7 days", "30": "Last 30 days"}
_KINDS = {"sample": "Free sample", "preorder": "Pre-order", "cancel": "Cancellation requested"}
_SYNC_FILTERS = {
    "held": ("Held", Q(state=OrderState.HELD, attention="")),
    "creating": ("Waiting or creating", Q(state__in=[OrderState.READY, OrderState.UNPAID], attention="")),
    "synced": ("Synced", Q(state__in=[OrderState.MIRRORED, OrderState.FULFILLED, OrderState.COMPLETED], attention="")),
    "skipped": ("Skipped", Q(state=OrderState.SKIPPED, attention="")),
}
_LISTED = (
    "id", "merchant_id", "external_id", "source_status", "source_status_text", "state", "attention", "skip_rule",
    "attention_detail", "version", "ordered_at", "paid_at", "release_at", "released_at", "ship_by",
    "cancel_requested_at", "is_sample", "is_preorder", "currency", "total", "buyer_name", "buyer_place", "snapshot",
)  # fmt: skip


_DEADLINES = {"late": "Late", "1": "Within 24 hours", "3": "Within 3 days", "cancel": "Auto-cancel within 24 hours"}
# What the platform cancels by itself at `auto_cancel_at`: no tracking number is there yet.
_WITHOUT_TRACKING = ("ON_HOLD", "AWAITING_SHIPMENT", "PARTIALLY_SHIPPING")
_TO_SHIP = Q(source_status__in=["ON_HOLD", "AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION"])


def order_page(*, merchant_id: int, query: Mapping[str, str], is_owner: bool, now: datetime) -> dict[str, Any]:
    """The context of templates/orders/list.html. Three queries, whatever the rows.

    `query` is the address's own; what it does not know in there is ignored. `frame` is for orders/navigation.py.
    """
    with merchant_rows(merchant_id):
        stores = list(ConnectedStore.objects.select_related("setup").order_by("part", "name"))
        chosen = _filtered(query, now=now)
        counts = _counts(query, chosen, merchant_id=merchant_id, now=now)
        rows, older, newer = _page(chosen.filter(_tab_of(query)[1]), query, now=now)
    return {
        "page": {
            "rows": [shaped(order, now=now) for order in rows],
            "next_url": _address(query, before=older, after=None) if older else "",
            "previous_url": _address(query, after=newer, before=None) if newer else "",
            "newest_url": _address(query, before=None, after=None),
        },
        "tabs": _tabs(query, counts),
        "filters": _filters(query, [store for store in stores if store.part == StorePart.SOURCE]),
        "hold_banner": _hold_banner(counts),
        "setup": _setup(stores, is_owner=is_owner),
        "poll_url": _poll_address(query, newest=counts.newest),
        "frame": (stores, counts.waiting, counts.news),
        "now": now,
    }


def changed_rows(
    *, merchant_id: int, query: Mapping[str, str], shown: Mapping[int, int], newest: int, now: datetime
) -> dict[str, Any] | None:
    """The context of templates/orders/_poll.html: rows whose version differs from `shown`, or None for no news."""
    with merchant_rows(merchant_id):
        chosen = _filtered(query, now=now)
        fits = _tab_of(query)[1]
        versions = dict(Order.objects.filter(pk__in=shown).values_list("pk", "version"))
        changed = [pk for pk, version in versions.items() if version != shown[pk]]
        new_count = chosen.filter(fits, pk__gt=newest)[:MOST].count()
        if not changed and not new_count:
            return None
        orders = list(_with_mirrors(Order.objects.filter(pk__in=changed), now=now))
        inside = set(chosen.filter(fits, pk__in=changed).values_list("pk", flat=True))
        counts = _counts(query, chosen, merchant_id=merchant_id, now=now)
    rows = [shaped(order, now=now) for order in orders]
    for row in rows:
        row["is_outside"] = row["id"] not in inside
    return {
        "rows": rows,
        "tabs": _tabs(query, counts),
        "hold_banner": _hold_banner(counts),
        "new_count": new_count,
        "newest_url": _address(query, before=None, after=None),
        "now": now,
    }


def shaped(order: Order, *, now: datetime) -> dict[str, Any]:
    """One row, from an order that `_with_mirrors` brought."""
    mirrors = [SeenMirror(**seen) for seen in order.seen_mirrors]  # type: ignore[attr-defined]
    waits_until, step = order.waits_until, order.open_step  # type: ignore[attr-defined]
    return row_of(order, mirrors=mirrors, now=now, waits_until=waits_until, open_step=step)


def _with_mirrors(orders: QuerySet[Order], *, now: datetime) -> QuerySet[Order]:
    """With all that a row shows, in the same query. As SQL, for the reason that `counts._facts` has."""
    waiting = [OutboxKind.CREATE_ORDER.value, OutboxStatus.PENDING.value, now]
    return orders.only(*_LISTED).annotate(
        seen_mirrors=RawSQL(_SEEN_MIRRORS, [], ArrayField(JSONField())),  # noqa: S611 - constants
        waits_until=RawSQL(_WAITS_UNTIL, waiting, DateTimeField()),  # noqa: S611
        open_step=step_of(),
    )


_SEEN_MIRRORS = """
array(select jsonb_build_object('state', m.state, 'external_id', m.external_id, 'name', m.name, 'url', m.url,
    'line_ids', m.line_ids, 'platform', s.platform)
  from orders_mirror m join connectors_connectedstore s on s.id = m.store_id
  where m.order_id = orders_order.id order by m.id)
"""
_WAITS_UNTIL = """
select max(i.not_before) from orders_outboxitem i
where i.order_id = orders_order.id and i.kind = %s and i.status = %s and i.attempts = 0 and i.not_before > %s
"""


def _filtered(query: Mapping[str, str], *, now: datetime) -> QuerySet[Order]:
    orders = Order.objects.filter(_tallied(query, cancel_requested=Q(cancel_requested_at__isnull=False)))
    if query.get("ordered") in _ORDERED:
        orders = orders.filter(ordered_at__gte=now - timedelta(days=int(query["ordered"])))
    if query.get("ship_by") == "cancel":
        orders = orders.filter(pk__in=about_to_be_cancelled(now).values("pk")[: MOST + 1])
    elif query.get("ship_by") in _DEADLINES:
        until = timedelta(days=0 if query["ship_by"] == "late" else int(query["ship_by"]))
        pressing = Order.objects.filter(_TO_SHIP, ship_by__lt=now + until).order_by("ship_by")
        orders = orders.filter(pk__in=pressing.values("pk")[: MOST + 1])
    return searched(orders, query.get("q", ""))


def about_to_be_cancelled(now: datetime) -> QuerySet[Order]:
    """Orders that TikTok Shop cancels within 24 hours unless their tracking number is there by then, the nearest first,
    in the merchant's rows. They are found by the day they were to be shipped, which is never later."""
    is_late = Q(ship_by__lt=now + timedelta(hours=24)) | Q(ship_by=None)
    waiting = Order.objects.filter(is_late, source_status__in=_WITHOUT_TRACKING)
    return waiting.filter(auto_cancel_at__lt=now + timedelta(hours=24)).order_by("auto_cancel_at")


def _tallied(query: Mapping[str, str], *, cancel_requested: Q) -> Q:
    """The filters that orders and tallies have in common."""
    found = Q()
    if query.get("store", "").isdigit():
        found &= Q(source_store_id=int(query["store"][:18]))
    if query.get("kind") in _KINDS:
        is_open = cancel_requested & ~Q(state=OrderState.CANCELLED)
        found &= {"sample": Q(is_sample=True), "preorder": Q(is_preorder=True), "cancel": is_open}[query["kind"]]
    if query.get("sync") in _SYNC_FILTERS:
        found &= _SYNC_FILTERS[query["sync"]][1]
    if query.get("reason") in Attention.values[1:]:
        found &= Q(attention=query["reason"])
    return found


def _counts(query: Mapping[str, str], chosen: QuerySet[Order], *, merchant_id: int, now: datetime) -> Counts:
    if query.get("ship_by") in _DEADLINES or words_of(query.get("q", "")):
        return counts_of_few(chosen, merchant_id=merchant_id, now=now)
    if query.get("ordered") in _ORDERED:
        return counts_of_span(chosen, merchant_id=merchant_id, now=now)
    chosen_tallies = _tallied(query, cancel_requested=Q(has_cancel_request=True))
    return counts_from_tallies(chosen_tallies, merchant_id=merchant_id, now=now)


def _setup(stores: list[ConnectedStore], *, is_owner: bool) -> dict[str, Any] | None:
    """What is missing before orders flow: a shop, a store, or (None) nothing."""
    parts = {store.part for store in stores if store.state != StoreState.DISCONNECTED}
    if parts == {StorePart.SOURCE, StorePart.DESTINATION}:
        return None
    addable = [platform for platform in platforms_to_add() if platform["is_set_up"]]
    return {
        "has_source": StorePart.SOURCE in parts,
        "has_destination": StorePart.DESTINATION in parts,
        "sources": [platform for platform in addable if platform["is_source"]],
        "destinations": [platform for platform in addable if not platform["is_source"]],
        "is_owner": is_owner,
    }


def _page(orders: QuerySet[Order], query: Mapping[str, str], *, now: datetime) -> tuple[list[Order], str, str]:
    """Fifty orders and the keys of the pages beside: newest first, by time and id, never by counting."""
    orders = _with_mirrors(orders, now=now)
    if key := _read_key(query.get("after", "")):
        ahead = orders.filter(Q(ordered_at__gt=key[0]) | Q(ordered_at=key[0], id__gt=key[1]))
        rows = list(ahead.order_by("ordered_at", "id")[: PAGE + 1])
        has_newer, rows = len(rows) > PAGE, rows[:PAGE][::-1]
        return rows, _key(rows[-1]) if rows else "", _key(rows[0]) if has_newer else ""
    key = _read_key(query.get("before", ""))
    if key:
        orders = orders.filter(Q(ordered_at__lt=key[0]) | Q(ordered_at=key[0], id__lt=key[1]))
    rows = list(orders.order_by(F("ordered_at").desc(), F("id").desc())[: PAGE + 1])
    has_older, rows = len(rows) > PAGE, rows[:PAGE]
    return rows, _key(rows[-1]) if has_older else "", _key(rows[0]) if key and rows else ""


def _key(order: Order) -> str:
    return f"{order.ordered_at.timestamp():.6f}-{order.pk}"


def _read_key(text: str) -> tuple[datetime, int] | None:
    match = re.fullmatch(r"([0-9]{1,11}\.[0-9]{6})-([0-9]{1,18})", text)
    return (datetime.fromtimestamp(float(match[1]), UTC), int(match[2])) if match else None


def _tab_of(query: Mapping[str, str]) -> tuple[str, Q]:
    key = query.get("tab", "")
    return (key, TABS[key][1]) if key in TABS else ("all", TABS["all"][1])


def _tabs(query: Mapping[str, str], counts: Counts) -> list[dict[str, Any]]:
    current = _tab_of(query)[0]
    return [
        {
            "key": key,
            "label": label,
            "count": counts.tabs[key],
            "is_at_least": key in counts.at_least,
            "is_current": key == current,
            "url": _address(query, tab=None if key == "all" else key, before=None, after=None),
            "tone": "red" if key == "needs_attention" else "",
        }
        for key, (label, _) in TABS.items()
    ]


def _filters(query: Mapping[str, str], stores: list[ConnectedStore]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "q": query.get("q", ""),
        "keep": [{"name": "tab", "value": query["tab"]}] if query.get("tab") else [],
        "ordered": _options(query, "ordered", _ORDERED),
        "sync": _options(query, "sync", {key: label for key, (label, _) in _SYNC_FILTERS.items()}),
        "ship_by": _options(query, "ship_by", _DEADLINES),
        "kind": _options(query, "kind", _KINDS),
    }
    if len(stores) > 1:
        found["store"] = _options(query, "store", {str(store.pk): store.name for store in stores})
    if _tab_of(query)[0] == "needs_attention":
        codes = {code.value: code.label for code in Attention if code.value}
        found["reason"] = _options(query, "reason", codes)
    if any(query.get(name) for name in _NARROWING):
        found["clear_url"] = _address(query, **dict.fromkeys((*_NARROWING, "before", "after")))
    return found


def _options(query: Mapping[str, str], name: str, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "value": value,
            "label": label,
            "is_current": query.get(name, "") == value,
            "url": _address(query, **{name: value or None, "before": None, "after": None}),
        }
        for value, label in {"": "Any", **labels}.items()
    ]


def _hold_banner(counts: Counts) -> dict[str, Any]:
    return {
        "count": counts.on_hold,
        "next_due": counts.next_due,
        "url": f"{reverse('orders')}?tab=on_hold",
    }


_NARROWING = ("q", "ordered", "sync", "ship_by", "kind", "store", "reason")
_NAMES = ("tab", *_NARROWING, "before", "after")


def _address(query: Mapping[str, str], **changes: str | None) -> str:
    kept = {name: query[name] for name in _NAMES if query.get(name)}
    kept.update({name: value for name, value in changes.items() if value})
    for name, value in changes.items():
        if not value:
            kept.pop(name, None)
    return f"{reverse('orders')}?{urlencode(kept)}" if kept else reverse("orders")


def _poll_address(query: Mapping[str, str], *, newest: int) -> str:
    kept = {name: query[name] for name in _NAMES if query.get(name) and name not in ("before", "after")}
    return f"{reverse('order_rows')}?{urlencode({**kept, 'newest': newest})}"
