"""Products: a site has the first or the third version of the catalog, and each version's calls fail on the other."""

from __future__ import annotations

import json
from typing import Any

from sandbox.wix import shapes
from sandbox.wix.errors import Refused
from sandbox.wix.orders import refuse
from sandbox.wix.state import Site

LONGEST_SKU = 40
MOST = {"V3_CATALOG": 1000, "V1_CATALOG": 100}


def version(site: Site) -> dict[str, Any]:
    return {"catalogVersion": site.catalog_version}


def query_v3(site: Site, body: dict[str, Any]) -> dict[str, Any]:
    """By `sku` and other filters, page by page: a cursor stands alone."""
    _require(site, "V3_CATALOG")
    if "search" not in body:
        refuse(shapes.VARIANTS.check(body, ""))
    query = body.get("query") or body.get("search") or {}
    paging, start = query.get("cursorPaging") or {}, 0
    limit = paging.get("limit", 100)
    if type(limit) is not int or not 1 <= limit <= MOST["V3_CATALOG"]:
        raise Refused(400, "limit is not valid", code="INVALID_LIMIT")
    if paging.get("cursor"):
        if query.get("filter"):
            raise Refused(400, "a cursor stands alone", code="INVALID_CURSOR")
        query, start = _read_cursor(paging["cursor"])
    found = _by_sku(site, query.get("filter") or {})
    is_more = len(found) > start + limit
    following = json.dumps([query, start + limit]).encode().hex() if is_more else None
    variants = [
        {
            "id": one["id"],
            "variantId": one["id"],
            "visible": True,
            "sku": one["sku"],
            "optionChoices": [],
            "price": {"actualPrice": {"amount": one["price"]}},
            "inventoryStatus": {"inStock": one["quantity"] > 0, "preorderEnabled": False},
            "productData": {"productId": one["productId"], "name": one["title"]},
        }
        for one in found[start : start + limit]
    ]
    cursors = {"next": following} if following else {}
    return {"variants": variants, "pagingMetadata": {"count": len(variants), "cursors": cursors, "hasNext": is_more}}


def query_v1(site: Site, body: dict[str, Any]) -> dict[str, Any]:
    """The filter may be an object, or its JSON as text; pages by an offset [guess]."""
    _require(site, "V1_CATALOG")
    query = body.get("query") or {}
    wanted, paging = query.get("filter") or {}, query.get("paging") or {}
    limit, start = paging.get("limit", MOST["V1_CATALOG"]), paging.get("offset", 0)
    if type(limit) is not int or not 1 <= limit <= MOST["V1_CATALOG"] or type(start) is not int:
        raise Refused(400, "paging is not valid", code="INVALID_PAGING")
    if isinstance(wanted, str):
        try:
            wanted = json.loads(wanted)
        except ValueError as error:
            raise Refused(400, "the filter is not JSON", code="INVALID_FILTER") from error
    found = _by_sku(site, wanted)
    variants = [
        {
            "id": f"{one['productId']}.{one['id']}",
            "sku": one["sku"],
            "productName": one["title"],
            "choices": {},
            "stock": {"trackQuantity": True, "quantity": one["quantity"], "inStock": one["quantity"] > 0},
        }
        for one in found[start : start + limit]
    ]
    return {"variants": variants, "totalResults": len(found)}


def _read_cursor(text: str) -> tuple[dict[str, Any], int]:
    try:
        query, start = json.loads(bytes.fromhex(text))
    except ValueError as error:
        raise Refused(400, "the cursor is not valid", code="INVALID_CURSOR") from error
    return query, start


def _require(site: Site, wanted: str) -> None:
    if site.catalog_version != wanted:
        raise Refused(428, f"the site has {site.catalog_version}", code="CATALOG_VERSION_MISMATCH")  # [guess]


def _by_sku(site: Site, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    if unknown := sorted(set(wanted) - {"sku"}):
        raise Refused(400, f"cannot filter by {unknown[0]}", code="INVALID_FILTER")
    condition = wanted.get("sku")
    if condition is None:
        return list(site.variants.values())
    if isinstance(condition, str):
        condition = {"$eq": condition}
    skus: list[str] = []
    for operator, value in condition.items():
        if operator not in ("$eq", "$in"):
            raise Refused(400, f"sku cannot be filtered with {operator}", code="INVALID_FILTER")
        skus += value if operator == "$in" else [value]
    if any(not isinstance(sku, str) or len(sku) > LONGEST_SKU for sku in skus):
        raise Refused(400, f"no SKU has more than {LONGEST_SKU} characters", code="INVALID_FILTER")  # [guess]
    return [one for one in site.variants.values() if one["sku"] in skus]
