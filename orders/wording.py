"""The merchant's words: for statuses, sync badges, events, and every reason why an order waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime

from orders import aftersale_wording
from orders.models import Attention, MirrorState, OrderState


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as it is shown: words, shape and tone."""

    code: str
    label: str
    mark: str
    tone: str


STATUS = {
    "UNPAID": Badge("UNPAID", "Unpaid", "dashed", "gray"),
    "ON_HOLD": Badge("ON_HOLD", "On hold", "half", "amber"),
    "AWAITING_SHIPMENT": Badge("AWAITING_SHIPMENT", "Ready to ship", "ring", "blue"),
    "PARTIALLY_SHIPPING": Badge("PARTIALLY_SHIPPING", "Partly shipped", "quarter", "blue"),
    "AWAITING_COLLECTION": Badge("AWAITING_COLLECTION", "Awaiting collection", "dot", "teal"),
    "IN_TRANSIT": Badge("IN_TRANSIT", "In transit", "triangle", "teal"),
    "DELIVERED": Badge("DELIVERED", "Delivered", "disc", "green"),
    "COMPLETED": Badge("COMPLETED", "Completed", "tick", "green"),
    "CANCELLED": Badge("CANCELLED", "Cancelled", "cross", "red"),
}

SYNC = {
    "HELD": Badge("HELD", "Held", "half", "amber"),
    "WAITING": Badge("WAITING", "Waiting", "ring", "gray"),
    "CREATING": Badge("CREATING", "Creating", "arc", "blue"),
    "SYNCED": Badge("SYNCED", "Synced", "tick", "green"),
    "ATTENTION": Badge("ATTENTION", "Needs attention", "warning", "red"),
    "SKIPPED": Badge("SKIPPED", "Skipped", "bar", "gray"),
    "CANCELLED": Badge("CANCELLED", "Cancelled", "cross", "red-outline"),
}

_SYNC_OF_STATE = {
    OrderState.UNPAID: "WAITING",
    OrderState.HELD: "HELD",
    OrderState.MIRRORED: "SYNCED",
    OrderState.FULFILLED: "SYNCED",
    OrderState.COMPLETED: "SYNCED",
    OrderState.CANCELLED: "CANCELLED",
    OrderState.SKIPPED: "SKIPPED",
}

MIRROR_TEXT = {
    MirrorState.CANCELLED: "cancelled",
    MirrorState.DELETED: "deleted",
}


def status_badge(status: str, text: str) -> Badge:
    """TikTok's status; one that we do not know is shown in TikTok's own word."""
    return STATUS.get(status) or Badge("UNKNOWN", text or "Unknown", "question", "gray")


def not_ready(open_step: int | None) -> str:
    """How it is said that a shop is not switched on, and what is missing first."""
    return f"Not ready: step {open_step}" if open_step else "Not ready"


def sync_badge(*, state: str, attention: str, has_mirrors: bool, is_waiting: bool, not_ready: str = "") -> Badge:
    """Where we stand: a question for a person outranks everything but the end. `not_ready`: what is said of an order
    that goes nowhere before its shop is switched on."""
    if attention:
        return SYNC["ATTENTION"]
    if state == OrderState.READY and not_ready and not has_mirrors:
        return Badge("NOT_READY", not_ready, "half", "amber")
    if state == OrderState.READY:
        return SYNC["CREATING" if has_mirrors and not is_waiting else "WAITING"]
    return SYNC[_SYNC_OF_STATE[OrderState(state)]]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an order waits for a person, in the merchant's words."""

    title: str
    what_failed: str
    whose_side: str
    what_to_do: str
    will_retry: str = ""


_STORE = "The store"
_TIKTOK = "TikTok Shop"
_YOURS = "Yours, in the settings or the catalog"
_OURS = "Ours"
_UNTIL_MENDED = "Not until it is mended. Nothing was sent."

_REASONS: Mapping[str, Reason] = {
    Attention.NOT_LINKED: Reason(
        "{sku_or_title} is not linked",
        "{label} has no single product variant with the SKU {sku_or_title} ({title}). Nothing was sent.",
        _YOURS,
        "Link it here, or give one variant in {label} this SKU.",
        "It is looked for again every 5 minutes.",
    ),
    Attention.PRODUCT_DELETED: Reason(
        "{gone_title}",
        "{label} no longer has the product that {gone_item} is linked to{gone_by_hand}. {message}",
        _STORE,
        "{gone_cure}",
        "{gone_retry}",
    ),
    Attention.OUT_OF_STOCK: Reason(
        "Out of stock in the store", "The store refuses: {message}", _STORE, "Add stock, then retry.", _UNTIL_MENDED
    ),
    Attention.ADDRESS_NOT_RELEASED: Reason(
        "Address not released yet",
        "TikTok Shop has not shown a complete address. Nothing was sent, and none is made up.",
        _TIKTOK,
        "Nothing. If it stays, look at the order in Seller Center.",
        "Asks again every minute.",
    ),
    Attention.ADDRESS_INVALID: Reason(
        "The store refuses the address",
        "{message}",
        "The buyer's address",
        "Ask the buyer in Seller Center to correct it, or create the order in the store by hand.",
        "When TikTok Shop shows another address.",
    ),
    Attention.MONEY_MISMATCH: Reason(
        "Money does not balance",
        "{what}: {computed} against {stated} {currency}.{nothing_sent}",
        "TikTok Shop's figures",
        "Compare the order in Seller Center. Retry when TikTok Shop has corrected it.",
        "When TikTok Shop changes the order.",
    ),
    Attention.CURRENCY_MISMATCH: Reason(
        "Currencies differ",
        "The order is in {order}, {label} works in {store}. Nothing was sent, and nothing is converted.",
        _YOURS,
        "Connect a store with the same currency, and a route to it; then retry.",
        _UNTIL_MENDED,
    ),
    Attention.SHIPPING_UNMAPPED: Reason(
        "“{option}” has no shipping method",
        "{unmapped_words}",
        _YOURS,
        "Choose a method for it under Shipping methods{unmapped_cure}.",
        "{unmapped_retry}",
    ),
    Attention.CARRIER_UNMAPPED: Reason(
        "{carrier} is no TikTok Shop carrier",
        "The store shipped with “{carrier}”, number {tracking_number}. TikTok Shop takes only carriers of its list.",
        _YOURS,
        "Choose the carrier that this is. It is remembered.",
        "Not until you choose. TikTok Shop was told nothing.",
    ),
    Attention.CARRIER_NOT_SUPPORTED: Reason(
        "TikTok Shop does not take this carrier", "{message}", _TIKTOK, "Choose another carrier.", _UNTIL_MENDED
    ),
    Attention.TRACKING_INVALID: Reason(
        "Tracking number refused",
        "TikTok Shop refused {tracking_number} ({carrier}): {message}",
        "The tracking number or its carrier",
        "Correct it in the store, then retry.",
        "When the store shows another number.",
    ),
    Attention.TRACKING_DUPLICATE: Reason(
        "Tracking number used before",
        "TikTok Shop refused {tracking_number}: {message}",
        "The tracking number",
        "Correct it in the store, then retry.",
        "When the store shows another number.",
    ),
    Attention.TRACKING_CHANGED: Reason(
        "Another number than TikTok Shop was told",
        "{message}",
        _STORE,
        "Spend the one change that TikTok Shop allows{until_words}, or keep the first number.",
        "Not until you choose. TikTok Shop keeps the first number.",
    ),
    Attention.TRACKING_EDIT_SPENT: Reason(
        "Another number, and no change left",
        "{message}",
        _TIKTOK,
        "TikTok Shop lets a number be changed once, within 72 hours. Ask its support by ticket{support_words}, "
        "or leave it at the first number.",
        "No.",
    ),
    Attention.STILL_ON_HOLD: Reason(
        "Still on hold at TikTok Shop",
        "TikTok Shop still holds this order, so it takes neither an order nor a tracking number.",
        _TIKTOK,
        "Nothing. It goes on the moment the hold ends.",
        "Asks again by itself.",
    ),
    Attention.CANCEL_PENDING: Reason(
        "Cancellation requested",
        "The buyer asked to cancel{reason_words}. Nothing is created, and no tracking is sent, while that is open: "
        "sending tracking would refuse the request.{stop_words}{refused_words}",
        "The buyer",
        "Accept or refuse{answer_by_words}. Silence accepts it.{stop_cure}",
        "Goes on when the request is answered.",
    ),
    Attention.RETURN_PENDING: Reason(
        "Refund requested before it was shipped",
        "The buyer wants the money back for what no carrier has yet{reason_words}. Nothing of it is sent while that is "
        "open.{stop_words}",
        "The buyer",
        "Accept or refuse{answer_by_words}. Silence accepts it.{stop_cure}",
        "Goes on when the request is answered.",
    ),
    Attention.REFUND_BY_HAND: Reason(
        "Refunded on TikTok Shop, to be noted in the store",
        "TikTok Shop refunded {amount} of {name}; {store} takes no such note from an app.{goods_words}",
        _STORE,
        "Note it on {name} in {store}, then mark this as settled. No money moves there.",
        "No.",
    ),
    Attention.ALREADY_CANCELLED: Reason(
        "{open_title}",
        "{what_is_cancelled}; {why_open}",
        "Both",
        "{how_to_close}",
        "{is_watched}",
    ),
    Attention.NOT_SELLER_SHIPPING: Reason(
        "Not on Seller Shipping",
        "TikTok Shop ships this order itself and takes no tracking number. {message}",
        _TIKTOK,
        "Set the shop's default shipping option to Seller Shipping; it applies to new orders.",
        "No.",
    ),
    Attention.MIXED_FULFILMENT: Reason(
        "Shipped from several places",
        "{parcels_words} {message}",
        "Seller Center and the store",
        "Compare the packages in Seller Center with the store's.",
        "Looks again every 15 minutes.",
    ),
    Attention.SCOPE_MISSING: Reason(
        "A permission is missing",
        "{store} did not grant what this needs: {message}",
        _STORE,
        "Connect {store} again and allow all permissions.",
        _UNTIL_MENDED,
    ),
    Attention.UNKNOWN_STATUS: Reason(
        "A status we do not know",
        "TikTok Shop calls this order {status}. It is kept, and nothing was sent.",
        _OURS,
        "Look at the order in Seller Center, and tell whoever runs VeriSync.",
        "Asks again by itself.",
    ),
    Attention.UNREADABLE: Reason(
        "The order could not be read in full",
        "{problems}",
        _TIKTOK,
        "Look at the order in Seller Center. Nothing was sent.",
        "When TikTok Shop changes the order.",
    ),
    Attention.NOT_SUPPORTED: Reason(
        "Not available on this store",
        "{label} cannot take the order as it is: {message}. Nothing was sent.",
        _YOURS,
        "Change what it names, or the route under Connections so that another store gets it; then retry.",
        _UNTIL_MENDED,
    ),
    Attention.NO_ROUTE: Reason(
        "No store takes these items",
        "No route takes {skus_text}, and there is no default route. Nothing was sent.",
        _YOURS,
        "Add a route for these items, or a default one, under Connections; then retry.",
        "It is looked at again with every look for changes.",
    ),
    Attention.DUPLICATE_FOUND: Reason(
        "The store has this order already",
        "{label} has an order for it that VeriSync did not make: {message}. Nothing was sent.",
        "Another app, or a person",
        "Find out who sends TikTok Shop's orders there as well. Skip this one if that order is fulfilled.",
        _UNTIL_MENDED,
    ),
    Attention.REMOTE_ERROR: Reason(
        "{label} refused",
        "{label} says: {message}",
        "{side_words}",
        "Mend what it names, then retry.",
        "{retry_words}",
    ),
}
# What our own checks and steps say, by their names; TikTok Shop's refusals have the words above.
_CHECKS: Mapping[str, Reason] = {
    "PATTERN": Reason(
        "{tracking_number} is no {carrier_name} number",
        "No number of {carrier_name} that we know looks like {tracking_number}.{like_words} Nothing was sent.",
        "The tracking number or its carrier",
        "Correct the number or the carrier. If you know that it is right, send it all the same.",
        "When the store shows another number.",
    ),
    "DUPLICATE": Reason(
        "Tracking number used before",
        "{tracking_number} was sent for {other_words}. TikTok Shop takes one number for several orders only where "
        "they go to one buyer at one address. Nothing was sent.",
        "The tracking number",
        "Correct the number. If the orders left in one parcel, send it all the same.",
        "When the store shows another number.",
    ),
    "FOREIGN": Reason(
        "Too many numbers of other carriers",
        "{store} sent it with {carrier}, not with {own}. TikTok Shop was told {sent} such numbers from there before, "
        "and switches such a warehouse off once there are {limit}. Nothing was sent.",
        _TIKTOK,
        "Have the store ship with {own}, and correct the number. If you know better, send it all the same.",
        "When the store shows another number.",
    ),
    "CANCEL_REQUEST": Reason(
        "Shipped, and the buyer asks to cancel",
        "The parcel {tracking_number} has left {store}, and the buyer asks to cancel{reason_words}. Sending its number "
        "refuses the request. Nothing was sent.",
        "The buyer",
        "Refuse by sending the number, or stop the parcel and accept the request.",
        "When the request is answered.",
    ),
    "REFUND_REQUEST": Reason(
        "Shipped, and the buyer asks for the money back",
        "The parcel {tracking_number} has left {store}, and the buyer wants the money back{reason_words}. Nothing was "
        "sent.",
        "The buyer",
        "Stop the parcel if you still can and answer the request, or send the number all the same.",
        "When the request is answered.",
    ),
    "POSTCODE": Reason(
        "Shipped to another postcode",
        "{store} shipped {tracking_number} to another postcode than the buyer's. TikTok Shop flags such parcels. "
        "Nothing was sent.",
        _STORE,
        "Compare the address in the store with TikTok Shop's. If the parcel goes to the buyer, send it all the same.",
        "When the store shows another number.",
    ),
    "LOCATION": Reason(
        "Not at the location that you chose",
        "{name} is in {label}, but could not be moved to the location {location}: {message}",
        _YOURS,
        "Stock the items there or choose another location under Stock and locations, then retry; or ship {name} from "
        "where it is.",
        "Not until you retry. The order itself is in {label}.",
    ),
}
_SIDES = {"platform": "The platform", "merchant": "Yours", "us": _OURS}


class _Facts(dict[str, Any]):
    """Facts for a sentence; one that is missing leaves a gap instead of an error."""

    def __missing__(self, key: str) -> str:
        return ""


# As short as the list's narrow column; the order's page says it in full.
_SHORT: Mapping[str, str] = {
    Attention.NOT_LINKED: "SKU not linked",
    Attention.PRODUCT_DELETED: "Product gone",
    Attention.OUT_OF_STOCK: "Out of stock",
    Attention.ADDRESS_NOT_RELEASED: "No address yet",
    Attention.ADDRESS_INVALID: "Address refused",
    Attention.MONEY_MISMATCH: "Money differs",
    Attention.CURRENCY_MISMATCH: "Other currency",
    Attention.SHIPPING_UNMAPPED: "No such method",
    Attention.CARRIER_UNMAPPED: "Which carrier?",
    Attention.CARRIER_NOT_SUPPORTED: "Carrier refused",
    Attention.TRACKING_INVALID: "Number refused",
    Attention.TRACKING_DUPLICATE: "Number reused",
    Attention.TRACKING_CHANGED: "Other number",
    Attention.TRACKING_EDIT_SPENT: "No change left",
    Attention.STILL_ON_HOLD: "Still on hold",
    Attention.CANCEL_PENDING: "Cancel request",
    Attention.ALREADY_CANCELLED: "Open in store",
    Attention.RETURN_PENDING: "Refund request",
    Attention.REFUND_BY_HAND: "Note refund",
    Attention.NOT_SELLER_SHIPPING: "TikTok ships it",
    Attention.MIXED_FULFILMENT: "Parcels differ",
    Attention.DUPLICATE_FOUND: "There already",
    Attention.AUTH_EXPIRED: "Reconnect store",
    Attention.SCOPE_MISSING: "Not permitted",
    Attention.RATE_LIMITED: "Asked to wait",
    Attention.NOT_SUPPORTED: "Not available",
    Attention.NO_ROUTE: "No route",
    Attention.REMOTE_ERROR: "Refused",
    Attention.UNKNOWN_STATUS: "Unknown status",
    Attention.UNREADABLE: "Not readable",
}

# Questions that time or the buyer settles; the others stop the order until somebody acts.
WAITING_ONLY = frozenset(
    {
        Attention.CANCEL_PENDING,
        Attention.RETURN_PENDING,
        Attention.REFUND_BY_HAND,
        Attention.ADDRESS_NOT_RELEASED,
        Attention.STILL_ON_HOLD,
    }
)


def short_reason(code: str) -> str:
    """The reason in a word or two."""
    return _SHORT.get(code, code)


def reason_of(code: str, detail: Mapping[str, Any]) -> Reason:
    """The words for a code and the facts that were kept with it."""
    words = (
        _CHECKS.get(detail.get("check", ""))
        or _REASONS.get(code)
        or Reason(Attention(code).label, "{message}", _STORE, "Mend it, then retry.")
    )
    facts = _Facts(detail)
    facts["sku_or_title"] = detail.get("sku") or detail.get("title") or "An item"
    facts["label"] = detail.get("label") or "The store"
    facts["problems"] = ". ".join(detail.get("problems", [])) or "Parts of it are missing."
    facts["side_words"] = _SIDES.get(detail.get("side", ""), "The platform")
    facts["retry_words"] = "It is tried again by itself." if detail.get("will_retry") else _UNTIL_MENDED
    facts["skus_text"] = ", ".join(detail.get("skus", [])) or "its items"
    facts.update(aftersale_wording.of_request(detail))
    facts.update(aftersale_wording.of_open_order(facts))
    facts.update(_tracking_words(detail))
    facts.update(_gone_words(detail, facts["label"]))
    facts["parcels_words"] = (
        "{store} does not say what is in the parcel {tracking_number}; the first one was reported for all items."
        if detail.get("is_unsaid")
        else "The parcels do not fit the order's items."
    ).format_map(facts)
    facts.update(_unmapped_words(facts))
    facts["nothing_sent"] = "" if detail.get("is_in_store") else " Nothing was sent."
    return Reason(*(getattr(words, name).format_map(facts).strip() for name in Reason.__slots__))


def _unmapped_words(facts: _Facts) -> dict[str, str]:
    """Whether the order went with the default method and says so, or waits."""
    if facts.get("is_in_store"):
        made = "The order is in {label} with the default method, {method}. Your rule flags it.".format_map(facts)
        return {"unmapped_words": made, "unmapped_cure": ", for the next orders", "unmapped_retry": "No."}
    waits = "Your rule for {label} wants one for every delivery option. Nothing was sent.".format_map(facts)
    return {"unmapped_words": waits, "unmapped_cure": ", then retry", "unmapped_retry": _UNTIL_MENDED}


def _tracking_words(detail: Mapping[str, Any]) -> dict[str, str]:
    """Whose number it looks like, where it was used before, and until when it may be changed."""
    like = detail.get("like", [])
    other = "another parcel of this order" if detail.get("is_same") else f"order {detail.get('other', '')} before"
    until, support = detail.get("until"), detail.get("support_until")
    return {
        "like_words": f" It looks like one of {' or '.join(like)}." if like else "",
        "other_words": f"{detail['most']} orders before" if detail.get("most") else other,
        "until_words": f", until {_day_and_time(until)}" if until else "",
        "support_words": f", until {_day_and_time(support).partition(',')[0]}" if support else "",
    }


def _day_and_time(moment: str) -> str:
    """On the merchant's clock: Nov 27, 2:10 PM."""
    return date_format(localtime(datetime.fromisoformat(moment)), "M j, g:i A")


def _gone_words(detail: Mapping[str, Any], label: str) -> dict[str, str]:
    """Which item's product is gone from its store, and whether it is looked for again or a person names another."""
    skus = [each["sku"] for each in detail.get("products", [])]
    is_by_hand = bool(detail.get("is_by_hand"))
    again = "The link is forgotten, and the SKU is looked for again within a minute."
    return {
        "gone_title": f"The product of {skus[0]} is gone" if len(skus) == 1 else "A linked product is gone",
        "gone_item": skus[0] if len(skus) == 1 else f"one of {', '.join(skus)}" if skus else "this item",
        "gone_by_hand": " by hand" if is_by_hand else "",
        "gone_cure": f"Name the variant in {label} that takes its place."
        if is_by_hand
        else f"Give a variant in {label} its SKU again, or name another variant here.",
        "gone_retry": again if detail.get("will_retry") else _UNTIL_MENDED,
    }


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
    return " ".join(title.format_map(_Facts({**said, "reason": reason})).split()), tone


def _in_words(name: str, value: Any) -> Any:
    """A status by its label, a count with its noun; anything else as it is."""
    if name == "units" and isinstance(value, int):
        return "1 unit" if value == 1 else f"{value} units"
    if name in ("from", "to") and value in STATUS:
        return STATUS[value].label
    return value
