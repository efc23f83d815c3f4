"""Shopify's dialect, both ways; every document and its variables against the official schema where it is at hand."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base.errors import PermanentError, RateLimited
from connectors.base.events import EventKind
from connectors.base.types import (
    Address,
    DraftCharge,
    DraftLine,
    DraftTax,
    OrderDraft,
    Shipment,
    ShipmentLine,
    Stock,
)
from connectors.platforms.shopify import documents, mapping
from tests.connectors.shopify.test_aftersales import aftersale_variables

CONTRACTS = Path(__file__).resolve().parents[3].parent / "shared/contracts"
PAYLOADS = Path(__file__).resolve().parents[2] / "payloads/shopify"
DOCUMENTS = {
    name: text for name, text in vars(documents).items() if name.isupper() and not text.lstrip().startswith("fragment")
}


def address(**changes):
    base = {
        "name": "Ada Buyer",
        "first_name": "Ada",
        "last_name": "Buyer",
        "phone": "+15555550100",
        "line1": "1 Elm St",
        "line2": "Apt 2",
        "line3": "Rear",
        "line4": "Bell 4",
        "city": "Springfield",
        "province": "Illinois",
        "province_code": "IL",
        "postal_code": "01234",
        "country_code": "us",
    }
    return Address(**{**base, **changes})


def draft(**changes):
    ids = tuple(str(577086512123755100 + n) for n in range(30))
    base = {
        "source_external_id": "5764",
        "source_store_id": "7",
        "source_store_name": "Alice's Candles",
        "source_url": "https://seller.example/5764",
        "created_at": datetime(2026, 11, 1, 10, tzinfo=UTC),
        "currency": "USD",
        "buyer_id": "b",
        "email": "relay@example.com",
        "phone": "",
        "address": address(),
        "lines": (
            DraftLine("gid://shopify/ProductVariant/1", "CND", "Candle", "8 oz", 30, 100, ids),
            DraftLine("", "", "Matchbox", "", 1, 0, ("9",), is_gift=True),
        ),
        "discount": 300,
        "charges": (DraftCharge("Standard", "STD", 499),),
        "taxes": (DraftTax("Sales tax", "0.08", 200),),
        "tax_included": False,
        "total": 3399,
        "tags": ("a,b", "x" * 60, "TikTok Shop"),
        "note": "n",
        "attributes": (("k", "v"), ("e", "")),
    }
    return OrderDraft(**{**base, **changes})


class TestOrderCreate:
    def test_writes_money_with_the_currencys_own_decimals(self):
        order = mapping.order_create(draft(), "5764")["order"]
        assert order["transactions"][0]["amountSet"]["shopMoney"] == {
            "amount": "33.99",
            "currencyCode": "USD",
        }
        assert order["discountCode"]["itemFixedDiscountCode"]["amountSet"]["shopMoney"]["amount"] == "3.00"
        yen = mapping.order_create(draft(currency="JPY"), "5764")["order"]
        assert yen["transactions"][0]["amountSet"]["shopMoney"]["amount"] == "3399"

    def test_keeps_every_line_id_in_chunks_that_read_back(self):
        line = mapping.order_create(draft(), "5764")["order"]["lineItems"][0]
        assert all(len(pair["value"]) <= 255 for pair in line["properties"])
        pairs = [{"key": pair["name"], "value": pair["value"]} for pair in reversed(line["properties"])]
        assert mapping.source_line_ids(pairs) == draft().lines[0].source_line_ids

    def test_loses_no_address_line_and_puts_the_phone_only_there(self):
        order = mapping.order_create(draft(), "5764")["order"]
        assert order["shippingAddress"]["address2"] == "Apt 2, Rear, Bell 4"
        assert order["shippingAddress"]["countryCode"] == "US"
        assert "phone" not in order
        assert "phone" not in order["customer"]["toUpsert"]
        long = mapping.order_create(draft(address=address(line3="r" * 250)), "1")["order"]["shippingAddress"]
        assert long["address2"] == "Apt 2"
        assert long["company"] == "r" * 250 + ", Bell 4"

    def test_follows_the_rules_that_shopify_knows(self):
        made = mapping.order_create(draft(number="TT-5764", stock=Stock.KEEP, is_own_email=True), "5764")
        assert (made["order"]["name"], made["options"]["inventoryBehaviour"]) == ("TT-5764", "BYPASS")
        assert made["order"]["email"] == "relay@example.com"
        assert "customer" not in made["order"]

    def test_of_what_the_merchant_does_not_ship_has_no_address(self):
        order = mapping.order_create(draft(address=None), "5764")["order"]
        assert "shippingAddress" not in order
        assert order["customer"]["toUpsert"] == {"email": "relay@example.com"}

    def test_sends_no_masked_contact_no_payment_of_nothing_and_always_our_tag(self):
        free = draft(total=0, discount=0, taxes=(), email="a***@x", address=address(phone="(+1)***"), tags=())
        order = mapping.order_create(free, "5764")["order"]
        assert not {"transactions", "discountCode", "customer", "email"} & set(order)
        assert "phone" not in order["shippingAddress"]
        assert order["tags"] == ["TikTok Shop"]


class TestShipments:
    def test_give_the_first_number_the_lines_and_further_numbers_none(self):
        node = json.loads((PAYLOADS / "shipments_two_parcels.json").read_text())
        first, second = mapping.shipments(node, node["fulfillmentLineItems"]["nodes"])
        assert (first.carrier, first.tracking_number) == ("USPS", "9400111")
        assert first.lines[0].source_line_ids == ("301", "302", "303")
        assert first.lines[0].quantity == 2
        assert second.external_id.endswith("/71/2")
        assert second.lines == ()
        assert second.carrier == "UPS"

    @pytest.mark.parametrize(("status", "count"), [("CANCELLED", 1), ("PENDING", 0), ("SOMETHING_NEW", 0)])
    def test_know_what_has_left(self, status, count):
        found = mapping.shipments({"id": "f", "status": status, "trackingInfo": None}, [])
        assert len(found) == count
        assert all(shipment.is_cancelled for shipment in found)


class TestTakenOut:
    def test_are_lines_with_fewer_units_than_were_ordered(self):
        marks = [{"key": "_tiktok_line_ids", "value": "301,302,303"}]
        line = {"sku": "A", "quantity": 3, "currentQuantity": 1, "unfulfilledQuantity": 1, "customAttributes": marks}
        (found,) = mapping.taken_out([line, {**line, "currentQuantity": 3}, {"sku": "B", "quantity": 2}])
        assert (found.sku, found.quantity, found.units, found.waiting) == ("A", 3, 2, 1)
        assert found.source_line_ids == ("301", "302", "303")


class TestLocation:
    @pytest.mark.parametrize("text", ["655441491", " gid://shopify/Location/655441491 "])
    def test_is_named_by_its_id_or_its_number(self, text):
        assert mapping.location_gid(text) == "gid://shopify/Location/655441491"

    @pytest.mark.parametrize("text", ["", "Main warehouse", "gid://shopify/Order/1", "12a", "1\n2"])
    def test_is_nothing_else(self, text):
        with pytest.raises(PermanentError, match="not the id of a location"):
            mapping.location_gid(text)

    @pytest.mark.parametrize(
        ("status", "place", "is_elsewhere"),
        [("OPEN", "a", True), ("OPEN", "b", False), ("ON_HOLD", "a", True), ("CLOSED", "a", False), ("NEW", "a", True)],
    )
    def test_is_elsewhere_while_something_is_to_be_shipped_from_another(self, status, place, is_elsewhere):
        node = {"status": status, "assignedLocation": {"location": {"id": place}}}
        assert mapping.is_elsewhere(node, "b") is is_elsewhere


class TestParcelFromElsewhere:
    def order(self, *lines):
        rows = [
            {
                "id": f"F{place}",
                "remainingQuantity": left,
                "lineItem": {"sku": sku, "customAttributes": [{"key": "_tiktok_line_ids", "value": ids}]},
            }
            for place, (sku, left, ids) in enumerate(lines)
        ]
        return [{"id": "FO", "lineItems": {"nodes": rows}}]

    def units(self, order, *lines):
        parcel = Shipment("7", "USPS", "94001", "", lines, None)
        made = mapping.fulfillment_input(order, parcel)["lineItemsByFulfillmentOrder"]
        return {row["id"]: row["quantity"] for group in made for row in group["fulfillmentOrderLineItems"]}

    def test_has_its_line_by_id_whatever_sku_the_store_shows(self):
        order = self.order(("STORES-OWN", 3, "1,2,3"))
        assert self.units(order, ShipmentLine("OURS", 1, ("1",)), ShipmentLine("OURS", 1, ("3",))) == {"F0": 2}

    def test_has_each_piece_of_its_bundle_also_over_lines_that_differ_in_price(self):
        order = self.order(("TIN", 1, "1"), ("TIN", 1, "1"), ("BOX", 1, "1"))
        pieces = (ShipmentLine("tin", 2, ("1",)), ShipmentLine("box", 1, ("1",)))
        assert self.units(order, *pieces) == {"F0": 1, "F1": 1, "F2": 1}

    def test_of_more_than_is_open_is_refused(self):
        order = self.order(("TIN", 1, "1"), ("BOX", 1, "1"))
        with pytest.raises(PermanentError):
            self.units(order, ShipmentLine("TIN", 2, ("1",)), ShipmentLine("BOX", 1, ("1",)))


class TestRefusal:
    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            ({"field": ["order"], "code": "INVENTORY_CLAIM_FAILED", "message": "no"}, "OUT_OF_STOCK"),
            ({"field": ["order", "metafields", "0"], "message": "Value must be unique"}, "DUPLICATE_FOUND"),
            ({"field": ["order", "shippingAddress", "zip"], "message": "bad"}, "ADDRESS_INVALID"),
            ({"field": ["order", "lineItems", "0", "variantId"], "message": "gone"}, "PRODUCT_DELETED"),
            ({"field": ["order", "customer", "email"], "message": "has already been taken"}, "REMOTE_ERROR"),
        ],
    )
    def test_names_the_reason(self, error, reason):
        failure = mapping.refusal([error], "the order")
        assert isinstance(failure, PermanentError)
        assert failure.reason == reason

    def test_shows_no_buyer(self):
        said = "Ada at 1 Elm St (relay@example.com, +1 555 555 0100) is wrong"
        failure = mapping.refusal([{"field": ["x"], "message": said}], "the order", mapping.order_create(draft(), "1"))
        assert not any(word in failure.message for word in ("Ada", "Elm", "relay", "0100"))

    def test_takes_the_five_a_minute_as_later(self):
        assert isinstance(
            mapping.refusal([{"field": None, "message": "Too many orders, try later"}], "it"), RateLimited
        )


class TestEvent:
    @pytest.mark.parametrize(
        "path", sorted((CONTRACTS / "samples/shopify/webhooks").glob("*.json")), ids=lambda p: p.stem
    )
    def test_reads_every_sample(self, path):
        topic = path.stem.removeprefix("official__").replace("__", "/")
        found = mapping.event(topic, path.read_bytes(), event_id="e", triggered_at="2026-11-01T10:00:00.123Z")
        assert found.kind is not EventKind.UNKNOWN
        assert found.occurred_at is not None
        if topic.startswith("orders/"):
            assert found.external_id == "gid://shopify/Order/820982911946154508"

    def test_takes_an_unknown_topic_as_unknown(self):
        assert mapping.event("moon/landed", b"{}", event_id="e", triggered_at="").kind is EventKind.UNKNOWN


@pytest.fixture(scope="module")
def schema():
    graphql = pytest.importorskip("graphql")
    path = CONTRACTS / "shopify-admin.schema.graphql"
    if not path.exists():
        pytest.skip("the official Shopify schema is not at hand")
    return graphql.build_schema(path.read_text(), assume_valid=True)


class TestAgainstTheOfficialSchema:
    def test_every_document_is_valid(self, schema):
        import graphql

        for name, text in DOCUMENTS.items():
            assert graphql.validate(schema, graphql.parse(text)) == [], name

    def test_the_variables_that_mapping_makes_are_valid(self, schema):
        import graphql

        made = {
            "ORDER_CREATE": mapping.order_create(draft(), "5764"),
            **aftersale_variables(),
        }
        for name, variables in made.items():
            operation = graphql.parse(DOCUMENTS[name]).definitions[0]
            found = graphql.execution.values.get_variable_values(schema, operation.variable_definitions, variables)
            assert not isinstance(found, list), found
