"""Returns of a fulfillment order as Amazon's items, and what its answers say of them. Pure.

Fulfillment Outbound 2020-07-01: https://developer-docs.amazon.com/sp-api/docs/fulfillment-outbound-api (read 2026-11,
from amzn/selling-partner-api-models @34dc93fe).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base.aftersales import GoodsBack, ReturnReceipt
from connectors.base.errors import PermanentError
from connectors.platforms.amazon.mapping import source_line_ids, whole

LONGEST_ID, LONGEST_COMMENT = 80, 1000
# Amazon's codes by the words of the source's reason, the likeliest first; only one that is offered for the item is
# used. From the model's example of listReturnReasonCodes.
_CODES = (
    ("CR-DAMAGED_BY_CARRIER", r"damag.*(ship|transit|deliver)|(ship|transit|deliver).*damag"),
    ("CR-MISSED_ESTIMATED_DELIVERY", r"late|not (arrive|deliver)|delivery time"),
    ("CR-MISSING_PARTS", r"missing|incomplete"),
    ("CR-SWITCHEROO", r"\b(wrong|incorrect|different) (item|product|variation|colou?r|size)"),
    ("CR-DEFECTIVE", r"damag|defect|broken|faulty|n.t work|not work|quality"),
    ("AMZ-PG-BAD-DESC", r"descri|pictur|photo|counterfeit|as expected"),
    ("CR-ORDERED_WRONG_ITEM", r"mistake"),
    ("CR-FOUND_BETTER_PRICE", r"better price"),
)
_UNWANTED = "CR-UNWANTED_ITEM"
_REFUSALS = {
    "NoReturnableQuantity": "Amazon has fewer of these items that can come back",
    "NoCompletedShipItems": "Amazon has not shipped these items yet",
    "InvalidValues": "Amazon does not know these items of the order",
    "DuplicateRequest": "Amazon was told of another return of these items",
}


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of an item, in the shipment that it left in."""

    item_id: str
    shipment_id: str
    sku: str


def units_of(payload: Mapping[str, Any], line_quantities: Mapping[str, int]) -> list[Unit]:
    """The shipped units that these units of the source's lines are made of. Raises PermanentError where an id is in no
    item, as of an item of many units, whose ids do not fit into its own, or where too few were shipped."""
    wanted = {line_id: units for line_id, units in line_quantities.items() if units > 0}
    found: list[Unit] = []
    met: set[str] = set()
    for item in payload.get("fulfillmentOrderItems") or []:
        item_id = str(item.get("sellerFulfillmentOrderItemId") or "")
        ids = source_line_ids(item_id)
        ours = [line_id for line_id in ids if line_id in wanted]
        if ours:
            count = max(1, whole(item.get("quantity")) // len(ids)) * sum(wanted[line_id] for line_id in ours)
            shipped = _returnable(payload, item_id)
            if len(shipped) < count:
                raise PermanentError(_REFUSALS["NoReturnableQuantity"], reason="REMOTE_ERROR")
            found += [Unit(item_id, shipment_id, str(item.get("sellerSku"))) for shipment_id in shipped[:count]]
            met.update(ours)
    if not wanted or met != set(wanted):
        text = "Amazon's order does not say which items these are: record the return in Seller Central"
        raise PermanentError(text, reason="REMOTE_ERROR")
    return found


def _returnable(payload: Mapping[str, Any], item_id: str) -> list[str]:
    """The shipment of each unit of the item that left and was not announced yet."""
    left: Counter[str] = Counter()
    for shipment in payload.get("fulfillmentShipments") or []:
        if str(shipment.get("fulfillmentShipmentStatus")).replace("_", "").lower() == "shipped":
            for row in shipment.get("fulfillmentShipmentItem") or []:
                if row.get("sellerFulfillmentOrderItemId") == item_id:
                    left[str(shipment.get("amazonShipmentId"))] += whole(row.get("quantity"))
    for row in payload.get("returnItems") or []:
        if row.get("sellerFulfillmentOrderItemId") == item_id:
            left[str(row.get("amazonShipmentId"))] -= 1
    return list((+left).elements())


def return_items(
    units: Sequence[Unit], goods: GoodsBack, reference: str, reasons: Mapping[str, str]
) -> list[dict[str, str]]:
    """One entry for each unit: there is no quantity. `reasons` are the codes by SKU."""
    return [
        {
            "sellerReturnItemId": _return_item_id(reference, place),
            "sellerFulfillmentOrderItemId": unit.item_id,
            "amazonShipmentId": unit.shipment_id,
            "returnReasonCode": reasons[unit.sku],
            **({"returnComment": goods.reason_text[:LONGEST_COMMENT]} if goods.reason_text else {}),
        }
        for place, unit in enumerate(units, start=1)
    ]


def _return_item_id(reference: str, place: int) -> str:
    """Raises PermanentError for a reference that does not fit."""
    made = f"{reference}-{place}"
    if len(made) > LONGEST_ID:
        raise PermanentError(f"Amazon takes ids of returned items of at most {LONGEST_ID} characters")
    return made


def reason_code(offered: Sequence[Mapping[str, Any]], text: str) -> str:
    """The offered code that fits the source's reason best, else "no longer wanted", else the first; "" for none."""
    codes = [str(each.get("returnReasonCode") or "") for each in offered if each.get("returnReasonCode")]
    fitting = [code for code, pattern in _CODES if code in codes and re.search(pattern, text, re.I)]
    return next(iter([*fitting, *[code for code in codes if code == _UNWANTED], *codes]), "")


def announced(said: Mapping[str, Any], reference: str) -> list[Mapping[str, Any]]:
    """The returned items with our reference, in an order or in the answer to a return."""
    own = re.compile(re.escape(reference) + r"-\d+")
    rows = said.get("returnItems") or []
    return [row for row in rows if own.fullmatch(str(row.get("sellerReturnItemId") or ""))]


def receipt(said: Mapping[str, Any], reference: str, *, missing: int = 0) -> ReturnReceipt:
    """What Amazon knows of the return: its own number, the page with its label, and what it made of the goods."""
    items = announced(said, reference)
    ids = {row.get("returnAuthorizationId") for row in items}
    slips = [each for each in said.get("returnAuthorizations") or [] if each.get("returnAuthorizationId") in ids]
    page = next((str(each.get("rmaPageURL") or "") for each in slips), "")
    details = [f"Amazon did not take {missing} of the items"] if missing > 0 else []
    received = [row for row in items if str(row.get("status")).lower() == "processed"]
    if received:
        conditions = Counter(str(row.get("returnReceivedCondition") or "in a condition not named") for row in received)
        told = ", ".join(f"{count} {condition}" for condition, count in conditions.items())
        details.append(f"Amazon received {len(received)} of {len(items)}: {told}")
    return ReturnReceipt(
        reference,
        name=next((str(each.get("amazonRmaId") or "") for each in slips), ""),
        url=page if page.startswith("https://") else "",
        detail="; ".join(details),
    )


def refusal(said: Mapping[str, Any]) -> PermanentError:
    """Why nothing was taken, in our words."""
    rows = said.get("invalidReturnItems") or [{}]
    code = str((rows[0].get("invalidItemReason") or {}).get("invalidItemReasonCode") or "")
    return PermanentError(_REFUSALS.get(code, "Amazon refused the return"), code=code, reason="REMOTE_ERROR")
