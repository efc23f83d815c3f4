"""How a status and the state of an order's copies are shown: words, shape and tone."""

from __future__ import annotations

from dataclasses import dataclass

from orders.models import MirrorState, OrderState


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as it is shown: words, shape and tone."""

    code: str
    label: str
    mark: str
    tone: str


STATUS = {
    "UNPAID": Badge("UNPAID", "Unpaid", "dashed", "gray"),
    "ON_HOLD": Badge("ON_HOLD", "On hold", "half", "amber"),
    "AWAITING_SHIPMENT": Badge("AWAITING_SHIPMENT", "Ready to ship", "ring", "blue"),
    "PARTIALLY_SHIPPING": Badge("PARTIALLY_SHIPPING", "Partly shipped", "quarter", "blue"),
    "AWAITING_COLLECTION": Badge("AWAITING_COLLECTION", "Awaiting collection", "dot", "teal"),
    "IN_TRANSIT": Badge("IN_TRANSIT", "In transit", "triangle", "teal"),
    "DELIVERED": Badge("DELIVERED", "Delivered", "disc", "green"),
    "COMPLETED": Badge("COMPLETED", "Completed", "tick", "green"),
    "CANCELLED": Badge("CANCELLED", "Cancelled", "cross", "red"),
}

SYNC = {
    "HELD": Badge("HELD", "Held", "half", "amber"),
    "WAITING": Badge("WAITING", "Waiting", "ring", "gray"),
    "CREATING": Badge("CREATING", "Creating", "arc", "blue"),
    "SYNCED": Badge("SYNCED", "Synced", "tick", "green"),
    "ATTENTION": Badge("ATTENTION", "Needs attention", "warning", "red"),
    "SKIPPED": Badge("SKIPPED", "Skipped", "bar", "gray"),
    "CANCELLED": Badge("CANCELLED", "Cancelled", "cross", "red-outline"),
}

_SYNC_OF_STATE = {
    OrderState.UNPAID: "WAITING",
    OrderState.HELD: "HELD",
    OrderState.MIRRORED: "SYNCED",
    OrderState.FULFILLED: "SYNCED",
    OrderState.COMPLETED: "SYNCED",
    OrderState.CANCELLED: "CANCELLED",
    OrderState.SKIPPED: "SKIPPED",
}

MIRROR_TEXT = {
    MirrorState.CANCELLED: "cancelled",
    MirrorState.DELETED: "deleted",
}


def status_badge(status: str, text: str) -> Badge:
    """TikTok's status; one that we do not know is shown in TikTok's own word."""
    return STATUS.get(status) or Badge("UNKNOWN", text or "Unknown", "question", "gray")


def not_ready(open_step: int | None) -> str:
    """How it is said that a shop is not switched on, and what is missing first."""
    return f"Not ready: step {open_step}" if open_step else "Not ready"


def sync_badge(*, state: str, attention: str, has_mirrors: bool, is_waiting: bool, not_ready: str = "") -> Badge:
    """Where we stand: a question for a person outranks everything but the end. `not_ready`: what is said of an order
    that goes nowhere before its shop is switched on."""
    if attention:
        return SYNC["ATTENTION"]
    if state == OrderState.READY and not_ready and not has_mirrors:
        return Badge("NOT_READY", not_ready, "half", "amber")
    if state == OrderState.READY:
        return SYNC["CREATING" if has_mirrors and not is_waiting else "WAITING"]
    return SYNC[_SYNC_OF_STATE[OrderState(state)]]
