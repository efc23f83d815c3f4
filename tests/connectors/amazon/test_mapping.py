"""Amazon's shapes, both ways."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema_rs
import pytest

from connectors.base.errors import PermanentError, UnreadableAnswer, UnsupportedFeature
from connectors.base.types import DraftCharge
from connectors.platforms.amazon import mapping
from connectors.platforms.amazon.markets import MARKETS, is_amazon
from tests.connectors.shopify.test_mapping import draft as shopify_draft

CONTRACTS = Path(__file__).resolve().parents[3].parent / "shared/contracts"
US = "ATVPDKIKX0DER"


def draft(**changes):
    """The draft of the Shopify tests, every item in FBA stock."""
    lines = tuple(replace(line, variant_id=line.sku or "MATCH") for line in shopify_draft().lines)
    return shopify_draft(**{"lines": lines, **changes})


def body(made=None, **options):
    return mapping.order_create(made or draft(), "5764", marketplace_id=US, options=options)[0]


def sample(name):
    if not CONTRACTS.is_dir():
        pytest.skip("needs the contracts folder")
    return json.loads((CONTRACTS / "samples/amazon" / name).read_text())


class TestSamples:
    def test_of_an_order_is_read_with_its_parcels(self):
        payload = sample("get_fulfillment_order.model_example.json")["payload"]
        placed = mapping.placed_order(payload["fulfillmentOrder"], "sellercentral.amazon.com")
        assert placed.external_id
        assert placed.total is None
        for parcel in mapping.shipments(payload):
            assert parcel.lines


class TestCreate:
    def test_has_the_shape_of_the_official_model(self):
        if not CONTRACTS.is_dir():
            pytest.skip("needs the contracts folder")
        file = CONTRACTS / "amazon/fulfillmentOutbound_2020-07-01.json"
        definitions = json.loads(file.read_text())["definitions"]
        schema = {"$ref": "#/definitions/CreateFulfillmentOrderRequest", "definitions": definitions}
        jsonschema_rs.validator_for(schema).validate(body())

    def test_shows_the_buyer_the_merchants_number(self):
        assert body(draft(number="TT-5764"))["displayableOrderId"] == "TT-5764"
        made, remarks = mapping.order_create(draft(number="N" * 41), "5764", marketplace_id=US, options={})
        assert (made["displayableOrderId"], remarks) == ("N" * 40, ("The number was cut to 40 characters",))

    def test_tells_the_components_of_one_line_apart_and_reads_its_id_back(self):
        lines = tuple(replace(draft().lines[0], sku=sku, source_line_ids=("5771", "5772")) for sku in ("A", "B", "C"))
        ids = [item["sellerFulfillmentOrderItemId"] for item in mapping.items(draft(lines=lines))]
        assert len(set(ids)) == 3
        assert {mapping.source_line_ids(each) for each in ids} == {("5771", "5772")}

    def test_cannot_be_made_without_an_address(self):
        with pytest.raises(UnsupportedFeature):
            body(draft(address=None))

    def test_names_the_order_by_tiktoks_id_and_mails_nobody(self):
        made = body()
        assert (made["sellerFulfillmentOrderId"], made["displayableOrderId"]) == ("TT-5764", "5764")
        assert "notificationEmails" not in made

    def test_wants_unbranded_boxes_unless_told_otherwise(self):
        blank = {"featureName": "BLANK_BOX", "featureFulfillmentPolicy": "Required"}
        assert body()["featureConstraints"] == [blank]
        assert "featureConstraints" not in body(blank_box="no")
        assert [one["featureName"] for one in body(block_amzl="yes")["featureConstraints"]] == [
            "BLANK_BOX",
            "BLOCK_AMZL",
        ]

    @pytest.mark.parametrize(
        ("code", "option", "speed"),
        [
            ("Priority", {}, "Priority"),
            ("7091", {}, "Standard"),
            ("7091", {"shipping_speed": "Expedited"}, "Expedited"),
        ],
    )
    def test_takes_the_mapped_speed_or_the_stores_default(self, code, option, speed):
        made = body(draft(charges=(DraftCharge("Shipping", code, 0),)), **option)
        assert made["shippingSpeedCategory"] == speed

    def test_keeps_line_ids_where_they_fit(self):
        two = replace(draft().lines[0], source_line_ids=("577086512123755100", "577086512123755101"), quantity=2)
        first, second = body(draft(lines=(two, draft().lines[0])))["items"]
        assert mapping.source_line_ids(first["sellerFulfillmentOrderItemId"]) == two.source_line_ids
        assert second["sellerFulfillmentOrderItemId"] == "L2"
        assert mapping.source_line_ids("L2") == ()

    def test_keeps_the_sku_at_the_source_where_line_ids_do_not_fit_and_amazons_is_another(self):
        ids = tuple(str(577086512123755100 + unit) for unit in range(3))
        linked = replace(draft().lines[0], sku="FIG 8oz", variant_id="AMZ-77", source_line_ids=ids, quantity=3)
        (made,) = body(draft(lines=(linked,)))["items"]
        (parcel,) = mapping.shipments({"fulfillmentShipments": [shipment({}, **made)]})
        assert [(line.sku, line.quantity, line.source_line_ids) for line in parcel.lines] == [("FIG 8oz", 3, ())]
        same = replace(linked, sku="AMZ-77")
        assert body(draft(lines=(same,)))["items"][0]["sellerFulfillmentOrderItemId"] == "L1"
        long = replace(linked, sku="x" * 60)
        assert body(draft(lines=(long,)))["items"][0]["sellerFulfillmentOrderItemId"] == "L1"

    @pytest.mark.parametrize(
        "lines",
        [
            lambda line: (replace(line, variant_id=""),),
            lambda line: (replace(line, variant_id="x" * 51),),
            lambda line: (replace(line, quantity=251),),
            lambda line: (replace(line, quantity=1),) * 101,
        ],
    )
    def test_refuses_by_name_what_amazon_does_not_take(self, lines):
        with pytest.raises(UnsupportedFeature):
            body(draft(lines=lines(draft().lines[0])))

    @pytest.mark.parametrize(
        "parts", [("line1", "line2", "line3", "line4"), ("city",), ("postal_code",), ("country_code",)]
    )
    def test_refuses_an_address_without_what_amazon_needs(self, parts):
        with pytest.raises(PermanentError) as caught:
            body(draft(address=replace(draft().address, **dict.fromkeys(parts, ""))))
        assert caught.value.reason == "ADDRESS_INVALID"

    def test_needs_no_city_in_japan(self):
        assert (
            "city"
            not in body(draft(address=replace(draft().address, city="", country_code="JP")))["destinationAddress"]
        )

    def test_cuts_a_long_name_and_says_so(self):
        long = draft(address=replace(draft().address, name="J" * 80))
        made, remarks = mapping.order_create(long, "5764", marketplace_id=US, options={})
        assert len(made["destinationAddress"]["name"]) == 50
        assert remarks == ("The buyer's name was cut to 50 characters",)

    def test_breaks_a_long_street_anew_and_loses_nothing_of_it(self):
        lines = {"line1": "Building 7, " * 6 + "Dock 2", "line2": "Apt 4", "line3": "", "line4": "Ring twice"}
        made = body(draft(address=replace(draft().address, **lines)))["destinationAddress"]
        street = [made[f"addressLine{place}"] for place in (1, 2)]
        assert max(len(line) for line in street) <= 60
        assert " ".join(street) == f"{lines['line1']}, Apt 4, Ring twice"
        assert "addressLine3" not in made

    def test_leaves_lines_that_fit_as_they_are(self):
        lines = {"line1": "12 Harbor Street", "line2": "Apt 4", "line3": "Floor 2", "line4": "Ring twice"}
        made = body(draft(address=replace(draft().address, **lines)))["destinationAddress"]
        assert [made[f"addressLine{place}"] for place in (1, 2, 3)] == [
            "12 Harbor Street",
            "Apt 4",
            "Floor 2, Ring twice",
        ]

    @pytest.mark.parametrize("parts", [{"line1": "Building 7, " * 20}, {"country_code": "USA"}, {"city": "  "}])
    def test_refuses_an_address_that_cannot_be_written(self, parts):
        with pytest.raises(PermanentError) as caught:
            body(draft(address=replace(draft().address, **parts)))
        assert caught.value.reason == "ADDRESS_INVALID"

    @pytest.mark.parametrize("reference", ["5 764", "x" * 38, "57/64", ""])
    def test_makes_no_id_that_amazon_cannot_read_again(self, reference):
        if reference:
            with pytest.raises(UnsupportedFeature):
                mapping.order_id(reference)


class TestStatus:
    @pytest.mark.parametrize("text", ["CompletePartialled", "COMPLETE_PARTIALLED", "complete_partialled"])
    def test_is_read_in_every_spelling(self, text):
        head = {"sellerFulfillmentOrderId": "TT-1", "fulfillmentOrderStatus": text}
        assert mapping.placed_order(head, "").problem_reason == "MIXED_FULFILMENT"

    def test_that_is_unknown_is_neutral(self):
        head = {"sellerFulfillmentOrderId": "TT-1", "fulfillmentOrderStatus": "OnABreak"}
        placed = mapping.placed_order(head, "")
        assert (placed.is_cancelled, placed.problem) == (False, "")

    def test_of_nothing_is_refused(self):
        for head in (None, {}, []):
            with pytest.raises(UnreadableAnswer):
                mapping.placed_order(head, "")


class TestTakenOut:
    def test_are_items_with_cancelled_units(self):
        item = {"sellerSku": "A", "sellerFulfillmentOrderItemId": "1.2", "quantity": 2, "cancelledQuantity": "1"}
        items = [item, {**item, "cancelledQuantity": 0}, {**item, "sellerFulfillmentOrderItemId": "L3:B"}]
        first, second = mapping.taken_out({"fulfillmentOrderItems": items})
        assert (first.sku, first.quantity, first.units, first.source_line_ids) == ("A", 2, 1, ("1", "2"))
        assert (second.sku, second.source_line_ids) == ("B", ())
        assert mapping.taken_out({}) == ()


def shipment(package, quantity=1, **item):
    line = {"sellerSku": "A", "sellerFulfillmentOrderItemId": "1.2", "quantity": quantity, "packageNumber": 7, **item}
    return {
        "amazonShipmentId": "D1",
        "fulfillmentShipmentStatus": "SHIPPED",
        "fulfillmentShipmentItem": [line],
        "fulfillmentShipmentPackage": [{"packageNumber": 7, "carrierCode": "UPS", **package}],
    }


class TestParcel:
    def read(self, *found):
        return mapping.shipments({"fulfillmentShipments": list(found)})

    def test_is_joined_with_its_items_by_number_even_as_text(self):
        (parcel,) = self.read(shipment({"trackingNumber": "1Z", "packageNumber": "7"}, quantity="2"))
        assert (parcel.external_id, parcel.carrier) == ("D1/7", "UPS")
        assert [(line.quantity, line.source_line_ids) for line in parcel.lines] == [(2, ("1", "2"))]

    def test_falls_back_on_amazons_own_number_and_names_its_carrier(self):
        (parcel,) = self.read(shipment({"amazonFulfillmentTrackingNumber": "TBA303", "carrierCode": "AMZN_US"}))
        assert (parcel.tracking_number, parcel.carrier) == ("TBA303", "Amazon Logistics")

    @pytest.mark.parametrize("carrier", ["AMZN_US", "AMZL", "Amazon Shipping", "Amazon Logistics"])
    def test_of_amazons_carrier_is_told_by_one_name(self, carrier):
        (parcel,) = self.read(shipment({"trackingNumber": "QA1234", "carrierCode": carrier}))
        assert parcel.carrier == "Amazon Logistics"

    @pytest.mark.parametrize("status", ["PENDING", "Pending"])
    def test_is_none_before_it_has_left(self, status):
        assert self.read({**shipment({"trackingNumber": "1Z"}), "fulfillmentShipmentStatus": status}) == []

    def test_without_a_number_waits(self):
        assert self.read(shipment({}))[0].tracking_number == ""

    @pytest.mark.parametrize("number", [0, None, "0"])
    def test_is_none_before_it_is_packed(self, number):
        assert self.read(shipment({}, packageNumber=number)) == []

    def test_of_a_cancelled_shipment_is_marked(self):
        made = {**shipment({}), "fulfillmentShipmentStatus": "CANCELLED_BY_FULFILLER"}
        assert self.read(made)[0].is_cancelled


class TestSame:
    def payload(self, **changes):
        made = body()
        there = {**made["destinationAddress"], **changes}
        items = [{**item, "quantity": str(item["quantity"])} for item in made["items"]]
        return {"fulfillmentOrder": {"destinationAddress": there}, "fulfillmentOrderItems": items}

    def test_order_is_told_from_another(self):
        assert mapping.is_same(body(), self.payload(name=body()["destinationAddress"]["name"].upper()))
        assert not mapping.is_same(body(), self.payload(postalCode="99999"))
        assert not mapping.is_same(body(), {**self.payload(), "fulfillmentOrderItems": []})


class TestOrderOfAnother:
    @pytest.mark.parametrize(
        ("head", "is_for"),
        [
            ({"sellerFulfillmentOrderId": "S02-1", "displayableOrderId": "5764"}, True),
            ({"sellerFulfillmentOrderId": "TTS_5764", "displayableOrderId": "#99"}, True),
            ({"sellerFulfillmentOrderId": "S02-1", "displayableOrderId": "15764"}, False),
            ({"sellerFulfillmentOrderId": "S02-1", "displayableOrderId": None}, False),
            ({"displayableOrderId": "5764", "fulfillmentOrderStatus": "CANCELLED"}, False),
            ({"displayableOrderId": "5764", "fulfillmentOrderStatus": "Unfulfillable"}, False),
        ],
    )
    def test_is_told_by_the_whole_number_unless_it_is_over(self, head, is_for):
        assert mapping.is_for(head, "5764") is is_for


class TestPreview:
    def test_is_told_in_sentences(self):
        said = {
            "payload": {
                "fulfillmentPreviews": [
                    {
                        "shippingSpeedCategory": "Standard",
                        "isFulfillable": True,
                        "estimatedFees": [{"name": "Fee", "amount": {"currencyCode": "USD", "value": "5.50"}}],
                        "fulfillmentPreviewShipments": [
                            {"earliestArrivalDate": "2026-11-27T00:00:00Z", "latestArrivalDate": "2026-11-29T00:00:00Z"}
                        ],
                    },
                    {
                        "shippingSpeedCategory": "Priority",
                        "isFulfillable": False,
                        "orderUnfulfillableReasons": ["No stock"],
                        "unfulfillablePreviewItems": [{"sellerSku": "A"}],
                    },
                ]
            }
        }
        assert mapping.preview(said) == (
            "Standard: arrives Nov 27 to Nov 29, fees 5.50 USD",
            "Priority: cannot be fulfilled (A): No stock",
        )


class TestHost:
    @pytest.mark.parametrize(
        "url",
        [
            "https://sellercentral.amazon.com/apps/authorize/confirm/x",
            "https://sellercentral-europe.amazon.com/x",
            "https://amazon.co.uk/x",
        ],
    )
    def test_of_amazon_is_followed(self, url):
        assert is_amazon(url)

    @pytest.mark.parametrize(
        "url",
        [
            "http://sellercentral.amazon.com/x",
            "https://amazon.com.evil.example/x",
            "https://evilamazon.com/x",
            "https://user@amazon.com/x",
            "https://amazon.com:444/x",
            "https://amazon.com@evil.example/",
            "javascript:alert(1)",
            "",
            "https://[",
        ],
    )
    def test_of_anybody_else_is_not(self, url):
        assert not is_amazon(url)


class TestMarket:
    def test_names_a_store_by_account_and_country(self):
        made = mapping.store(MARKETS[US], "A1B2")
        assert (made.external_id, made.currency, made.extra["region"]) == ("A1B2-ATVPDKIKX0DER", "USD", "na")

    def test_times_are_utc(self):
        assert mapping.moment("2026-11-01T10:00:00Z") == datetime(2026, 11, 1, 10, tzinfo=UTC)
