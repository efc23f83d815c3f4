"""Squarespace's shapes, both ways."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base.errors import PermanentError, UnreadableAnswer, UnsupportedFeature
from connectors.base.events import EventKind
from connectors.base.types import DraftCharge
from connectors.platforms.squarespace import mapping
from tests.connectors.shopify.test_mapping import draft as shopify_draft

PAYLOADS = Path(__file__).resolve().parents[2] / "payloads/squarespace"


def sample(name):
    return json.loads((PAYLOADS / name).read_text())


def draft():
    """The draft of the Shopify tests with every item linked to a product."""
    lines = tuple(replace(line, variant_id=f"v-{place}") for place, line in enumerate(shopify_draft().lines))
    return replace(shopify_draft(), lines=lines)


def body(made=None, inventory="SKIP"):
    return mapping.order_create(made or draft(), "5764", inventory=inventory)[0]


class TestSamples:
    def test_of_a_fulfilled_order_is_read_with_its_parcels(self):
        order = sample("order_fulfilled.json")
        placed = mapping.placed_order(order, "alice.squarespace.com")
        assert (placed.name, placed.currency, placed.is_cancelled) == ("#3618", "USD", False)
        assert placed.updated_at == datetime(2021, 2, 18, 21, 6, 44, 121000, UTC)
        parcels = mapping.shipments(order)
        assert parcels
        assert all(parcel.lines is None for parcel in parcels)

    def test_of_an_order_made_over_the_api_is_told_from_the_sites_own(self):
        orders = sample("orders_made_over_the_api.json")["result"]
        ours = [{**order, "channelName": mapping.CHANNEL} for order in orders if order.get("channel") == "external"]
        assert ours
        assert all(mapping.is_ours(order) for order in ours)
        assert not mapping.is_ours({**ours[0], "testmode": True})
        assert not mapping.is_ours({**ours[0], "channelName": "eBay"})

    def test_of_a_webhook_is_read(self):
        told = mapping.event(json.dumps(sample("webhook_order_create.json")).encode())
        assert told.kind is EventKind.PLACED_ORDER_CHANGED
        assert told.external_id


class TestMoment:
    def test_without_seconds_is_read(self):
        assert mapping.moment("2020-04-22T22:18+00:00") == datetime(2020, 4, 22, 22, 18, tzinfo=UTC)

    def test_as_fractional_unix_seconds_is_read(self):
        assert mapping.unix_moment("1553532363.542").year == 2019

    @pytest.mark.parametrize("text", ["", None, "soon", "1e400"])
    def test_that_is_none_is_none(self, text):
        assert mapping.unix_moment(text) is None
        assert mapping.moment(text) is None


class TestCreate:
    def test_sums_hold_with_the_tax_on_top(self):
        made = body()
        value = {
            name: float(made[name]["value"]) for name in made if isinstance(made[name], dict) and "value" in made[name]
        }
        total = value["subtotal"] + value["shippingTotal"] + value["taxTotal"] - value["discountTotal"]
        assert made["priceTaxInterpretation"] == "EXCLUSIVE"
        assert round(total, 2) == value["grandTotal"]

    def test_says_that_the_tax_is_inside_the_prices(self):
        inside = replace(draft(), tax_included=True)
        assert body(inside)["priceTaxInterpretation"] == "INCLUSIVE"

    def test_names_no_title_and_always_says_what_is_fulfilled_and_mailed(self):
        made = body()
        assert all("title" not in line and line["variantId"] for line in made["lineItems"])
        assert (made["fulfillments"], made["fulfillmentStatus"]) == ([], "PENDING")
        assert made["shopperFulfillmentNotificationBehavior"] == "SKIP"

    def test_refuses_an_item_without_a_product(self):
        line = replace(draft().lines[0], variant_id="")
        with pytest.raises(UnsupportedFeature):
            body(replace(draft(), lines=(line,)))

    def test_refuses_an_address_without_a_street(self):
        with pytest.raises(PermanentError) as caught:
            body(replace(draft(), address=replace(draft().address, line1="")))
        assert caught.value.reason == "ADDRESS_INVALID"

    def test_puts_fees_among_the_shipping_lines_and_says_so(self):
        fee = DraftCharge("Small order fee", "small_order_fee", 199)
        made, remarks = mapping.order_create(
            replace(draft(), charges=(*draft().charges, fee)), "5764", inventory="SKIP"
        )
        assert made["shippingLines"][-1] == {
            "method": "Small order fee",
            "amount": {"currency": "USD", "value": "1.99"},
        }
        assert "Small order fee" in remarks[-1]

    def test_cuts_a_long_name_and_says_so(self):
        name = replace(draft().address, first_name="J" * 120)
        made, remarks = mapping.order_create(replace(draft(), address=name), "5764", inventory="SKIP")
        assert len(made["shippingAddress"]["firstName"]) == 100
        assert remarks == ("The buyer's first name was cut to 100 characters",)

    def test_leaves_a_masked_mail_address_out(self):
        assert "customerEmail" not in body(replace(draft(), email="j***@x.com"))


class TestEvent:
    @pytest.mark.parametrize(
        ("update", "kind"),
        [
            ("FULFILLED", EventKind.SHIPMENT_CHANGED),
            ("CANCELED", EventKind.PLACED_ORDER_CHANGED),
            ("REFUNDED", EventKind.REFUND_CHANGED),
            ("EMAIL_UPDATED", EventKind.IGNORED),
            ("SOMETHING_NEW", EventKind.PLACED_ORDER_CHANGED),
        ],
    )
    def test_of_an_update_says_what_changed(self, update, kind):
        said = {"id": "n1", "topic": "order.update", "data": {"orderId": "5f", "update": update}}
        assert mapping.event(json.dumps(said).encode()).kind is kind

    def test_of_removal_is_heard(self):
        assert mapping.event(b'{"id": "n1", "topic": "extension.uninstall"}').kind is EventKind.DEAUTHORIZED

    @pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"id": 5}', b"\xff"])
    def test_that_is_none_is_refused(self, raw):
        with pytest.raises(UnreadableAnswer):
            mapping.event(raw)


class TestOrder:
    def test_of_garbage_is_refused(self):
        for said in (None, [], {}, {"orderNumber": "1"}):
            with pytest.raises(UnreadableAnswer):
                mapping.placed_order(said, "")

    def test_of_an_unknown_status_is_neutral(self):
        placed = mapping.placed_order({"id": "1", "fulfillmentStatus": "ON_A_BREAK", "grandTotal": {"value": None}}, "")
        assert (placed.is_cancelled, placed.total) == (False, None)


class TestSite:
    def test_is_named_by_the_id_that_its_webhooks_carry(self):
        said = {"id": "5f3c3d55ac435e1a051f77b3", "siteId": "alice", "title": "Alice's", "url": "https://alice.example"}
        site = mapping.store({**said, "currency": "USD"})
        assert (site.external_id, site.name, site.domain) == (said["id"], "Alice's", "alice.example")

    def test_without_an_id_is_refused(self):
        with pytest.raises(UnreadableAnswer):
            mapping.store({"siteId": "alice"})


class TestVariants:
    def test_are_those_of_physical_products(self):
        """Only they may stand in a line of the type PHYSICAL_PRODUCT."""
        kinds = {"PHYSICAL": "v1", "DIGITAL": "v2", "GIFT_CARD": "v3"}
        products = [{"type": kind, "variants": [{"id": each, "sku": "A"}]} for kind, each in kinds.items()]
        assert [variant.external_id for variant in mapping.variants({"products": products})] == ["v1"]


class TestParcels:
    def test_of_an_order_marked_fulfilled_without_one_are_one_without_a_number(self):
        """Else nobody would hear that the order left, and TikTok Shop would wait for a number without a word."""
        order = {"fulfillmentStatus": "FULFILLED", "fulfilledOn": "2026-01-02T10:00:00Z", "fulfillments": None}
        (parcel,) = mapping.shipments(order)
        assert (parcel.external_id, parcel.tracking_number, parcel.lines) == ("1", "", None)
        assert parcel.shipped_at == datetime(2026, 1, 2, 10, tzinfo=UTC)
        (later,) = mapping.shipments({**order, "fulfillments": [{"trackingNumber": "9400"}]})
        assert (later.external_id, later.tracking_number) == ("1", "9400")

    def test_keep_their_place_when_a_number_is_corrected(self):
        before = mapping.shipments({"fulfillments": [{"trackingNumber": "1"}, {"trackingNumber": "2"}]})
        after = mapping.shipments({"fulfillments": [{"trackingNumber": "9"}, {"trackingNumber": "2"}]})
        assert [parcel.external_id for parcel in before] == [parcel.external_id for parcel in after]

    def test_of_null_are_none(self):
        assert mapping.shipments({"fulfillments": None}) == []
