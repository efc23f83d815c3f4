"""Wix's shapes, both ways."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.base.aftersales import Refund
from connectors.base.errors import PermanentError, UnreadableAnswer, UnsupportedFeature
from connectors.base.events import EventKind
from connectors.base.types import DraftCharge
from connectors.platforms.wix import aftersales, mapping
from tests.connectors.shopify.test_mapping import draft as shopify_draft

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared/contracts/samples/wix"
PRODUCT, VARIANT = "5f3c3d55-ac43-4e1a-851f-77b300000001", "5f3c3d55-ac43-4e1a-851f-77b300000002"


def draft(**changes):
    """The draft of the Shopify tests, its first item linked to a product of Wix, the gift without a product."""
    first, gift = shopify_draft().lines
    return shopify_draft(lines=(replace(first, variant_id=f"V3|{PRODUCT}|{VARIANT}"), gift), **changes)


def order(made=None, channel="TIKTOK"):
    return mapping.order_create(made or draft(), "5764", channel=channel)[0]["order"]


def sample(name):
    if not SAMPLES.is_dir():
        pytest.skip("needs the contracts folder")
    return json.loads((SAMPLES / name).read_text())


def token(envelope):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    return b".".join([part({"alg": "RS256"}), part({"data": json.dumps(envelope)}), b"x"])


class TestSamples:
    def test_of_an_order_is_read_with_a_number_that_is_a_number(self):
        read = mapping.placed_order(sample("order_entity.doc_shaped.json"), "site")
        assert read.name.startswith("#")
        assert (read.total is None, read.is_cancelled) == (False, False)

    @pytest.mark.parametrize("name", ["domain_event_order_created", "domain_event_order_updated"])
    def test_of_an_event_names_its_order(self, name):
        event = sample(f"{name}.doc_shaped.json")
        body = token({"eventType": "wix.ecom.v1.order_x", "instanceId": "i", "data": json.dumps(event)})
        told = mapping.event(body, event_id="e", app_id="app")
        assert (told.kind, told.external_id) == (EventKind.PLACED_ORDER_CHANGED, event["entityId"])


class TestCreate:
    def test_sums_hold(self):
        total = {name: Decimal(price["amount"]) for name, price in order()["priceSummary"].items()}
        parts = total["subtotal"] - total["discount"] + total["shipping"] + total["tax"] + total["totalAdditionalFees"]
        assert parts == total["total"]

    def test_names_the_channel_and_sends_no_mail(self):
        body, _ = mapping.order_create(draft(), "5764", channel="TIKTOK")
        assert body["order"]["channelInfo"] == {"type": "TIKTOK", "externalOrderId": "5764"}
        assert set(body["settings"]["notifications"].values()) == {False}
        assert (body["order"]["status"], body["order"]["paymentStatus"]) == ("APPROVED", "PAID")

    def test_links_an_item_and_leaves_a_custom_one_free(self):
        linked, custom = order()["lineItems"]
        assert linked["catalogReference"]["catalogItemId"] == PRODUCT
        assert linked["catalogReference"]["options"] == {"variantId": VARIANT}
        assert "catalogReference" not in custom

    def test_writes_the_province_as_iso_3166_2(self):
        assert order()["recipientInfo"]["address"]["subdivision"].startswith("US-")

    def test_keeps_tags_and_attributes_as_custom_fields(self):
        fields = {each["title"]: each["value"] for each in order()["customFields"]}
        assert "TikTok Shop" in fields["Tags"]
        places = enumerate(draft().lines, start=1)
        assert fields["TikTok Shop lines"] == "; ".join(f"{n}: {', '.join(each.source_line_ids)}" for n, each in places)
        assert "e" not in fields

    def test_cuts_long_names_and_says_so(self):
        line = replace(draft().lines[0], title="x" * 500)
        body, remarks = mapping.order_create(replace(draft(), lines=(line,)), "5764", channel="TIKTOK")
        assert len(body["order"]["lineItems"][0]["productName"]["original"]) == 200
        assert remarks == ("The name of item 1 was cut to 200 characters",)

    @pytest.mark.parametrize(
        ("changes", "what"), [({"sku": "x" * 41}, "x{41} has 41"), ({"quantity": 100_001}, "has 100001")]
    )
    def test_refuses_by_name_what_wix_does_not_take(self, changes, what):
        line = replace(draft().lines[0], **changes)
        with pytest.raises(UnsupportedFeature, match=what):
            order(replace(draft(), lines=(line,)))

    def test_cuts_nothing_silently(self):
        long = "x" * 700
        made = draft()
        address = replace(
            made.address,
            first_name=long,
            last_name=long,
            line1=long,
            line2=long,
            city=long,
            province=long,
            province_code="",
        )
        made = replace(
            made,
            address=address,
            note=long * 2,
            lines=(replace(made.lines[0], title=long, variant_title=long),),
            charges=(DraftCharge(long, long, 0), DraftCharge(long, long, 0)),
            attributes=((long, "v"),),
        )
        body, remarks = mapping.order_create(made, "5764", channel="TIKTOK")
        assert len(set(remarks)) == 14
        assert all(" was cut to " in remark for remark in remarks)
        assert "x" * 1001 not in json.dumps(body)

    def test_names_an_item_that_has_no_name(self):
        line = replace(draft().lines[0], title=" ", sku="", variant_title="")
        assert order(replace(draft(), lines=(line,)))["lineItems"][0]["productName"] == {"original": "Item 1"}

    @pytest.mark.parametrize("email", ["nobody", "a b@c.d", "@x.y"])
    def test_leaves_out_an_email_that_is_none_and_says_so(self, email):
        body, remarks = mapping.order_create(draft(email=email), "5764", channel="TIKTOK")
        assert "buyerInfo" not in body["order"]
        assert "e-mail was left out" in remarks[0]

    def test_keeps_the_zeros_of_a_postal_code_and_refuses_one_that_is_too_long(self):
        address = replace(draft().address, postal_code="07030")
        assert order(draft(address=address))["recipientInfo"]["address"]["postalCode"] == "07030"
        with pytest.raises(PermanentError) as caught:
            order(draft(address=replace(address, postal_code="0" * 51)))
        assert caught.value.reason == "ADDRESS_INVALID"

    def test_refuses_more_than_three_hundred_lines(self):
        with pytest.raises(UnsupportedFeature, match="301"):
            order(replace(draft(), lines=draft().lines[:1] * 301))

    def test_refuses_an_address_without_a_street(self):
        with pytest.raises(PermanentError) as caught:
            order(replace(draft(), address=replace(draft().address, line1="")))
        assert caught.value.reason == "ADDRESS_INVALID"

    def test_names_fees_under_their_own_name(self):
        made = order(replace(draft(), charges=(*draft().charges, DraftCharge("Small order fee", "small", 199))))
        assert made["additionalFees"] == [{"code": "small", "name": "Small order fee", "price": {"amount": "1.99"}}]

    def test_writes_yen_without_decimals(self):
        assert order(draft(currency="JPY"))["priceSummary"]["total"] == {"amount": "3399"}


class TestEvent:
    def said(self, fqdn="wix.ecom.v1.order", identity=None, name="x", **event):
        envelope = {
            "eventType": name,
            "instanceId": "i",
            "data": json.dumps({"entityFqdn": fqdn, "entityId": "o1", **event}),
            "identity": json.dumps(identity or {"identityType": "WIX_USER"}),
        }
        return mapping.event(token(envelope), event_id="e", app_id="app")

    def test_of_our_own_app_is_ignored(self):
        assert self.said(identity={"identityType": "APP", "appId": "app"}).kind is EventKind.IGNORED
        assert self.said(identity={"identityType": "APP", "appId": "other"}).kind is EventKind.PLACED_ORDER_CHANGED

    def test_of_parcels_names_the_order_even_as_text_in_text(self):
        changed = json.dumps({"currentEntity": json.dumps({"orderId": "o7"})})
        told = self.said("wix.ecom.v1.fulfillments", updatedEvent=changed)
        assert (told.kind, told.external_id) == (EventKind.SHIPMENT_CHANGED, "o7")

    @pytest.mark.parametrize(
        "body", [{"order": {"id": "o7"}}, {"orderTransactions": {"orderId": "o7"}}, {"orderId": "o7", "refund": {}}]
    )
    def test_of_an_action_names_the_order_that_is_in_it(self, body):
        assert self.said("wix.ecom.v1.order_transactions", actionEvent={"body": body}).external_id == "o7"

    def test_of_removal_is_heard(self):
        assert self.said(name="AppRemoved").kind is EventKind.DEAUTHORIZED

    def test_that_is_unknown_stays_unknown(self):
        assert self.said("wix.bookings.v1.booking").kind is EventKind.UNKNOWN

    @pytest.mark.parametrize("body", [b"", b"a.b.c", b"x"])
    def test_that_is_none_is_refused(self, body):
        with pytest.raises(UnreadableAnswer):
            mapping.event(body, event_id="e", app_id="app")


class TestParcels:
    ORDER = {"lineItems": [{"id": "l1", "physicalProperties": {"sku": "A"}}]}

    def test_name_their_items_and_the_carrier_in_words(self):
        one = {
            "id": "f1",
            "lineItems": [{"id": "l1", "quantity": 2}],
            "trackingInfo": {"trackingNumber": " 1Z ", "shippingProvider": "canadaPost"},
        }
        (parcel,) = mapping.shipments({"orderWithFulfillments": {"fulfillments": [one]}}, self.ORDER)
        assert (parcel.carrier, parcel.tracking_number) == ("Canada Post", "1Z")
        assert [(line.sku, line.quantity) for line in parcel.lines] == [("A", 2)]

    def test_may_have_no_tracking_yet(self):
        said = {"orderWithFulfillments": {"fulfillments": [{"id": "f1", "lineItems": []}]}}
        assert mapping.shipments(said, self.ORDER)[0].tracking_number == ""


class TestVariants:
    def test_of_v3_are_known_by_product_and_variant(self):
        said = {"variants": [{"sku": "A", "variantId": "v", "productData": {"productId": "p", "name": "Candle"}}]}
        assert mapping.variants_v3(said)[0].external_id == "V3|p|v"

    def test_without_an_id_are_left_out(self):
        said = {"variants": [{"sku": "A", "variantId": "v", "productData": {}}, {"sku": "A", "productData": None}]}
        assert mapping.variants_v3(said) == []

    @pytest.mark.parametrize("mark", [".", "-"])
    def test_of_v1_are_parted_at_either_mark(self, mark):
        (one,) = mapping.variants_v1({"variants": [{"id": f"{PRODUCT}{mark}{VARIANT}", "sku": "A"}]})
        assert one.external_id == f"V1|{PRODUCT}|{VARIANT}"


class TestRefund:
    ORDER = {
        "id": "o1",
        "lineItems": [
            {"id": "l1", "quantity": 1, "physicalProperties": {"sku": "A"}},
            {"id": "l2", "quantity": 2, "physicalProperties": {"sku": "A"}},
        ],
    }
    ABLE = {"payments": [{"refundable": True, "payment": {"paymentId": "p1"}}]}

    def test_is_always_external_and_holds_the_reference(self):
        body = aftersales.refund_body(
            self.ORDER, self.ABLE, Refund(500, "USD", {"A": 1}, "damaged", restock=True), "r1"
        )
        assert body["paymentRefunds"] == [{"paymentId": "p1", "amount": {"amount": "5.00"}, "externalRefund": True}]
        assert body["customerReason"] == "TT:r1 damaged"
        assert body["sideEffects"]["restock"] == {"lineItems": [{"lineItemId": "l1", "quantity": 1}]}

    def test_of_what_is_not_there_is_refused(self):
        for able, lines in ((self.ABLE, {"B": 1}), (self.ABLE, {"A": 4}), ({}, {"A": 1})):
            with pytest.raises(PermanentError):
                aftersales.refund_body(self.ORDER, able, Refund(500, "USD", lines, ""), "r1")

    def test_of_the_sources_lines_is_of_the_items_that_they_are_in(self):
        fields = [{"title": "TikTok Shop lines", "value": "1: 301; 2: 302, 303; 9: 304"}]
        order = {**self.ORDER, "customFields": fields}
        body = aftersales.refund_body(order, self.ABLE, Refund(500, "USD", {"302": 1, "301": 1}, ""), "r1")
        assert body["refundItems"]["lineItems"] == [
            {"lineItemId": "l1", "quantity": 1},
            {"lineItemId": "l2", "quantity": 1},
        ]
        for lines in ({"304": 1}, {"301": 2}):
            with pytest.raises(PermanentError):
                aftersales.refund_body(order, self.ABLE, Refund(500, "USD", lines, ""), "r1")

    def test_of_a_bundle_is_of_all_its_components(self):
        order = {**self.ORDER, "customFields": [{"title": "TikTok Shop lines", "value": "1: 301; 2: 301"}]}
        body = aftersales.refund_body(order, self.ABLE, Refund(500, "USD", {"301": 1}, ""), "r1")
        assert [each["quantity"] for each in body["refundItems"]["lineItems"]] == [1, 2]

    @pytest.mark.parametrize(("left", "recorded"), [("4.99", "4.99"), ("1.00", "1.00"), (None, "4.99")])
    def test_names_the_shipping_that_is_left(self, left, recorded):
        able = {**self.ABLE, **({"shipping": {"availableRefundAmount": {"amount": left}}} if left else {})}
        body = aftersales.refund_body(self.ORDER, able, Refund(500, "USD", {}, "", shipping=499), "r1")
        assert body["refundItems"] == {"shipping": {"amount": {"amount": recorded}}}
        able = {**self.ABLE, "shipping": {"availableRefundAmount": {"amount": "0"}}}
        assert "refundItems" not in aftersales.refund_body(
            self.ORDER, able, Refund(500, "USD", {}, "", shipping=9), "r"
        )

    def test_is_never_more_than_was_paid_and_says_so(self):
        def able(most):
            money = {"monetary": {"maxRefund": {"amount": most}}}
            return {"payments": [{"refundable": True, "payment": {"paymentId": "p1", **money}}]}

        body = aftersales.refund_body(self.ORDER, able("4.00"), Refund(500, "USD", {}, "Late"), "r1")
        assert body["paymentRefunds"][0]["amount"] == {"amount": "4.00"}
        assert body["customerReason"] == "TT:r1 5.00 USD in all. Late"
        with pytest.raises(PermanentError, match="nothing left") as caught:
            aftersales.refund_body(self.ORDER, able("0"), Refund(500, "USD", {}, ""), "r1")
        assert caught.value.reason == "MONEY_MISMATCH"

    def test_of_several_lines_with_one_sku_is_spread_over_them(self):
        spread = aftersales.refund_body(self.ORDER, self.ABLE, Refund(500, "USD", {"A": 2}, ""), "r1")["refundItems"]
        assert spread == {"lineItems": [{"lineItemId": "l1", "quantity": 1}, {"lineItemId": "l2", "quantity": 1}]}
        able = {**self.ABLE, "lineItems": [{"lineItemId": "l1", "availableRefundQuantity": 0}]}
        later = aftersales.refund_body(self.ORDER, able, Refund(500, "USD", {"A": 1}, ""), "r1")["refundItems"]
        assert later == {"lineItems": [{"lineItemId": "l2", "quantity": 1}]}

    @pytest.mark.parametrize(
        ("row", "is_refundable"),
        [
            ({"refundable": False, "manuallyRefundable": {"reason": "OFFLINE"}}, True),
            ({"refundable": False, "nonRefundable": {"reason": "ALREADY_REFUNDED"}}, False),
            ({"refundable": False}, False),
            ({}, True),
        ],
    )
    def test_goes_to_a_payment_that_can_be_refunded_by_hand(self, row, is_refundable):
        able = {"payments": [{**row, "payment": {"paymentId": "p1"}}]}
        refund = Refund(500, "USD", {}, "")
        if is_refundable:
            assert aftersales.refund_body(self.ORDER, able, refund, "r1")["paymentRefunds"][0]["paymentId"] == "p1"
        else:
            with pytest.raises(PermanentError):
                aftersales.refund_body(self.ORDER, able, refund, "r1")

    @pytest.mark.parametrize(
        ("reason", "status", "is_there"),
        [
            ("TT:r1", "SUCCEEDED", True),
            ("TT:r1 damaged", "PENDING", True),
            ("TT:r1 damaged", "FAILED", False),
            ("TT:r10 damaged", "SUCCEEDED", False),
            ("r1", "SUCCEEDED", False),
        ],
    )
    def test_is_known_by_its_whole_reference_unless_it_failed(self, reason, status, is_there):
        past = {"details": {"reason": reason}, "transactions": [{"refundStatus": status}]}
        assert aftersales.has_refund({"refunds": [past]}, "r1") is is_there


class TestPayment:
    ORDER = {"currency": "USD", "priceSummary": {"total": {"amount": "5.00"}}}

    def test_is_lacking_where_nothing_is_recorded(self):
        assert aftersales.lacks_payment(self.ORDER, {"payments": []})

    @pytest.mark.parametrize(
        ("changes", "payments"),
        [
            ({}, [{"id": "p1"}]),
            ({"balanceSummary": {"paid": {"amount": "5.00"}}}, []),
            ({"priceSummary": {"total": {"amount": "0.00"}}}, []),
        ],
    )
    def test_is_not_recorded_twice_and_not_of_nothing(self, changes, payments):
        assert not aftersales.lacks_payment({**self.ORDER, **changes}, {"payments": payments})


class TestOrder:
    def test_that_another_app_made_is_not_ours(self):
        made = {"channelInfo": {"type": "TIKTOK", "externalOrderId": "5"}, "createdBy": {"appId": "other"}}
        assert not mapping.is_ours(made, "app")
        assert mapping.is_ours({**made, "createdBy": {}}, "app")
        assert mapping.is_ours({**made, "createdBy": {"appId": "app"}}, "app")
        assert not mapping.is_ours({"channelInfo": {"type": "WEB"}}, "app")

    @pytest.mark.parametrize("maker", ["userId", "memberId", "visitorId"])
    def test_that_a_person_made_is_not_ours(self, maker):
        made = {"channelInfo": {"type": "TIKTOK", "externalOrderId": "5"}, "createdBy": {maker: "x"}}
        assert not mapping.is_ours(made, "app")

    @pytest.mark.parametrize("said", [None, [], {}, {"number": 5}])
    def test_of_garbage_is_refused(self, said):
        with pytest.raises(UnreadableAnswer):
            mapping.placed_order(said, "")
