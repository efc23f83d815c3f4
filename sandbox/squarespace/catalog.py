"""The site, its products and their stock."""

from __future__ import annotations

from typing import Any

from sandbox.squarespace.errors import Refused, invalid, missing
from sandbox.squarespace.state import Site

MOST_IDS = 50


def website(site: Site) -> dict[str, Any]:
    """[guess] all but the id, which webhooks call "websiteId"."""
    return {
        "id": site.id,
        "siteId": site.domain.partition(".")[0],
        "title": site.title,
        "url": f"https://{site.domain}",
        "domain": site.domain,
        "currency": site.currency,
        "language": "en-US",
        "location": None,
        "timeZone": "America/New_York",
    }


def listing(site: Site, query: dict[str, str]) -> dict[str, Any]:
    if query.get("type") and set(query["type"].split(",")) - {"PHYSICAL", "DIGITAL", "SERVICE", "GIFT_CARD"}:
        raise invalid("type is not known")
    start = int(query.get("cursor") or 0) if (query.get("cursor") or "0").isdigit() else -1
    if start < 0:
        raise invalid("cursor is not valid")
    products = list(site.variants.values())
    page, is_more = products[start : start + site.page_size], len(products) > start + site.page_size
    cursor = str(start + site.page_size) if is_more else None
    url = f"/v2/commerce/products?cursor={cursor}" if cursor else None
    return {
        "products": [_product(one) for one in page],
        "pagination": {"nextPageUrl": url, "nextPageCursor": cursor, "hasNextPage": is_more},
    }


def products_of(site: Site, ids: list[str]) -> dict[str, Any]:
    found = [one for one in site.variants.values() if one["productId"] in ids]
    if len(ids) > MOST_IDS or len(found) < len(set(ids)):
        raise Refused(404, "A product was not found")
    return {"products": [_product(one) for one in found]}


def inventory(site: Site, ids: str | None) -> dict[str, Any]:
    wanted = ids.split(",") if ids else list(site.variants)
    if ids and (len(wanted) > MOST_IDS or set(wanted) - set(site.variants)):
        raise Refused(404, "A variant was not found")
    rows = [_stock(site.variants[variant_id]) for variant_id in wanted]
    return {"inventory": rows, "pagination": {"nextPageUrl": None, "nextPageCursor": None, "hasNextPage": False}}


def adjust(site: Site, body: dict[str, Any], key: str) -> None:
    """All of it or nothing; a key that was seen does nothing again."""
    if not key:
        raise missing("Idempotency-Key")
    if key in site.keys:
        return
    changes: dict[str, int] = {}
    for name, sign in (("incrementOperations", 1), ("decrementOperations", -1)):
        for change in body.get(name) or []:
            if change.get("variantId") not in site.variants or type(change.get("quantity")) is not int:
                raise invalid(f"{name} names no variant or quantity")
            changes[change["variantId"]] = changes.get(change["variantId"], 0) + sign * change["quantity"]
    if any(site.variants[variant_id]["quantity"] + change < 0 for variant_id, change in changes.items()):
        raise Refused(409, "Not enough stock for a variant")
    for variant_id, change in changes.items():
        site.variants[variant_id]["quantity"] += change
    site.keys[key] = {"at": 0.0, "sent": "", "order": ""}


def _product(one: dict[str, Any]) -> dict[str, Any]:
    """[guess] the shape of prices, stock and attributes."""
    return {
        "id": one["productId"],
        "type": "PHYSICAL",
        "name": one["title"],
        "isVisible": True,
        "variants": [
            {
                "id": one["id"],
                "sku": one["sku"],
                "pricing": {"basePrice": {"currency": "USD", "value": one["price"]}},
                "stock": {"quantity": one["quantity"], "unlimited": False},
                "attributes": {},
            }
        ],
    }


def _stock(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "variantId": one["id"],
        "sku": one["sku"],
        "descriptor": one["title"],
        "isUnlimited": False,
        "quantity": one["quantity"],
    }
