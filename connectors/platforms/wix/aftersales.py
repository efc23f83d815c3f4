"""What was paid for a Wix order and what was paid back, both elsewhere. Pure.

https://dev.wix.com/docs/rest/business-solutions/e-commerce/order-billing and the typings of npm
@wix/auto_sdk_ecom_order-billing 1.0.110 (read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.base.aftersales import Refund
from connectors.base.errors import PermanentError
from connectors.base.money import to_text
from connectors.platforms.wix.mapping import LINES_FIELD, minor, part, parts


def lacks_payment(order: Mapping[str, Any], transactions: Mapping[str, Any]) -> bool:
    """Whether nothing is recorded as paid of an order that costs something."""
    currency = str(order.get("currency") or "")
    total = minor(part(order, "priceSummary").get("total"), currency)
    paid = minor(part(order, "balanceSummary").get("paid"), currency)
    return bool(total) and not paid and not transactions.get("payments")


def payment(order: Mapping[str, Any], reference: str) -> dict[str, Any]:
    """The body that records what TikTok took as paid elsewhere."""
    details = {"offlinePayment": True, "paymentMethod": "TikTok Shop", "providerTransactionId": reference}
    amount = {"amount": str((order.get("priceSummary") or {}).get("total", {}).get("amount") or "0")}
    return {"payments": [{"amount": amount, "status": "APPROVED", "regularPaymentDetails": details}]}


def refund_body(
    order: Mapping[str, Any], refundability: Mapping[str, Any], refund: Refund, reference: str
) -> dict[str, Any]:
    """A refund recorded outside any provider, of no more than is left. Its reason holds our reference: it is searched
    before a repeat.

    Raises PermanentError when nothing is left to refund, or an item is not in the order.
    """
    able = next((one for one in parts(refundability, "payments") if _is_refundable(one)), None)
    if able is None:
        raise PermanentError("Wix's order has no payment to refund", reason="REMOTE_ERROR")
    lines = _refund_lines(order, refundability, refund)
    most = minor(part(part(able["payment"], "monetary"), "maxRefund"), refund.currency)
    amount = refund.amount if most is None else min(refund.amount, most)
    if amount <= 0 < refund.amount:
        raise PermanentError("Wix's order has nothing left to refund", reason="MONEY_MISMATCH")
    paid = "" if amount == refund.amount else f"{to_text(refund.amount, refund.currency)} {refund.currency} in all. "
    body: dict[str, Any] = {
        "orderId": str(order["id"]),
        "paymentRefunds": [
            {
                "paymentId": able["payment"]["paymentId"],
                "amount": {"amount": to_text(amount, refund.currency)},
                "externalRefund": True,
            }
        ],
        "customerReason": f"{reason_mark(reference)} {paid}{refund.note}".strip()[:200],
        "sideEffects": {"notifications": {"sendCustomerEmail": False}},
    }
    items: dict[str, Any] = {"lineItems": lines} if lines else {}
    left = minor(part(part(refundability, "shipping"), "availableRefundAmount"), refund.currency)
    if shipping := min(refund.shipping, refund.shipping if left is None else left):
        items["shipping"] = {"amount": {"amount": to_text(shipping, refund.currency)}}
    if items:
        body["refundItems"] = items
    if lines and refund.restock:
        body["sideEffects"]["restock"] = {"lineItems": lines}
    return body


def _is_refundable(one: Mapping[str, Any]) -> bool:
    """A payment made offline is refundable by hand alone, and by hand is what `externalRefund` means."""
    if not part(one, "payment").get("paymentId") or one.get("nonRefundable"):
        return False
    return one.get("refundable") is not False or bool(one.get("manuallyRefundable"))


def _refund_lines(order: Mapping[str, Any], refundability: Mapping[str, Any], refund: Refund) -> list[dict[str, Any]]:
    """The items, by the source's line ids or by SKU, over all lines that have one SKU: of each no more than it can give
    back."""
    able = {str(one.get("lineItemId")): one.get("availableRefundQuantity") for one in parts(refundability, "lineItems")}
    left = {key: quantity for key, quantity in refund.line_quantities.items() if quantity > 0}
    known = source_ids(order)
    met: set[str] = set()
    lines = []
    for line, ids in zip(parts(order, "lineItems"), known, strict=True):
        line_id, units = str(line.get("id")), int(line.get("quantity") or 0)
        room = int(able.get(line_id, units) or 0)
        ours = [each for each in ids if each in left]
        taken = sum(left[each] for each in ours) * max(1, units // len(ids)) if ours else 0
        if taken > room:
            raise PermanentError("Wix's order has fewer of these items left to refund", reason="REMOTE_ERROR")
        met.update(ours)
        sku = str(part(line, "physicalProperties").get("sku") or "")
        by_sku = min(room - taken, left.get(sku, 0))
        left[sku] = left.get(sku, 0) - by_sku
        if taken + by_sku:
            lines.append({"lineItemId": line_id, "quantity": taken + by_sku})
    if any(units for key, units in left.items() if key not in met):
        raise PermanentError("Wix's order has no such items left to refund", reason="REMOTE_ERROR")
    return lines


def source_ids(order: Mapping[str, Any]) -> list[list[str]]:
    """The source's line ids of each line, as the order's own field says them; none for an order that has no field."""
    found: list[list[str]] = [[] for _ in parts(order, "lineItems")]
    told = next((each.get("value") for each in parts(order, "customFields") if each.get("title") == LINES_FIELD), "")
    for place, ids in re.findall(r"(\d+): ([^;]*)", str(told)):
        if 0 < int(place) <= len(found):
            found[int(place) - 1] = [each for each in ids.split(", ") if each]
    return found


def has_refund(transactions: Mapping[str, Any], reference: str) -> bool:
    """Whether the refund with our reference is recorded already; one that failed is not."""
    mark = reason_mark(reference)
    return any(
        str(part(past, "details").get("reason") or "").partition(" ")[0] == mark and not has_failed(past)
        for past in parts(transactions, "refunds")
    )


def has_failed(refund: Any) -> bool:
    """Whether every part of the refund failed."""
    statuses = {one.get("refundStatus") for one in parts(refund, "transactions")}
    return statuses == {"FAILED"}


def reason_mark(reference: str) -> str:
    """How our refunds are known there."""
    return f"TT:{reference}"
