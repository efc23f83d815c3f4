"""What every destination must do with an order, written once. Where a platform cannot, it must say so truthfully."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from connectors.base.errors import (
    OutcomeUnknown,
    PermanentError,
    PlatformError,
    ScopeMissing,
    TemporaryError,
    UnsupportedFeature,
)
from connectors.base.types import Shipment, ShipmentLine, Shipper
from orders.components import Component
from orders.drafting import make_draft
from tests.contracts.conftest import JANE, REFERENCE, Place, full_order
from tests.orders.builders import line, payment

NUMBER = "9400111899562537866361"


def amount(value: Any) -> Decimal:
    return Decimal(str(value or 0))


def told(place: Place) -> dict[str, Any]:
    """The order as the store shows it, in one shape for all."""
    order = place.order()
    address = order["shipping_address"]
    if place.platform != "shopify":
        return order
    first, last = address.get("firstName") or "", address.get("lastName") or ""
    lines = {line["sku"]: line for line in order["lines"]}
    return {
        **order,
        "shipping_address": {
            "name": f"{first} {last}".strip(),
            "address1": address["address1"],
            "address2": address.get("address2") or "",
            "city": address["city"],
            "state": address["provinceCode"],
            "zip": address["zip"],
            "country": address["countryCode"],
            "phone": address["phone"],
        },
        "shipping_method": order["shipping_lines"][0]["title"],
        "shipping_total": order["shipping_lines"][0]["priceSet"]["shopMoney"]["amount"],
        "tax": order["tax_lines"][0]["priceSet"]["shopMoney"]["amount"],
        "discount": order["discount"]["itemFixedDiscountCode"]["amountSet"]["shopMoney"]["amount"],
        "subtotal": sum(amount(line["price"]) * line["quantity"] for line in lines.values()),
    }


class TestCreate:
    def test_brings_everything_that_is_needed_to_fulfill(self, place: Place) -> None:
        created = place.create(shipping_titles={"": ("Standard", "Standard")})
        order = told(place)
        address = order["shipping_address"]
        assert created.reference == order["reference"] == REFERENCE
        assert address["name"] == JANE.name
        assert (address["address1"], address["address2"]) == (JANE.line1, JANE.line2)
        assert (address["city"], address["zip"], address["country"]) == (JANE.city, "07030", "US")
        assert address["state"].removeprefix("US-") == "NJ"
        assert address["phone"] == JANE.phone
        assert {line["sku"]: line["quantity"] for line in order["lines"]} == {"CND-FIG-08": 2, "GFT-MTC-01": 1}
        assert order["shipping_method"] == "Standard"

    def test_balances_to_the_cent_where_the_store_has_amounts(self, place: Place) -> None:
        created = place.create()
        order = told(place)
        if not place.kind.features.amounts:
            assert (created.total, order["total"]) == (None, "")
            return
        sums = {name: amount(order[name]) for name in ("subtotal", "discount", "shipping_total", "tax", "total")}
        expected = ("48.00", "4.00", "4.99", "3.21", "52.20")
        assert tuple(sums.values()) == tuple(Decimal(text) for text in expected)
        assert (created.total, created.currency) == (5220, "USD")
        assert {line["sku"]: amount(line["price"]) for line in order["lines"]} == {"CND-FIG-08": 24, "GFT-MTC-01": 0}

    def test_keeps_prices_that_hold_the_tax_already(self, place: Place) -> None:
        inside = replace(full_order(), payment=replace(full_order().payment, total=4899, subtotal=4400))  # type: ignore[type-var]
        place.speak().create_order(place.draft(inside), reference=REFERENCE)
        if place.kind.features.amounts:
            assert amount(place.order()["total"]) == Decimal("48.99")

    def test_marks_it_as_tiktok_shops_where_there_is_room(self, place: Place) -> None:
        sample = replace(full_order(), is_sample=True)
        place.speak().create_order(place.draft(sample), reference=REFERENCE)
        order = place.order()
        if place.platform == "shopify":
            assert {"TikTok Shop", "tiktok-sample"} <= set(order["tags"])
        elif place.platform == "wix":
            assert "tiktok-sample" in order["fields"]["Tags"]
            assert order["fields"]["TikTok order id"] == REFERENCE
        elif place.platform == "squarespace":
            assert order["raw"]["channelName"] == "TikTok Shop"
        else:
            assert "TikTok Shop" in order["note"]

    def test_passes_the_relay_address_on_and_mails_nobody(self, place: Place) -> None:
        place.create()
        order = place.order()
        assert order["email"] in ("v2b2V4@chat.seller.tiktok.com", "")
        assert order["email"] or place.platform == "amazon"
        (made,) = [entry for entry in place.world.ledger if entry["event"] == "order.created"]
        assert not made.get("mailed")

    @pytest.mark.parametrize("kind", ["error_after", "reset_after"])
    def test_whose_answer_was_lost_is_found_and_never_made_twice(self, place: Place, kind: str) -> None:
        place.fault(kind, place.create_operation)
        draft = place.draft()
        since = place.now() - timedelta(hours=1)
        try:
            place.speak().create_order(draft, reference=REFERENCE)
        except OutcomeUnknown:
            place.world.advance(100)
            assert place.speak().find_order(REFERENCE, since=since).reference == REFERENCE
        assert len(place.orders()) == 1

    def test_with_the_same_key_is_done_once_where_keys_are_known(self, place: Place) -> None:
        if not place.kind.features.idempotency_key:
            pytest.skip("the platform knows no keys")
        first = place.create()
        assert place.create().external_id == first.external_id
        assert len(place.orders()) == 1

    def test_that_never_arrived_leaves_nothing(self, place: Place) -> None:
        draft = place.draft()
        place.fault("reset_before", place.create_operation)
        with pytest.raises(PlatformError):
            place.speak().create_order(draft, reference=REFERENCE)
        assert place.orders() == []

    def test_fails_by_name_when_an_item_left_the_catalog(self, place: Place) -> None:
        draft = place.draft()
        place.control("remove_variant", sku="CND-FIG-08")
        if place.platform == "wix":
            pytest.skip("Wix keeps what it is told of an item, and checks no catalog")
        with pytest.raises(PermanentError) as caught:
            place.speak().create_order(draft, reference=REFERENCE)
        assert caught.value.reason == "PRODUCT_DELETED"

    def test_says_what_it_cut(self, place: Place) -> None:
        long = replace(JANE, name=f"Jane {'x' * 300} Doe", first_name=f"Jane {'x' * 300}")
        draft = replace(place.draft(), address=long)
        created = place.speak().create_order(draft, reference=REFERENCE)
        there = told(place)["shipping_address"]["name"]
        assert there == long.name or "was cut to" in " ".join(created.remarks)

    @pytest.mark.parametrize("missing", ["line1", "country_code"])
    def test_is_refused_without_what_the_platform_needs_of_an_address(self, place: Place, missing: str) -> None:
        if place.platform == "shopify":
            pytest.skip("Shopify takes an address in part")
        blank = replace(JANE, **{missing: "", "line2": ""})
        with pytest.raises(PermanentError) as caught:
            place.speak().create_order(replace(place.draft(), address=blank), reference=REFERENCE)
        assert caught.value.reason in ("ADDRESS_INVALID", "REMOTE_ERROR")
        assert place.orders() == []

    def test_sends_the_very_request_that_was_rendered(self, place: Place) -> None:
        place.world.keeps_bodies = True
        draft = place.draft()
        sent = place.speak().rendered(draft, reference=REFERENCE)
        assert sent == place.speak().rendered(draft, reference=REFERENCE)
        place.create()
        (entry,) = [each for each in place.world.journal if each["operation"] == place.create_operation]
        assert (entry["method"], entry["body"]) == (sent.method, sent.body)
        assert entry["path"].endswith(sent.path)

    def test_of_what_tiktok_ships_has_no_address_where_the_store_needs_none(self, place: Place) -> None:
        draft = replace(place.draft(), address=None)
        if place.platform == "amazon":
            with pytest.raises(UnsupportedFeature):
                place.speak().create_order(draft, reference=REFERENCE)
            return
        place.speak().create_order(draft, reference=REFERENCE)
        assert place.order()["reference"] == REFERENCE

    def test_keeps_the_components_of_one_line_apart(self, place: Place) -> None:
        draft = place.draft()
        first, gift = draft.lines
        both = (first, replace(gift, source_line_ids=first.source_line_ids))
        place.speak().create_order(replace(draft, lines=both), reference=REFERENCE)
        assert len(place.order()["lines"]) == 2

    def test_of_more_lines_than_it_takes_is_refused_by_name_before_it_is_sent(self, place: Place) -> None:
        draft = place.draft()
        many = replace(draft, lines=tuple(replace(draft.lines[0], quantity=1) for _ in range(301)), discount=0)
        if place.platform in ("shopify", "squarespace"):
            pytest.skip("no limit is documented")
        with pytest.raises(UnsupportedFeature, match="301"):
            place.speak().create_order(many, reference=REFERENCE)

    def test_of_an_item_without_a_product_follows_the_declared_feature(self, place: Place) -> None:
        draft = place.draft()
        free = replace(draft, lines=(replace(draft.lines[0], variant_id=""), *draft.lines[1:]))
        if place.kind.features.custom_lines:
            place.speak().create_order(free, reference=REFERENCE)
            assert len(place.order()["lines"]) == 2
        else:
            with pytest.raises(UnsupportedFeature):
                place.speak().create_order(free, reference=REFERENCE)
            assert place.orders() == []


class TestFind:
    def test_of_an_unknown_reference_finds_nothing(self, place: Place) -> None:
        assert place.speak().find_order("1", since=place.now()) is None

    def test_of_ours_finds_it_with_a_link(self, place: Place) -> None:
        made = place.create()
        place.world.advance(10)
        found = place.speak().find_order(REFERENCE, since=place.now() - timedelta(hours=1))
        assert (found.external_id, found.name) == (made.external_id, made.name)
        assert found.url.startswith(("https://", "http://"))

    @pytest.mark.parametrize("kind", ["status", "garbage", "reset_before"])
    def test_that_fails_is_never_taken_for_absent(self, place: Place, kind: str) -> None:
        place.fault(kind)
        with pytest.raises(PlatformError):
            place.speak().find_order(REFERENCE, since=place.now())

    def test_reads_it_by_its_own_id_and_none_when_it_is_not_there(self, place: Place) -> None:
        made = place.create()
        assert place.speak().fetch_order(made.external_id).reference == REFERENCE
        other = made.external_id[:-1] + ("0" if made.external_id[-1] != "0" else "1")
        assert place.speak().fetch_order(other) is None

    def test_lists_it_among_the_changed_ones(self, place: Place) -> None:
        before = place.now()
        made = place.create()
        place.world.advance(10)
        assert made.external_id in [each.external_id for each in place.speak().orders_changed_since(before)]


class TestVariants:
    def test_are_found_by_sku_without_regard_to_spaces(self, place: Place) -> None:
        found = place.speak().find_variants([" CND-FIG-08 ", "NOPE", ""])
        assert [len(found[sku]) for sku in (" CND-FIG-08 ", "NOPE", "")] == [1, 0, 0]
        assert len(found[" CND-FIG-08 "][0].external_id) <= 100

    def test_with_one_sku_are_all_told(self, place: Place) -> None:
        place.control("add_variant", sku="CND-FIG-08", title="Another candle")
        count = len(place.speak().find_variants(["CND-FIG-08"])["CND-FIG-08"])
        assert count == (1 if place.platform == "amazon" else 2)  # Amazon's SKUs are unique

    def test_of_the_whole_catalog_are_listed_page_by_page(self, place: Place) -> None:
        count = 60 if place.platform == "amazon" else 120  # two pages: its allowance of calls at once
        for number in range(count):
            place.control("add_variant", sku=f"MORE-{number}", title="One of many")
        listed = [variant.sku for variant in place.speak().list_variants()]
        assert {"CND-FIG-08", "MORE-0", f"MORE-{count - 1}"} <= set(listed)
        assert len(listed) == len(set(listed))


class TestCancel:
    def cancel(self, place: Place, external_id: str) -> Any:
        return place.speak().cancel_order(external_id, reason="Cancelled on TikTok Shop", restock=True)

    def test_before_it_is_packed_is_done_and_done_again(self, place: Place) -> None:
        made = place.create()
        if not place.kind.features.cancel:
            with pytest.raises(UnsupportedFeature) as caught:
                self.cancel(place, made.external_id)
            assert caught.value.reason == "ALREADY_CANCELLED"
            return
        assert self.cancel(place, made.external_id).is_cancelled
        assert place.order()["is_cancelled"]
        assert self.cancel(place, made.external_id).is_cancelled
        assert place.speak().fetch_order(made.external_id).is_cancelled

    def test_that_comes_too_late_says_so(self, place: Place) -> None:
        if place.platform != "amazon":
            pytest.skip("no moment is documented after which a cancellation is too late")
        made = place.create()
        place.control("advance_order", order=made.name, status="Processing")
        with pytest.raises(PermanentError) as caught:
            self.cancel(place, made.external_id)
        assert caught.value.reason == "ALREADY_CANCELLED"

    def test_by_the_merchant_is_seen(self, place: Place) -> None:
        made = place.create()
        place.control("cancel", order=made.name, shop=place.order()["shop"])
        assert place.speak().fetch_order(made.external_id).is_cancelled


class TestShipment:
    def test_of_everything_is_read_with_its_number(self, place: Place) -> None:
        made = place.create()
        assert place.speak().shipments_of(made.external_id) == []
        place.ship(tracking_number=NUMBER)
        (parcel,) = place.speak().shipments_of(made.external_id)
        assert (parcel.tracking_number, parcel.carrier, parcel.is_cancelled) == (NUMBER, "USPS", False)
        assert parcel.shipped_at is not None
        if place.kind.features.partial_fulfillment:
            assert sum(line.quantity for line in parcel.lines) == 3
        else:
            assert parcel.lines is None

    def test_in_two_parcels_is_told_apart(self, place: Place) -> None:
        made = place.create()
        lines = [{"CND-FIG-08": 1}, {"CND-FIG-08": 1, "GFT-MTC-01": 1}]
        for number, some in zip(("94001", "94002"), lines, strict=True):
            more = {"lines": some} if place.kind.features.partial_fulfillment else {}
            place.ship(tracking_number=number, **more)
        parcels = {parcel.tracking_number: parcel for parcel in place.speak().shipments_of(made.external_id)}
        assert set(parcels) == {"94001", "94002"}
        assert len({parcel.external_id for parcel in parcels.values()}) == 2
        if place.kind.features.partial_fulfillment:
            assert [(line.sku, line.quantity) for line in parcels["94001"].lines] == [("CND-FIG-08", 1)]

    def test_without_a_number_has_none_yet_and_gets_it_later(self, place: Place) -> None:
        made = place.create()
        place.ship()
        (parcel,) = place.speak().shipments_of(made.external_id)
        assert parcel.tracking_number == ""
        order = place.order()
        place.control("add_tracking", shop=order["shop"], order=order["name"], tracking_number=NUMBER, carrier="USPS")
        (later,) = place.speak().shipments_of(made.external_id)
        assert (later.external_id, later.tracking_number) == (parcel.external_id, NUMBER)

    def test_tells_the_postcode_it_went_to(self, place: Place) -> None:
        made = place.create()
        place.ship(tracking_number=NUMBER)
        assert {each.postal_code for each in place.speak().shipments_of(made.external_id)} == {JANE.postal_code}

    def test_is_read_all_the_same_where_addresses_are_not_shown_to_us(self, place: Place) -> None:
        if place.platform != "shopify":
            pytest.skip("only Shopify approves apps for buyers' data")
        made = place.create()
        place.ship(tracking_number=NUMBER)
        place.control("settings", shows_addresses=False)
        (there,) = place.speak().shipments_of(made.external_id)
        assert (there.tracking_number, there.postal_code) == (NUMBER, "")


class TestParcelFromElsewhere:
    """What the source ships itself is written into the order."""

    def test_of_everything_is_recorded_and_the_buyer_not_told(self, place: Place) -> None:
        made = place.create()
        parcel = Shipment("7", "USPS", NUMBER, "", None, place.now())
        if not place.kind.features.without_address:
            with pytest.raises(UnsupportedFeature):
                place.speak().record_shipment(made.external_id, parcel)
            return
        place.speak().record_shipment(made.external_id, parcel)
        (there,) = place.speak().shipments_of(made.external_id)
        assert (there.tracking_number, there.carrier, there.is_cancelled) == (NUMBER, "USPS", False)
        assert not [entry for entry in place.world.ledger if entry["event"] == "buyer.mailed"]

    def test_of_some_lines_leaves_the_others_open(self, place: Place) -> None:
        if not (place.kind.features.without_address and place.kind.features.partial_fulfillment):
            pytest.skip("the platform knows no parcels with some of the lines")
        made = place.create()
        (gift,) = [line for line in place.draft().lines if line.sku == "GFT-MTC-01"]
        lines = (ShipmentLine(gift.sku, 1, gift.source_line_ids),)
        place.speak().record_shipment(made.external_id, Shipment("7", "USPS", NUMBER, "", lines, place.now()))
        (there,) = place.speak().shipments_of(made.external_id)
        assert [(line.sku, line.quantity) for line in there.lines] == [("GFT-MTC-01", 1)]
        place.ship(tracking_number="94002")

    def test_of_one_of_two_bundles_has_its_pieces_and_no_more(self, place: Place) -> None:
        """Each candle is two tins and a matchbox there; the two tins differ in price by a cent."""
        if not (place.kind.features.without_address and place.kind.features.partial_fulfillment):
            pytest.skip("the platform knows no parcels with some of the lines")
        found = place.speak().find_variants(["TIN-LAV-04", "GFT-MTC-01"])
        bundle = tuple(
            Component(found[sku][0].external_id, sku, quantity=count)
            for sku, count in (("TIN-LAV-04", 2), ("GFT-MTC-01", 1))
        )
        lines = (line("11", price=2000), line("12", price=2000))
        order = replace(full_order(), lines=lines, payment=payment(products=4000))
        draft = make_draft(order, place.rules(variants={"cnd-fig-08": bundle}))
        made = place.speak().create_order(draft, reference=REFERENCE)
        parts = (ShipmentLine("TIN-LAV-04", 2, ("11",)), ShipmentLine("GFT-MTC-01", 1, ("11",)))
        place.speak().record_shipment(made.external_id, Shipment("7", "USPS", NUMBER, "", parts, place.now()))
        (there,) = place.speak().shipments_of(made.external_id)
        units: dict[str, int] = {}
        for each in there.lines:
            units[each.sku] = units.get(each.sku, 0) + each.quantity
        assert units == {"TIN-LAV-04": 2, "GFT-MTC-01": 1}
        assert sum(each["remaining"] for each in place.order()["lines"]) == 3

    def test_of_what_left_before_is_refused(self, place: Place) -> None:
        if not (place.kind.features.without_address and place.kind.features.partial_fulfillment):
            pytest.skip("the platform adds any number of parcels")
        made = place.create()
        place.ship(tracking_number="94001")
        with pytest.raises(PermanentError):
            place.speak().record_shipment(made.external_id, Shipment("7", "USPS", NUMBER, "", None, place.now()))


class TestOrderWithoutAddress:
    def test_is_taken_as_declared(self, place: Place) -> None:
        draft = place.draft(replace(full_order(), shipper=Shipper.PLATFORM))
        if not place.kind.features.without_address:
            with pytest.raises(UnsupportedFeature):
                place.speak().create_order(draft, reference=REFERENCE)
            return
        made = place.speak().create_order(draft, reference=REFERENCE)
        assert "Harbor Street" not in str(place.order())
        place.ship(tracking_number=NUMBER)
        assert len(place.speak().shipments_of(made.external_id)) == 1


class TestHold:
    def test_keeps_the_order_back_until_it_is_released_or_says_that_it_cannot(self, place: Place) -> None:
        made = place.create(is_on_hold=place.kind.features.hold)
        if not place.kind.features.hold:
            with pytest.raises(UnsupportedFeature):
                place.speak().hold_order(made.external_id)
            with pytest.raises(UnsupportedFeature):
                place.speak().release_order(made.external_id, place.draft())
            with pytest.raises(UnsupportedFeature):
                place.speak().resume_order(made.external_id)
            return
        for _ in range(2):
            place.speak().hold_order(made.external_id)
        order = place.order()
        assert (order["is_on_hold"], order["shipping_address"], order["paid"]) == (True, None, "0")
        for _ in range(2):
            place.speak().release_order(made.external_id, place.draft())
        order = place.order()
        assert (order["is_on_hold"], order["paid"]) == (False, order["total"])
        assert "tiktok-hold" not in order["tags"]
        assert order["shipping_address"]["zip"] == JANE.postal_code

    def test_of_an_order_that_goes_on_changes_nothing_else(self, place: Place) -> None:
        if not place.kind.features.hold:
            pytest.skip("the platform keeps no order back")
        made = place.create()
        before = place.order()
        place.speak().hold_order(made.external_id)
        assert place.order()["is_on_hold"]
        for _ in range(2):
            place.speak().resume_order(made.external_id)
        after = place.order()
        names = ("is_on_hold", "shipping_address", "paid", "total", "tags", "note", "lines")
        assert [after[name] for name in names] == [before[name] for name in names]


class TestLocation:
    def places(self, place: Place) -> list[str]:
        snapshot = requests.get(f"{place.world.public_url}/_sandbox/{place.platform}", timeout=10).json()
        return list(snapshot["shops"][0]["locations"])

    def test_gets_the_order_or_the_platform_has_none(self, place: Place) -> None:
        made = place.create()
        if not place.kind.features.locations:
            with pytest.raises(UnsupportedFeature):
                place.speak().move_order(made.external_id, "1")
            return
        first, second = self.places(place)
        assert place.order()["location"] == first
        for _ in range(2):
            place.speak().move_order(made.external_id, second)
        assert place.order()["location"] == second
        place.speak().move_order(made.external_id, first.rpartition("/")[2])  # by its number
        assert place.order()["location"] == first
        assert len([entry for entry in place.world.ledger if entry["event"] == "order.moved"]) == 2

    def test_that_does_not_stock_it_leaves_it_where_it_is_and_says_why(self, place: Place) -> None:
        if not place.kind.features.locations:
            pytest.skip("the platform has no locations")
        made = place.create()
        first, second = self.places(place)
        place.control("never_stock", location=second, sku="CND-FIG-08")
        with pytest.raises(PermanentError, match="isn't stocked at this location") as refused:
            place.speak().move_order(made.external_id, second)
        assert refused.value.reason == "NOT_SUPPORTED"
        assert place.order()["location"] == first

    @pytest.mark.parametrize("location", ["somewhere", "gid://shopify/Location/1", ""])
    def test_that_is_none_is_refused_by_name(self, place: Place, location: str) -> None:
        if not place.kind.features.locations:
            pytest.skip("the platform has no locations")
        made = place.create()
        with pytest.raises(PermanentError):
            place.speak().move_order(made.external_id, location)

    def test_is_waited_for_until_the_platform_planned_the_order(self, place: Place) -> None:
        if not place.kind.features.locations:
            pytest.skip("the platform has no locations")
        place.control("settings", routing_takes=5)
        made = place.create()
        _, second = self.places(place)
        with pytest.raises(TemporaryError):
            place.speak().move_order(made.external_id, second)
        place.world.advance(6)
        place.speak().move_order(made.external_id, second)
        assert place.order()["location"] == second

    def test_of_what_has_left_is_settled(self, place: Place) -> None:
        if not place.kind.features.locations:
            pytest.skip("the platform has no locations")
        made = place.create()
        place.ship(tracking_number=NUMBER)
        place.speak().move_order(made.external_id, self.places(place)[1])
        assert not [entry for entry in place.world.ledger if entry["event"] == "order.moved"]

    def test_needs_the_permission_to_read_locations(self, place: Place) -> None:
        if not place.kind.features.locations:
            pytest.skip("the platform has no locations")
        made = place.create()
        (shop, *_) = place.world.halves[place.platform].state.shops.values()  # type: ignore[attr-defined]
        shop.install.scopes = tuple(each for each in shop.install.scopes if each != "read_locations")
        with pytest.raises(ScopeMissing):
            place.speak().move_order(made.external_id, self.places(place)[1])


class TestPreview:
    def test_changes_nothing(self, place: Place) -> None:
        sentences = place.speak().preview(place.draft())
        assert place.orders() == []
        if place.platform == "amazon":
            assert any("fees" in sentence for sentence in sentences)


class TestFeatures:
    def test_that_are_missing_have_a_sentence(self, place: Place) -> None:
        features = place.kind.features
        missing = [
            name
            for name in (
                "cancel",
                "partial_cancel",
                "refunds",
                "returns",
                "custom_lines",
                "partial_fulfillment",
                "amounts",
                "webhooks",
                "sku_search",
            )
            if not getattr(features, name)
        ]
        assert [name for name in missing if not features.notes.get(name)] == []
