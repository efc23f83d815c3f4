"""A PlatformOrder as JSON and back, so that what was read once can be drafted from, shown and compared later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

from connectors.base.types import (
    Address,
    AddressState,
    LineItem,
    Package,
    Payment,
    PlatformOrder,
    Shipper,
    SourceStatus,
)

_MOMENTS = {
    "created_at",
    "updated_at",
    "paid_at",
    "ship_by",
    "auto_cancel_at",
    "deliver_by",
    "cancel_requested_at",
    "release_date",
}
# Left out where they say nothing, so that orders that were kept before these were known do not look changed.
_SELDOM = ("is_made_to_order", "handling_days")
_OF_THE_READING = ("raw", "told_at")
_WORDS = ("status", "shipper", "address_state")


def to_json(order: PlatformOrder) -> dict[str, Any]:
    """Everything but the raw answer and its moment, as plain JSON values."""
    parts = _row(order)
    for name in _MOMENTS:
        parts[name] = parts[name].isoformat() if parts[name] is not None else None
    for name in _WORDS:
        parts[name] = parts[name].value
    parts["address"] = _row(order.address) if order.address else None
    parts["payment"] = {**_row(order.payment), "fees": dict(order.payment.fees)} if order.payment else None
    parts["lines"] = [_row(line) for line in order.lines]
    parts["packages"] = [{**_row(package), "line_ids": list(package.line_ids)} for package in order.packages]
    parts["problems"] = list(order.problems)
    for name in _SELDOM:
        if not parts[name]:
            del parts[name]
    return parts


def skus_in(value: Mapping[str, Any]) -> list[str]:
    """The SKUs of the lines of what `to_json` wrote."""
    return [line["sku"] for line in value.get("lines", ())]


def from_json(value: Mapping[str, Any]) -> PlatformOrder:
    """The order that `to_json` wrote; `raw` and `told_at` are empty."""
    parts: dict[str, Any] = dict(value)
    for name in _MOMENTS:
        parts[name] = datetime.fromisoformat(parts[name]) if parts.get(name) else None
    parts["status"] = SourceStatus(parts["status"])
    parts["shipper"] = Shipper(parts["shipper"])
    parts["address_state"] = AddressState(parts["address_state"])
    parts["address"] = Address(**parts["address"]) if parts["address"] else None
    parts["payment"] = Payment(**parts["payment"]) if parts["payment"] else None
    parts["lines"] = tuple(LineItem(**line) for line in parts["lines"])
    parts["packages"] = tuple(
        Package(**{**package, "line_ids": tuple(package["line_ids"])}) for package in parts["packages"]
    )
    parts["problems"] = tuple(parts.get("problems", ()))
    return PlatformOrder(**parts)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.name not in _OF_THE_READING)


def _row(value: Any) -> dict[str, Any]:
    kind: type = type(value)
    return {name: getattr(value, name) for name in _names(kind)}
