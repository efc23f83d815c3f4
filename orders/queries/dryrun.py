"""The page of a dry run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.base.types import Address, OrderDraft
from connectors.registry import label_of
from orders import wording
from orders.dryrun import DryRun
from orders.queries.rows import money_text
from orders.queries.settings import store_label


def dry_run_context(runs: Sequence[DryRun]) -> dict[str, Any]:
    """The context of templates/orders/dry_run.html."""
    return {"runs": [_run(run) for run in runs]}


def _run(run: DryRun) -> dict[str, Any]:
    if run.by_hand:
        return {"store": "Yours to ship by hand", "by_hand": run.by_hand}
    if run.skip_rule:
        return {"store": f"Not sent: {run.skip_rule}"}
    shown: dict[str, Any] = {"store": store_label(run.store) if run.store else "No store", "preview": run.preview}
    if run.draft is None:
        label = label_of(run.store) if run.store else "The store"
        return {**shown, "reason": wording.reason_of(run.code, {"label": label, **run.detail}), "code": run.code}
    return {**shown, **_draft(run.draft)}


def _address(address: Address) -> list[str]:
    lines = (address.line1, address.line2, address.line3, address.line4)
    place = " ".join(filter(None, [address.province_code or address.province, address.postal_code]))
    return [each for each in (address.name, *lines, f"{address.city}, {place}", address.country_code) if each]


def _draft(draft: OrderDraft) -> dict[str, Any]:
    def money(amount: int) -> str:
        return money_text(amount, draft.currency)

    sums = [("Products", sum(line.unit_price * line.quantity for line in draft.lines))]
    if draft.discount:
        sums.append(("Discount", -draft.discount))
    sums += [(charge.title, charge.amount) for charge in draft.charges]
    sums += [(tax.title, tax.amount) for tax in draft.taxes]
    return {
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
        "sums": [(label, money(amount)) for label, amount in sums],
        "total": money(draft.total),
        "tax_included": draft.tax_included,
        "address": _address(draft.address) if draft.address else ["None: TikTok ships it"],
        "email": draft.email,
        "tags": ", ".join(draft.tags),
        "note": draft.note,
        "attributes": draft.attributes,
    }
