"""The money box: what TikTok says, what the stores have, and why a line differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.base import snapshot
from connectors.base.money import to_text
from connectors.base.types import OrderDraft, PlatformOrder
from connectors.registry import label_of
from orders.comparison import Comparison, Row, compare
from orders.models import Mirror, Order
from orders.queries.by_hand import rest_payment
from orders.queries.rows import money_text
from orders.sent import Sent


def money_of(order: Order, mirrors: Sequence[Mirror]) -> dict[str, Any]:
    """The context of templates/orders/_money.html for an order as it was last read, in the caller's transaction."""
    if not order.snapshot.get("payment"):
        return {"currency": order.currency, "is_balanced": None, "rows": []}
    seen = snapshot.from_json(order.snapshot)
    assert seen.payment is not None
    in_stores = _in_stores(mirrors, order.currency)
    kept = [Sent.kept(mirror) for mirror in mirrors] if in_stores else []
    told = [each for each in kept if each is not None]
    stores = told if len(told) == len(mirrors) else []
    by_hand = rest_payment(order, mirrors)
    made = compare(payment=seen.payment, lines=seen.lines, stores=stores, by_hand=by_hand)
    currency = seen.payment.currency
    names = " + ".join(label_of(mirror.store) for mirror in mirrors) if in_stores else "Store"
    return {
        **_shown(made, currency),
        "is_balanced": in_stores == (made.source_total, currency) if in_stores else None,
        "store_name": names,
        "rows": [_row(row, currency) for row in made.rows] + [_total(made, currency, in_stores)],
    }


def draft_money(part: PlatformOrder, draft: OrderDraft, *, label: str) -> dict[str, Any]:
    """The same for a draft that was not sent: its part of the order beside what the store would be told."""
    assert part.payment is not None
    made = compare(payment=part.payment, lines=part.lines, stores=[Sent.of(draft)])
    total = _total(made, draft.currency, (draft.total, draft.currency))
    return {
        **_shown(made, draft.currency),
        "is_balanced": made.source_total == draft.total,
        "store_name": label,
        "rows": [*(_row(row, draft.currency) for row in made.rows), total],
    }


def _shown(made: Comparison, currency: str) -> dict[str, Any]:
    return {"currency": currency, "remark": "as the store counts it" if made.is_adjusted else "as the buyer paid"}


def _row(row: Row, currency: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"label": row.label, "note": row.why, "source": _signed(row.source, currency)}
    if row.store is not None and row.difference is not None:
        shown["store"] = _signed(row.store, currency) if row.store or not row.source else "–"
        shown["difference"] = _signed(row.difference, currency, plus="+")
        shown["is_same"] = not row.difference
    return shown


def _signed(amount: int, currency: str, *, plus: str = "") -> str:
    sign = "−" if amount < 0 else plus if amount > 0 else ""
    return f"{sign}{to_text(abs(amount), currency)}"


def _total(made: Comparison, currency: str, in_stores: tuple[int, str] | None) -> dict[str, Any]:
    """What must be equal: the stores' own totals less ours, and no difference between two currencies."""
    label = "Total for the store" if made.is_adjusted else "Total, paid by the buyer"
    shown: dict[str, Any] = {"label": label, "source": money_text(made.source_total, currency), "is_total": True}
    if made.is_adjusted:
        shown["note"] = f"the buyer paid {money_text(made.paid, currency)}"
    if in_stores:
        there, other = in_stores
        shown["store"] = money_text(there, other)
        difference = there - made.source_total
        sign = "+" if difference > 0 else ""
        shown["difference"] = f"{sign}{money_text(difference, currency)}" if other == currency else "Other currency"
    return shown


def _in_stores(mirrors: Sequence[Mirror], source_currency: str) -> tuple[int, str] | None:
    """What the stores' totals make together, and their currency; None while one of them says nothing of money."""
    totals = [mirror.money.get("total") for mirror in mirrors]
    currencies = {mirror.money.get("currency") or source_currency for mirror in mirrors}
    if not totals or None in totals or len(currencies) != 1:
        return None
    return sum(totals), currencies.pop()
