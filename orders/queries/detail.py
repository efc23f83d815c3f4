"""One order's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from accounts.access import merchant_rows
from connectors.models import ApiCall, ConnectedStore
from connectors.registry import label_of
from orders import reason_words, suggesting
from orders.components import sku_key
from orders.models import (
    Attention,
    CatalogVariant,
    Fulfillment,
    Mirror,
    MirrorState,
    Order,
    OrderState,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
    ProductLink,
)
from orders.queries.aftersales import ask_the_same, boxes_of, question_of
from orders.queries.by_hand import rest_package, rest_text, to_ship
from orders.queries.money import money_of
from orders.queries.parcels import packages_note, packages_of
from orders.queries.questions import attention_of
from orders.queries.rows import (
    ON,
    has_left,
    money_text,
    rest_of,
    row_of,
    seen_mirror,
    seller_center_url,
    step_of,
    variant_of,
)
from orders.queries.timeline import timeline_of

_STEPS = ("Placed", "Held", "Released", "Created", "Shipped", "Delivered")
_REACHED = {
    OrderState.UNPAID: 0,
    OrderState.HELD: 1,
    OrderState.READY: 3,
    OrderState.MIRRORED: 4,
    OrderState.FULFILLED: 5,
    OrderState.COMPLETED: 6,
}


def order_context(*, merchant_id: int, order_id: int, can_act: bool, now: datetime) -> dict[str, Any] | None:
    """The context of templates/orders/detail.html, or None when this merchant has no such order."""
    with merchant_rows(merchant_id):
        orders = Order.objects.select_related("source_store").annotate(open_step=step_of())
        order = orders.filter(pk=order_id).first()
        if order is None:
            return None
        mirrors = list(order.mirrors.select_related("store").order_by("id"))
        packages = list(order.fulfillments.order_by("id"))
        items = list(order.outbox.order_by("id"))
        events = list(order.events.order_by("-id")[:200])
        calls = list(
            ApiCall.objects.filter(merchant_id=merchant_id, subject=order.external_id)
            .select_related("store")
            .order_by("-id")[:200]
        )
        links = _links(order, mirrors)
        newer, older = _neighbors(order)
        likely = _likely(order) if can_act else []
        aftersales = boxes_of(order, now=now, can_act=can_act)
    shown = row_of(
        order,
        mirrors=[seen_mirror(mirror) for mirror in mirrors],
        now=now,
        waits_until=_waits_until(items, now),
        open_step=order.open_step,
    )
    lines = order.snapshot.get("lines", [])
    by_hand, is_asked = rest_package(order, mirrors), ask_the_same(aftersales, order)
    shown |= {
        "steps": _steps(order, events, mirrors, packages, now),
        "sentence": question_of(aftersales) or _sentence(order, mirrors),
        "attention": None if is_asked else attention_of(order, items, can_act=can_act, likely=likely),
        "lines": _lines(order, lines, links, mirrors),
        "money": money_of(order, mirrors),
        "facts": _facts(order, mirrors),
        "address": _address(order),
        "packages": packages_of(order, packages, items, now, can_act=can_act) + ([by_hand] if by_hand else []),
        "packages_note": "" if packages else packages_note(order),
        "timeline": timeline_of(events, calls),
        "aftersales": aftersales,
        "cancel_url": reverse("order_cancel", args=[order.pk]) if aftersales["cancel"]["can_cancel"] else "",
        "dry_run_url": _dry_run_url(order) if can_act else "",
        "back_url": reverse("orders"),
        "previous_url": reverse("order", args=[newer]) if newer else "",
        "next_url": reverse("order", args=[older]) if older else "",
    }
    return {"order": shown, "can_act": can_act, "poll_url": reverse("order_poll", args=[order.pk]), "now": now}


def order_version(*, merchant_id: int, order_id: int) -> int | None:
    """The order's version, to tell whether a page is out of date; None when there is no such order."""
    with merchant_rows(merchant_id):
        return Order.objects.filter(pk=order_id).values_list("version", flat=True).first()


def _moment(at: datetime) -> str:
    """On the merchant's clock: Nov 24, 2026, 1:43 PM."""
    return date_format(localtime(at), "M j, Y, g:i A")


def _short_moment(at: datetime | None, now: datetime) -> str:
    """1:43:05 PM today; Nov 22, 1:43 PM before."""
    if at is None:
        return ""
    at = localtime(at)
    return date_format(at, "g:i:s A" if at.date() == localtime(now).date() else "M j, g:i A")


def _neighbors(order: Order) -> tuple[int | None, int | None]:
    around = Order.objects.order_by("ordered_at", "id")
    later = around.filter(ordered_at__gte=order.ordered_at).exclude(pk__lte=order.pk, ordered_at=order.ordered_at)
    earlier = around.filter(ordered_at__lte=order.ordered_at).exclude(pk__gte=order.pk, ordered_at=order.ordered_at)
    return later.values_list("pk", flat=True).first(), earlier.values_list("pk", flat=True).last()


def _waits_until(items: Sequence[OutboxItem], now: datetime) -> datetime | None:
    waiting = [
        item.not_before
        for item in items
        if item.kind == OutboxKind.CREATE_ORDER
        and item.status == OutboxStatus.PENDING
        and item.attempts == 0
        and item.not_before > now
    ]
    return max(waiting, default=None)


def _links(order: Order, mirrors: Sequence[Mirror]) -> Mapping[tuple[int, str], ProductLink]:
    """By store and by the SKU in any case; a link of the very spelling comes before one of any."""
    skus = [line["sku"] for line in order.snapshot.get("lines", [])]
    keys = {sku_key(sku, case_matters=exact): sku_key(sku) for exact in (False, True) for sku in skus}
    links = ProductLink.objects.filter(store__in=[mirror.store_id for mirror in mirrors], sku__in=keys)
    return {(link.store_id, keys[link.sku]): link for link in sorted(links, key=lambda link: link.sku.startswith(" "))}


def _likely(order: Order) -> list[CatalogVariant]:
    """What the item that is not linked may mean, in the store that asks."""
    detail = order.attention_detail
    if order.attention != Attention.NOT_LINKED or not detail.get("store_id"):
        return []
    store = ConnectedStore(pk=detail["store_id"])
    return suggesting.suggest(store=store, sku=detail.get("sku", ""), title=detail.get("title", ""))


def _steps(
    order: Order, events: Sequence[Any], mirrors: Sequence[Mirror], packages: Sequence[Fulfillment], now: datetime
) -> list[dict[str, Any]]:
    moments = {event.kind: event.happened_at for event in events}
    at = [
        order.ordered_at,
        order.paid_at,
        order.released_at,
        min((mirror.created_at for mirror in mirrors if mirror.created_at), default=None),
        moments.get("order.fulfilled") or min((each.sent_at for each in packages if each.sent_at), default=None),
        moments.get("order.completed"),
    ]
    if order.state in (OrderState.CANCELLED, OrderState.SKIPPED):
        reached = max(index for index, moment in enumerate(at) if index == 0 or (moment and index != 1)) + 1
        stopped = "failed" if order.state == OrderState.CANCELLED else "paused"
    else:
        reached = 6 if order.source_status in ("DELIVERED", "COMPLETED") else _REACHED[OrderState(order.state)]
        stopped = _stop_of(order)
    steps = []
    for index, label in enumerate(_STEPS):
        state = "done" if index < reached else stopped if index == reached else "todo"
        moment = at[index] if index < reached else None
        steps.append({"label": label, "state": state, "detail": _short_moment(moment, now)})
    return steps


def _stop_of(order: Order) -> str:
    """How the step that is under way looks."""
    if not order.attention or order.state == OrderState.FULFILLED:
        return "now"
    return "paused" if order.attention in reason_words.WAITING_ONLY else "failed"


def _sentence(order: Order, mirrors: Sequence[Mirror]) -> dict[str, str]:
    where = ", ".join(label_of(mirror.store) for mirror in mirrors) or "your store"
    bold, plain = {
        OrderState.UNPAID: ("The buyer has not paid yet.", "Nothing is sent anywhere. Nothing to do."),
        OrderState.HELD: (
            "TikTok Shop holds this order for the buyer.",
            f"The buyer can still cancel without asking. It is created in {where} when TikTok Shop releases it.",
        ),
        OrderState.READY: (
            "TikTok Shop released this order." if mirrors else "Released, and there is nowhere to send it.",
            _on_its_way(mirrors) if mirrors else "Connect a store; the order then goes there by itself.",
        ),
        OrderState.MIRRORED: (
            f"The order is in {where}.",
            "Fulfill it there. Its tracking number goes to TikTok Shop by itself.",
        ),
        OrderState.FULFILLED: (f"TikTok Shop shows it as {_shown_as(order)}.", "Nothing to do."),
        OrderState.COMPLETED: ("TikTok Shop closed this order.", "Nothing to do."),
        OrderState.CANCELLED: (
            "TikTok Shop cancelled this order.",
            "It was never created in a store. Nothing to do."
            if not any(mirror.external_id for mirror in mirrors)
            else "What could be undone in the store was undone.",
        ),
        OrderState.SKIPPED: (f"Skipped: {order.skip_rule}.", "Nothing was sent. You can have it created all the same."),
    }[OrderState(order.state)]
    if order.state == OrderState.READY and not mirrors and order.open_step != ON:  # type: ignore[attr-defined]
        bold = "TikTok Shop released this order, and sync is not switched on."
        plain = "Nothing was sent. Finish the checklist on the dashboard and switch on: it is created then."
    if (yours := to_ship(order, mirrors)) and order.state in (OrderState.READY, OrderState.MIRRORED):
        bold = bold.replace("The order is in", "Part of the order is in")
        plain = f"{plain} Yours to ship: {rest_text(yours)}. Pack it, and enter its number in Seller Center."
    if order.attention:
        words = reason_words.reason_of(order.attention, order.attention_detail)
        bold, plain = f"{words.title}.", words.what_to_do
    return {"bold": bold, "plain": plain}


def _on_its_way(mirrors: Sequence[Mirror]) -> str:
    made = [label_of(mirror.store) for mirror in mirrors if mirror.state == MirrorState.CREATED]
    rest = [label_of(mirror.store) for mirror in mirrors if mirror.state == MirrorState.PLANNED]
    if made and rest:
        return f"A part of it is in {', '.join(made)}; the rest is being created in {', '.join(rest)}."
    return f"It is being created in {', '.join(label_of(mirror.store) for mirror in mirrors)}."


def _shown_as(order: Order) -> str:
    return "delivered" if order.source_status in ("DELIVERED", "COMPLETED") else "shipped"


def _lines(
    order: Order, lines: Sequence[Any], links: Mapping[tuple[int, str], ProductLink], mirrors: Sequence[Mirror]
) -> list[dict[str, Any]]:
    """Equal units together, apart by the store that gets them."""
    store_of = {line_id: mirror for mirror in mirrors for line_id in mirror.line_ids}
    only = mirrors[0] if mirrors and not store_of else None
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for line in lines:
        mirror = store_of.get(line["external_id"], only)
        key = (line["sku"], line["title"], line["original_price"], line["is_gift"], mirror.pk if mirror else None)
        groups.setdefault(key, []).append(line)
    left, by_hand = {line["external_id"] for line in rest_of(order, mirrors)}, rest_package(order, mirrors)
    shown = []
    for same in groups.values():
        mirror = store_of.get(same[0]["external_id"], only)
        link = links.get((mirror.store_id, sku_key(same[0]["sku"]))) if mirror else None
        is_shared = len(mirrors) > 1 or bool(left)
        line = _line(order, same, link, where=label_of(mirror.store) if mirror and is_shared else "")
        if by_hand and same[0]["external_id"] in left:
            line["link"] = {"state": by_hand["number"], "text": "In no store", "tone": by_hand["tone"]}
        shown.append(line)
    return shown


def _line(order: Order, same: Sequence[Any], link: ProductLink | None, *, where: str) -> dict[str, Any]:
    line = same[0]
    quantity = sum(each["quantity"] for each in same)
    return {
        "title": line["title"],
        "sku": line["sku"] or "No SKU",
        "variant": variant_of(line),
        "quantity": quantity,
        "unit_text": money_text(line["original_price"], order.currency),
        "total_text": money_text(line["original_price"] * quantity, order.currency),
        "is_gift": line["is_gift"],
        "link": _link_of(order, line, link, where=where),
        "status_text": "Cancelled" if line["status"] == "CANCELLED" else "",
        "image_url": "",  # TikTok's pictures lie on hosts of its own: a page asks nobody but us
    }


def _link_of(order: Order, line: Mapping[str, Any], link: ProductLink | None, *, where: str) -> dict[str, Any] | None:
    """What the line is linked to, or what is wrong with that."""
    detail, sku = order.attention_detail, line["sku"].strip()
    if order.attention == Attention.PRODUCT_DELETED and sku in [each["sku"] for each in detail.get("products", [])]:
        return {"state": "Product gone", "text": link.title if link else "No longer in the store", "tone": "red"}
    if order.attention == Attention.NOT_LINKED and detail.get("sku") == sku:
        text = "Several variants have this SKU" if detail.get("is_ambiguous") else "No variant has this SKU"
        return {"state": "Not linked", "text": text, "tone": "red"}
    if link:
        return {"state": where or "Linked", "text": link.title or link.variant_id, "tone": "green"}
    return None


def _facts(order: Order, mirrors: Sequence[Mirror]) -> list[dict[str, Any]]:
    shop = order.source_store
    facts: list[dict[str, Any]] = [
        {
            "label": "TikTok order",
            "value": order.external_id,
            "url": seller_center_url(order),
        },
        *(
            {"label": "Store order", "value": mirror.name, "url": mirror.url, "sub": label_of(mirror.store)}
            for mirror in mirrors
            if mirror.external_id
        ),
        {"label": "Shop", "value": shop.name},
        {"label": "Ordered", "value": _moment(order.ordered_at)},
    ]
    if order.ship_by and order.state != OrderState.CANCELLED:
        is_running = not has_left(order) and order.state != OrderState.SKIPPED
        running = {"due": order.ship_by} if is_running else {"sub": "Shipped" if has_left(order) else ""}
        facts.append({"label": "Ship by", "value": _moment(order.ship_by), **running})
    if order.auto_cancel_at and order.state in (OrderState.READY, OrderState.MIRRORED):
        facts.append({"label": "Auto-cancel", "value": _moment(order.auto_cancel_at), "due": order.auto_cancel_at})
    facts += [
        _settings(mirror, is_one=len(mirrors) == 1) for mirror in mirrors if mirror.settings_number or mirror.sent
    ]
    if order.snapshot.get("delivery_option_name"):
        facts.append({"label": "Shipping", "value": order.snapshot["delivery_option_name"]})
    if order.snapshot.get("buyer_email"):
        facts.append({"label": "Relay e-mail", "value": order.snapshot["buyer_email"]})
    if order.snapshot.get("buyer_message"):
        facts.append({"label": "Buyer's message", "value": order.snapshot["buyer_message"]})
    return facts


def _settings(mirror: Mirror, *, is_one: bool) -> dict[str, Any]:
    """The version that made the order; before the first one there are the defaults."""
    where = {} if is_one else {"sub": label_of(mirror.store)}
    if not mirror.settings_number:
        return {"label": "Settings", "value": "Defaults, before the first version", **where}
    path = reverse("settings_version", args=[mirror.settings_number])
    return {"label": "Settings", "value": f"Version {mirror.settings_number}", "path": path, **where}


def _dry_run_url(order: Order) -> str:
    """What would be sent by the settings of now, whether or not something was; of a cancelled order nothing is."""
    return reverse("order_dry_run", args=[order.pk]) if order.state != OrderState.CANCELLED else ""


def _address(order: Order) -> dict[str, Any] | None:
    address = order.snapshot.get("address")
    if not address or order.snapshot.get("address_state") != "COMPLETE":
        return None
    place = " ".join(filter(None, [address["province_code"] or address["province"], address["postal_code"]]))
    lines = [address["name"], *(address[f"line{number}"] for number in range(1, 5))]
    lines += [", ".join(filter(None, [address["city"], place])), address["country_code"]]
    phone = address["phone"]
    return {"lines": [line for line in lines if line], "phone_masked": f"••• {phone[-4:]}" if phone else ""}
