"""Every choice of the settings in words: what it does, an example, and what the store has to be able to do for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.base.connector import Features
from orders.aftersale_rules import AftersaleRules, CancelReason, Reply, Restocking
from orders.models import HoldMode
from orders.rules import (
    Discounts,
    Email,
    FilterBy,
    PlatformShipped,
    RouteRules,
    Samples,
    Stock,
    Tax,
    Unlinked,
    Unmapped,
    Warehoused,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a setting. `needs` is the feature of the store without which it cannot be chosen."""

    value: str
    title: str
    sentence: str
    example: str
    needs: str = ""


CHOICES: Mapping[str, tuple[Choice, ...]] = {
    "hold_mode": (
        Choice(
            HoldMode.AFTER_HOLD,
            "After TikTok's hold",
            "The order goes to the store when TikTok Shop says that it may be shipped.",
            "Paid at 9:00, created at 10:00.",
        ),
        Choice(
            HoldMode.EXTRA_HOLD,
            "After TikTok's hold and some hours more",
            "Outlasts a longer window in which your buyers may cancel.",
            "5 extra hours: paid at 9:00, created at 15:00.",
        ),
        Choice(
            HoldMode.AT_ONCE,
            "At once, kept on hold in the store",
            "The order is in the store right after payment, on hold and without an address; both follow when TikTok "
            "Shop releases it, and it is cancelled there if the buyer cancels.",
            "Paid at 9:00, on hold in the store at 9:00, to be packed from 10:00.",
            needs="hold",
        ),
    ),
    "samples": (
        Choice(
            Samples.MIRROR, "Like any order", "A free sample is an order of total 0, tagged tiktok-sample.",
            "Three samples to one creator are three orders and three parcels.",
        ),
        Choice(
            Samples.COMBINE, "Combine one creator's samples",
            "Samples to the same creator wait for each other, and go to the store together under one tag.",
            "Three samples within 4 hours are three orders with one tag, to be packed into one parcel.",
        ),
        Choice(
            Samples.SKIP, "Do not send", "Samples stay on TikTok Shop. You ship them by hand.",
            "The order shows “Skipped: Free samples are not mirrored”.",
        ),
    ),
    "warehoused": (
        Choice(
            Warehoused.SKIP, "Do not send", "TikTok's warehouse ships the order; the store never hears of it.",
            "The order shows “Skipped: TikTok's warehouse ships it”.",
        ),
        Choice(
            Warehoused.MIRROR, "Send, and leave the stock alone",
            "The order is in the store for your books, tagged tiktok-fbt. Its stock stays as it is.",
            "10 candles in the store before, 10 after.",
            needs="without_address",
        ),
        Choice(
            Warehoused.MIRROR_AND_DEDUCT, "Send, and deduct the stock",
            "For stores whose stock counts what lies in TikTok's warehouse as well.",
            "10 candles in the store before, 9 after.",
            needs="without_address",
        ),
    ),
    "platform_shipped": (
        Choice(
            PlatformShipped.SKIP, "Show here only",
            "Orders that go with TikTok's own label are not sent: TikTok Shop shows nobody their address.",
            "You print the label in Seller Center.",
        ),
        Choice(
            PlatformShipped.MIRROR, "Send without an address",
            "The store gets the order without an address; TikTok's status and tracking number are copied into it.",
            "Your stock and your sales are complete in one place.",
            needs="without_address",
        ),
    ),
    "discounts": (
        Choice(
            Discounts.BUYER_PAID, "What the buyer paid",
            "Both discounts are taken off, yours and the part that TikTok Shop pays.",
            "Price 24.00, your coupon 2.00, TikTok's coupon 3.00: the store's total is 19.00.",
        ),
        Choice(
            Discounts.SELLER_RECEIVES, "What you receive",
            "The part that TikTok Shop pays back to you is added again; only your own discount is taken off.",
            "Price 24.00, your coupon 2.00, TikTok's coupon 3.00: the store's total is 22.00.",
        ),
    ),
    "tax": (
        Choice(
            Tax.AS_GIVEN, "As TikTok Shop charged it",
            "The tax that TikTok Shop collected and pays stands as its own line.",
            "Candle 24.00, tax 1.99: the store's total is 25.99.",
        ),
        Choice(
            Tax.NONE, "None", "The store's order has no tax, since it is not yours to pay.",
            "Candle 24.00, tax 1.99: the store's total is 24.00.",
        ),
        Choice(
            Tax.STORE, "By the store's own rules",
            "The store reckons the tax itself, so its total may differ from TikTok's. Only if you pay it yourself.",
            "Candle 24.00, the store adds 8.875 %: its total is 26.13.",
            needs="store_tax",
        ),
    ),
    "email": (
        Choice(
            Email.RELAY, "TikTok's relay address",
            "As TikTok Shop gives it. Mail to it reaches the buyer for a while.",
            "v2b2V4@chat.seller.tiktok.com",
        ),
        Choice(
            Email.FIXED, "One of your own", "Every order gets the address below.", "orders@alices-candles.example"
        ),
        Choice(Email.NONE, "None", "The store's order has no e-mail address.", "The store can send the buyer no mail."),
    ),
    "unlinked": (
        Choice(
            Unlinked.BLOCK, "Wait until you link it",
            "An order with an item that is linked to no product waits whole, and asks you.",
            "The order shows “CND-NEW is not linked”. Nothing was sent.",
        ),
        Choice(
            Unlinked.CUSTOM_LINE, "Send it as a custom item",
            "The item goes into the store's order with its name, SKU and price, without a product and without stock.",
            "The order has a line “Pine Candle, 12 oz”, and the store's stock stays as it is.",
            needs="custom_lines",
        ),
    ),
    "stock": (
        Choice(
            Stock.DEDUCT, "Deduct, below zero too",
            "The order is always created; what is missing shows as a negative count.",
            "1 candle left, 2 sold: the store has −1.",
        ),
        Choice(
            Stock.OBEY, "Deduct, and refuse what is not there",
            "The store refuses an order it has too little stock for; it waits here and says so.",
            "1 candle left, 2 sold: the order shows “Out of stock in the store”.",
        ),
        Choice(
            Stock.KEEP, "Leave it alone", "The order changes no stock. For stores whose stock something else counts.",
            "10 candles before, 10 after.",
        ),
    ),
    "unmapped_shipping": (
        Choice(
            Unmapped.DEFAULT, "Use the default method",
            "The order goes out at once with the method for any other option.",
            "A new option Freight goes out as Standard.",
        ),
        Choice(
            Unmapped.FLAG, "Use the default method and flag the order",
            "The same, and the order's tags and page say that its option was not mapped.",
            "A new option Freight goes out as Standard, tagged tiktok-shipping-unmapped.",
        ),
        Choice(
            Unmapped.BLOCK, "Wait until you map it", "Nothing goes out with a wrong method.",
            "An order with Freight waits under Needs attention, and goes out when you have mapped it.",
        ),
    ),
    "restock_returns": (
        Choice(
            Restocking.ASK, "Ask me", "Each completed return waits on the Returns page until you decide.",
            "The candle came back unopened: you press Put into stock.",
        ),
        Choice(
            Restocking.ALWAYS, "Always", "What came back goes into the store's stock when the return is completed.",
            "10 candles before, 11 after.",
        ),
        Choice(
            Restocking.NEVER, "Never", "The stock stays as it is; you count what is fit to be sold again.",
            "10 candles before, 10 after.",
        ),
    ),
    "cancel_reason": (
        Choice(CancelReason.OUT_OF_STOCK, "Out of stock", "TikTok Shop counts it as yours.", "The last candle broke."),
        Choice(
            CancelReason.PRICING_ERROR, "Pricing error", "TikTok Shop counts it as yours.", "2.40 in place of 24.00."
        ),
        Choice(
            CancelReason.UNABLE_TO_DELIVER, "Unable to deliver", "The buyer's address cannot be reached.",
            "Your carrier does not go there.",
        ),
    ),
    "reply": (
        Choice(Reply.ACCEPT, "Accept", "The order is cancelled, in its stores too.", "“Ordered by mistake”, 20.00."),
        Choice(Reply.REFUSE, "Refuse", "The order goes on. TikTok Shop wants a reason.", "It is packed already."),
    ),
    "filter_by": (
        Choice(FilterBy.SKU, "SKU", "Any item's SKU; * stands for any characters.", "SAMPLE-*"),
        Choice(FilterBy.TAG, "Tag", "A tag that the order gets.", "tiktok-preorder"),
        Choice(FilterBy.TOTAL_ABOVE, "Total above", "What the buyer paid, in the shop's currency.", "500.00"),
        Choice(FilterBy.TOTAL_BELOW, "Total below", "What the buyer paid, in the shop's currency.", "1.00"),
    ),
}  # fmt: skip

# Settings that say nothing on a store without this feature, or without all of these.
NEEDS = {
    "discounts": "amounts",
    "tax": "amounts",
    "number_prefix": "numbers|tags",
    "tags": "tags",
    "note": "order_notes",
    "email": "emails",
    "fixed_email": "emails",
    "stock": "stock",
    "default_location": "locations|tags",
    "locations": "locations|tags",
}

NAMES = {
    "hold_mode": "When orders are sent",
    "extra_hold_hours": "Extra hours",
    "samples": "Free samples",
    "combine_hours": "Hours to wait for more samples",
    "warehoused": "Orders fulfilled by TikTok (FBT)",
    "platform_shipped": "Orders with TikTok's own label",
    "discounts": "Discounts",
    "tax": "Tax",
    "number_prefix": "Order number prefix",
    "tags": "Tags",
    "note": "Note",
    "email": "E-mail address",
    "fixed_email": "Your own address",
    "unlinked": "Items without a linked product",
    "sku_case_matters": "Upper and lower case in SKUs",
    "stock": "The store's stock",
    "default_location": "Location",
    "locations": "Location of a TikTok Shop warehouse",
    "filters": "Filters",
    "unmapped_shipping": "If an option is not mapped",
    "answer_rules": "Requests to cancel that are answered by themselves",
    "restock_cancelled": "Stock of what is cancelled",
    "cancels_at_source": "Orders that you cancel in the store",
    "cancel_reason": "Reason that TikTok Shop is told",
    "store_reasons": "Reason for a word of the store",
    "restock_returns": "Stock of what comes back",
}

_LACKING = {
    "hold": "it has no safe way to keep an order back",
    "amounts": "its orders have no prices",
    "numbers|tags": "it numbers orders itself",
    "tags": "it has no place for tags",
    "order_notes": "it has no place for a note",
    "emails": "its orders have no e-mail address",
    "stock": "it does with its stock what it does for every order",
    "locations|tags": "it chooses the location itself, and has no place to name one",
    "store_tax": "it reckons no tax for an order that an app makes",
    "custom_lines": "it takes only linked items",
    "without_address": "TikTok Shop shows no address of these orders, and the store takes none without",
}


_YES_NO = {
    "restock_cancelled": ("Goes back into the store's stock", "Stays as it is"),
    "cancels_at_source": ("Are cancelled on TikTok Shop as well", "Stay open on TikTok Shop, and ask you"),
}


def choice_of(name: str, value: str) -> Choice | None:
    """The choice with this value; None where the setting has none such."""
    return next((each for each in CHOICES.get(name, ()) if each.value == value), None)


def lack_of(features: Features, need: str) -> str:
    """Why the store cannot do what a choice needs; empty when it can."""
    if not need or any(getattr(features, name, True) for name in need.split("|")):
        return ""
    return features.notes.get(need) or _LACKING.get(need, "the store cannot do it")


def in_words(name: str, value: Any) -> str:
    """A setting's value as people say it."""
    if found := choice_of(name, str(value)):
        return found.title
    if name in _YES_NO:
        return _YES_NO[name][0 if value else 1]
    if isinstance(value, bool):
        return "Matter" if value else "Do not matter"
    if name in ("combine_hours", "extra_hold_hours"):
        return f"{value:g} h"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "None"
    return str(value) if value or value == 0 else {"note": "The built-in note"}.get(name, "None")


def default_in_words(name: str) -> str:
    """What counts while nobody chose anything."""
    defaults = {"hold_mode": HoldMode.AFTER_HOLD, "extra_hold_hours": 0}
    kept = RouteRules() if hasattr(RouteRules(), name) else AftersaleRules()
    return in_words(name, defaults[name] if name in defaults else getattr(kept, name))
