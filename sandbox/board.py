"""The board of the pages: one row per order, with its copies in the stores beside it."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from sandbox.cards import OrderCard, StoreCard, countdown, first, tag_of
from sandbox.faults import REQUEST_KINDS
from sandbox.markup import fill, join
from sandbox.world import World

ROWS = 60
COPIES = 1000  # what is older belongs to no row that is shown
STRANGERS = 10  # a store has orders of its own; the newest are enough
TITLES = {"tiktok_shop": "TikTok Shop", "shopify": "Shopify", "wix": "Wix"}


def title_of(platform: str) -> str:
    return TITLES.get(platform, platform.replace("_", " ").title())


class Board:
    def __init__(self, world: World) -> None:
        self.world = world

    def rows(self, snapshots: dict[str, dict[str, Any]]) -> list[tuple[str, Markup]]:
        """(key, HTML), newest first. The HTML is the same as long as nothing but time has passed."""
        stores = [name for name in snapshots if name != "tiktok_shop"]
        shops = {shop["id"]: shop for shop in snapshots.get("tiktok_shop", {}).get("shops", [])}
        orders: list[dict[str, Any]] = list(snapshots.get("tiktok_shop", {}).get("orders", []))
        returns: dict[str, list[dict[str, Any]]] = {}
        for row in snapshots.get("tiktok_shop", {}).get("returns", []):
            returns.setdefault(row["order_id"], []).append(row)
        copies, strangers = self._copies(orders, {name: snapshots[name] for name in stores})
        rows: list[tuple[str, Markup]] = []
        for number, order in list(enumerate(orders))[-ROWS:]:
            card = OrderCard(order, number, shops.get(order["shop_id"], {}), returns.get(order["id"], ()))
            cells = [fill("cell", platform="tiktok_shop", body=card.html())]
            somewhere = any(copies[name].get(order["id"]) for name in stores)
            cells += [
                self._store_cell(name, copies[name].get(order["id"], []), order, number, somewhere) for name in stores
            ]
            rows.append((f"order-{order['id']}", join(cells)))
        for name, order in strangers[-STRANGERS:]:
            empty = fill("slot", platform="tiktok_shop", kind="", tag="", text="no order of TikTok Shop")
            cells = [empty] + [
                fill("cell", platform=other, body=StoreCard(name, order, None).html() if other == name else "")
                for other in stores
            ]
            rows.append((f"{name}-{first(order, 'gid', 'id', 'name')}", join(cells)))
        return rows[::-1]

    def _copies(
        self, orders: list[dict[str, Any]], stores: dict[str, dict[str, Any]]
    ) -> tuple[dict[str, dict[str, list[dict[str, Any]]]], list[tuple[str, dict[str, Any]]]]:
        """A copy is a store's order that has TikTok's number anywhere in it."""
        known = {order["id"] for order in orders}
        copies: dict[str, dict[str, list[dict[str, Any]]]] = {name: {} for name in stores}
        strangers: list[tuple[str, dict[str, Any]]] = []
        for name, snapshot in stores.items():
            for order in snapshot.get("orders", [])[-COPIES:]:
                found = known & _numbers(order)
                for order_id in found:
                    copies[name].setdefault(order_id, []).append(order)
                if not found:
                    strangers.append((name, order))
        return copies, strangers

    def _store_cell(
        self, name: str, copies: list[dict[str, Any]], order: dict[str, Any], number: int, somewhere: bool
    ) -> Markup:
        tag = tag_of(number)
        if copies:
            cards = [StoreCard(name, copy, tag).html() for copy in copies]
            twice = [fill("twice", count=len(copies))] if len(copies) > 1 else []
            return fill("cell", platform=name, body=join(twice + cards))
        kind, text = ("", "in another store") if somewhere else self._absence(name, order)
        return fill("slot", platform=name, kind=kind, tag=tag, text=text)

    def _absence(self, name: str, order: dict[str, Any]) -> tuple[str, Markup | str]:
        if order["status"] == "UNPAID":
            return "", "not made: not paid yet"
        if order["status"] == "ON_HOLD":
            return "", fill("on_hold", left=countdown(order))
        if order["status"] == "CANCELLED":
            return "", "never made: cancelled before"
        broken = [fault for fault in self.world.faults.listing() if fault["kind"] in REQUEST_KINDS]
        if any(fault["platform"] in (name, "*") for fault in broken):
            return "broken", "waiting: you broke it"
        return "", "not made yet"


def _numbers(order: dict[str, Any]) -> set[str]:
    """Every long number in the order, TikTok's among them when it is a copy."""
    text = json.dumps(order, default=str)
    return {word for word in "".join(char if char.isdigit() else " " for char in text).split() if len(word) >= 15}
