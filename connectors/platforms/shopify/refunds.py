"""Items of a Shopify order that do not leave, and refunds that were paid elsewhere: records, without money."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.base.aftersales import Refund
from connectors.base.errors import OutcomeUnknown, PermanentError, UnsupportedFeature
from connectors.base.types import CancelReceipt
from connectors.platforms.shopify import aftersales, documents, mapping
from connectors.platforms.shopify.wire import PAGE, Wire

RETURNS_SCOPE = "write_returns"


class Refunds(Wire):
    """Both are refunds there. A refund's note holds our reference, which is looked for first: the key that Shopify
    recognises a repeat by lives a day."""

    def cancel_lines(
        self, external_id: str, line_quantities: Mapping[str, int], *, reason: str, restock: bool, reference: str
    ) -> CancelReceipt:
        """Take these units out of what is to be fulfilled. Chosen over an edit of the order, which leaves no reference
        to find, needs a permission of its own and shows the buyer a balance. Shopify always restocks them."""
        order = self._refundable(external_id)
        if order["cancelledAt"] or aftersales.has_refund(order, reference):
            return CancelReceipt(is_cancelled=True)
        units = aftersales.units_of(order["lines"], line_quantities)
        note = f"{reason} {aftersales.marked(reference)}"
        self._record(external_id, aftersales.cancel_input(external_id, units, note=note), reference)
        detail = "" if restock else "Shopify put the items back into its stock"
        return CancelReceipt(is_cancelled=True, detail=detail)

    def record_refund(self, external_id: str, refund: Refund, *, reference: str) -> None:
        """Record the goods and the shipping of a refund at Shopify's own prices; the note says what was paid back. What
        a return of ours holds is reckoned with the return, and is not recorded twice. Where Shopify has less shipping
        left than that, it refuses all of it, and the goods are recorded alone."""
        order = self._refundable(external_id)
        if aftersales.has_refund(order, reference):
            return
        wanted = {line_id: units for line_id, units in refund.line_quantities.items() if units > 0}
        kept = aftersales.returned_ids(self._returns_of(external_id)) if wanted else set()
        still = {line_id: units for line_id, units in wanted.items() if line_id not in kept}
        if not wanted and refund.shipping <= 0:
            raise UnsupportedFeature("Shopify records a refund without money only of items or of the shipping")
        if not still and refund.shipping <= 0:
            return
        units = aftersales.units_of(order["lines"], still) if still else []
        made = aftersales.refund_input(external_id, units, refund, note=aftersales.refund_note(refund, reference))
        try:
            self._record(external_id, made, reference)
        except PermanentError as error:
            shipping = made.pop("shipping", None)
            if not (shipping and units and "shipping" in error.message.lower()):
                raise
            self._record(external_id, made, reference, kind=":goods")

    def _record(self, external_id: str, made: Mapping[str, Any], reference: str, *, kind: str = "") -> None:
        """One refund, under the key that its reference and kind make. A userError means that nothing was done."""
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"verisync:{external_id}:{reference}{kind}"))
        said = self._payload("refundCreate", documents.REFUND_CREATE, {"input": made, "key": key}, is_safe=False)
        if errors := said.get("userErrors"):
            # They have no codes: one may be about a repeat that was carried out before.
            if not aftersales.has_refund(self._refundable(external_id), reference):
                raise mapping.refusal(errors, "the refund")
        elif not said.get("refund"):
            raise OutcomeUnknown("Shopify's answer to the refund says neither yes nor no")

    def _refundable(self, external_id: str) -> dict[str, Any]:
        """The order with its refunds and all its `lines`."""
        pages = list(self._refundable_pages(external_id))
        return {**pages[0], "lines": [line for page in pages for line in page["lineItems"]["nodes"]]}

    def _refundable_pages(self, external_id: str) -> Iterator[dict[str, Any]]:
        after = None
        while True:
            asked = {"id": external_id, "first": PAGE, "after": after}
            order = self._ask("order.refundable", documents.REFUNDABLE, asked).get("order")
            if not order:
                raise PermanentError("The order is not in the shop any more", reason="REMOTE_ERROR")
            yield order
            info = order["lineItems"]["pageInfo"]
            if not info.get("hasNextPage"):
                return
            after = info["endCursor"]

    def _returns_of(self, external_id: str) -> list[dict[str, Any]]:
        """The order's returns; none where we were never allowed to make one."""
        granted = self.credentials.scopes if self.credentials else ()
        if granted and RETURNS_SCOPE not in granted:
            return []
        order = self._ask("order.returns", documents.ORDER_RETURNS, {"id": external_id}).get("order") or {}
        return list((order.get("returns") or {}).get("nodes") or [])
