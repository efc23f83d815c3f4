"""Reporting shipments: Mark Package As Shipped, Ship Package, changing the tracking, reading it."""

from __future__ import annotations

import re
from typing import Any

from sandbox.tiktok_shop.calls import Call
from sandbox.tiktok_shop.cancellations import close_pending, pending_of
from sandbox.tiktok_shop.cast import CARRIERS
from sandbox.tiktok_shop.eligibility import parcel_is_stopped
from sandbox.tiktok_shop.envelope import STRING, STRINGS, Refusal, bad_request, check_fields
from sandbox.tiktok_shop.notices import Notices
from sandbox.tiktok_shop.rows import lines_of
from sandbox.tiktok_shop.state import Order

# What the carriers' own numbers look like; enough to play the platform's later check.
NUMBER_SHAPES = (
    (re.compile(r"1Z[0-9A-Z]{16}"), "UPS"),
    (re.compile(r"9[2-5]\d{18,20}"), "USPS"),
    (re.compile(r"\d{12}|\d{15}"), "FedEx"),
    (re.compile(r"GM\d{16,18}"), "DHL eCommerce"),
    (re.compile(r"[A-Z]{2}\d{9}GB"), "Royal Mail"),
    (re.compile(r"\d{14}"), "DPD UK"),
    (re.compile(r"H\d{15}|[A-Z]\d{2}[A-Z0-9]{13}"), "Evri"),
)
UPDATE_WINDOW = 72 * 3600
SHIPPED = frozenset({"AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED"})
TRACKING_FIELDS = {"tracking_number": STRING, "shipping_provider_id": STRING}
REQUIRED = ("tracking_number", "shipping_provider_id")


class Shipping:
    def __init__(self, notices: Notices) -> None:
        self.notices = notices

    def mark_shipped(self, call: Call) -> dict[str, Any]:
        check_fields(call.body, {**TRACKING_FIELDS, "order_line_item_ids": STRINGS}, REQUIRED)
        order = call.order(call.args["order_id"], code=21011028)
        self._check_party(order)
        if not call.shop.market.marks_orders:
            raise Refusal(21008106, "This market must use Ship Package")
        self._check_state(call, order)
        lines = self._lines(order, call.body.get("order_line_item_ids"))
        self._check_after_sales(call, order, lines)
        warning = self._check_number(call, order)
        package_id = self._ship(call, order, lines)
        data: dict[str, Any] = {
            "order_id": order.id,
            "order_line_item_ids": [line["id"] for line in lines],
            "package_id": package_id,
        }
        return {**data, "warning": {"message": warning}} if warning else data

    def ship_by_platform(self, call: Call) -> dict[str, Any]:
        """The platform's own parcel: never through the API."""
        order = call.order(call.args["order_id"], code=21011028)
        if order.data["fulfillment_type"] == "FULFILLMENT_BY_SELLER" and order.data["shipping_type"] == "SELLER":
            raise Refusal(21008106, "The seller ships this order")
        self._check_state(call, order)
        lines = self._lines(order, call.body.get("order_line_item_ids"))
        self._check_after_sales(call, order, lines)
        return {"order_id": order.id, "package_id": self._ship(call, order, lines)}

    def ship_package(self, call: Call) -> dict[str, Any]:
        shipment = call.body.get("self_shipment")
        if not isinstance(shipment, dict):
            raise bad_request("param body.self_shipment is missing")
        check_fields(shipment, TRACKING_FIELDS, REQUIRED)
        call.body = shipment
        order, package_id = self._package(call)
        self._check_party(order)
        if call.shop.market.marks_orders:
            raise Refusal(21008106, "This market must use Mark Package As Shipped")
        self._check_state(call, order)
        lines = [line for line in _open_lines(order) if line.get("package_id") == package_id]
        if not lines:
            raise Refusal(21008099, "The package has been shipped")
        self._check_after_sales(call, order, lines)
        self._check_number(call, order)
        self._ship(call, order, lines)
        return {}

    def update_info(self, call: Call) -> dict[str, Any]:
        check_fields(call.body, TRACKING_FIELDS, REQUIRED)
        if "package_id" in call.args:
            order, package_id = self._package(call)
        else:
            order = call.order(call.args["order_id"], code=21011028)
            if len(order.data["packages"]) > 1:
                raise Refusal(21011048, "The order has several packages")
            package_id = order.data["packages"][0]["id"] if order.data["packages"] else ""
        self._check_change(call, order, package_id)
        self._check_number(call, order, package_id)
        lines = [line for line in order.lines if line.get("package_id") == package_id]
        self._write(call, order, lines, package_id)
        order.tracking_changes += 1
        call.state.save(order)
        self._ledger(call, order, lines, package_id, "package.tracking_updated")
        return {}

    def tracking(self, call: Call) -> dict[str, Any]:
        """Newest first, in milliseconds."""
        data = call.order(call.args["order_id"], code=21011028).data
        steps = (
            ("rts_time", "The seller has shipped the package", 10),
            ("collection_time", "The carrier has the package", 20),
            ("delivery_time", "The package was delivered", 50),
        )
        rows = [
            {"description": text, "update_time_millis": data[field] * 1000, "action_code": action}
            for field, text, action in steps
            if data.get(field)
        ]
        return {"tracking": rows[::-1]}

    def package_detail(self, call: Call) -> dict[str, Any]:
        order, package_id = self._package(call)
        lines = [line for line in order.lines if line.get("package_id") == package_id]
        return {
            "package_id": package_id,
            "orders": [{"id": order.id, "skus": [{"id": line["sku_id"], "quantity": 1} for line in lines]}],
            "package_status": lines[0].get("package_status", "TO_FULFILL") if lines else "CANCELLED",
            "order_line_item_ids": [line["id"] for line in lines],
            "shipping_type": order.data["shipping_type"],
            "tracking_number": lines[0].get("tracking_number", "") if lines else "",
            "shipping_provider_id": lines[0].get("shipping_provider_id", "") if lines else "",
            "shipping_provider_name": lines[0].get("shipping_provider_name", "") if lines else "",
            "update_time": order.data["update_time"],
        }

    def _check_party(self, order: Order) -> None:
        if order.data["fulfillment_type"] != "FULFILLMENT_BY_SELLER":
            raise Refusal(21008025, "The order is fulfilled by the platform")
        if order.data["shipping_type"] != "SELLER":
            raise Refusal(21008106, "Tracking cannot be uploaded for this shipping type")

    def _check_state(self, call: Call, order: Order) -> None:
        if order.status == "ON_HOLD":
            text = "Order status is on hold. Please process when order status update to awaiting shipment"
            raise Refusal(21011044, text)
        if order.status == "CANCELLED":
            raise Refusal(21011041, "The order has been cancelled")
        if order.status in SHIPPED:
            raise Refusal(21011040, "The order has been shipped")  # [guess] which of the six codes of a repeat
        if order.status == "UNPAID":
            raise Refusal(21011007, "The order is not paid")  # [guess]

    def _check_after_sales(self, call: Call, order: Order, lines: list[dict[str, Any]]) -> None:
        """A return that is open stops the parcel; a request to cancel does so outside the US."""
        is_stopped = any(parcel_is_stopped(call.state, order, line["id"]) for line in lines)
        if is_stopped or (call.shop.region != "US" and pending_of(call.state, order) is not None):
            raise Refusal(21011007, "The order has an after-sale request")

    def _lines(self, order: Order, wanted: list[str] | None) -> list[dict[str, Any]]:
        if wanted is None:
            if order.status == "PARTIALLY_SHIPPING":
                raise Refusal(21011048, "The order has several packages, name the lines")
            return _open_lines(order)
        known = {line["id"]: line for line in order.lines}
        if len(set(wanted)) != len(wanted) or any(one not in known for one in wanted):
            raise Refusal(21011029, "The order line does not belong to the package")
        chosen = [known[one] for one in wanted]
        if any(line["display_status"] == "CANCELLED" for line in chosen):
            raise Refusal(21011041, "The order line has been cancelled")
        if any(line.get("rts_time") for line in chosen):
            raise Refusal(21011006, "The order line has been shipped")
        return chosen

    def _check_number(self, call: Call, order: Order, package_id: str = "") -> str:
        """Refuses a bad number; returns the warning that goes with a doubtful one."""
        number, carrier_id = call.body["tracking_number"], call.body["shipping_provider_id"]
        if not re.fullmatch(r"[A-Za-z0-9-]+", number):
            raise Refusal(21004012, "The tracking number has special characters")
        carrier = CARRIERS[call.shop.region].get(carrier_id)
        if carrier is None or len(number) > 50:
            raise Refusal(21011022, "The tracking number or the shipping provider id is invalid")
        self._check_reuse(call, order, number, package_id)
        if call.shop.tracking_check == "off":
            return ""
        matches = [name for shape, name in NUMBER_SHAPES if shape.fullmatch(number)]
        if carrier in matches or carrier not in {name for _, name in NUMBER_SHAPES}:
            return ""
        if call.shop.tracking_check == "refuse":
            code = 21004015 if matches else 11028006
            raise Refusal(code, "The tracking number does not match the shipping provider")
        if not matches:
            return "No carrier found for this tracking number"
        return f"The tracking number matches another carrier. Did you mean to select {matches[0]}?"

    def _check_reuse(self, call: Call, order: Order, number: str, package_id: str) -> None:
        """One number may serve up to 20 orders of one name and address."""
        same = (
            order.data["recipient_address"].get("full_address"),
            order.data["recipient_address"].get("name"),
        )
        others = 0
        for order_id in call.state.tracked.get(number, ()):
            other = call.state.orders[order_id]
            users = [line for line in other.lines if line.get("tracking_number") == number]
            if not users:
                continue
            if other is order:
                if any(line.get("package_id") != package_id for line in users):  # [guess] the carrier alone may change
                    raise Refusal(21011025, "Duplicate tracking number")
                continue
            address = other.data["recipient_address"]
            if (address.get("full_address"), address.get("name")) != same:
                raise Refusal(21034012, "The tracking number is already used")
            others += 1
        if others >= 20:
            raise Refusal(21011026, "The tracking number is used too many times")

    def _package(self, call: Call) -> tuple[Order, str]:
        package_id = call.args["package_id"]
        for order in call.state.orders.values():
            if order.shop_id == call.shop.id and any(one["id"] == package_id for one in order.data["packages"]):
                return order, package_id
        raise Refusal(21011028, "The package does not belong to this shop")

    def _check_change(self, call: Call, order: Order, package_id: str) -> None:
        self._check_party(order)
        if order.status == "CANCELLED":
            raise Refusal(21011042, "The order has been cancelled")
        if order.status in ("DELIVERED", "COMPLETED"):
            raise Refusal(21011030, "The package has been delivered")
        shipped_at = [
            line["rts_time"] for line in order.lines if line.get("package_id") == package_id and line.get("rts_time")
        ]
        if not shipped_at:
            raise Refusal(21011043, "The package has not been shipped")
        if order.tracking_changes:
            raise Refusal(21011051, "The tracking can be updated only once")
        if call.state.world.now() - min(shipped_at) > UPDATE_WINDOW:
            raise Refusal(21011049, "The tracking can be updated only within 72 hours")

    def _ship(self, call: Call, order: Order, lines: list[dict[str, Any]]) -> str:
        self._overtake_request(call, order, lines)
        existing = {line.get("package_id") for line in order.lines if not line.get("rts_time")} - {None}
        whole = all(line in lines for line in order.lines if line["display_status"] != "CANCELLED")
        package_id = existing.pop() if len(existing) == 1 and whole else call.state.new_id("1153")
        if package_id not in [one["id"] for one in order.data["packages"]]:
            order.data["packages"].append({"id": package_id})
        now = call.state.now()
        for line in lines:
            line |= {"rts_time": now, "display_status": "AWAITING_COLLECTION", "package_status": "PROCESSING"}
        self._write(call, order, lines, str(package_id))
        is_done = all(line.get("rts_time") or line["display_status"] == "CANCELLED" for line in order.lines)
        order.data["status"] = "AWAITING_COLLECTION" if is_done else "PARTIALLY_SHIPPING"
        if len(order.data["packages"]) > 1 or not is_done:
            order.data["split_or_combine_tag"] = "SPLIT"
        order.data["rts_time"] = now
        call.state.save(order)
        self._ledger(call, order, lines, str(package_id), "package.shipped")
        if not is_done:
            self.notices.package(order, [str(package_id)], "SPLIT")
        self.notices.status(order)
        return str(package_id)

    def _overtake_request(self, call: Call, order: Order, lines: list[dict[str, Any]]) -> None:
        """In the US shipping rejects the buyer's request; [guess] one for other lines stays."""
        pending = pending_of(call.state, order)
        if pending and {line["id"] for line in lines} & {one["order_line_item_id"] for one in lines_of(pending)}:
            close_pending(self.notices, order, pending, why="rejected")

    def _write(self, call: Call, order: Order, lines: list[dict[str, Any]], package_id: str) -> None:
        carrier_id = call.body["shipping_provider_id"]
        facts = {
            "tracking_number": call.body["tracking_number"],
            "shipping_provider_id": carrier_id,
            "shipping_provider_name": CARRIERS[call.shop.region][carrier_id],
            "package_id": package_id,
        }
        for line in lines:
            line.update(facts)
        call.state.tracked.setdefault(facts["tracking_number"], set()).add(order.id)
        order.data["tracking_number"] = facts["tracking_number"]
        order.data["shipping_provider_id"] = carrier_id
        order.data["shipping_provider"] = facts["shipping_provider_name"]

    def _ledger(self, call: Call, order: Order, lines: list[dict[str, Any]], package_id: str, event: str) -> None:
        call.state.world.ledger_add(
            "tiktok_shop",
            event,
            order.id,
            package_id=package_id,
            tracking_number=call.body["tracking_number"],
            shipping_provider_id=call.body["shipping_provider_id"],
            line_ids=[line["id"] for line in lines],
        )


def _open_lines(order: Order) -> list[dict[str, Any]]:
    return [line for line in order.lines if not line.get("rts_time") and line["display_status"] != "CANCELLED"]
