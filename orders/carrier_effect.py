"""What a change of the carriers' names would have told the source of the parcels of the last 30 days. By what is kept
here: nobody is asked and nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models.fields.json import KeyTextTransform

from connectors.base.types import Carrier
from connectors.models import ConnectedStore
from orders import carriers
from orders.effect import MOST, SPAN, Fate
from orders.models import Fulfillment

Mapped = Mapping[str, Mapping[str, Mapping[str, str]]]  # as orders/versions.py keeps them: by option, by word


@dataclass(frozen=True, slots=True)
class Told:
    """One parcel, and the source's carrier for it now and after the change; an empty one means that it waits."""

    parcel_id: int
    order_id: int
    external_id: str
    store_order: str
    platform: str
    text: str
    number: str
    option: str
    before: str
    after: str

    @property
    def fate(self) -> Fate:
        if self.before == self.after:
            return Fate.SAME
        return Fate.DIFFER if self.after else Fate.BLOCKED


def carrier_effect(
    *, source_store: ConnectedStore, before: Mapped, after: Mapped, known: Sequence[Carrier], now: datetime
) -> list[Told]:
    """The newest parcels of this shop's orders, in the caller's transaction. `known` are the source's carriers."""
    parcels = Fulfillment.objects.filter(order__source_store=source_store, order__ordered_at__gte=now - SPAN)
    read = parcels.exclude(carrier_text="").values(
        "pk", "order_id", "order__external_id", "mirror__name", "mirror__store__platform", "carrier_text",
        "tracking_number", option=KeyTextTransform("delivery_option_id", "order__snapshot"),
        option_name=KeyTextTransform("delivery_option_name", "order__snapshot"),
    )  # fmt: skip
    return [_told(each, _by_word(before), _by_word(after), known) for each in read.order_by("-pk")[:MOST]]


def _told(
    each: Mapping[str, Any],
    before: Mapping[tuple[str, str], str],
    after: Mapping[tuple[str, str], str],
    known: Sequence[Carrier],
) -> Told:
    text, option = each["carrier_text"], each["option"] or ""
    named = carriers.named(text=text, carriers=known)
    of_itself = named.name if named else ""
    keys = [(option, text.strip().casefold()), ("", text.strip().casefold())]
    old, new = (next((kept[key] for key in keys if key in kept), of_itself) for kept in (before, after))
    return Told(
        parcel_id=each["pk"],
        order_id=each["order_id"],
        external_id=each["order__external_id"],
        store_order=each["mirror__name"],
        platform=each["mirror__store__platform"],
        text=text,
        number=each["tracking_number"],
        option=each["option_name"] or option,
        before=old,
        after=new,
    )


def _by_word(mapped: Mapped) -> dict[tuple[str, str], str]:
    return {
        (option, text.strip().casefold()): said["carrier_name"]
        for option, words in mapped.items()
        for text, said in words.items()
    }
