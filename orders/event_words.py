"""What happened to an order, and what our calls ask for, in the merchant's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orders import aftersale_wording
from orders.badges import STATUS
from orders.reason_words import Facts

# What our calls ask for, by the connectors' own names; one that is missing here is shown by its name. Never what came
# of it: an answer of 200 may hold a refusal.
CALLS: Mapping[str, str] = {
    "orders.get": "read the order",
    "orders.create": "create the order",
    "orders.cancel": "cancel the order",
    "orders.find": "look whether it is there",
    "orders.preview": "ask what would become of the order",
    "orders.list": "look for changed orders",
    "fulfillments.get": "read the parcels",
    "inventory.list": "look for the products",
    "products.list": "read the catalog",
    "variants.list": "read the catalog",
    "catalog.version": "ask which catalog the site has",
    "payments.get": "read the payments",
    "payments.add": "record the payment",
    "refunds.create": "record the refund",
    "orders.search": "search its orders",
    "orders.changed": "look for changed orders",
    "orders.split": "split the order into packages",
    "carriers.list": "ask for the carriers",
    "warehouses.list": "ask for the warehouses",
    "delivery_options.list": "ask who ships",
    "seller_templates.list": "ask for the shipping templates",
    "cancellations.create": "cancel the order",
    "packages.ship": "send the tracking number",
    "packages.mark_shipped": "send the tracking number",
    "packages.update": "change the tracking number",
    "order": "read the order",
    "order.shipments": "read the parcels",
    "fulfillment.lines": "read a parcel's items",
    "order.refundable": "read what can be refunded",
    "orderByIdentifier": "look whether it is there",
    "variants.search": "look for the products",
    "orderCreate": "create the order",
    "orderCancel": "cancel the order",
    "refundCreate": "record the refund",
    "job": "ask whether it is done",
    "order.located": "ask which location has the order",
    "order.movable": "ask why it cannot be moved",
    "fulfillmentOrderMove": "move the order to its location",
    "fulfillmentOrderHold": "keep the order back",
    "fulfillmentOrderReleaseHold": "let the order go",
    "order.held": "read what is kept back",
    "order.fulfillable": "read what can be shipped",
    "order.places": "ask where the order is shipped from",
    "fulfillmentCreate": "record the parcel",
    "fulfillments.create": "record the parcel",
    "orders.fulfill": "record the parcel",
    "orderUpdate": "fill in the order",
    "orderMarkAsPaid": "record the payment",
    "tagsRemove": "take the tag of the hold off",
    "returns.search": "read its returns",
    "order.returns": "read its returns",
    "return": "read the return",
    "returns.open": "read what can come back",
    "returnCreate": "note the return",
    "returns.create": "note the return",
    "returns.reasons": "ask for the reasons of a return",
    "refunds.able": "read what can be refunded",
    "cancellations.search": "read its cancellations",
    "cancellations.reasons": "ask for the reasons to cancel",
    "reject_reasons.list": "ask for the reasons to refuse",
}

# Every kind of event: its title, and the tone of its point.
EVENTS: Mapping[str, tuple[str, str]] = {
    "order.received": ("Order received from TikTok Shop", "blue"),
    "order.held": ("Paid; the hold begins", "amber"),
    "order.released": ("Released", "blue"),
    "order.mirrored": ("In the store", "green"),
    "order.fulfilled": ("Shipped", "teal"),
    "order.completed": ("Completed", "green"),
    "order.cancelled": ("Cancelled on TikTok Shop", "red"),
    "order.skipped": ("Skipped", "gray"),
    "source.status_changed": ("TikTok Shop: {from} to {to}", "gray"),
    "source.older_reading": ("An older reading arrived and was not used", "gray"),
    "source.moved_back": ("TikTok Shop named an earlier status, {to}; {from} is kept", "gray"),
    "cancellation.requested": ("The buyer asked to cancel", "red"),
    "cancellation.withdrawn": ("The request to cancel is over", "gray"),
    **aftersale_wording.EVENTS,
    "attention.asked": ("Needs attention: {reason}", "red"),
    "attention.cleared": ("No longer needs attention", "green"),
    "mirror.created": ("Created in {store} as {name}", "green"),
    "mirror.found": ("Found in {store} as {name}, not created again", "green"),
    "mirror.adapted": ("Fitted to {store}'s limits: {remarks_text}", "amber"),
    "mirror.problem": ("{store}: {problem}", "red"),
    "order.split": ("Goes to several stores: {units_text}", "blue"),
    "order.rest_left": ("Yours to ship: {items_text}", "amber"),
    "mirror.dropped": ("Not created in {store}: no longer wanted", "gray"),
    "mirror.held": ("{name} is kept back in {store} while TikTok Shop holds the order", "amber"),
    "mirror.let_go": ("{name} has its buyer now, and is let go in {store}", "green"),
    "mirror.moved": ("{name} is for {store}'s location {location}", "green"),
    "mirror.not_moved": ("{name} stayed where {store} put it, not at {location}: {message}", "amber"),
    "mirror.cancelled": ("Cancelled in {store}", "red"),
    "mirror.deleted": ("Deleted in {store}", "red"),
    "mirror.units_taken_out": ("Taken out of {name} in {store}: {items_text}", "red"),
    "shipment.recorded": ("{store} shipped {units} with {carrier} {tracking_number}", "teal"),
    "shipment.changed": ("Tracking changed in the store to {carrier} {to}", "teal"),
    "shipment.changed_after_sent": (
        "Tracking changed in the store after it was sent: {from} to {to}",
        "amber",
    ),
    "shipment.changed_back": ("The store says {to} again, as TikTok Shop was told", "teal"),
    "shipment.cancelled": ("The store took the parcel {tracking_number} back", "red"),
    "tracking.sent": ("Tracking {tracking_number} sent to TikTok Shop", "teal"),
    "tracking.corrected": ("Corrected by hand: {from} to {carrier} {to}", "blue"),
    "tracking.sent_anyway": ("{tracking_number} to be sent all the same", "amber"),
    "tracking.resent": ("{tracking_number} to be sent again", "blue"),
    "tracking.change_wanted": ("The one change to be spent: {from} to {to}", "amber"),
    "tracking.changed": ("Tracking changed at TikTok Shop: {from} to {carrier} {to}", "teal"),
    "tracking.kept": ("TikTok Shop keeps {tracking_number}", "gray"),
    "tracking.found": ("TikTok Shop has {tracking_number} already", "teal"),
    "parcel.copied": ("TikTok's parcel {tracking_number} written into {store}", "teal"),
    "parcel.found": ("{store} has TikTok's parcel {tracking_number} already", "teal"),
    "tracking.accepted": ("TikTok Shop shows {tracking_number}", "green"),
    "product.linked": ("{sku} linked to {title}", "blue"),
    "carrier.chosen": ("{carrier_text} means {carrier}", "blue"),
    "order.retried": ("Tried again", "blue"),
}


def event_title(kind: str, facts: Mapping[str, Any], reason: str) -> tuple[str, str]:
    """Title and tone of an event; an unnamed kind is shown as it is."""
    title, tone = EVENTS.get(kind, (kind, "gray"))
    said = {name: _in_words(name, value) for name, value in facts.items()}
    said["remarks_text"] = "; ".join(facts.get("remarks", []))
    said["items_text"] = ", ".join(facts.get("items", []))
    said |= aftersale_wording.of_event(facts)
    if isinstance(facts.get("units"), Mapping):
        said["units_text"] = ", ".join(f"{name} {_in_words('units', count)}" for name, count in facts["units"].items())
    return " ".join(title.format_map(Facts({**said, "reason": reason})).split()), tone


def _in_words(name: str, value: Any) -> Any:
    """A status by its label, a count with its noun; anything else as it is."""
    if name == "units" and isinstance(value, int):
        return "1 unit" if value == 1 else f"{value} units"
    if name in ("from", "to") and value in STATUS:
        return STATUS[value].label
    return value
