"""Who ships a shop's orders, from what its warehouses, delivery options and templates say. Pure.

https://partner.tiktokshop.com/docv2/page/get-warehouse-list-202309 and get-warehouse-delivery-options-202309; the
templates' call is known from a model of the reference only (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.base.types import ShippingSetup

Row = Mapping[str, Any]
HAS_TEMPLATES = frozenset(["JP", "GB"])
_BY_SELLER = "SEND_BY_SELLER"
_SELLERS_TEMPLATE = "2"


def sales_warehouse(warehouses: Sequence[Row]) -> Row | None:
    """The default warehouse that orders leave from, if it is in use."""
    return next((each for each in _in_use(warehouses, "SALES_WAREHOUSE") if each.get("is_default")), None)


def setup_of(warehouses: Sequence[Row], options: Sequence[Row], templates: Sequence[Row]) -> ShippingSetup:
    """A default template says it outright. Otherwise seller shipping among the delivery options means that the seller
    may ship, and beside others that TikTok may as well: a conclusion, not the documentation's words."""
    sales = sales_warehouse(warehouses)
    returns = next(iter(_in_use(warehouses, "RETURN_WAREHOUSE")), None)
    types = [str(each.get("type") or "") for each in options]
    by_seller = _BY_SELLER in types if types else None
    party = _default_party(templates)
    return ShippingSetup(
        is_by_seller=by_seller if party is None else party == _SELLERS_TEMPLATE,
        is_platform_offered=party is None and any(each != _BY_SELLER for each in types),
        option_names=tuple(str(each.get("name") or each.get("type") or "") for each in options),
        sales_warehouse=_name(sales),
        return_warehouse=_name(returns),
    )


def _default_party(templates: Sequence[Row]) -> str | None:
    for each in templates:
        template = each.get("template")
        if isinstance(template, Mapping) and template.get("is_default") and each.get("template_is_available"):
            return str(template.get("template_party"))
    return None


def _in_use(warehouses: Sequence[Row], kind: str) -> list[Row]:
    return [each for each in warehouses if each.get("type") == kind and each.get("effect_status") == "ENABLED"]


def _name(warehouse: Row | None) -> str:
    return str(warehouse.get("name") or warehouse.get("id") or "") if warehouse else ""
