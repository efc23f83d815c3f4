"""Orders of a Shopify shop: looking, making, cancelling; and the products they are of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.base.errors import OutcomeUnknown, PermanentError, UnreadableAnswer
from connectors.base.types import CancelReceipt, CreateRequest, OrderDraft, PlacedOrder, Variant
from connectors.platforms.shopify import documents, mapping
from connectors.platforms.shopify.wire import PAGE, Wire

_CATALOG_PAGE = 100
_SKUS_PER_SEARCH = 10
_REFERENCES_PER_SEARCH = 20
_CANCEL_REASONS = frozenset(["CUSTOMER", "DECLINED", "FRAUD", "INVENTORY", "OTHER", "STAFF"])


class Orders(Wire):
    """What the shop holds."""

    def find_order(self, reference: str, *, since: datetime) -> PlacedOrder | None:
        """`find_orders` for one."""
        found = self.find_orders([reference], since=since).get(reference)
        assert not isinstance(found, PermanentError)
        return found

    def find_orders(self, references: Sequence[str], *, since: datetime) -> dict[str, PlacedOrder | PermanentError]:
        """By the unique metafield, then by search, which lags: absence is no proof right after a create.

        Raises if either look-up failed: that is never "absent".
        """
        found: dict[str, PlacedOrder | PermanentError] = {}
        for start in range(0, len(references), _REFERENCES_PER_SEARCH):
            batch = references[start : start + _REFERENCES_PER_SEARCH]
            for reference, node in self._by_metafield(batch) + self._by_search(batch):
                if reference in batch and reference not in found:
                    found[reference] = mapping.placed_order(node, self._shop_url(self._shop))
        return found

    def _by_metafield(self, references: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
        custom = {"namespace": mapping.NAMESPACE, "key": mapping.REFERENCE_KEY}
        asked = {
            f"i{place}": {"customId": {**custom, "value": reference}} for place, reference in enumerate(references)
        }
        data = self._ask("orders.find", documents.orders_by_reference(len(references)), asked)
        nodes = ((reference, data.get(f"o{place}")) for place, reference in enumerate(references))
        return [(reference, node) for reference, node in nodes if node]

    def _by_search(self, references: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
        query = " OR ".join(f"source_identifier:{mapping.quoted(reference)}" for reference in references)
        nodes = self._nodes("orders.search", documents.ORDERS, {"query": query}, "orders")
        return [(str(node.get("sourceIdentifier")), node) for node in nodes]

    def rendered(self, draft: OrderDraft, *, reference: str) -> CreateRequest:
        """The document and its variables."""
        body = {"query": documents.ORDER_CREATE, "variables": mapping.order_create(draft, reference)}
        return CreateRequest("POST", self._graphql, json.dumps(body))

    def create_order(self, draft: OrderDraft, *, reference: str) -> PlacedOrder:
        """Create the order, paid elsewhere. Not repeatable: after OutcomeUnknown, find_order first."""
        body = self.rendered(draft, reference=reference).body
        made = self._part("orderCreate", self._run("orderCreate", body, is_safe=False), is_safe=False)
        if made.get("order"):
            try:
                return mapping.placed_order(made["order"], self._shop_url(self._shop))
            except UnreadableAnswer as error:
                raise OutcomeUnknown("Shopify's answer to the new order could not be read") from error
        if made.get("userErrors"):
            raise mapping.refusal(made["userErrors"], "the order", json.loads(body)["variables"])
        raise OutcomeUnknown("Shopify's answer to the new order says neither yes nor no")

    def cancel_order(self, external_id: str, *, reason: str, restock: bool) -> CancelReceipt:
        """Cancel without moving money, in a job of Shopify's: False means ask again. May be repeated."""
        word = reason.upper() if reason.upper() in _CANCEL_REASONS else "OTHER"
        variables = {"orderId": external_id, "reason": word, "restock": restock, "staffNote": reason[:255]}
        made = self._payload("orderCancel", documents.ORDER_CANCEL, variables, is_safe=False)
        job, errors = made.get("job") or {}, made.get("orderCancelUserErrors") or []
        for _ in range(3):
            if errors or job.get("done") or not job.get("id"):
                break
            job = self._ask("job", documents.JOB, {"id": job["id"]}).get("job") or {}
        order = self.fetch_order(external_id)
        if order is not None and order.is_cancelled:
            return CancelReceipt(is_cancelled=True)
        if errors:
            raise mapping.refusal(errors, "the cancellation")
        return CancelReceipt(is_cancelled=False, detail="Shopify is still working on the cancellation")

    def fetch_order(self, external_id: str) -> PlacedOrder | None:
        """The order as it stands; None if it was deleted. Its lines are asked for only where it was edited or has a
        refund: nothing else takes units out."""
        node = self._ask("order", documents.ORDER, {"id": external_id}).get("order")
        if not node:
            return None
        placed = mapping.placed_order(node, self._shop_url(self._shop))
        if placed.is_cancelled or not (node.get("edited") or node.get("refunds")):
            return placed
        return replace(placed, taken_out=mapping.taken_out(self._lines_of_order(external_id)))

    def _lines_of_order(self, external_id: str) -> Iterator[dict[str, Any]]:
        after = None
        while True:
            asked = {"id": external_id, "first": PAGE, "after": after}
            order = self._ask("order.lines", documents.ORDER_LINES, asked).get("order") or {}
            page = order.get("lineItems") or {}
            yield from page.get("nodes") or []
            info = page.get("pageInfo") or {}
            if not info.get("hasNextPage"):
                return
            after = info["endCursor"]

    def orders_changed_since(self, moment: datetime) -> Iterator[PlacedOrder]:
        """Our orders changed since then, oldest change first."""
        query = f"updated_at:>='{mapping.iso(moment)}' AND tag:'{mapping.MARK}'"
        for node in self._nodes("orders.changed", documents.ORDERS, {"query": query}, "orders"):
            yield mapping.placed_order(node, self._shop_url(self._shop))

    def find_variants(self, skus: Sequence[str]) -> dict[str, list[Variant]]:
        """Every variant with exactly this SKU, ignoring case and outer spaces. SKUs are not unique there."""
        found: dict[str, list[Variant]] = {sku: [] for sku in skus}
        asked = [sku for sku in found if sku.strip()]
        for start in range(0, len(asked), _SKUS_PER_SEARCH):
            batch = asked[start : start + _SKUS_PER_SEARCH]
            query = " OR ".join(f"sku:{mapping.quoted(sku.strip())}" for sku in batch)
            for node in self._nodes("variants.search", documents.VARIANTS, {"query": query}, "productVariants"):
                hit = mapping.variant(node)
                for sku in batch:
                    if sku.strip().casefold() == hit.sku.strip().casefold():
                        found[sku].append(hit)
        return found

    def list_variants(self) -> Iterator[Variant]:
        """The whole catalog."""
        for node in self._nodes("variants.list", documents.CATALOG, {}, "productVariants", first=_CATALOG_PAGE):
            yield mapping.variant(node)
