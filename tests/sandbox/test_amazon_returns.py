"""What happens to an order of the Amazon half after it was made: lowered, cancelled, sent back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from sandbox.amazon.returns import REASONS
from sandbox.world import World
from tests.sandbox.test_amazon import ADDRESS, OUTBOUND, US, Client

FIG, SEA = "CND-FIG-08", "CND-SEA-08"
ITEMS = [
    {"sellerSku": FIG, "sellerFulfillmentOrderItemId": "1", "quantity": 3},
    {"sellerSku": SEA, "sellerFulfillmentOrderItemId": "2", "quantity": 1},
]
ORDER = f"{OUTBOUND}/fulfillmentOrders/TT-5764"
REASON = "CR-DEFECTIVE"


class Shop(Client):
    """Three figs and a sea salt."""

    def sell(self, **changes: Any) -> None:
        self.create(**{"items": ITEMS, **changes})

    def sold(self, number: str = "TBA1", **lines: int) -> str:
        """The shipment that left."""
        if "TT-5764" not in self.seller.orders:
            self.sell()
        return str(self.control("ship", order="TT-5764", tracking_number=number, lines=lines)["fulfillment"])

    @property
    def seller(self) -> Any:
        return self.world.halves["amazon"].state.seller("alice")  # type: ignore[attr-defined]

    def stock(self, sku: str = FIG) -> int:
        return int(self.seller.stock[sku]["quantity"])

    def update(self, status: int = 200, **body: Any) -> Any:
        return self.call("PUT", ORDER, body, status)

    def units(self, count: int, item_id: str = "1", status: int = 200) -> Any:
        return self.update(status, items=[{"sellerFulfillmentOrderItemId": item_id, "quantity": count}])

    def item(self, item_id: str = "1") -> dict[str, Any]:
        items = self.get()["fulfillmentOrderItems"]
        return next(one for one in items if one["sellerFulfillmentOrderItemId"] == item_id)

    def send_back(self, *items: dict[str, Any], status: int = 200) -> dict[str, Any]:
        said = self.call("PUT", f"{ORDER}/return", {"items": list(items)}, status)
        return dict(said.get("payload") or said)

    def entries(self, event: str) -> list[dict[str, Any]]:
        return [entry for entry in self.world.ledger if entry["event"] == event]


@pytest.fixture
def amazon(url: str, world: World) -> Shop:
    return Shop(url, world)


@pytest.fixture
def valid(contracts: Path) -> Any:
    """Whether a value has the shape of a definition of the official model."""
    model = json.loads((contracts / "amazon/fulfillmentOutbound_2020-07-01.json").read_text())

    def check(value: Any, definition: str) -> None:
        schema = {"$ref": f"#/definitions/{definition}", "definitions": model["definitions"]}
        jsonschema_rs.validator_for(schema).validate(value)

    return check


def unit(shipment: str, number: int = 1, **changes: Any) -> dict[str, Any]:
    made = {
        "sellerReturnItemId": f"r{number}",
        "sellerFulfillmentOrderItemId": "1",
        "amazonShipmentId": shipment,
        "returnReasonCode": REASON,
    }
    return {**made, **changes}


class TestUpdate:
    def test_lowers_what_is_on_hold(self, amazon: Shop, world: World) -> None:
        amazon.sell(fulfillmentAction="Hold")
        world.advance(5)
        assert amazon.stock() == 97
        amazon.units(1)
        assert (amazon.item()["quantity"], amazon.item()["cancelledQuantity"], amazon.stock()) == (1, 0, 99)
        (entry,) = amazon.entries("units.cancelled")
        assert (entry["lines"], entry["reference"], entry["how"]) == ({FIG: 2}, "5764", "update")
        amazon.update(fulfillmentAction="Ship")
        amazon.control("ship", order="TT-5764", tracking_number="TBA1")
        assert amazon.get()["fulfillmentShipments"][0]["fulfillmentShipmentItem"][0]["quantity"] == 1
        assert amazon.status() == "Complete"

    def test_may_tell_what_it_took_away_as_cancelled(self, amazon: Shop, valid: Any) -> None:
        amazon.control("settings", lowered_as="cancelled")
        amazon.sell(fulfillmentAction="Hold")
        amazon.units(1)
        assert (amazon.item()["quantity"], amazon.item()["cancelledQuantity"], amazon.stock()) == (3, 2, 99)
        amazon.units(2)
        assert amazon.item()["quantity"] - amazon.item()["cancelledQuantity"] == 2
        amazon.control("ship", order="TT-5764", tracking_number="TBA1")
        assert amazon.status() == "CompletePartialled"
        valid({"payload": amazon.get()}, "GetFulfillmentOrderResponse")

    def test_reaches_no_order_that_is_planned(self, amazon: Shop, world: World) -> None:
        amazon.sell()
        amazon.units(2)
        world.advance(2)
        assert amazon.status() == "Planning"
        amazon.units(1, status=400)
        assert (amazon.item()["quantity"], amazon.stock()) == (2, 98)

    @pytest.mark.parametrize("status", ["Processing", "Complete", "Cancelled", "Unfulfillable", "Invalid"])
    def test_reaches_no_order_that_is_over(self, amazon: Shop, status: str) -> None:
        amazon.sell(fulfillmentAction="Hold")
        amazon.control("advance_order", order="TT-5764", status=status)
        amazon.units(1, status=400)

    @pytest.mark.parametrize(
        "changes",
        [
            {"marketplaceId": "A1F83G8C2ARO7P"},
            {"displayableOrderId": "x" * 41},
            {"displayableOrderComment": "x" * 751},
            {"displayableOrderDate": "today"},
            {"shippingSpeedCategory": "Overnight"},
            {"shippingSpeedCategory": "ScheduledDelivery"},
            {"fulfillmentPolicy": "FillSome"},
            {"fulfillmentAction": "Stop"},
            {"destinationAddress": {**ADDRESS, "city": ""}},
            {"notificationEmails": ["x" * 65]},
            {"featureConstraints": [{"featureName": "GOLD_BOX", "featureFulfillmentPolicy": "Required"}]},
            {"items": {"1": 1}},
            {"items": [{"sellerFulfillmentOrderItemId": "3", "quantity": 1}]},
            {"items": [{"sellerFulfillmentOrderItemId": "1", "quantity": 0}]},
            {"items": [{"sellerFulfillmentOrderItemId": "1", "quantity": "1"}]},
            {"items": [{"sellerFulfillmentOrderItemId": "1"}]},
            {"items": [{"sellerFulfillmentOrderItemId": "1", "quantity": 1, "sellerSku": SEA}]},
            {"items": [{"sellerFulfillmentOrderItemId": "1", "quantity": 1}] * 2},
            {"items": [{"sellerFulfillmentOrderItemId": "1", "quantity": 1, "giftMessage": "x" * 513}]},
            {"items": [{"sellerFulfillmentOrderItemId": "1", "quantity": 101}]},
        ],
    )
    def test_refuses_what_is_wrong_and_changes_nothing(self, amazon: Shop, changes: dict[str, Any]) -> None:
        amazon.sell(fulfillmentAction="Hold")
        before = amazon.get()
        amazon.update(400, **{"displayableOrderComment": "New", **changes})
        assert amazon.get() == before

    def test_changes_what_is_shown(self, amazon: Shop) -> None:
        amazon.sell(fulfillmentAction="Hold")
        amazon.update(displayableOrderComment="Changed", destinationAddress={**ADDRESS, "name": "John Doe"})
        told = amazon.get()["fulfillmentOrder"]
        assert (told["displayableOrderComment"], told["destinationAddress"]["name"]) == ("Changed", "John Doe")
        assert amazon.entries("units.cancelled") == []


class TestCancel:
    def cancel(self, amazon: Shop, status: int = 200) -> None:
        amazon.call("PUT", f"{ORDER}/cancel", status=status)

    @pytest.mark.parametrize("status", ["New", "Received", "Planning"])
    def test_gives_back_what_was_kept(self, amazon: Shop, status: str, valid: Any) -> None:
        amazon.sell()
        amazon.control("advance_order", order="TT-5764", status=status)
        self.cancel(amazon)
        assert (amazon.status(), amazon.stock(), amazon.item()["cancelledQuantity"]) == ("Cancelled", 100, 3)
        (entry,) = amazon.entries("order.cancelled")
        assert (entry["reference"], entry["restocked"], entry["by"]) == ("5764", True, "app")
        self.cancel(amazon)
        assert len(amazon.entries("order.cancelled")) == 1
        valid({"payload": amazon.get()}, "GetFulfillmentOrderResponse")

    @pytest.mark.parametrize("status", ["Processing", "Complete", "CompletePartialled", "Unfulfillable", "Invalid"])
    def test_is_refused_once_picking_has_begun(self, amazon: Shop, status: str) -> None:
        amazon.sell()
        amazon.control("advance_order", order="TT-5764", status=status)
        self.cancel(amazon, 400)
        assert amazon.status() == status
        with pytest.raises(AssertionError, match="cannot be cancelled"):
            amazon.control("cancel", order="TT-5764")

    def test_is_a_request_whose_end_is_read_later(self, amazon: Shop, world: World) -> None:
        amazon.control("settings", cancel_takes=30)
        amazon.sell()
        self.cancel(amazon)
        assert amazon.status() in ("Received", "Planning")
        world.advance(31)
        assert amazon.status() == "Cancelled"

    def test_may_come_too_late_though_it_was_taken(self, amazon: Shop, world: World) -> None:
        amazon.control("settings", cancel_takes=30)
        amazon.sell()
        self.cancel(amazon)
        amazon.control("advance_order", order="TT-5764", status="Processing")
        world.advance(31)
        assert (amazon.status(), amazon.stock()) == ("Processing", 97)
        assert amazon.entries("order.cancelled") == []

    def test_may_be_lost(self, amazon: Shop, world: World) -> None:
        amazon.control("settings", is_cancel_lost=True)
        amazon.sell()
        self.cancel(amazon)
        world.advance(60)
        assert amazon.status() == "Planning"

    def test_by_the_merchant_follows_the_same_rules(self, amazon: Shop) -> None:
        amazon.sell()
        amazon.control("cancel", order="TT-5764")
        assert amazon.entries("order.cancelled")[0]["by"] == "merchant"

    def test_does_not_exist_for_some_items(self, amazon: Shop, world: World) -> None:
        amazon.sell()
        world.advance(2)
        amazon.units(1, status=400)


class TestReasons:
    PATH = f"{OUTBOUND}/returnReasonCodes"

    def test_are_those_of_the_model(self, amazon: Shop, valid: Any) -> None:
        told = amazon.call("GET", f"{self.PATH}?sellerSku={FIG}&marketplaceId={US}&language=de")
        valid(told, "ListReturnReasonCodesResponse")
        rows = told["payload"]["reasonCodeDetails"]
        assert [(row["returnReasonCode"], row["description"]) for row in rows] == list(REASONS)
        assert all(row["translatedDescription"] for row in rows)

    def test_are_the_examples_of_the_model(self, contracts: Path) -> None:
        model = json.loads((contracts / "amazon/fulfillmentOutbound_2020-07-01.json").read_text())
        answer = model["paths"]["/fba/outbound/2020-07-01/returnReasonCodes"]["get"]["responses"]["200"]
        rows = answer["examples"]["payload"]["reasonCodeDetails"]
        assert {row["returnReasonCode"]: row["description"] for row in rows} == dict(REASONS)

    def test_may_be_asked_for_by_the_order(self, amazon: Shop) -> None:
        amazon.sell()
        amazon.call("GET", f"{self.PATH}?sellerSku={FIG}&sellerFulfillmentOrderId=TT-5764")
        amazon.call("GET", f"{self.PATH}?sellerSku={FIG}&sellerFulfillmentOrderId=TT-1", status=404)

    @pytest.mark.parametrize(
        "query", ["", "sellerSku=", "sellerSku=NOPE", f"sellerSku={FIG}&marketplaceId=A1F83G8C2ARO7P"]
    )
    def test_are_of_a_sku_that_is_there(self, amazon: Shop, query: str) -> None:
        amazon.call("GET", f"{self.PATH}?{query}", status=400)


class TestReturn:
    def test_is_one_entry_for_each_unit_and_is_read_with_the_order(self, amazon: Shop, valid: Any) -> None:
        shipment = amazon.sold()
        items = [unit(shipment, 1, returnComment="TT:4035"), unit(shipment, 2)]
        said = amazon.send_back(*items)
        valid({"payload": said}, "CreateFulfillmentReturnResponse")
        (authorization,) = said["returnAuthorizations"]
        assert {one["returnAuthorizationId"] for one in said["returnItems"]} == {authorization["returnAuthorizationId"]}
        told = amazon.get()
        valid({"payload": told}, "GetFulfillmentOrderResponse")
        assert (told["returnItems"], told["returnAuthorizations"]) == (said["returnItems"], [authorization])
        first, second = told["returnItems"]
        assert (first["status"], first["sellerReturnReasonCode"], first["returnComment"]) == ("New", REASON, "TT:4035")
        assert "returnComment" not in second
        (entry,) = amazon.entries("return.created")
        assert (entry["lines"], entry["items"], entry["note"]) == ({FIG: 2}, ["r1", "r2"], "TT:4035")
        assert (entry["reference"], entry["by"]) == ("5764", "app")

    def test_is_refused_unit_by_unit_with_a_200(self, amazon: Shop, valid: Any) -> None:
        first, second = amazon.sold(**{FIG: 2}), amazon.sold("TBA2", **{FIG: 1})
        amazon.send_back(unit(second, 1))
        for reason, wrong in (
            ("DuplicateRequest", unit(second, 1)),
            ("InvalidValues", unit(second, 9, returnReasonCode="CRR-NOPE")),
            ("InvalidValues", unit(second, 9, sellerFulfillmentOrderItemId="7")),
            ("InvalidValues", unit("D0", 9)),
            ("NoCompletedShipItems", unit(second, 9, sellerFulfillmentOrderItemId="2")),
            ("NoReturnableQuantity", unit(second, 9)),
        ):
            said = amazon.send_back(wrong)
            valid({"payload": said}, "CreateFulfillmentReturnResponse")
            (told,) = said["invalidReturnItems"]
            assert told["invalidItemReason"]["invalidItemReasonCode"] == reason, wrong
            assert (said["returnItems"], said["returnAuthorizations"]) == ([], [])
        said = amazon.send_back(unit(first, 2), unit(first, 2), unit(first, 3), unit(first, 4))
        assert len(said["returnItems"]) == 2
        reasons = [one["invalidItemReason"]["invalidItemReasonCode"] for one in said["invalidReturnItems"]]
        assert reasons == ["DuplicateRequest", "NoReturnableQuantity"]

    def test_is_refused_of_what_has_not_left(self, amazon: Shop) -> None:
        amazon.sell()
        packed = amazon.control("ship", order="TT-5764", tracking_number="TBA1", is_only_packed=True)["fulfillment"]
        (told,) = amazon.send_back(unit(packed))["invalidReturnItems"]
        assert told["invalidItemReason"]["invalidItemReasonCode"] == "NoCompletedShipItems"
        amazon.control("leave", order="TT-5764")
        assert amazon.send_back(unit(packed))["returnItems"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"sellerReturnItemId": "x" * 81},
            {"sellerReturnItemId": None},
            {"returnReasonCode": ""},
            {"amazonShipmentId": 5},
            {"returnComment": "x" * 1001},
        ],
    )
    def test_has_the_models_shape(self, amazon: Shop, changes: dict[str, Any]) -> None:
        amazon.send_back(unit(amazon.sold(), 1, **changes), status=400)
        amazon.send_back(status=400)
        assert amazon.get()["returnItems"] == []

    def test_of_an_order_that_is_not_there_is_refused(self, amazon: Shop) -> None:
        amazon.call("PUT", f"{OUTBOUND}/fulfillmentOrders/TT-1/return", {"items": [unit("D0")]}, 404)


class TestGoodsBack:
    def test_are_processed_and_sold_again_if_they_can_be(self, amazon: Shop, world: World, valid: Any) -> None:
        shipment = amazon.sold()
        amazon.send_back(unit(shipment, 1), unit(shipment, 2))
        world.advance(3000)
        amazon.control("receive_return", order="TT-5764", items=["r1"])
        amazon.control("receive_return", order="TT-5764", condition="CustomerDamaged", reason="CR-SWITCHEROO")
        told = amazon.get()
        valid({"payload": told}, "GetFulfillmentOrderResponse")
        assert [
            (one["status"], one["returnReceivedCondition"], one["amazonReturnReasonCode"])
            for one in told["returnItems"]
        ] == [
            ("Processed", "Sellable", REASON),
            ("Processed", "CustomerDamaged", "CR-SWITCHEROO"),
        ]
        assert told["returnItems"][0]["fulfillmentCenterId"]
        assert told["returnItems"][0]["statusChangedDate"] > told["fulfillmentOrder"]["receivedDate"]
        assert amazon.stock() == 98
        assert [entry["condition"] for entry in amazon.entries("return.received")] == ["Sellable", "CustomerDamaged"]
        (entry,) = amazon.entries("stock.restocked")
        assert (entry["lines"], entry["why"]) == ({FIG: 1}, "return")

    def test_are_nothing_that_an_order_list_tells_of(self, amazon: Shop, world: World) -> None:
        shipment = amazon.sold()
        world.advance(3600)
        amazon.pair = amazon.token(grant_type="refresh_token", refresh_token=amazon.pair["refresh_token"]).json()
        amazon.send_back(unit(shipment))
        since = "2026-01-01T00:30:00Z"
        told = amazon.call("GET", f"{OUTBOUND}/fulfillmentOrders?queryStartDate={since}")
        assert told["payload"]["fulfillmentOrders"] == []

    def test_come_by_the_merchants_hand_as_well(self, amazon: Shop) -> None:
        amazon.sold(**{FIG: 2})
        amazon.sold("TBA2")
        amazon.control("open_return", order="TT-5764", lines={FIG: 3}, note="by hand")
        told = amazon.get()["returnItems"]
        assert ([one["returnComment"] for one in told], len({one["amazonShipmentId"] for one in told})) == (
            ["by hand"] * 3,
            2,
        )
        assert amazon.entries("return.created")[0]["by"] == "merchant"
        with pytest.raises(AssertionError, match="not that many"):
            amazon.control("open_return", order="TT-5764", lines={FIG: 1})
        amazon.control("open_return", order="TT-5764")
        amazon.control("receive_return", order="TT-5764")
        with pytest.raises(AssertionError, match="nothing of it"):
            amazon.control("receive_return", order="TT-5764")
