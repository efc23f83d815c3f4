"""Goods that go back to Amazon's warehouse, where the merchant has them sent there."""

from __future__ import annotations

from typing import Any

from connectors.base.aftersales import GoodsBack, ReturnReceipt
from connectors.base.errors import PermanentError
from connectors.platforms.amazon import aftersales
from connectors.platforms.amazon.wire import Wire


class Returns(Wire):
    """A return of a fulfillment order. https://developer-docs.amazon.com/sp-api/docs/fulfillment-outbound-api (read
    2026-11): nothing closes one, and nothing takes it back."""

    def record_return(self, external_id: str, goods: GoodsBack, *, reference: str) -> ReturnReceipt:
        """Announce each unit under an id of its own that begins with the reference, by which a repeat is told."""
        if self._options.get("returns_to") != "amazon":
            return ReturnReceipt("", detail="The goods come back to you, so Amazon has nothing to record")
        payload = self._order(external_id)
        if aftersales.announced(payload, reference):
            return aftersales.receipt(payload, reference)
        units = aftersales.units_of(payload, goods.line_quantities)
        reasons = {sku: self._reason(sku, external_id, goods) for sku in dict.fromkeys(unit.sku for unit in units)}
        items = aftersales.return_items(units, goods, reference, reasons)
        said = self._outbound().create_return(external_id, items)
        if not aftersales.announced(said, reference):
            again = self._order(external_id)
            if aftersales.announced(again, reference):
                return aftersales.receipt(again, reference)
            raise aftersales.refusal(said)
        return aftersales.receipt(said, reference, missing=len(items) - len(aftersales.announced(said, reference)))

    def close_return(self, external_id: str, return_id: str, *, has_arrived: bool, restock: bool) -> ReturnReceipt:
        """Changes nothing: Amazon closes it itself. Says what it made of the goods so far."""
        if not return_id:
            return ReturnReceipt("")
        return aftersales.receipt(self._order(external_id), return_id)

    def _reason(self, sku: str, order_id: str, goods: GoodsBack) -> str:
        told = self._outbound().return_reasons(sku, order_id, self._market.id)
        code = aftersales.reason_code(told, goods.reason_text)
        if not code:
            raise PermanentError(f"Amazon names no reason for which {sku} may come back", reason="REMOTE_ERROR")
        return code

    def _order(self, external_id: str) -> dict[str, Any]:
        payload = self._outbound().get(external_id)
        if payload is None:
            raise PermanentError("Amazon does not know this order", reason="REMOTE_ERROR")
        return payload
