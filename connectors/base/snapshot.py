"""A PlatformOrder as JSON and back, so that what was read once can be drafted from, shown and compared later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from enum import Enum
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


def to_json(order: PlatformOrder) -> dict[str, Any]:
    """Everything but the raw answer, as plain JSON values."""
    return {field.name: _plain(getattr(order, field.name)) for field in fields(order) if field.name != "raw"}


def from_json(value: Mapping[str, Any]) -> PlatformOrder:
    """The order that `to_json` wrote; `raw` is empty."""
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


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value
