"""What a store was sent of an order, kept beside its mirror: the sums, and what a line is made of. Written before the
call is made, so that it holds whatever becomes of the call."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection

from connectors.base.types import OrderDraft, Payment
from orders.components import Pieces, pieces_of, spelled_in
from orders.models import Mirror
from orders.money import ROUNDING

_KEEP = """
update orders_mirror m set settings_number = %s, sent = p.sent::jsonb, left_out = p.left_out::jsonb
from unnest(%s::bigint[], %s::text[], %s::text[]) as p(id, sent, left_out) where m.id = p.id
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """The store's amounts in minor units, rounding apart from fees and discount; `pieces` where a line of the source's
    is more than one unit."""

    products: int
    discount: int
    shipping: int
    fees: Mapping[str, int]
    tax: int
    tax_included: bool
    rounding: int
    total: int
    pieces: Pieces = field(default_factory=dict)
    skus: Mapping[str, str] = field(default_factory=dict)  # of the pieces, as the store spells them
    location_id: str = ""  # of the store's, which the order is given to

    @classmethod
    def of(cls, draft: OrderDraft) -> Sent:
        """What this draft says."""
        pieces = pieces_of(draft)
        return cls(
            products=sum(line.unit_price * line.quantity for line in draft.lines),
            discount=draft.discount - max(0, -draft.rounding),
            shipping=draft.charges[0].amount,
            fees={charge.code: charge.amount for charge in draft.charges[1:] if charge.code != ROUNDING},
            tax=sum(tax.amount for tax in draft.taxes),
            tax_included=draft.tax_included,
            rounding=draft.rounding,
            total=draft.total,
            pieces=pieces,
            skus=spelled_in(draft, pieces),
            location_id=draft.location_id,
        )

    @classmethod
    def kept(cls, mirror: Mirror) -> Sent | None:
        """What was kept of this mirror; None where it was never sent, or by an older version of the program."""
        names = {each.name for each in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in mirror.sent.items() if name in names}) if mirror.sent else None

    @classmethod
    def total_of(cls, mirror: Mirror, payment: Payment) -> int:
        """The total that the store was told, else that of the source."""
        kept = cls.kept(mirror)
        return kept.total if kept else payment.total


def location_of(mirror: Mirror) -> str:
    """The store's location that this mirror was made for; empty where none was chosen."""
    location: str = mirror.sent.get("location_id", "")
    return location


def keep(drafts: Sequence[tuple[Mirror, OrderDraft]], *, settings_number: int | None) -> None:
    """Keep what these mirrors are being made of, what of the order is left out of them, and under which version of the
    settings: one statement, in the caller's transaction. May be repeated."""
    for mirror, draft in drafts:
        mirror.sent, mirror.settings_number = dataclasses.asdict(Sent.of(draft)), settings_number
    ids, texts = [mirror.pk for mirror, _ in drafts], [json.dumps(mirror.sent) for mirror, _ in drafts]
    left_out = [json.dumps(mirror.left_out) for mirror, _ in drafts]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [settings_number, ids, texts, left_out])
