"""R3: after a shower of webhooks, late, often or never, each order stands as the platform has it."""

from __future__ import annotations

from typing import Any

from proof import ours
from proof.installation import Installation
from proof.ledger import Ledger
from proof.storm import Outcome


def compare(*, here: Installation, ledger: Ledger, outcome: Outcome) -> tuple[int, int]:
    """How many orders differ from what the platform says of them now, and how many missed at least one webhook.

    An order that cannot be read at the platform is not compared: what was read of it before still stands.
    """
    platform: Any = here.site.look("tiktok_shop")["orders"]
    said = {order["id"]: order["status"] for order in platform if "create_time" in order}
    kept = ours.look(here.tables, order_ids=outcome.order_ids)
    differing = 0
    for order_id in outcome.order_ids:
        own = kept.orders.get(order_id)
        if order_id in said and (own is None or own.status != said[order_id]):
            differing += 1
    unheard = sum(1 for order_id in outcome.order_ids if ledger.lost_webhooks.get(order_id))
    return differing, unheard
