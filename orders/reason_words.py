"""Why an order waits for a person, in the merchant's words: what failed, on whose side, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime

from orders import aftersale_wording
from orders.models import Attention


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


class Facts(dict[str, Any]):
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
    facts = Facts(detail)
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


def _unmapped_words(facts: Facts) -> dict[str, str]:
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
