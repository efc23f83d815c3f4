"""What payment sets going: packages, deadlines, the hold; and the step from one status to the next."""

from __future__ import annotations

from heapq import heappush

from sandbox.tiktok_shop.notices import Notices
from sandbox.tiktok_shop.state import Order, State

DAY = 86_400


def take_payment(state: State, notices: Notices, order: Order) -> None:
    now, shop = state.now(), state.shops[order.shop_id]
    if not order.data["is_cod"]:
        order.data["paid_time"] = now
    for line in order.lines:
        line["display_status"] = "AWAITING_SHIPMENT"  # lines know no ON_HOLD
    if shop.market.package_until_shipped:
        package_id = state.new_id("1153")
        order.data["packages"] = [{"id": package_id}]
        for line in order.lines:
            line |= {"package_id": package_id, "package_status": "TO_FULFILL"}
    order.data |= {
        "rts_sla_time": now + 2 * DAY,
        "tts_sla_time": now + 3 * DAY,
        "shipping_due_time": now + 7 * DAY,
        "delivery_sla_time": now + 6 * DAY,
    }
    state.world.ledger_add("tiktok_shop", "order.paid", order.id)
    if not order.hold_wanted:
        move(state, notices, order, "AWAITING_SHIPMENT")
        return
    # A pre-order stays on hold until its release; a COD order's hour begins when it is placed [guess].
    seconds = state.world.hold_seconds if order.hold_seconds is None else order.hold_seconds
    order.hold_until = max(now + seconds, order.data.get("release_date", 0))
    heappush(state.holds, (order.hold_until, order.id))
    move(state, notices, order, "ON_HOLD")


def move(state: State, notices: Notices, order: Order, status: str) -> None:
    """To that status, whatever it was before, and tell of it."""
    if status == "AWAITING_SHIPMENT":
        state.world.ledger_add("tiktok_shop", "order.released", order.id)
    order.data["status"] = status
    state.save(order)
    notices.status(order)
