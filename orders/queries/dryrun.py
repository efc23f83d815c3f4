"""The page of a dry run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from accounts.access import merchant_rows
from connectors.base import snapshot
from connectors.base.types import Address, OrderDraft
from connectors.registry import label_of
from orders import reason_words, stand_in
from orders.dryrun import DryRun
from orders.models import MirrorState, Order
from orders.queries.money import draft_money
from orders.queries.rows import money_text
from orders.queries.settings import store_label
from orders.rehearsal import tried


def dry_run_context(order: Order, *, clock: Callable[[], datetime]) -> dict[str, Any]:
    """The context of templates/orders/dry_run.html. Makes calls: not inside a transaction. The order that was given is
    not to be saved afterwards."""
    is_needed = stand_in.is_needed(snapshot.from_json(order.snapshot))
    runs = [_run(run) for run in tried(order=order, clock=clock)]
    with merchant_rows(order.merchant_id):
        made = set(order.mirrors.filter(state=MirrorState.CREATED).values_list("store_id", flat=True))
    for run in runs:
        run["is_made"] = run.get("store_id") in made
    is_used = is_needed and any(run.get("address") for run in runs)
    return {
        "runs": runs,
        "stand_in_place": stand_in.place_of(order.source_store.region) if is_used else "",
        "is_made": bool(made),
    }


def _run(run: DryRun) -> dict[str, Any]:
    if run.by_hand:
        return {"store": "Yours to ship by hand", "by_hand": run.by_hand}
    if run.skip_rule:
        return {"store": "No store", "skip_rule": run.skip_rule}
    shown: dict[str, Any] = {"store": "No store", "preview": run.preview}
    if run.store:
        shown |= {"store": store_label(run.store), "store_id": run.store.pk}
    if run.draft is None:
        label = label_of(run.store) if run.store else "The store"
        return {**shown, "reason": reason_words.reason_of(run.code, {"label": label, **run.detail}), "code": run.code}
    assert run.request is not None
    assert run.part is not None
    assert run.store is not None
    return {
        **shown,
        **_draft(run.draft),
        "money": draft_money(run.part, run.draft, label=label_of(run.store)),
        "request": run.request,
        "remarks": [*run.draft.remarks, *run.request.remarks],
    }


def _draft(draft: OrderDraft) -> dict[str, Any]:
    def money(amount: int) -> str:
        return money_text(amount, draft.currency)

    address = draft.address
    return {
        "number": draft.number,
        "method": draft.charges[0].title,
        "code_text": draft.charges[0].code,
        "lines": [
            {
                "title": line.title,
                "variant": line.variant_title,
                "sku": line.sku,
                "variant_id": line.variant_id,
                "quantity": line.quantity,
                "unit": money(line.unit_price),
                "total": money(line.unit_price * line.quantity),
            }
            for line in draft.lines
        ],
        "address": _address(address) if address else [],
        "email": draft.email,
        "tags": ", ".join(draft.tags),
        "note": draft.note,
        "attributes": draft.attributes,
    }


def _address(address: Address) -> list[str]:
    lines = (address.line1, address.line2, address.line3, address.line4)
    place = " ".join(filter(None, [address.province_code or address.province, address.postal_code]))
    return [each for each in (address.name, *lines, f"{address.city}, {place}", address.country_code) if each]
