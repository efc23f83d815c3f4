"""The parcels of one order, as its page shows them: where each stands at TikTok Shop, and what a person can do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from connectors.base.types import Carrier
from orders import carriers, changing
from orders.models import Attention, Fulfillment, FulfillmentState, Order, OrderState, OutboxItem, OutboxStatus
from orders.parcels import OVERRULED

S = FulfillmentState
_STATE = {
    S.WAITING: ("No tracking number yet", "gray"),
    S.QUEUED: ("To be sent to TikTok Shop", "blue"),
    S.SENT: ("Sent to TikTok Shop", "blue"),
    S.ACCEPTED: ("TikTok Shop shows it", "green"),
    S.REFUSED: ("Refused", "red"),
    S.CANCELLED: ("Taken back", "gray"),
}
_STUCK = (OutboxStatus.PARKED, OutboxStatus.DROPPED)
SHOWN_AFTER = timedelta(minutes=15)  # what TikTok Shop does not show by then may be sent again


def packages_of(
    order: Order, packages: Sequence[Fulfillment], items: Sequence[OutboxItem], now: datetime, *, can_act: bool
) -> list[dict[str, Any]]:
    """What templates/orders/_packages.html draws. In no transaction: reads only what it is given."""
    stuck = {item.subject for item in items if item.status in _STUCK}
    spent = sum(package.edits for package in packages)
    shown = []
    for package in packages:
        told = package.state in (S.SENT, S.ACCEPTED)
        standing = changing.standing_with(order=order, kept=package, spent=spent)
        may_change = told and standing.allows(now)
        drawn = _package(package, order) | {"change_text": _change_text(package, standing, now) if told else ""}
        if can_act:
            drawn["actions"] = _actions(package, order, now, is_stuck=str(package.pk) in stuck, may_change=may_change)
        shown.append(drawn)
    return shown


def packages_note(order: Order) -> str:
    """What is said in place of parcels, while there are none."""
    if order.state in (OrderState.HELD, OrderState.UNPAID):
        return "TikTok Shop takes no tracking number while it holds the order."
    if order.state == OrderState.MIRRORED:
        return "Ship it in the store. The tracking number goes to TikTok Shop by itself."
    return ""


def _package(package: Fulfillment, order: Order) -> dict[str, Any]:
    text, tone = _STATE[S(package.state)]
    if order.state == OrderState.CANCELLED and package.state in (S.WAITING, S.QUEUED):
        text, tone = "Left too late", "red"
    inside = [line for line in order.snapshot.get("lines", []) if line["external_id"] in package.line_ids]
    counts: dict[str, int] = {}
    for line in inside:
        name = line["sku"] or line["title"]
        counts[name] = counts.get(name, 0) + 1
    wanted = changing.wanted_of(package)
    return {
        "number": package.tracking_number or "No number yet",
        "carrier": package.carrier_text,
        "status_text": text,
        "tone": tone,
        "lines_text": ", ".join(f"{count} × {name}" for name, count in counts.items()),
        "warning": package.warning,
        "hint": f"The store now says {wanted['carrier']} {wanted['tracking_number']}" if wanted else "",
        "url": package.tracking_url if package.tracking_url.startswith("https://") else "",
    }


def _change_text(package: Fulfillment, standing: changing.Standing, now: datetime) -> str:
    """TikTok Shop lets the number of an order be changed once, within 72 hours of the first upload."""
    if package.edits:
        return "Its number was changed; no change is left"
    if not standing.allows(now):
        return ""
    left = "1 change left" if standing.left == 1 else f"{standing.left} changes left"
    return f"{left}, until {date_format(localtime(standing.until), 'M j, g:i A')}" if standing.until else left


def _actions(
    package: Fulfillment, order: Order, now: datetime, *, is_stuck: bool, may_change: bool
) -> list[dict[str, Any]]:
    if order.state == OrderState.CANCELLED or package.state == S.CANCELLED:
        return []
    wanted, is_asked = changing.wanted_of(package), changing.is_asked(order=order, kept=package)
    actions = []
    if may_change and wanted and not is_asked:
        actions.append(_change(order, {"fulfillment": package.pk, "from": package.tracking_number, **wanted}))
    is_unseen = package.state == S.SENT and package.sent_at is not None and now - package.sent_at > SHOWN_AFTER
    if package.tracking_number and (
        package.state == S.REFUSED or (package.state == S.QUEUED and is_stuck) or is_unseen
    ):
        actions.append(_resend(order, package.pk))
    if may_change or package.state in (S.WAITING, S.QUEUED, S.REFUSED):
        label = "Correct the number" if package.tracking_number else "Enter the number"
        correct = _correct(order, package.pk, package.tracking_number, package.carrier_text)
        actions.append({**correct, "summary": label, "style": "secondary"})
    return actions


# In the box of the question


def parcel_actions(order: Order, *, dismiss: dict[str, Any]) -> list[dict[str, Any]]:
    """The buttons of a question about one parcel; none where the question is about something else."""
    detail = order.attention_detail
    parcel = detail.get("fulfillment")
    if not parcel:
        return []
    if order.attention == Attention.TRACKING_CHANGED:
        keep = {
            "label": "Keep the first number",
            "url": reverse("parcel_keep", args=[order.pk]),
            "style": "secondary",
            "fields": [{"name": "fulfillment", "value": parcel}],
        }
        return [_change(order, {**detail, "tracking_number": detail["to"]}), keep]
    if order.attention == Attention.TRACKING_EDIT_SPENT:
        ask = _change(order, {**detail, "tracking_number": detail["to"]}) if detail.get("to") else None
        if ask is None or detail.get("is_refused"):
            return [dismiss]
        return [{**ask, "label": "Ask TikTok Shop all the same", "style": "secondary"}, dismiss]
    number, carrier = detail.get("tracking_number", ""), detail.get("carrier", "")
    correct = {**_correct(order, parcel, number, carrier), "style": "primary"}
    if detail.get("check") in OVERRULED:
        anyway = {
            "label": "Send it all the same",
            "url": reverse("parcel_send_anyway", args=[order.pk]),
            "style": "secondary",
            "busy": "Sending",
            "fields": [{"name": "fulfillment", "value": parcel}],
        }
        return [correct, anyway, dismiss]
    if order.attention in (Attention.TRACKING_INVALID, Attention.TRACKING_DUPLICATE, Attention.CARRIER_NOT_SUPPORTED):
        return [correct, _resend(order, parcel), dismiss]
    if detail.get("step") == "tracking":
        return [_resend(order, parcel), dismiss]
    return []


def carrier_choices(order: Order) -> dict[str, Any] | None:
    """The list of the source's carriers, those first that the store's word may mean."""
    detail = order.attention_detail
    if order.attention != Attention.CARRIER_UNMAPPED or not detail.get("choices"):
        return None
    known = [Carrier(external_id=each["id"], name=each["name"]) for each in detail["choices"]]
    text, number = detail.get("carrier", ""), detail.get("tracking_number", "")
    suggested = carriers.suggest(text=text, tracking_number=number, carriers=known)
    first = {each.carrier.external_id for each in suggested}
    options = [
        {"value": each.carrier.external_id, "label": each.carrier.name, "badge": "Suggested", "sub": each.why}
        for each in suggested
    ]
    return {
        "label": f"Which carrier is “{text}”?",
        "name": "carrier",
        "url": reverse("order_carrier", args=[order.pk]),
        "submit_label": "Choose and send tracking",
        "help": "TikTok Shop's list for this order's delivery option. The answer is remembered for every order.",
        "search_label": "Name of the carrier",
        "options": options
        + [{"value": each.external_id, "label": each.name} for each in known if each.external_id not in first],
    }


def _change(order: Order, wanted: dict[str, Any]) -> dict[str, Any]:
    return {
        "label": "Spend the one change",
        "url": reverse("parcel_change", args=[order.pk]),
        "style": "primary",
        "busy": "Changing",
        "confirm": f"Change {wanted['from']} to {wanted['tracking_number']}?",
        "confirm_text": "TikTok Shop lets a number be changed once. Afterwards only its support can.",
        "fields": [{"name": name, "value": wanted[name]} for name in ("fulfillment", "tracking_number", "carrier")],
    }


def _resend(order: Order, parcel: int) -> dict[str, Any]:
    return {
        "label": "Resend tracking",
        "url": reverse("parcel_resend", args=[order.pk]),
        "style": "secondary",
        "busy": "Sending",
        "fields": [{"name": "fulfillment", "value": parcel}],
    }


def _correct(order: Order, parcel: int, number: str, carrier: str) -> dict[str, Any]:
    return {
        "label": "Correct it",
        "url": reverse("parcel_correct", args=[order.pk]),
        "fields": [
            {"name": "fulfillment", "value": parcel},
            {"name": "tracking_number", "label": "Tracking number", "value": number},
            {"name": "carrier", "label": "Carrier", "value": carrier},
        ],
    }
