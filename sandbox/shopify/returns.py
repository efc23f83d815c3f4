"""Returns: goods on their way back, with the reverse fulfillment order that says what became of them."""

from __future__ import annotations

from typing import Any

from sandbox.shopify import stock, units
from sandbox.shopify.errors import Refused
from sandbox.shopify.notices import Notices
from sandbox.shopify.state import Shop, State

NOTE = 255
# [guess] the library, beyond the handles that the schema's own text names. The last one is a deleted one.
REASONS = (
    ("arrived-late", "Arrived late"),
    ("color-too-bright", "Color too bright"),
    ("comfort", "Comfort"),
    ("damaged", "Damaged or defective"),
    ("not-as-described", "Not as described"),
    ("quality", "Quality"),
    ("too-tight", "Too tight"),
    ("unwanted", "Changed their mind"),
    ("wrong-item", "Received the wrong item"),
    ("other", "Other"),
    ("style", "Style"),
)
DELETED = frozenset({"style"})
# A disposition that is not the last word on a unit.
INTERIM = "PROCESSING_REQUIRED"


def reasons() -> list[dict[str, Any]]:
    """Every return reason definition, deleted ones included."""
    return [
        {
            "id": f"gid://shopify/ReturnReasonDefinition/{place}",
            "handle": handle,
            "name": name,
            "deleted": handle in DELETED,
        }
        for place, (handle, name) in enumerate(REASONS, start=1)
    ]


class Returns:
    def __init__(self, state: State, notices: Notices) -> None:
        self.state = state
        self.notices = notices

    def create(
        self, shop: Shop, order: dict[str, Any], lines: list[dict[str, Any]], *, made_by: str = "app"
    ) -> dict[str, Any]:
        """Open at once. `lines` are {item, line, quantity, reason, definition, note}, checked before."""
        new = self.state.new_gid
        reverse_lines = [
            {
                "id": new("ReverseFulfillmentOrderLineItem"),
                **{name: one[name] for name in ("item", "line", "quantity")},
                "dispositions": [],
            }
            for one in lines
        ]
        made: dict[str, Any] = {
            "id": new("Return"),
            "name": f"{order['name']}-R{len(order['returns']) + 1}",
            "status": "OPEN",
            "created": self.state.world.now(),
            "closed": None,
            "lines": [{"id": new("ReturnLineItem"), "processed": 0, "refunded": 0, **one} for one in lines],
            "reverse": {
                "id": new("ReverseFulfillmentOrder"),
                "status": "OPEN",
                "lines": reverse_lines,
                "deliveries": [],
            },
        }
        order["returns"].append(made)
        for part in (made, *made["lines"], made["reverse"], *reverse_lines):
            shop.return_of[part["id"]] = (order, made)
        note = next((one["note"] for one in lines if one["note"]), "")
        self._enter(order, made, "return.created", note=note, by=made_by)
        self.notices.returned(shop, "RETURNS_APPROVE", order, made)
        self._touch(shop, order)
        return made

    def close(self, shop: Shop, order: dict[str, Any], one: dict[str, Any], *, made_by: str = "app") -> None:
        self._move(one, "OPEN", "CLOSED")
        one["closed"] = self.state.world.now()
        one["reverse"]["status"] = "CLOSED"  # [guess]
        self._enter(order, one, "return.closed", by=made_by)
        self.notices.returned(shop, "RETURNS_CLOSE", order, one)
        self._touch(shop, order)

    def reopen(self, shop: Shop, order: dict[str, Any], one: dict[str, Any], *, made_by: str = "app") -> None:
        self._move(one, "CLOSED", "OPEN")
        one["closed"] = None
        one["reverse"]["status"] = "OPEN" if any(left(line) for line in one["reverse"]["lines"]) else "CLOSED"
        self._enter(order, one, "return.reopened", by=made_by)
        self.notices.returned(shop, "RETURNS_REOPEN", order, one)
        self._touch(shop, order)

    def cancel(self, shop: Shop, order: dict[str, Any], one: dict[str, Any], *, made_by: str = "app") -> None:
        """Only before any work was done; the items are fulfilled again."""
        has_begun = any(line["processed"] or line["refunded"] for line in one["lines"])
        if has_begun or any(line["dispositions"] for line in one["reverse"]["lines"]):
            raise Refused("Return cannot be canceled after work on it has begun", "id", code="INVALID_STATE")
        self._move(one, "OPEN", "CANCELED")
        one["reverse"]["status"] = "CANCELED"
        self._enter(order, one, "return.cancelled", by=made_by)
        self.notices.returned(shop, "RETURNS_CANCEL", order, one)
        self._touch(shop, order)

    def _move(self, one: dict[str, Any], before: str, after: str) -> None:
        if one["status"] != before:
            raise Refused(f"Return is {one['status'].lower()}", "id", code="INVALID_STATE")
        one["status"] = after

    def dispose(
        self,
        shop: Shop,
        order: dict[str, Any],
        one: dict[str, Any],
        given: list[dict[str, Any]],
        *,
        made_by: str = "app",
    ) -> None:
        """Says what became of units; those that are RESTOCKED are in stock again. Checked before."""
        for each in given:
            line = reverse_line(one, each["reverseFulfillmentOrderLineItemId"])
            line["dispositions"].append(
                {
                    "id": self.state.new_gid("ReverseFulfillmentOrderDisposition"),
                    "type": each["dispositionType"],
                    "quantity": each["quantity"],
                    "location": each.get("locationId"),
                    "created": self.state.world.now(),
                }
            )
            counts = [(line["line"], each["quantity"])]
            facts = {"lines": units.by_sku(order, counts), "type": each["dispositionType"], "by": made_by}
            self.state.world.ledger_add("shopify", "return.disposed", one["id"], order=order["id"], **facts)
            if each["dispositionType"] == "RESTOCKED":
                stock.give_back(self.state, shop, order, dict(counts), is_claimed=False, why="return")
        if not any(left(line) for line in one["reverse"]["lines"]):
            one["reverse"]["status"] = "CLOSED"
        self.notices.disposed(shop, one, given)
        self._touch(shop, order)

    def process(
        self, shop: Shop, order: dict[str, Any], one: dict[str, Any], counts: list[tuple[dict[str, Any], int]]
    ) -> None:
        """Confirms that so many units of its lines came back. Checked before."""
        for line, count in counts:
            line["processed"] += count
        lines = units.by_sku(order, ((line["line"], count) for line, count in counts))
        self.state.world.ledger_add("shopify", "return.processed", one["id"], order=order["id"], lines=lines)
        self.notices.processed(shop, one)
        self._touch(shop, order)

    def deliver(
        self,
        shop: Shop,
        order: dict[str, Any],
        one: dict[str, Any],
        rows: list[tuple[str, int]],
        tracking: dict[str, Any],
    ) -> dict[str, Any]:
        """A parcel on its way back, of so many units of these reverse lines."""
        made: dict[str, Any] = {
            "id": self.state.new_gid("ReverseDelivery"),
            "tracking": tracking,
            "rows": [
                {"id": self.state.new_gid("ReverseDeliveryLineItem"), "reverse_line": gid, "quantity": count}
                for gid, count in rows
            ],
        }
        one["reverse"]["deliveries"].append(made)
        shop.return_of[made["id"]] = (order, one)
        number = tracking.get("number") or ""
        self._enter(order, one, "return.shipped", tracking_number=number)
        self.notices.coming_back(shop, one, made)
        self._touch(shop, order)
        return made

    def _enter(self, order: dict[str, Any], one: dict[str, Any], event: str, **facts: Any) -> None:
        lines = units.by_sku(order, ((line["line"], line["quantity"]) for line in one["lines"]))
        reference = order["sourceIdentifier"]
        self.state.world.ledger_add(
            "shopify", event, one["id"], order=order["id"], reference=reference, lines=lines, **facts
        )

    def _touch(self, shop: Shop, order: dict[str, Any]) -> None:
        self.state.touch(order)
        self.notices.order(shop, "ORDERS_UPDATED", order)


def status_of(order: dict[str, Any]) -> str:
    """Order.returnStatus."""
    live = units.live_returns(order)
    running = [one for one in live if one["status"] == "OPEN"]
    if running:
        is_seen = all(not left(line) for one in running for line in one["reverse"]["lines"])
        return "INSPECTION_COMPLETE" if is_seen else "IN_PROGRESS"
    return "RETURNED" if live else "NO_RETURN"


def left(line: dict[str, Any]) -> int:
    """Units of a reverse line of which nobody has said the last word."""
    done = (one["quantity"] for one in line["dispositions"] if one["type"] != INTERIM)
    return int(line["quantity"] - sum(done))


def reverse_line(one: dict[str, Any], gid: str) -> dict[str, Any]:
    found: dict[str, Any] = next(line for line in one["reverse"]["lines"] if line["id"] == gid)
    return found
