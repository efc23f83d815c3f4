"""The goods of an order at Shopify: what left, what is kept back, what goes on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.base.errors import OutcomeUnknown, PermanentError, TemporaryError
from connectors.base.types import OrderDraft, Shipment
from connectors.platforms.shopify import documents, mapping
from connectors.platforms.shopify.wire import PAGE, Wire

logger = logging.getLogger(__name__)

# https://shopify.dev/docs/api/admin-graphql/latest/enums/FulfillmentOrderHoldUserErrorCode (schema 2026-07)
_HELD_BEFORE = frozenset(["DUPLICATE_FULFILLMENT_HOLD_HANDLE"])


class Fulfillment(Wire):
    """Parcels and holds."""

    def shipments_of(self, external_id: str) -> list[Shipment]:
        """Every parcel of the order, cancelled ones marked. A deleted order has none.

        Where they go is told only to apps that were approved for protected customer data:
        https://shopify.dev/docs/apps/launch/protected-customer-data (notes of 2026-09)
        """
        order = self._shipped(external_id, fulfillments=10, lines=10)
        if len(order.get("fulfillments") or []) >= 10:
            # A plain list without a cursor: ask for more with fewer lines each, to stay under 1,000 points.
            order = self._shipped(external_id, fulfillments=50, lines=1)
        went_to = str((order.get("shippingAddress") or {}).get("zip") or "")
        found: list[Shipment] = []
        for node in order.get("fulfillments") or []:
            found += mapping.shipments(node, self._lines_of(node), went_to=went_to)
        return found

    def _shipped(self, external_id: str, *, fulfillments: int, lines: int) -> dict[str, Any]:
        asked = {"id": external_id, "fulfillments": fulfillments, "lines": lines}
        answer = self._ask("order.shipments", documents.SHIPMENTS, asked, spared="shippingAddress")
        return answer.get("order") or {}

    def hold_order(self, external_id: str) -> None:
        """Put our hold on each fulfillment order. Shopify makes those a moment after the order: until then, again. One
        that the warehouse works on already cannot be held: a PermanentError, after the others are held.

        https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentOrderHold (notes of 2026-09)
        """
        order = self._held(external_id)
        nodes = (order.get("fulfillmentOrders") or {}).get("nodes") or []
        if order and not order.get("cancelledAt") and not nodes:
            raise TemporaryError("Shopify has not planned the order's fulfillment yet", retry_after=2.0)
        for node in nodes:
            if mapping.own_holds(node) or node.get("status") not in ("OPEN", "ON_HOLD", "SCHEDULED"):
                continue
            variables = {"id": node["id"], "hold": mapping.hold_input()}
            # May be repeated, but not at any time: one that comes after the release stays.
            made = self._payload("fulfillmentOrderHold", documents.HOLD, variables, is_safe=False)
            wrong = [each for each in made.get("userErrors") or [] if each.get("code") not in _HELD_BEFORE]
            if wrong:
                raise mapping.refusal(wrong, "the hold")
        if any(node.get("status") == "IN_PROGRESS" for node in nodes):
            raise PermanentError(
                "The warehouse works on it already, so Shopify keeps it back no more", reason="REMOTE_ERROR"
            )

    def release_order(self, external_id: str, draft: OrderDraft) -> None:
        """Address and e-mail first, then the payment, then our hold; the holds of others stay."""
        order = self._held(external_id)
        given = mapping.order_update(external_id, draft)
        made = self._payload("orderUpdate", documents.ORDER_UPDATE, {"input": given}, is_safe=True)
        if made.get("userErrors"):
            raise mapping.refusal(made["userErrors"], "the buyer's data", {"order": given})
        if draft.total > 0 and order.get("displayFinancialStatus") == "PENDING":
            paid = self._payload("orderMarkAsPaid", documents.MARK_PAID, {"input": {"id": external_id}}, is_safe=True)
            if paid.get("userErrors") and self._held(external_id).get("displayFinancialStatus") != "PAID":
                raise mapping.refusal(paid["userErrors"], "the payment")
        untagged = {"id": external_id, "tags": [mapping.HOLD_TAG]}
        if self._payload("tagsRemove", documents.TAGS_REMOVE, untagged, is_safe=True).get("userErrors"):
            logger.warning("Shopify kept the tag %s on %s", mapping.HOLD_TAG, external_id)
        self._end_holds(order)

    def resume_order(self, external_id: str) -> None:
        """End our hold; those of others stay."""
        self._end_holds(self._held(external_id))

    def _end_holds(self, order: Mapping[str, Any]) -> None:
        for node in (order.get("fulfillmentOrders") or {}).get("nodes") or []:
            if holds := mapping.own_holds(node):
                ended = {"id": node["id"], "holdIds": holds}
                made = self._payload("fulfillmentOrderReleaseHold", documents.RELEASE_HOLD, ended, is_safe=True)
                if made.get("userErrors"):
                    raise mapping.refusal(made["userErrors"], "the end of the hold")

    def _held(self, external_id: str) -> dict[str, Any]:
        return self._ask("order.held", documents.HELD, {"id": external_id}).get("order") or {}

    def move_order(self, external_id: str, location_id: str) -> None:
        """Move each fulfillment order that is elsewhere. Shopify makes them soon after the order: until then, again.

        https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentOrderMove (schema 2026-07, read 2026-11)
        """
        wanted = mapping.location_gid(location_id)
        order = self._ask("order.located", documents.LOCATED, {"id": external_id}).get("order") or {}
        nodes = (order.get("fulfillmentOrders") or {}).get("nodes") or []
        if order and not order.get("cancelledAt") and not nodes:
            raise TemporaryError("Shopify has not planned the order's fulfillment yet", retry_after=2.0)
        for node in nodes:
            if not mapping.is_elsewhere(node, wanted):
                continue
            asked = {"id": node["id"], "location": wanted}
            made = self._payload("fulfillmentOrderMove", documents.MOVE, asked, is_safe=True)
            if made.get("userErrors"):
                raise self._why_not_moved(node["id"], wanted, made["userErrors"])

    def _why_not_moved(self, node_id: str, location: str, errors: Sequence[Mapping[str, Any]]) -> PermanentError:
        """In the words of the list of locations, which says more than the refusal."""
        asked = {"id": node_id, "locations": [location]}
        found = self._ask("order.movable", documents.MOVABLE, asked).get("fulfillmentOrder") or {}
        said = ((found.get("locationsForMove") or {}).get("nodes") or [{}])[0].get("message")
        return PermanentError(str(said or errors[0].get("message"))[:300], reason="NOT_SUPPORTED")

    def record_shipment(self, external_id: str, shipment: Shipment) -> None:
        """Fulfill what is open, or the parcel's lines, under its number. Not repeatable: look at shipments_of first.

        https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentCreate (notes of 2026-09)
        """
        asked = self._ask("order.fulfillable", documents.FULFILLMENT_ORDERS, {"id": external_id})
        nodes = ((asked.get("order") or {}).get("fulfillmentOrders") or {}).get("nodes") or []
        is_open = [node for node in nodes if node.get("status") in ("OPEN", "IN_PROGRESS")]
        variables = {"fulfillment": mapping.fulfillment_input(is_open, shipment)}
        made = self._payload("fulfillmentCreate", documents.FULFILLMENT_CREATE, variables, is_safe=False)
        if made.get("userErrors"):
            raise mapping.refusal(made["userErrors"], "the parcel")
        if not made.get("fulfillment"):
            raise OutcomeUnknown("Shopify's answer to the parcel says neither yes nor no")

    def _lines_of(self, fulfillment: Mapping[str, Any]) -> list[dict[str, Any]]:
        page = fulfillment.get("fulfillmentLineItems") or {}
        lines = list(page.get("nodes") or [])
        while (page.get("pageInfo") or {}).get("hasNextPage"):
            asked = {"id": fulfillment["id"], "first": PAGE, "after": page["pageInfo"]["endCursor"]}
            answer = self._ask("fulfillment.lines", documents.SHIPMENT_LINES, asked).get("fulfillment") or {}
            page = answer.get("fulfillmentLineItems") or {}
            lines += page.get("nodes") or []
        return lines
