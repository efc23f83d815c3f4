"""What happens to an order of the Squarespace half after it was made: only in the panel, and in stock."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.world import World
from tests.sandbox.test_squarespace import Client

ORDERS, ADJUST = "/1.0/commerce/orders", "/1.0/commerce/inventory/adjustments"
FIG = "CND-FIG-08"
REFERENCE = "576461413038785751"
SCOPES = "website.orders,website.inventory,website.transactions.read"


class Shop(Client):
    """Two figs at 24."""

    def grant(self, scopes: str) -> None:
        code, back = self.code(scope=scopes), "http://127.0.0.1:9/back"
        self.tokens = self.token(grant_type="authorization_code", code=code, redirect_uri=back)

    def read(self, order_id: str) -> dict[str, Any]:
        return dict(self.call("GET", f"{ORDERS}/{order_id}"))

    @property
    def variant(self) -> dict[str, Any]:
        site = self.world.halves["squarespace"].state.site("alice")  # type: ignore[attr-defined]
        return next(one for one in site.variants.values() if one["sku"] == FIG)

    def adjust(self, status: int = 204, key: str = "a1", **operations: Any) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self.call("POST", ADJUST, operations, status=status, **headers)

    def more(self, count: Any) -> list[dict[str, Any]]:
        return [{"variantId": self.variant["id"], "quantity": count}]

    def entries(self, event: str) -> list[dict[str, Any]]:
        return [entry for entry in self.world.ledger if entry["event"] == event]


@pytest.fixture
def site(url: str, world: World) -> Shop:
    shop = Shop(url, world)
    shop.grant(SCOPES)
    return shop


class TestApi:
    """The index of the Orders API has four calls: create, fulfill, retrieve all, retrieve one."""

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/cancel"),
            ("POST", "/cancellations"),
            ("POST", "/refunds"),
            ("POST", "/refund"),
            ("POST", "/notes"),
            ("POST", "/returns"),
            ("PUT", ""),
            ("PATCH", ""),
            ("POST", ""),
            ("DELETE", ""),
        ],
    )
    def test_changes_no_order(self, site: Shop, method: str, path: str) -> None:
        order = site.create()
        site.call(method, f"{ORDERS}/{order['id']}{path}", {}, status=404)
        assert site.read(order["id"]) == order

    def test_takes_no_order_that_is_cancelled_already(self, site: Shop) -> None:
        site.create(400, fulfillmentStatus="CANCELED")

    def test_knows_no_money_of_an_imported_order(self, site: Shop) -> None:
        site.create()
        site.control("refund", order=REFERENCE)
        assert site.call("GET", "/1.0/commerce/transactions")["documents"] == []


class TestCancel:
    def test_in_the_panel_is_seen(self, site: Shop) -> None:
        order = site.create()
        site.control("cancel", order=REFERENCE)
        told = site.read(order["id"])
        assert (told["fulfillmentStatus"], told["paymentState"]) == ("CANCELED", "PAID")
        assert told["refundedTotal"]["value"] == "0.00"
        assert [one["id"] for one in site.call("GET", f"{ORDERS}?fulfillmentStatus=CANCELED")["result"]] == [
            order["id"]
        ]
        (entry,) = site.entries("order.cancelled")
        assert (entry["reference"], entry["restocked"], entry["by"]) == (REFERENCE, False, "merchant")

    @pytest.mark.parametrize(("restock", "count"), [(True, 100), (False, 98)])
    def test_may_restock(self, site: Shop, restock: bool, count: int) -> None:
        site.create(inventoryBehavior="DEDUCT")
        site.control("cancel", order=REFERENCE, restock=restock)
        assert site.variant["quantity"] == count
        assert len(site.entries("stock.restocked")) == restock

    def test_happens_once_and_only_before_the_parcel(self, site: Shop) -> None:
        site.create()
        site.control("cancel", order=REFERENCE)
        site.control("cancel", 400, order=REFERENCE)
        site.control("ship", 400, order=REFERENCE)
        site.create(key="k2", externalOrderReference="2")
        site.control("ship", order="2", tracking_number="1")
        site.control("cancel", 400, order="2")


class TestRefund:
    def test_in_the_panel_adds_up_to_what_was_paid(self, site: Shop) -> None:
        order = site.create()
        for amount in ("10.00", "14.50"):
            site.control("refund", order=REFERENCE, amount=amount, note="by hand")
        assert site.read(order["id"])["refundedTotal"] == {"currency": "USD", "value": "24.50"}
        site.control("refund", 400, order=REFERENCE, amount="23.51")
        site.control("refund", 400, order=REFERENCE, amount="0")
        site.control("refund", order=REFERENCE)
        assert site.read(order["id"])["refundedTotal"]["value"] == "48.00"
        entries = site.entries("refund.created")
        assert [entry["amount"] for entry in entries] == ["10.00", "14.50", "23.50"]
        assert {(entry["order"], entry["by"]) for entry in entries} == {(order["id"], "merchant")}


class TestNote:
    def test_is_read_and_not_written(self, site: Shop) -> None:
        site.create(400, internalNotes=[{"content": "x"}])
        order = site.create()
        site.control("note", order=REFERENCE, text="Return on its way")
        assert site.read(order["id"])["internalNotes"] == [{"content": "Return on its way"}]
        assert site.entries("note.added")[0]["text"] == "Return on its way"


class TestRestock:
    def test_by_hand_puts_back_what_came(self, site: Shop) -> None:
        site.create(inventoryBehavior="DEDUCT")
        site.control("restock", order=REFERENCE, lines={FIG: 1})
        assert (site.variant["quantity"], site.entries("stock.restocked")[0]["lines"]) == (99, {FIG: 1})
        site.control("restock", order=REFERENCE)
        assert site.variant["quantity"] == 101  # a person may err
        site.control("restock", 400, order=REFERENCE, lines={FIG: 3})
        site.control("restock", 400, order=REFERENCE, lines={"NOPE": 1})

    def test_by_an_adjustment_happens_once_for_a_key(self, site: Shop, world: World) -> None:
        site.adjust(incrementOperations=site.more(2))
        site.adjust(incrementOperations=site.more(2))
        assert site.variant["quantity"] == 102
        (entry,) = site.entries("stock.adjusted")
        assert (entry["key"], entry["lines"], entry["by"]) == ("a1", {FIG: 2}, "app")
        site.adjust(key="a2", incrementOperations=site.more(1))
        world.advance(86_401)
        site.grant(SCOPES)
        site.adjust(incrementOperations=site.more(2))
        assert site.variant["quantity"] == 105

    def test_key_of_an_order_is_not_that_of_an_adjustment(self, site: Shop) -> None:
        site.create(key="same")
        site.adjust(key="same", incrementOperations=site.more(1))
        assert site.variant["quantity"] == 101

    def test_by_an_adjustment_is_all_or_nothing(self, site: Shop) -> None:
        for status, operations in (
            (400, {"incrementOperations": site.more(0)}),
            (400, {"incrementOperations": site.more(-1)}),
            (400, {"incrementOperations": site.more("1")}),
            (400, {"incrementOperations": [{"variantId": "nope", "quantity": 1}]}),
            (400, {"incrementOperations": site.more(1) * 51}),
            (400, {"restockOperations": site.more(1)}),
            (400, {}),
            (409, {"incrementOperations": site.more(1), "decrementOperations": site.more(102)}),
        ):
            site.adjust(status, **operations)
        assert (site.variant["quantity"], site.entries("stock.adjusted")) == (100, [])
        for key in ("", "x" * 65, "a b"):
            site.adjust(400, key=key, incrementOperations=site.more(1))

    def test_counts_nothing_that_is_unlimited(self, site: Shop) -> None:
        site.adjust(key="a1", setUnlimitedOperations=[site.variant["id"]])
        (row,) = site.call("GET", f"/1.0/commerce/inventory/{site.variant['id']}")["inventory"]
        assert row["isUnlimited"]
        site.adjust(409, key="a2", incrementOperations=site.more(1))
        site.adjust(key="a3", setFiniteOperations=site.more(5))
        assert (site.variant["quantity"], site.variant["is_unlimited"]) == (5, False)

    def test_needs_the_scope_to_write(self, site: Shop) -> None:
        site.grant("website.orders,website.inventory.read")
        site.adjust(403, incrementOperations=site.more(1))
        assert site.call("GET", "/1.0/commerce/inventory")["inventory"]


class TestWebhook:
    def test_names_what_was_done_and_the_order(self, site: Shop, world: World, receiver: Any) -> None:
        address, got, _ = receiver
        body = {"endpointUrl": address, "topics": ["order.update"]}
        site.call("POST", "/1.0/webhook_subscriptions", body, status=201)
        first, second = site.create(), site.create(key="k2", externalOrderReference="2")
        site.control("refund", order=REFERENCE, amount="1.00")
        site.control("cancel", order="2")
        world.outgoing.drain()
        told = {json.loads(body)["data"]["orderId"]: json.loads(body)["data"] for _, body in got}
        assert told == {
            first["id"]: {"orderId": first["id"], "update": "REFUNDED"},
            second["id"]: {"orderId": second["id"], "update": "CANCELED"},
        }
