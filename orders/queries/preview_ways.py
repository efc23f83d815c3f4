"""One parcel, or one order's way, beside itself: what counts now, and what would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.urls import reverse

from connectors.models import ConnectedStore
from connectors.registry import connector_class, label_of
from orders.carrier_effect import Told
from orders.differences import Difference
from orders.effect import MOST, Fate
from orders.queries.effect import Shown
from orders.queries.preview import received
from orders.queries.settings import store_label
from orders.route_effect import BY_HAND, Rerouted, Way

_WAITS = "None: it waits for you to say which"
_GONE = "A store that is no more"


def shown_parcels(told: Sequence[Told]) -> list[Shown]:
    """Every parcel of the effect of other carriers."""
    return [
        Shown(
            key=str(each.parcel_id),
            external_id=each.external_id,
            url=reverse("order", args=[each.order_id]),
            store=connector_class(each.platform).label,
            fate=each.fate,
            differences=_other_carrier(each),
            preview=partial(_parcel, each),
        )
        for each in told
    ]


def notes_of_parcels(told: Sequence[Told]) -> list[str]:
    """What the counts are of."""
    newest = "newest " if len(told) == MOST else ""
    count = f"{len(told):,} {newest}parcel{'' if len(told) == 1 else 's'}"
    return [f"By the {count} as kept here. What TikTok Shop was told already stays as it is."]


def shown_ways(rerouted: Sequence[Rerouted], stores: Mapping[int, ConnectedStore]) -> list[Shown]:
    """Every order of the effect of other routes. `stores` are the merchant's, by id."""
    several = Counter(store.platform for store in stores.values())
    names = {pk: store_label(store) if several[store.platform] > 1 else label_of(store) for pk, store in stores.items()}
    return [
        Shown(
            key=str(each.order_id),
            external_id=each.external_id,
            url=reverse("order", args=[each.order_id]),
            store=", ".join(names.get(pk, _GONE) for pk, _ in each.after.parts),
            fate=each.fate,
            differences=_other_way(each, names),
            preview=partial(_way, each, names),
        )
        for each in rerouted
    ]


def notes_of_ways(rerouted: Sequence[Rerouted]) -> list[str]:
    """What the counts are of."""
    newest = "newest " if len(rerouted) == MOST else ""
    count = f"{len(rerouted):,} {newest}order{'' if len(rerouted) == 1 else 's'}"
    return [f"By the {count} and the product links as kept here; no store was asked. Orders on their way go on."]


def _other_way(each: Rerouted, names: Mapping[int, str]) -> Sequence[Difference]:
    if each.fate is Fate.SAME:
        return ()
    return (Difference("Goes to", _in_words(each.before, names), _in_words(each.after, names)),)


def _in_words(way: Way, names: Mapping[int, str]) -> str:
    if way.stops:
        return way.stops
    parts = [names.get(pk, _GONE) for pk, _ in way.parts]
    return ", ".join([*parts, *([BY_HAND] if way.by_hand else [])])


def _way(each: Rerouted, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "columns": [
            {"title": "TikTok order", "remark": "as received", "rows": received(each.seen)},
            {"title": "Goes to, as saved", "side": "before", **_parts(each.before, each.after, names)},
            {"title": "Would go to", "remark": "draft", "side": "after", **_parts(each.after, each.before, names)},
        ],
        "requests": [],
    }


def _parts(way: Way, other: Way, names: Mapping[int, str]) -> dict[str, Any]:
    """A row for each store; marked where the other way has it not, or otherwise."""
    if way.stops:
        return {"reason": way.stops, "is_changed": way != other}
    rows = [(names.get(pk, _GONE), items, (pk, items) not in other.parts) for pk, items in way.parts]
    if way.by_hand:
        rows.append((BY_HAND, way.by_hand, way.by_hand != other.by_hand))
    return {"rows": [{"label": label, "value": items, "is_changed": is_changed} for label, items, is_changed in rows]}


def _other_carrier(each: Told) -> Sequence[Difference]:
    if each.before == each.after:
        return ()
    return (Difference("Carrier", each.before or _WAITS, each.after or _WAITS),)


def _parcel(each: Told) -> dict[str, Any]:
    label = connector_class(each.platform).label
    rows = {
        "Order id": each.external_id,
        "Store order": each.store_order or "–",
        "Carrier": each.text,
        "Tracking number": each.number or "None yet",
        "Delivery option": each.option or "–",
    }
    return {
        "columns": [
            {
                "title": "Parcel",
                "remark": f"as {label} says",
                "rows": [{"label": label, "value": value} for label, value in rows.items()],
            },
            {"title": "TikTok Shop, as saved", "remark": "", "side": "before", "rows": _carrier(each, each.before)},
            {"title": "TikTok Shop, would be told", "remark": "draft", "side": "after",
             "rows": _carrier(each, each.after)},
        ],
        "requests": [],
    }  # fmt: skip


def _carrier(each: Told, name: str) -> list[dict[str, Any]]:
    is_changed = each.before != each.after
    return [
        {"label": "Carrier", "value": name or _WAITS, "is_changed": is_changed},
        {"label": "Tracking number", "value": each.number or "None yet", "is_changed": False},
    ]
