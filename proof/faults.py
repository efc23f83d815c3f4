"""The calls that break, and telling the sandbox so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from proof.plan import Broken

PLATFORMS = ("tiktok_shop", "shopify", "amazon", "wix", "squarespace")
CREATES = {"shopify": "orderCreate", "amazon": "orders.create", "wix": "orders.create", "squarespace": "orders.create"}
# What is written down after the sale, and the merchant's answer.
RECORDS = (
    ("shopify", "refundCreate"),
    ("shopify", "returnCreate"),
    ("wix", "refunds.create"),
    ("tiktok_shop", "cancellations.approve"),
)
LOOK_UPS = (
    ("shopify", "orderByIdentifier"),
    ("shopify", "orders"),
    ("amazon", "orders.get"),
    ("wix", "orders.search"),
    ("squarespace", "orders.list"),
)


def any_call(*, share: float, silence: float) -> tuple[Broken, ...]:
    """That share of all calls to all platforms, in equal parts: refused, failed, cut off before and after it was
    done, done and called a failure, done and followed by silence of up to so many seconds."""
    kinds: tuple[tuple[str, dict[str, Any]], ...] = (
        ("status", {"status": 429, "retry_after": 1}),
        ("status", {"status": 500}),
        ("reset_before", {}),
        ("reset_after", {}),
        ("error_after", {"status": 500}),
        ("silence_after", {"seconds": silence, "is_up_to": True}),
    )
    return tuple(
        Broken(platform=platform, operation="*", kind=kind, share=share / len(kinds), how=how)
        for platform in PLATFORMS
        for kind, how in kinds
    )


def late_and_blind(*, share: float) -> tuple[Broken, ...]:
    """That share of creates, of tracking pushes, and of what is said after the sale, done up to 30 s after the
    connection broke; that share of look-ups failing, and as many ten seconds behind."""
    late = {"seconds": 30, "is_up_to": True}
    places = (*CREATES.items(), ("tiktok_shop", "orders.ship"), *RECORDS)
    return (
        *(Broken(platform, operation, "late_commit", share, late) for platform, operation in places),
        *(Broken(platform, operation, "status", share, {"status": 500}) for platform, operation in LOOK_UPS),
        *(Broken(platform, operation, "stale_lookup", share, {"seconds": 10}) for platform, operation in LOOK_UPS),
    )


def scattered(*, lost: float, copies: int, seconds: float) -> tuple[Broken, ...]:
    """Webhooks of the shop: that share never, the others up to so often within so many seconds, in any order."""
    return (
        Broken("tiktok_shop", "*", "webhook_lose", lost),
        Broken("tiktok_shop", "*", "webhook_scatter", 1.0, {"copies": copies, "seconds": seconds}),
    )


def begin(*, control: Callable[..., Any], broken: Sequence[Broken], seed: int) -> None:
    """Break these from now on, by dice of this seed. The sandbox asks one fault after the other, so each is given the
    share of what those before it left."""
    control("seed", random=seed)
    left: dict[tuple[str, str, bool], float] = {}
    for each in broken:
        place = (each.platform, each.operation, each.kind.startswith("webhook"))
        rest = left.get(place, 1.0)
        left[place] = max(rest - each.share, 1e-9)
        control(
            "faults",
            platform=each.platform,
            operation=each.operation,
            kind=each.kind,
            probability=min(1.0, each.share / rest),
            times=-1,
            **each.how,
        )
