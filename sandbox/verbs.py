"""What the stores' own control verbs share: finding the verb, setting the knobs, keeping the shelves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from sandbox.world import ControlError


class Verbs:
    """A store's verbs are its `do_<verb>` methods. `place` is the shop, site or seller that a body names."""

    knobs: ClassVar[frozenset[str]] = frozenset()

    def run(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        verb = getattr(self, f"do_{action}", None)
        if verb is None:
            raise ControlError(f"no such verb: {action}")
        result: dict[str, Any] = verb(body) or {"ok": True}
        return result

    def place(self, wanted: str | None) -> Any:
        raise NotImplementedError

    def do_settings(self, body: dict[str, Any]) -> None:
        place = self.place(body.get("shop"))
        for name, value in body.items():
            if name == "shop":
                continue
            if name not in self.knobs:
                raise ControlError(f"no such setting: {name}")
            setattr(place, name, value)


class ShelfVerbs(Verbs):
    """Of stores that keep their variants by id, so that several may have one SKU. `stock_field` holds the count."""

    stock_field: ClassVar[str] = "quantity"

    def add_variant(self, place: Any, sku: str, title: str, price: str) -> dict[str, Any]:
        raise NotImplementedError

    def do_add_variant(self, body: dict[str, Any]) -> dict[str, Any]:
        sku = body["sku"]
        made = self.add_variant(
            self.place(body.get("shop")), sku, body.get("title", sku), str(body.get("price", "1.00"))
        )
        return {"variant": made["id"]}

    def do_set_stock(self, body: dict[str, Any]) -> None:
        for variant in self._variants(body):
            variant[self.stock_field] = int(body["quantity"])

    def do_remove_variant(self, body: dict[str, Any]) -> None:
        place = self.place(body.get("shop"))
        for variant in list(self._variants(body)):
            del place.variants[variant["id"]]

    def _variants(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        found = [one for one in self.place(body.get("shop")).variants.values() if one["sku"] == body["sku"]]
        if not found:
            raise ControlError(f"no such SKU: {body['sku']}")
        yield from found
