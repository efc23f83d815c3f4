"""One order beside itself: as it was received, as it goes out now, and as it would."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from connectors.base.types import PlatformOrder
from connectors.registry import label_of
from orders import differences, stand_in
from orders.differences import ALWAYS, LACKS
from orders.effect import Compared, Effect
from orders.proposals import Made
from orders.queries.effect import Shown
from orders.queries.money import draft_money
from orders.queries.rows import money_text
from orders.queries.settings import store_label
from orders.splitting import counted


def shown_orders(effects: Sequence[Effect], *, number: int | None) -> list[Shown]:
    """Every order of these effects. `number` is the version of the settings that counts now."""
    return [
        Shown(
            key=f"{each.order_id}-{each.store.pk}",
            external_id=each.external_id,
            url=reverse("order", args=[each.order_id]),
            store=store_label(each.store),
            fate=each.fate,
            differences=each.differences,
            preview=partial(_order, each, number),
        )
        for effect in effects
        for each in effect.compared
    ]


def notes_of(effects: Sequence[Effect], *, region: str) -> list[str]:
    """What the counts are of, and what they leave out."""
    looked_at = sum(len(each.compared) + each.untold for each in effects)
    if not looked_at:
        return ["No order of the last 30 days is concerned."]
    newest = "newest " if any(each.is_capped for each in effects) else ""
    notes = [f"By the {newest}{_orders(looked_at)} that the change concerns, as kept here; no store was asked."]
    if untouched := sum(each.untouched for each in effects):
        notes.append(f"The other {_orders(untouched)} are not touched by it.")
    if untold := sum(each.untold for each in effects):
        notes.append(f"{_orders(untold)} cannot be told: a product is not linked.")
    if unseen := sum(each.has_stand_in for effect in effects for each in effect.compared):
        notes.append(f"{_orders(unseen)} show no address now, and were tried with one in {stand_in.place_of(region)}.")
    return notes


def _orders(count: int) -> str:
    return f"{count:,} order{'' if count == 1 else 's'}"


def _order(each: Compared, number: int | None) -> dict[str, Any]:
    label, mirror = label_of(each.store), each.mirror
    now_told, then_told = (_told(made) for made in (each.before, each.after))
    names = [name for name in dict.fromkeys([*now_told, *then_told]) if name in ALWAYS or _differ(name, each)]
    made = f"sent as {mirror.name}" if mirror and mirror.name and mirror.external_id else ""
    version = f"version {number}" if number else "defaults"
    return {
        "columns": [
            {
                "title": "TikTok order",
                "remark": "as received",
                "rows": received(each.seen, has_stand_in=each.has_stand_in),
            },
            {
                "title": f"{label} order, as saved",
                "remark": ", ".join(filter(None, [version, made])),
                "side": "before",
                **_column(each.before, each, now_told, names),
            },
            {
                "title": f"{label} order, would be sent",
                "remark": "draft",
                "side": "after",
                "badge": _badge(each),
                **_column(each.after, each, then_told, names),
            },
        ],
        "requests": [
            {"title": title, "text": _request(made)}
            for title, made in (("As saved", each.before), ("Would be sent", each.after))
            if made.request
        ],
    }


def received(seen: PlatformOrder, *, has_stand_in: bool = False) -> list[dict[str, Any]]:
    """What the source says of the order."""
    payment = seen.payment
    rows = {
        "Order id": seen.external_id,
        "Items": ", ".join(counted(line.sku.strip() or line.title for line in seen.lines)),
        "Delivery option": seen.delivery_option_name or seen.delivery_option_id or "None",
        "Shipping price": money_text(payment.shipping, payment.currency) if payment else "–",
        "Ship by": date_format(localtime(seen.ship_by), "M j, g:i A") if seen.ship_by else "–",
        "Ship to": _place(seen, has_stand_in=has_stand_in),
        "Total": money_text(payment.total, payment.currency) if payment else "–",
    }
    return [{"label": label, "value": value} for label, value in rows.items()]


def _place(seen: PlatformOrder, *, has_stand_in: bool) -> str:
    if seen.address is None:
        return "Not shown"
    code = seen.address.province_code or seen.address.province
    place = f"{seen.address.city}, {' '.join(filter(None, [code, seen.address.postal_code]))}"
    return f"Not shown now; tried with {place}" if has_stand_in else place


def _told(made: Made) -> Mapping[str, str]:
    return differences.told(made.draft) if made.draft else {}


def _differ(name: str, each: Compared) -> bool:
    return any(difference.what == name for difference in each.differences) or name == LACKS


def _column(made: Made, each: Compared, told: Mapping[str, str], names: Sequence[str]) -> dict[str, Any]:
    if made.draft is None:
        return {"reason": made.words, "is_changed": bool(each.differences)}
    changed = {difference.what for difference in each.differences}
    rows = [
        {"label": name, "value": told.get(name, differences.NOTHING), "is_changed": name in changed} for name in names
    ]
    for difference in each.differences:
        if difference.what not in names:  # of the request alone: no part of the draft
            value = difference.before if made is each.before else difference.after
            rows.append({"label": difference.what, "value": value, "is_changed": True})
    return {"rows": [row for row in rows if row["is_changed"] or row["value"] != differences.NOTHING]}


def _badge(each: Compared) -> dict[str, str]:
    if each.after.draft is None:
        return {"label": "Would wait", "mark": "warning", "tone": "red"}
    if draft_money(each.seen, each.after.draft, label="")["is_balanced"]:
        return {"label": "Balances", "mark": "tick", "tone": "green"}
    return {"label": "Does not balance", "mark": "warning", "tone": "red"}


def _request(made: Made) -> str:
    """The body as it would be sent, broken into lines to be read."""
    assert made.request is not None
    return json.dumps(json.loads(made.request.body), indent=2, ensure_ascii=False)
