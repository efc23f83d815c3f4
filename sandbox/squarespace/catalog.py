"""The site, its products and their stock."""

from __future__ import annotations

from typing import Any

from sandbox.squarespace.errors import Refused, invalid, missing
from sandbox.squarespace.orders import KEY
from sandbox.squarespace.state import Site, State

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


OPERATIONS = ("incrementOperations", "decrementOperations", "setFiniteOperations", "setUnlimitedOperations")


def adjust(state: State, site: Site, body: dict[str, Any], key: str) -> None:
    """All of it or nothing; a key that was seen does nothing again, whatever is sent with it."""
    if not key:
        raise missing("Idempotency-Key")
    if not KEY.fullmatch(key):
        raise invalid("Idempotency-Key is not valid")
    now = state.world.now()
    if site.adjustments.get(key, -site.key_life) > now - site.key_life:
        return
    if unknown := sorted(set(body) - set(OPERATIONS)):
        raise invalid(f"{unknown[0]} is not known")
    every = [(name, one) for name in OPERATIONS for one in body.get(name) or []]
    if not every:
        raise missing("incrementOperations")  # [guess] that nothing at all is refused
    if len(every) > MOST_IDS:
        raise invalid(f"At most {MOST_IDS} operations")
    after = {one["id"]: (one["quantity"], one["is_unlimited"]) for one in site.variants.values()}
    for name, one in every:
        _apply(after, name, one)
    before = {one["id"]: one["quantity"] for one in site.variants.values()}
    for variant_id, (quantity, is_unlimited) in after.items():
        site.variants[variant_id] |= {"quantity": quantity, "is_unlimited": is_unlimited}
    site.adjustments[key] = now
    changed = {site.variants[one]["sku"]: after[one][0] - count for one, count in before.items()}
    lines = {sku: change for sku, change in changed.items() if change}
    state.world.ledger_add("squarespace", "stock.adjusted", key, lines=lines, by="app")


def _apply(after: dict[str, tuple[int, bool]], name: str, one: Any) -> None:
    """[guess] What has no count can be set, and is neither added to nor taken from."""
    variant_id = one if name == "setUnlimitedOperations" else one.get("variantId") if isinstance(one, dict) else None
    if not isinstance(variant_id, str) or variant_id not in after:
        raise invalid(f"{name} names no variant")
    if name == "setUnlimitedOperations":
        after[variant_id] = (0, True)
        return
    count, (quantity, is_unlimited) = one.get("quantity"), after[variant_id]
    if type(count) is not int or count < 0 or (count == 0 and name != "setFiniteOperations"):
        raise invalid(f"{name} names no quantity")
    if name == "setFiniteOperations":
        after[variant_id] = (count, False)
        return
    if is_unlimited:
        raise Refused(409, "The variant's stock is unlimited")
    changed = quantity + (count if name == "incrementOperations" else -count)
    if changed < 0:
        raise Refused(409, "Not enough stock for a variant")
    after[variant_id] = (changed, False)


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
                "stock": {"quantity": one["quantity"], "unlimited": one["is_unlimited"]},
                "attributes": {},
            }
        ],
    }


def _stock(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "variantId": one["id"],
        "sku": one["sku"],
        "descriptor": one["title"],
        "isUnlimited": one["is_unlimited"],
        "quantity": one["quantity"],
    }
