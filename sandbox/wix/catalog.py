"""Products: a site has the first or the third version of the catalog, and each version's calls fail on the other."""

from __future__ import annotations

import json
from typing import Any

from sandbox.wix.errors import Refused
from sandbox.wix.state import Site

MOST = {"V3_CATALOG": 1000, "V1_CATALOG": 100}


def version(site: Site) -> dict[str, Any]:
    return {"catalogVersion": site.catalog_version}


def query_v3(site: Site, body: dict[str, Any]) -> dict[str, Any]:
    """By `sku` and other filters, with a cursor."""
    _require(site, "V3_CATALOG")
    query = body.get("query") or body.get("search") or {}
    found = _by_sku(site, query.get("filter") or {})
    limit = (query.get("cursorPaging") or {}).get("limit", 100)
    if type(limit) is not int or not 1 <= limit <= MOST["V3_CATALOG"]:
        raise Refused(400, "limit is not valid", code="INVALID_LIMIT")
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
        for one in found[:limit]
    ]
    return {"variants": variants, "pagingMetadata": {"count": len(variants), "cursors": {}, "hasNext": False}}


def query_v1(site: Site, body: dict[str, Any]) -> dict[str, Any]:
    """The filter may be an object, or its JSON as text [guess]."""
    _require(site, "V1_CATALOG")
    wanted = (body.get("query") or {}).get("filter") or {}
    if isinstance(wanted, str):
        try:
            wanted = json.loads(wanted)
        except ValueError as error:
            raise Refused(400, "the filter is not JSON", code="INVALID_FILTER") from error
    found = _by_sku(site, wanted)[: MOST["V1_CATALOG"]]
    variants = [
        {
            "id": f"{one['productId']}.{one['id']}",
            "sku": one["sku"],
            "productName": one["title"],
            "choices": {},
            "stock": {"trackQuantity": True, "quantity": one["quantity"], "inStock": one["quantity"] > 0},
        }
        for one in found
    ]
    return {"variants": variants, "totalResults": len(variants)}


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
    return [one for one in site.variants.values() if one["sku"] in skus]
