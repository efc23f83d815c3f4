"""The addresses a shop's webhooks go to."""

from __future__ import annotations

from typing import Any

from sandbox.outgoing import is_loopback
from sandbox.tiktok_shop.calls import Call
from sandbox.tiktok_shop.envelope import STRING, bad_request, check_fields
from sandbox.tiktok_shop.notices import EVENT_TYPES
from sandbox.tiktok_shop.state import State


class Subscriptions:
    def __init__(self, state: State) -> None:
        self.state = state

    def put(self, call: Call) -> dict[str, Any]:
        """The platform wants https and a domain without a port; here a loopback address stands in."""
        check_fields(call.body, {"address": STRING, "event_type": STRING}, ("address", "event_type"))
        address, event = call.body["address"], call.body["event_type"]
        if event not in EVENT_TYPES:
            raise bad_request("param body.event_type is invalid")
        is_web = address.startswith("https://") or (address.startswith("http://") and is_loopback(address))
        if not is_web or len(address) > 255:
            raise bad_request("param body.address is invalid")
        now = self.state.now()
        before = call.shop.subscriptions.get(event, {})
        call.shop.subscriptions[event] = {
            "event_type": event,
            "address": address,
            "create_time": before.get("create_time", now),
            "update_time": now,
        }
        return {}

    def listing(self, call: Call) -> dict[str, Any]:
        rows = list(call.shop.subscriptions.values())
        return {"webhooks": rows, "total_count": len(rows)}

    def delete(self, call: Call) -> dict[str, Any]:
        """Always succeeds."""
        check_fields(call.body, {"address": STRING, "event_type": STRING}, ("event_type",))
        call.shop.subscriptions.pop(call.body["event_type"], None)
        return {}
