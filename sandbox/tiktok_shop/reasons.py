"""Why: the reasons' keys, who may give which one in which market and status, and what they read like."""

from __future__ import annotations

from sandbox.tiktok_shop.envelope import Refusal
from sandbox.tiktok_shop.state import Shop

OUT_OF_STOCK = "seller_cancel_reason_out_of_stock"
NOT_DELIVERABLE = "seller_cancel_paid_reason_address_not_deliver"
PAID_CANCEL = {
    OUT_OF_STOCK: "Out of stock",
    "seller_cancel_reason_wrong_price": "Pricing error",
    NOT_DELIVERABLE: "Unable to deliver to buyer address",
    "seller_cancel_paid_reason_buyer_requested_cancellation": "Buyer requested cancellation",
}
UNPAID_CANCEL = {
    "seller_cancel_unpaid_reason_out_of_stock": "Out of stock",
    "seller_cancel_unpaid_reason_wrong_price": "Pricing error",
    "seller_cancel_unpaid_reason_buyer_hasnt_paid_within_time_allowed": "Buyer hasn't paid within time allowed",
    "seller_cancel_unpaid_reason_buyer_requested_cancellation": "Buyer requested cancellation",
}
NO_LONGER_NEEDED = "ecom_order_to_ship_canceled_reason_no_longer_needed"
BUYER_CANCEL = {
    NO_LONGER_NEEDED: "No longer needed",
    "ecom_order_to_ship_canceled_reason_created_by_mistakes": "Order created by mistake",
    "ecom_order_to_ship_canceled_reason_wrong_delivery_info": "Wrong delivery information",
    "ecom_order_to_ship_canceled_reason_high_delivery_costs": "High delivery costs",
}
SHIPPING_TIMEOUT = "system_cancel_order_reason_shipping_timeout"
SYSTEM_CANCEL = {
    "system_cancel_unpaid_time_out": "Payment timed out",
    SHIPPING_TIMEOUT: "Shipping timed out",
    "system_cancel_order_untracked": "Package could not be tracked",
    "package_lost": "Package lost",
    "package_damaged": "Package damaged",
    "returned_to_shipper_refused": "Returned to shipper: refused",
}
# Two of these keys stand in the reference's samples, where they end in `_seller`. [guess] the buyer's are without it.
MISSING, WRONG = (
    "ecom_order_delivered_refund_reason_missing_product",
    ("ecom_order_delivered_refund_and_return_reason_wrong_product"),
)
BUYER_RETURN = {MISSING: "Missing product", WRONG: "Wrong product"}
SELLER_RETURN_DEFAULT = "seller_ecom_delivered_return_refund_reason1"
SELLER_RETURN = {
    SELLER_RETURN_DEFAULT: "Agreed with the buyer",  # [guess] the text
    f"{MISSING}_seller": "Missing product",
    f"{WRONG}_seller": "Wrong product",
}
AGREED = "seller_reject_apply_you_have_reached_an_agreement_with_the_buyer"
PACKED = "seller_reject_apply_product_has_been_packed"
# [guess] all but the first one; the reference names no other.
REJECTIONS = {
    "CANCEL": {PACKED: "Product has been packed"},
    "REJECT_REFUND": {"seller_reject_refund_delivered_as_described": "Product was delivered as described"},
    "REJECT_RETURN": {"seller_reject_return_not_returnable": "Product is not returnable"},
    "REJECT_RECEIVED_PACKAGE": {"seller_reject_package_not_as_sent": "Product came back damaged or was not ours"},
    "REJECT_REPLACEMENT": {"seller_reject_replacement_no_stock": "Product is out of stock"},
}
TEXTS = {
    **PAID_CANCEL,
    **UNPAID_CANCEL,
    **BUYER_CANCEL,
    **SYSTEM_CANCEL,
    **BUYER_RETURN,
    **SELLER_RETURN,
    AGREED: "You have reached an agreement with the buyer",
    **{name: text for group in REJECTIONS.values() for name, text in group.items()},
}
LOCAL_TEXTS = {
    "vi-VN": {
        "No longer needed": "Không còn nhu cầu",
        "Out of stock": "Hết hàng",
        "Missing product": "Thiếu sản phẩm",
        "Wrong product": "Sai sản phẩm",
    },
    "ja-JP": {
        "No longer needed": "不要になった",
        "Out of stock": "在庫切れ",
        "Missing product": "商品が不足している",
        "Wrong product": "商品が違う",
    },
}
# `address_not_deliver` was withdrawn in several markets of South-East Asia. [guess] Vietnam is one of them.
WITHDRAWN = {"VN": (NOT_DELIVERABLE,)}


def text_of(reason: str, locale: str) -> str:
    """What a person reads; an unknown key is its own text."""
    english = TEXTS.get(reason.removesuffix("_uk"), reason)
    return LOCAL_TEXTS.get(locale, {}).get(english, english)


def seller_cancel_reasons(shop: Shop, status: str) -> list[str]:
    """The keys a seller of this market may give for an order in this status; the UK's end in `_uk`."""
    if status == "UNPAID":
        keys = list(UNPAID_CANCEL) if shop.seller_cancels_unpaid else []
    elif status in ("ON_HOLD", "AWAITING_SHIPMENT") or (status == "AWAITING_COLLECTION" and shop.region == "US"):
        keys = [key for key in PAID_CANCEL if "buyer_requested" not in key or shop.region == "US"]
    else:
        keys = []
    keys = [key for key in keys if key not in WITHDRAWN.get(shop.region, ())]
    if shop.region == "GB":
        return [f"{key}_uk" for key in keys if "buyer_requested" not in key]
    return keys


def check_seller_cancel(shop: Shop, status: str, reason: str) -> None:
    """Refuses an unknown key, another party's, a withdrawn one, and one that does not fit market and status."""
    bare = reason.removesuffix("_uk")
    if bare in BUYER_CANCEL or bare in SYSTEM_CANCEL or bare in BUYER_RETURN:
        raise Refusal(25001015, "The reason is not for sellers")
    if bare not in PAID_CANCEL and bare not in UNPAID_CANCEL and bare not in SELLER_RETURN:
        raise Refusal(25001014, "Unknown reason")
    if bare in WITHDRAWN.get(shop.region, ()):
        raise Refusal(25001020, "The reason is offline")
    if reason not in seller_cancel_reasons(shop, status):
        raise Refusal(25001021, "The reason does not fit the order's status")


def seller_return_reasons(shop: Shop) -> list[str]:
    return list(SELLER_RETURN) if shop.region == "US" else []


def check_seller_return(reason: str) -> None:
    if reason in SELLER_RETURN:
        return
    if reason in BUYER_RETURN or reason in BUYER_CANCEL or reason in SYSTEM_CANCEL:
        raise Refusal(25001015, "The reason is not for sellers")
    if reason.removesuffix("_uk") in TEXTS:
        raise Refusal(25001021, "The reason does not fit the request")
    raise Refusal(25001014, "Unknown reason")


def reject_reasons(decision: str) -> list[str]:
    """What may be given with a rejection: of a cancellation ("CANCEL"), or with a decision on a return."""
    return [AGREED, *REJECTIONS[decision]]


def check_rejection(decision: str, reason: str) -> None:
    if reason in reject_reasons(decision):
        return
    if any(reason in group for group in REJECTIONS.values()):
        raise Refusal(25001021, "The reason does not fit the decision")
    raise Refusal(25001014, "Unknown reason")
