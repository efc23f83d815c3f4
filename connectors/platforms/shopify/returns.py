"""Goods on their way back to a Shopify shop: a return without money, of which nobody is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.base.aftersales import GoodsBack, ReturnReceipt
from connectors.base.errors import OutcomeUnknown, PermanentError
from connectors.platforms.shopify import aftersales, documents, mapping
from connectors.platforms.shopify.refunds import Refunds

_RETURNABLE_PAGE = 2  # fulfillments of a hundred lines: what one query may cost


class Returns(Refunds):
    """Opened, processed with what becomes of the goods, and closed."""

    def record_return(self, external_id: str, goods: GoodsBack, *, reference: str) -> ReturnReceipt:
        """Open a return of what was shipped. There is no idempotency key: the notes of its lines hold the reference."""
        if found := aftersales.return_with(self._returns_of(external_id), reference):
            return self._receipt(external_id, found)
        asked = {"orderId": external_id}
        parcels = self._nodes(
            "returns.open", documents.RETURNABLE, asked, "returnableFulfillments", first=_RETURNABLE_PAGE
        )
        items = [item for parcel in parcels for item in parcel["returnableFulfillmentLineItems"]["nodes"]]
        variables = {"input": aftersales.return_input(external_id, items, goods, reference)}
        made = self._payload("returnCreate", documents.RETURN_CREATE, variables, is_safe=False)
        if made.get("userErrors"):
            raise mapping.refusal(made["userErrors"], "the return")
        if not made.get("return"):
            raise OutcomeUnknown("Shopify's answer to the return says neither yes nor no")
        return self._receipt(external_id, made["return"])

    def close_return(self, external_id: str, return_id: str, *, has_arrived: bool, restock: bool) -> ReturnReceipt:
        """Process what arrived and close, or cancel what came to nothing. What is done already is not done again."""
        if not return_id:
            return ReturnReceipt("")
        node = self._return(return_id)
        detail = ""
        if node["status"] == "OPEN" and not has_arrived:
            self._change("returnCancel", documents.RETURN_CANCEL, {"id": return_id}, return_id, "CANCELED")
        elif node["status"] == "OPEN":
            places = self._places(external_id) if restock else {}
            if aftersales.has_unprocessed(node):
                process = {"input": aftersales.process_input(node, places)}
                self._change("returnProcess", documents.RETURN_PROCESS, process, return_id, "")
            if self._return(return_id)["status"] == "OPEN":
                self._change("returnClose", documents.RETURN_CLOSE, {"id": return_id}, return_id, "CLOSED")
            if restock and not places:
                detail = "Shopify does not say where the goods left from, so they were not put into stock"
        return self._receipt(external_id, self._return(return_id), detail)

    def _change(self, mutation: str, document: str, variables: dict[str, Any], return_id: str, wanted: str) -> None:
        """A step of a return. A refusal is none where the return, read again, stands there already."""
        made = self._payload(mutation, document, variables, is_safe=False)
        if errors := made.get("userErrors"):
            if not wanted and not aftersales.has_unprocessed(self._return(return_id)):
                return
            if self._return(return_id)["status"] != wanted:
                raise mapping.refusal(errors, "the change of the return")
        elif not made.get("return"):
            raise OutcomeUnknown("Shopify's answer to the return says neither yes nor no")

    def _return(self, return_id: str) -> dict[str, Any]:
        found = self._ask("return", documents.RETURN, {"id": return_id}).get("return")
        if not found:
            raise PermanentError("The return is not in the shop any more", reason="REMOTE_ERROR")
        return dict(found)

    def _places(self, external_id: str) -> dict[str, str]:
        order = self._ask("order.places", documents.LEFT_FROM, {"id": external_id}).get("order") or {}
        return aftersales.left_from(order)

    def _receipt(self, external_id: str, node: Mapping[str, Any], detail: str = "") -> ReturnReceipt:
        number = external_id.rpartition("/")[2]
        url = f"{self._shop_url(self._shop)}/admin/orders/{number}"
        return ReturnReceipt(str(node["id"]), name=str(node.get("name") or ""), url=url, detail=detail)
