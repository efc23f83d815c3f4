"""What a webhook meant, in our words. A webhook is a hint: the order itself is always read afresh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """The kinds of news a platform can bring."""

    ORDER_CHANGED = "order.changed"
    ADDRESS_CHANGED = "order.address_changed"
    PACKAGE_CHANGED = "package.changed"
    CANCELLATION_CHANGED = "cancellation.changed"
    RETURN_CHANGED = "return.changed"
    DEAUTHORIZED = "store.deauthorized"
    AUTHORIZATION_EXPIRING = "store.authorization_expiring"
    SHIPMENT_CHANGED = "shipment.changed"
    PLACED_ORDER_CHANGED = "placed_order.changed"
    REFUND_CHANGED = "refund.changed"
    PRIVACY_REQUEST = "privacy.request"
    IGNORED = "ignored"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PlatformEvent:
    """One thing that happened. `external_id` is the order's id on the platform, empty where none applies."""

    kind: EventKind
    event_id: str
    occurred_at: datetime | None
    external_id: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)
