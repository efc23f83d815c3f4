"""What the pages' buttons do: the control verbs, with the words a person reads afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from werkzeug.datastructures import MultiDict

from sandbox.world import ControlError, World

Form = MultiDict[str, str]
BUY_LIMIT = 500
DAY = 86_400
# The verbs that take nothing but an order, and what is said afterwards.
ORDER_VERBS = {
    "pay": "Paid",
    "buyer_cancel": "The buyer cancelled, or asked to",
    "end_hold": "The hold is over",
    "seller_cancel": "The seller cancelled",
    "system_cancel": "The platform cancelled",
    "in_transit": "The carrier has it",
    "deliver": "Delivered",
    "complete": "Completed",
    "withdraw_cancel": "The buyer wants it after all",
}
# The verbs of a return's buttons.
RETURN_VERBS = {
    "seller_decides": "The seller has answered",
    "hand_over": "The parcel is on its way back",
    "return_arrives": "The parcel is back",
    "answer_offer": "The buyer has answered",
    "appeal": "The buyer appeals",
    "judge": "TikTok has judged",
    "withdraw_return": "The buyer keeps it",
    "platform_refund": "TikTok pays",
    "finish_exchange": "The exchange is done",
}
CANCEL_VERBS = ("buyer_cancel", "seller_cancel", "system_cancel")
STORE_VERBS = {"cancel": "Cancelled", "delete": "Deleted", "refund": "Refunded", "cancel_fulfillment": "Taken back"}
SELLER_VERBS = {
    "deauthorize": "The seller took the approval back",
    "expire_tokens": "The tokens have expired",
    "warn_expiry": "The seller's approval is said to end soon",
}
SHOP_FLAGS = ("is_hold",)
SHOP_CHOICES = ("masking", "shipping_type", "tracking_check")


class Actions:
    def __init__(self, world: World) -> None:
        self.world = world
        self._known: dict[str, Callable[[Form], str]] = {
            "buy": self._buy,
            "order": self._order,
            "address": self._address,
            "answer": self._answer,
            "cancel_units": self._cancel_units,
            "open_return": self._open_return,
            "after_sale": self._after_sale,
            "seller_ship": self._seller_ship,
            "seller": self._seller,
            "shop": self._shop,
            "ship": self._ship,
            "store": self._store,
            "clock": self._clock,
            "webhooks": self._webhooks,
            "break": self._break,
            "mend": self._mend,
            "reset": self._reset,
        }

    def run(self, name: str, form: Form) -> str:
        """Returns what happened. Raises ControlError or ValueError with what cannot be done."""
        if name not in self._known:
            raise ControlError(f"no such action: {name}")
        return self._known[name](form)

    def _control(self, platform: str, verb: str, **body: Any) -> dict[str, Any]:
        half = self.world.halves.get(platform)
        if half is None:
            raise ControlError(f"no such platform: {platform}")
        with self.world.lock:
            half.tick()
            return half.control(verb, body)

    def _buy(self, form: Form) -> str:
        body = _basket(form)
        times = min(max(int(form.get("times") or 1), 1), BUY_LIMIT)
        for _ in range(times):
            answer = self._control("tiktok_shop", "buy", **body)
        return f"Bought {times} times" if times > 1 else f"Bought: order {answer['order_id']}"

    def _order(self, form: Form) -> str:
        verb = form["verb"]
        if verb not in ORDER_VERBS:
            raise ControlError(f"no such button: {verb}")
        self._control("tiktok_shop", verb, order_id=form["order_id"])
        return ORDER_VERBS[verb]

    def _address(self, form: Form) -> str:
        names = ("name", "address_line1", "address_line2", "postal_code", "phone_number")
        address = {name: form[name].strip() for name in names if form.get(name, "").strip()}
        if not address:
            raise ControlError("nothing of the address was filled in")
        self._control("tiktok_shop", "change_address", order_id=form["order_id"], address=address)
        return "The address is changed"

    def _answer(self, form: Form) -> str:
        approve = form.get("approve") == "yes"
        self._control("tiktok_shop", "seller_answer", order_id=form["order_id"], approve=approve)
        return "The request is approved" if approve else "The request is rejected"

    def _cancel_units(self, form: Form) -> str:
        verb = form["verb"]
        if verb not in CANCEL_VERBS:
            raise ControlError(f"no such button: {verb}")
        reason = {"reason": form["reason"]} if verb == "buyer_cancel" and form.get("reason") else {}
        self._control("tiktok_shop", verb, order_id=form["order_id"], **reason, **_units(form, "skus"))
        return "Asked to cancel them, or cancelled"

    def _open_return(self, form: Form) -> str:
        names = {"type": form["type"], "reason": form.get("reason", ""), "quick": form.get("quick") == "yes"}
        self._control(
            "tiktok_shop", "open_return", order_id=form["order_id"], early=True, **names, **_units(form, "skus")
        )
        return "The buyer asks for it"

    def _after_sale(self, form: Form) -> str:
        verb = form["verb"]
        if verb not in RETURN_VERBS:
            raise ControlError(f"no such button: {verb}")
        self._control("tiktok_shop", verb, **json.loads(form["body"]))
        return RETURN_VERBS[verb]

    def _seller_ship(self, form: Form) -> str:
        answer = self._control(
            "tiktok_shop",
            "seller_ship",
            order_id=form["order_id"],
            tracking_number=form["tracking_number"].strip(),
            shipping_provider_id=form["carrier"],
        )
        warning: str = answer.get("warning", {}).get("message", "")
        return f"Shipped by hand. {warning}".strip()

    def _seller(self, form: Form) -> str:
        verb = form["verb"]
        if verb not in SELLER_VERBS:
            raise ControlError(f"no such button: {verb}")
        self._control("tiktok_shop", verb, seller=form["seller"])
        return SELLER_VERBS[verb]

    def _shop(self, form: Form) -> str:
        settings: dict[str, Any] = {name: form[name] for name in SHOP_CHOICES if name in form}
        settings |= {name: form.get(name) == "yes" for name in SHOP_FLAGS}
        self._control("tiktok_shop", "shop_settings", shop=form["shop"], **settings)
        return "The shop is set"

    def _ship(self, form: Form) -> str:
        body: dict[str, Any] = {name: form[name].strip() for name in ("tracking_number", "carrier") if name in form}
        body |= _units(form, "lines")
        self._control(form["platform"], "ship", **_which(form), **body)
        return "Shipped"

    def _store(self, form: Form) -> str:
        verb = form["verb"]
        if verb not in STORE_VERBS:
            raise ControlError(f"no such button: {verb}")
        self._control(form["platform"], verb, **_which(form))
        return STORE_VERBS[verb]

    def _clock(self, form: Form) -> str:
        if form.get("advance"):
            self.world.advance(float(form["advance"]))
            return "The clock is put forward"
        if form.get("freeze"):
            if form["freeze"] == "yes":
                self.world.freeze()
            else:
                self.world.unfreeze()
            return "The clock stands" if form["freeze"] == "yes" else "The clock runs"
        seconds = int(form["hold_seconds"])
        if not 0 <= seconds <= 30 * DAY:
            raise ControlError("a hold is within 0 and 30 days")
        self.world.hold_seconds = seconds
        return f"New orders are held for {seconds} s"

    def _webhooks(self, form: Form) -> str:
        outgoing = self.world.outgoing
        if form.get("drain"):
            return f"{outgoing.drain()} webhooks sent"
        outgoing.automatic = form["automatic"] == "yes"
        return "Webhooks go out by themselves" if outgoing.automatic else "Webhooks wait for you"

    def _break(self, form: Form) -> str:
        settings: dict[str, Any] = {"kind": form["kind"], "times": int(form.get("times") or 1)}
        if form.get("percent"):
            settings["probability"] = min(max(float(form["percent"]), 0.0), 100.0) / 100
        for name, of_type in (("seconds", float), ("status", int), ("copies", int), ("retry_after", float)):
            if form.get(name):
                settings[name] = of_type(form[name])
        self.world.faults.add(form["platform"], form.get("operation", "").strip() or "*", **settings)
        return "Broken"

    def _mend(self, form: Form) -> str:
        if form.get("id"):
            self.world.faults.remove(int(form["id"]))
        else:
            self.world.faults.clear(form.get("platform") or None)
        return "Mended"

    def _reset(self, _form: Form) -> str:
        self.world.reset()
        return "Everything is forgotten"


def _basket(form: Form) -> dict[str, Any]:
    """The `buy` verb's body. `one` is the button beside a product; without it the quantities count."""
    if form.get("one"):
        lines = [{"sku": form["one"], "quantity": 1}]
    else:
        counts = {name.removeprefix("sku:"): int(form[name] or 0) for name in form if name.startswith("sku:")}
        lines = [{"sku": sku, "quantity": min(count, 100)} for sku, count in counts.items() if count > 0]
    if not lines:
        raise ControlError("the basket is empty")
    body: dict[str, Any] = {"lines": lines, "shop": form["shop"], "pay": form.get("unpaid") != "yes"}
    body |= {name: True for name in ("sample", "gift", "preorder", "cod") if form.get(name) == "yes"}
    if form.get("buyer"):
        body["buyer"] = int(form["buyer"])
    if form.get("message", "").strip():
        body["message"] = form["message"].strip()
    if form.get("hold") == "no":
        body["hold"] = False
    elif form.get("hold"):
        body["hold_seconds"] = int(form["hold"])
    return body


def _units(form: Form, name: str) -> dict[str, dict[str, int]]:
    """How many of which, under that name; nothing when it is all of them. Raises ControlError when it is none."""
    lines = {field.removeprefix("line:"): int(form[field] or 0) for field in form if field.startswith("line:")}
    if lines and not any(lines.values()):
        raise ControlError("no line is chosen")
    if all(count == int(form.get(f"left:{sku}") or 0) for sku, count in lines.items()):
        return {}
    return {name: {sku: count for sku, count in lines.items() if count > 0}}


def _which(form: Form) -> dict[str, str]:
    """The store's order, and the store where the platform has several."""
    return {name: form[name] for name in ("shop", "order") if form.get(name)}
