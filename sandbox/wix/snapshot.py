"""An order as the pages and the tests look at it."""

from __future__ import annotations

from typing import Any

from sandbox.wix.orders import fulfillment_status, payment_status, remaining
from sandbox.wix.state import Site


def seen(site: Site, order: dict[str, Any]) -> dict[str, Any]:
    place = (order.get("shippingInfo") or {}).get("logistics", {}).get("shippingDestination") or {}
    address, contact = place.get("address") or {}, place.get("contactDetails") or {}
    skus = {line["id"]: line["physicalProperties"].get("sku", "") for line in order["lineItems"]}
    words = {"FULFILLED": "Fulfilled", "NOT_FULFILLED": "Unfulfilled", "PARTIALLY_FULFILLED": "Partly fulfilled"}
    summary = order["priceSummary"]
    return {
        "id": order["id"],
        "name": order["number"],
        "shop": site.seller,
        "reference": order["channelInfo"].get("externalOrderId", ""),
        "created_at": order["made"],
        "total": (summary.get("total") or {}).get("amount", ""),
        "currency": order["currency"],
        "status": "Cancelled" if order["status"] == "CANCELED" else "",
        "fulfillment_status": words[fulfillment_status(order)],
        "is_cancelled": order["status"] == "CANCELED",
        "email": (order.get("buyerInfo") or {}).get("email", ""),
        "phone": contact.get("phone", ""),
        "note": order.get("buyerNote", ""),
        "tags": [],
        "fields": {one["title"]: one.get("value") for one in order.get("customFields") or []},
        "payments": len(order["payments"]),
        "financial_status": payment_status(order),
        "refunds": [_refund(one["told"], skus) for one in order["refunds"]],
        "comments": [(one.get("merchantComment") or {}).get("message", "") for one in order["activities"]],
        "shipping_address": {
            "name": " ".join(filter(None, [contact.get("firstName"), contact.get("lastName")])),
            "address1": address.get("addressLine", ""),
            "address2": address.get("addressLine2", ""),
            "city": address.get("city", ""),
            "state": address.get("subdivision", ""),
            "zip": address.get("postalCode", ""),
            "country": address.get("country", ""),
            "phone": contact.get("phone", ""),
        },
        "shipping_method": (order.get("shippingInfo") or {}).get("title", ""),
        **{
            shown: (summary.get(name) or {}).get("amount", "")
            for shown, name in (
                ("discount", "discount"),
                ("tax", "tax"),
                ("subtotal", "subtotal"),
                ("shipping_total", "shipping"),
            )
        },
        "lines": [
            {
                "sku": skus[line["id"]],
                "title": line["productName"]["original"],
                "quantity": line["quantity"],
                "remaining": remaining(order, line["id"]),
                "price": line["price"]["amount"],
            }
            for line in order["lineItems"]
        ],
        "fulfillments": [
            {
                "id": one["id"],
                "status": "SUCCESS",
                "tracking_number": (one.get("trackingInfo") or {}).get("trackingNumber", ""),
                "carrier": (one.get("trackingInfo") or {}).get("shippingProvider", ""),
                "lines": {skus[part["id"]]: part["quantity"] for part in one["lineItems"]},
            }
            for one in order["fulfillments"]
        ],
        "raw": order["sent"],
    }


def _refund(told: dict[str, Any], skus: dict[str, str]) -> dict[str, Any]:
    return {
        "id": told["id"],
        "note": told["details"]["reason"],
        "amount": told["summary"]["requestedRefund"]["amount"],
        "lines": {skus[one["lineItemId"]]: one["quantity"] for one in told["details"]["lineItems"]},
        "status": told["transactions"][0]["refundStatus"],
    }
