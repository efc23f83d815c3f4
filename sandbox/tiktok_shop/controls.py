"""The control verbs: what buyers, the seller, the carrier and time do."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop
from typing import Any

from sandbox.tiktok_shop.after_sales import AfterSales
from sandbox.tiktok_shop.authorization import Authorization
from sandbox.tiktok_shop.buying import bought, place_order
from sandbox.tiktok_shop.cancellations import Cancellations
from sandbox.tiktok_shop.cast import MARKETS
from sandbox.tiktok_shop.envelope import Refusal
from sandbox.tiktok_shop.notices import EVENT_TYPES, Notices
from sandbox.tiktok_shop.paying import move, take_payment
from sandbox.tiktok_shop.products import Shelf
from sandbox.tiktok_shop.returns import Returns
from sandbox.tiktok_shop.seller_center import SellerCenter
from sandbox.tiktok_shop.state import App, Grant, Order, Shop
from sandbox.world import ControlError

WARNING_SECONDS = 30 * 86_400
DAY = 86_400
ABSENT = "__absent__"  # in `update_fields`: take the field away


class Controls:
    def __init__(
        self, notices: Notices, cancellations: Cancellations, returns: Returns, authorization: Authorization
    ) -> None:
        self.notices, self.state = notices, notices.state
        self.authorization = authorization
        seller_center, shelf = SellerCenter(cancellations), Shelf(self.state)
        self.verbs: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "app": self.app,
            "buy": self.buy,
            "pay": self.pay,
            **AfterSales(cancellations, returns).verbs(),
            "seller_cancel": seller_center.cancel,
            "seller_answer": seller_center.answer,
            "seller_ship": seller_center.ship,
            "platform_ship": seller_center.platform_ship,
            "end_hold": self.end_hold,
            "in_transit": self.in_transit,
            "deliver": self.deliver,
            "complete": self.complete,
            "change_address": self.change_address,
            "set_status": self.set_status,
            "update_fields": self.update_fields,
            "expire_tokens": self.expire_tokens,
            "deauthorize": self.deauthorize,
            "warn_expiry": self.warn_expiry,
            "install": self.install,
            "webhook_settings": self.webhook_settings,
            "shop_settings": self.shop_settings,
            "add_shop": self.add_shop,
            "add_product": shelf.add,
            "change_product": shelf.change,
        }

    def run(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        if action not in self.verbs:
            raise ControlError(f"unknown verb: {action}; known: {', '.join(self.verbs)}")
        try:
            return self.verbs[action](body)
        except Refusal as refusal:
            raise ControlError(f"{refusal.code} {refusal.message}") from refusal

    def tick(self) -> None:
        """Ends holds, and warns daily of authorizations that end within 30 days."""
        now = self.state.world.now()
        while self.state.holds and self.state.holds[0][0] <= now:
            order = self.state.orders[heappop(self.state.holds)[1]]
            if order.status == "ON_HOLD" and order.hold_until is not None and now >= order.hold_until:
                order.hold_until = None
                self._move(order, "AWAITING_SHIPMENT")
        for grant in self.state.grants:
            day = int(now // DAY)
            is_near = 0 < grant.refresh_expires_at - now <= WARNING_SECONDS
            if is_near and not grant.is_revoked and grant.warned_day != day:
                grant.warned_day = day
                self._warn(grant)

    def app(self, body: dict[str, Any]) -> dict[str, Any]:
        """Registers the app. Nothing else is accepted afterwards."""
        if "scopes" in body:
            body = {**body, "scopes": tuple(body["scopes"])}
        self.state.app = App(**body)
        return {"ok": True}

    def buy(self, body: dict[str, Any]) -> dict[str, Any]:
        order = place_order(self.state, body)
        self.state.world.ledger_add("tiktok_shop", "order.placed", order.id, shop_id=order.shop_id, **bought(order))
        self.notices.status(order)
        if body.get("pay", True):
            self._paid(order)
        return self._shown(order)

    def pay(self, body: dict[str, Any]) -> dict[str, Any]:
        order = self._order(body)
        if order.status != "UNPAID":
            raise ControlError(f"the order is {order.status}")
        self._paid(order)
        return self._shown(order)

    def end_hold(self, body: dict[str, Any]) -> dict[str, Any]:
        """This order's hold ends now, whatever the clock says."""
        order = self._order(body)
        if order.status != "ON_HOLD":
            raise ControlError(f"the order is {order.status}")
        order.hold_until = None
        self._move(order, "AWAITING_SHIPMENT")
        return self._shown(order)

    def in_transit(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._carry(body, ("AWAITING_COLLECTION",), "IN_TRANSIT", "collection_time")

    def deliver(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._carry(body, ("AWAITING_COLLECTION", "IN_TRANSIT"), "DELIVERED", "delivery_time")

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._carry(body, ("DELIVERED",), "COMPLETED", None)

    def change_address(self, body: dict[str, Any]) -> dict[str, Any]:
        order = self._order(body)
        order.data["recipient_address"] |= body["address"]
        order.data["has_updated_recipient_address"] = True
        self.state.save(order, moves_time=self.state.shops[order.shop_id].edits_move_time)
        self.notices.address(order)
        return self._shown(order)

    def set_status(self, body: dict[str, Any]) -> dict[str, Any]:
        """Any text, unknown ones included; no rule is asked."""
        order = self._order(body)
        order.hold_until = None
        self._move(order, str(body["status"]))
        return self._shown(order)

    def update_fields(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"order_id", "fields": {...}, "lines": {...} for every line, "payment": {...}}, for bad input."""
        order = self._order(body)
        _overwrite(order.data, body.get("fields", {}))
        _overwrite(order.data.get("payment", {}), body.get("payment", {}))
        for line in order.data.get("line_items", []):
            _overwrite(line, body.get("lines", {}))
        self.state.save(order, moves_time="update_time" not in body.get("fields", {}))
        if body.get("notify", True) and "status" in order.data:
            self.notices.status(order)
        return self._shown(order)

    def expire_tokens(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"seller", "refresh": true to end the authorization too}."""
        for grant in self._grants(body):
            grant.access = dict.fromkeys(grant.access, 0)
            if body.get("refresh"):
                grant.refresh_expires_at = 0
        return {"ok": True}

    def deauthorize(self, body: dict[str, Any]) -> dict[str, Any]:
        for grant in self._grants(body):
            for shop_id in grant.shop_ids:
                self.notices.deauthorized(self.state.shops[shop_id])
            grant.is_revoked = True
            self.state.world.ledger_add("tiktok_shop", "shop.deauthorized", grant.seller)
        return {"ok": True}

    def warn_expiry(self, body: dict[str, Any]) -> dict[str, Any]:
        for grant in self._grants(body):
            self._warn(grant)
        return {"ok": True}

    def install(self, body: dict[str, Any]) -> dict[str, Any]:
        """From the App Store: the answer's location carries no state."""
        if self.state.app is None:
            raise ControlError("no app is registered")
        seller = body.get("seller", "alice")
        owned = tuple(shop.id for shop in self.state.shops.values() if shop.seller == seller)
        if not owned:
            raise ControlError(f"no such seller: {seller}")
        return {"location": self.authorization.allow(self.state.app, seller, owned, "").headers["Location"]}

    def webhook_settings(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"webhook_url", "muted": [event types]}."""
        if "webhook_url" in body:
            if self.state.app is None:
                raise ControlError("no app is registered")
            self.state.app.webhook_url = str(body["webhook_url"])
        if unknown := set(body.get("muted", ())) - set(EVENT_TYPES):
            raise ControlError(f"unknown events: {sorted(unknown)}")
        if "muted" in body:
            self.state.muted_events = set(body["muted"])
        return {"ok": True}

    def shop_settings(self, body: dict[str, Any]) -> dict[str, Any]:
        choices: dict[str, tuple[Any, ...]] = {
            "masking": ("empty", "asterisks", "none"),
            "is_hold": (True, False),
            "qps": (),
            "shipping_type": ("SELLER", "TIKTOK"),
            "offers_both": (True, False),
            "warehouse_status": ("ENABLED", "DISABLED", "RESTRICTED"),
            "has_return_warehouse": (True, False),
            "tracking_check": ("warn", "refuse", "off"),
            "locale": (),
            "most_products": (),
            "cancel_answer_hours": (),
            "return_answer_hours": (),
            "replacement_answer_hours": (),
            "auto_approve_hours": (0, 1, 3, 5),
            "refund_seconds": (),
            "rejects_by_api": (True, False),
            "seller_cancels_unpaid": (True, False),
            "edits_move_time": (True, False),
            "cancelled_word": ("CANCEL", "CANCELLED"),
            "payment_after_cancel": ("kept", "reduced"),
        }
        shop = self.state.shop(body.get("shop"))
        for name, value in body.items():
            if name == "shop":
                continue
            if name not in choices or (choices[name] and value not in choices[name]):
                raise ControlError(f"{name}: {value!r} is not possible")
            setattr(shop, name, value)
        return {"shop": shop.id}

    def add_shop(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"name", "region": US|GB|JP|VN, "seller"}: for markets the cast does not have."""
        if body["region"] not in MARKETS:
            raise ControlError(f"no such market: {body['region']}")
        shop_id = self.state.new_id("7495")
        self.state.shops[shop_id] = Shop(shop_id, body["name"], body["region"], body.get("seller", "alice"))
        return {"shop": shop_id}

    def _paid(self, order: Order) -> None:
        take_payment(self.state, self.notices, order)

    def _move(self, order: Order, status: str) -> None:
        move(self.state, self.notices, order, status)

    def _carry(self, body: dict[str, Any], allowed: tuple[str, ...], status: str, field: str | None) -> dict[str, Any]:
        order = self._order(body)
        if order.status not in allowed:
            raise ControlError(f"the order is {order.status}")
        if field:
            order.data[field] = self.state.now()
        for line in order.lines:
            if line["display_status"] != "CANCELLED":
                line |= {
                    "display_status": status,
                    "package_status": "COMPLETED" if field != "collection_time" else "FULFILLING",
                }
        self._move(order, status)
        return self._shown(order)

    def _warn(self, grant: Grant) -> None:
        for shop_id in grant.shop_ids:
            self.notices.expiring(self.state.shops[shop_id], grant.refresh_expires_at)

    def _grants(self, body: dict[str, Any]) -> list[Grant]:
        return [one for one in self.state.grants if not one.is_revoked and body.get("seller") in (None, one.seller)]

    def _order(self, body: dict[str, Any]) -> Order:
        return self.state.order(str(body["order_id"]))

    def _shown(self, order: Order) -> dict[str, Any]:
        return {"order_id": order.id, "order": order.data}


def _overwrite(target: dict[str, Any], fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if value == ABSENT:
            target.pop(name, None)
        else:
            target[name] = value
