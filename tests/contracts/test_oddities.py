"""What one platform alone does, and the sandbox can be told to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import requests

from connectors.base.aftersales import Refund
from connectors.base.connector import AuthorizationRequest
from connectors.base.errors import (
    AuthorizationError,
    PermanentError,
    RateLimited,
    TemporaryError,
    UnsupportedFeature,
)
from connectors.platforms.squarespace import mapping
from sandbox.world import World
from tests.contracts.conftest import JANE, KEYS, REFERENCE, SITE, Place


@pytest.fixture
def amazon(world: World) -> Place:
    return Place("amazon", world).connect()


@pytest.fixture
def wix(world: World) -> Place:
    return Place("wix", world).connect()


@pytest.fixture
def squarespace(world: World) -> Place:
    return Place("squarespace", world).connect()


class TestAmazon:
    @pytest.mark.parametrize("repeat", ["refuse", "accept"])
    def test_is_asked_twice_and_ships_once_whatever_it_answers(self, amazon: Place, repeat: str) -> None:
        amazon.control("settings", repeat_id=repeat)
        first = amazon.create()
        assert amazon.create().external_id == first.external_id
        assert len(amazon.orders()) == 1

    @pytest.mark.parametrize("repeat", ["refuse", "accept"])
    def test_has_another_order_under_the_same_id(self, amazon: Place, repeat: str) -> None:
        amazon.control("settings", repeat_id=repeat)
        amazon.create()
        other = replace(amazon.draft(), address=replace(JANE, postal_code="10001", city="New York"))
        with pytest.raises(PermanentError) as caught:
            amazon.speak().create_order(other, reference=REFERENCE)
        assert caught.value.reason == "DUPLICATE_FOUND"

    def test_may_shout_and_write_numbers_as_text(self, amazon: Place) -> None:
        amazon.control("settings", upper_case_statuses=True, string_integers=True)
        made = amazon.create()
        amazon.ship(tracking_number="TBA303000000001", carrier="AMZN_US")
        (parcel,) = amazon.speak().shipments_of(made.external_id)
        assert (parcel.carrier, sum(line.quantity for line in parcel.lines)) == ("Amazon Logistics", 3)
        with pytest.raises(PermanentError) as caught:
            amazon.speak().cancel_order(made.external_id, reason="", restock=True)
        assert caught.value.reason == "ALREADY_CANCELLED"

    def test_tells_a_number_of_its_own_only(self, amazon: Place) -> None:
        amazon.control("settings", own_tracking_only=True)
        made = amazon.create()
        amazon.ship(tracking_number="TBA303000000001", carrier="AMZN_US")
        assert amazon.speak().shipments_of(made.external_id)[0].tracking_number == "TBA303000000001"

    def test_ships_at_the_mapped_speed_in_the_chosen_box(self, amazon: Place) -> None:
        draft = amazon.draft(shipping_titles={"": ("Priority", "Priority")})
        speaker = amazon.speak(blank_box="no", block_amzl="yes", fulfillment_policy="FillAll")
        speaker.create_order(draft, reference=REFERENCE)
        sent = amazon.order()["raw"]
        assert (sent["shippingSpeedCategory"], sent["fulfillmentPolicy"]) == ("Priority", "FillAll")
        assert [one["featureName"] for one in sent["featureConstraints"]] == ["BLOCK_AMZL"]

    def test_says_why_an_item_cannot_go_in_an_unbranded_box(self, amazon: Place) -> None:
        amazon.control("settings", blank_box=False)
        with pytest.raises(PermanentError, match="unbranded") as caught:
            amazon.create()
        assert caught.value.reason == "NOT_SUPPORTED"

    def test_without_stock_says_so_when_it_is_read(self, amazon: Place) -> None:
        draft = amazon.draft()
        amazon.control("set_stock", sku="CND-FIG-08", quantity=1)
        made = amazon.speak().create_order(draft, reference=REFERENCE)
        assert amazon.speak().fetch_order(made.external_id).problem_reason == "OUT_OF_STOCK"

    def test_that_ships_what_there_is_says_that_the_rest_is_missing(self, amazon: Place) -> None:
        draft = amazon.draft()
        amazon.control("set_stock", sku="CND-FIG-08", quantity=1)
        made = amazon.speak(fulfillment_policy="FillAllAvailable").create_order(draft, reference=REFERENCE)
        amazon.ship(tracking_number="TBA303000000001")
        (parcel,) = amazon.speak().shipments_of(made.external_id)
        assert {line.sku: line.quantity for line in parcel.lines} == {"CND-FIG-08": 1, "GFT-MTC-01": 1}
        assert amazon.speak().fetch_order(made.external_id).problem_reason == "MIXED_FULFILMENT"

    def test_tells_no_parcel_before_it_left(self, amazon: Place) -> None:
        made = amazon.create()
        amazon.ship(tracking_number="TBA303000000001", is_only_packed=True)
        assert amazon.speak().shipments_of(made.external_id) == []
        amazon.control("leave", order=made.name)
        assert len(amazon.speak().shipments_of(made.external_id)) == 1

    def test_names_a_linked_item_of_many_units_by_its_sku_at_the_source(self, amazon: Place) -> None:
        draft = amazon.draft()
        ids = tuple(str(577086512123755100 + unit) for unit in range(3))
        line = replace(draft.lines[0], sku="Fig 8oz", quantity=3, source_line_ids=ids)
        made = amazon.speak().create_order(replace(draft, lines=(line,)), reference=REFERENCE)
        amazon.ship(tracking_number="TBA303000000001")
        (parcel,) = amazon.speak().shipments_of(made.external_id)
        assert [(each.sku, each.quantity) for each in parcel.lines] == [("Fig 8oz", 3)]

    def test_has_an_order_of_another_app_for_the_same_number(self, amazon: Place) -> None:
        since = amazon.now() - timedelta(hours=1)
        stranger = amazon.speak().create_order(amazon.draft(), reference=f"9-{REFERENCE}")
        found = amazon.speak().find_orders([REFERENCE], since=since)[REFERENCE]
        assert stranger.external_id in found.message
        assert found.reason == "DUPLICATE_FOUND"
        amazon.control("cancel", order=stranger.external_id)
        assert amazon.speak().find_orders([REFERENCE], since=since) == {}

    def test_may_refuse_with_a_200(self, amazon: Place) -> None:
        draft = amazon.draft()
        amazon.control("settings", refusal_status=200)
        amazon.control("remove_variant", sku="CND-FIG-08")
        with pytest.raises(PermanentError) as caught:
            amazon.speak().create_order(draft, reference=REFERENCE)
        assert caught.value.reason == "PRODUCT_DELETED"

    def test_may_say_with_a_400_that_it_knows_no_such_order(self, amazon: Place) -> None:
        amazon.control("settings", missing_status=400)
        assert amazon.speak().find_order(REFERENCE, since=amazon.now()) is None
        assert amazon.create().reference == REFERENCE

    def test_tells_its_stock_in_pages(self, amazon: Place) -> None:
        amazon.control("settings", page_size=1)
        found = amazon.speak().find_variants(["CND-FIG-08", "GFT-MTC-01"])
        assert [len(variants) for variants in found.values()] == [1, 1]

    def test_is_not_asked_for_a_sku_that_it_cannot_have(self, amazon: Place) -> None:
        amazon.control("add_variant", sku="FIG & CEDAR 8")
        found = amazon.speak().find_variants(["x" * 60, "FIG & CEDAR 8", "CND-FIG-08"])
        assert [len(variants) for variants in found.values()] == [0, 1, 1]

    def test_is_asked_once_for_an_order_and_its_parcels(self, amazon: Place) -> None:
        made = amazon.create()
        asked = [entry for entry in amazon.world.journal if entry["operation"] == "orders.get"]
        speaker = amazon.speak()
        assert (speaker.fetch_order(made.external_id).name, speaker.shipments_of(made.external_id)) == (made.name, [])
        again = [entry for entry in amazon.world.journal if entry["operation"] == "orders.get"]
        assert len(again) == len(asked) + 1
        amazon.ship(tracking_number="TBA303000000001")
        assert len(speaker.shipments_of(made.external_id)) == 1

    def test_that_is_too_busy_names_no_wait_so_that_the_pauses_grow(self, amazon: Place) -> None:
        for _ in range(29):  # connecting took one of the burst's thirty
            amazon.speak().list_stores()
        with pytest.raises(RateLimited) as caught:
            amazon.speak().list_stores()
        assert caught.value.retry_after is None

    def test_that_does_not_know_us_is_no_reason_to_reconnect(self, amazon: Place) -> None:
        amazon.config = {**amazon.config, "CLIENT_SECRET": "another"}
        with pytest.raises(TemporaryError):
            amazon.speak().refresh()
        amazon.config = {**amazon.config, "CLIENT_SECRET": KEYS["AMAZON_CLIENT_SECRET"]}
        amazon.control("expire_tokens", refresh=True)
        with pytest.raises(AuthorizationError):
            amazon.speak().refresh()

    @pytest.mark.parametrize(("draft", "status"), [("true", 200), ("", 400)])
    def test_is_asked_for_the_consent_to_a_draft_by_its_version(self, amazon: Place, draft: str, status: int) -> None:
        amazon.control(
            "app",
            app_id=KEYS["AMAZON_APP_ID"],
            client_id=KEYS["AMAZON_CLIENT_ID"],
            client_secret=KEYS["AMAZON_CLIENT_SECRET"],
            redirect_urls=[amazon.redirect_url],
            is_draft=True,
        )
        amazon.config = {**amazon.config, "DRAFT": draft}
        asked = AuthorizationRequest(state="s1", redirect_url=amazon.redirect_url, shop=amazon.shop)
        assert requests.get(amazon.speak().authorize_url(asked), timeout=10).status_code == status

    def test_is_gone_back_to_with_whatever_its_address_has(self, amazon: Place) -> None:
        carried = {"amazon_callback_uri": "https://sellercentral.amazon.com/confirm?a=b", "amazon_state": "x"}
        asked = AuthorizationRequest(state="s1", redirect_url=SITE, shop=amazon.shop, carried=carried)
        assert (
            amazon.speak().authorize_url(asked).startswith(f"{carried['amazon_callback_uri']}&amazon_state=x&state=s1")
        )


class TestWix:
    def test_of_the_first_catalog_is_asked_in_its_own_way(self, wix: Place) -> None:
        wix.control("settings", catalog_version="V1_CATALOG")
        (found,) = wix.speak().find_variants(["CND-FIG-08"])["CND-FIG-08"]
        assert found.external_id.startswith("V1|")
        wix.create()
        assert wix.order()["lines"][0]["sku"] == "CND-FIG-08"

    def test_without_a_catalog_says_so(self, wix: Place) -> None:
        wix.control("settings", catalog_version="STORES_NOT_INSTALLED")
        with pytest.raises(UnsupportedFeature):
            wix.speak().find_variants(["CND-FIG-08"])

    def test_that_does_not_know_the_channel_takes_the_general_one(self, wix: Place) -> None:
        wix.control("settings", knows_tiktok=False)
        wix.create()
        assert wix.order()["raw"]["channelInfo"]["type"] == "OTHER_PLATFORM"

    @pytest.mark.parametrize("by_itself", [True, False])
    def test_has_one_payment_whether_or_not_it_makes_it_by_itself(self, wix: Place, by_itself: bool) -> None:
        wix.control("settings", payments_after_paid=by_itself)
        assert wix.create().remarks == ()
        assert wix.order()["payments"] == 1

    def test_that_cannot_record_the_payment_keeps_the_order_and_says_so(self, wix: Place) -> None:
        wix.fault("status", "payments.add", status=500)
        assert "did not record the payment" in wix.create().remarks[0]

    def test_is_not_told_of_a_payment_of_nothing(self, wix: Place) -> None:
        draft = wix.draft()
        free = replace(draft, lines=(replace(draft.lines[0], unit_price=0),), discount=0, taxes=(), total=0)
        free = replace(free, charges=(replace(draft.charges[0], amount=0),))
        assert wix.speak().create_order(free, reference=REFERENCE).remarks == ()
        assert wix.order()["payments"] == 0

    def test_records_the_payment_of_an_order_whose_answer_was_lost_before_it_is_refunded(self, wix: Place) -> None:
        wix.fault("status", "payments.add", status=500)
        made = wix.create()
        assert wix.order()["payments"] == 0
        wix.speak().record_refund(made.external_id, Refund(5220, "USD", {}, "Lost"), reference="r1")
        assert wix.order()["payments"] == 1

    def test_that_fails_to_refund_is_not_believed_and_asked_again(self, wix: Place) -> None:
        made = wix.create()
        refund = Refund(4800, "USD", {"CND-FIG-08": 2}, "Damaged", restock=True)
        wix.control("settings", refund_result="FAILED")
        with pytest.raises(PermanentError, match="could not record the refund"):
            wix.speak().record_refund(made.external_id, refund, reference="r1")
        wix.control("settings", refund_result="PENDING")
        for _ in range(2):
            wix.speak().record_refund(made.external_id, refund, reference="r1")
        assert len([entry for entry in wix.world.ledger if entry["event"] == "refund.created"]) == 2

    @pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG"])
    def test_tells_of_every_variant_with_one_sku_over_all_pages(self, wix: Place, version: str) -> None:
        wix.control("settings", catalog_version=version)
        state = wix.world.halves["wix"].state  # type: ignore[attr-defined]
        for _ in range(1001):
            state.add_variant(state.site(None), "N/A", "Same", "1.00")
        assert len(wix.speak().find_variants(["N/A"])["N/A"]) == 1001

    def test_is_not_asked_for_a_sku_that_it_cannot_have(self, wix: Place) -> None:
        long = "X" * 60
        assert wix.speak().find_variants([long]) == {long: []}
        found = wix.speak().find_variants([long, "CND-FIG-08", "TIN LAV 04"])
        assert {sku: len(variants) for sku, variants in found.items()} == {long: 0, "CND-FIG-08": 1, "TIN LAV 04": 0}
        assert len([entry for entry in wix.world.journal if entry["operation"] == "variants.v3"]) == 1

    def test_whose_clock_is_behind_is_asked_again_later(self, wix: Place) -> None:
        ahead = replace(wix.draft(), created_at=wix.now() + timedelta(seconds=30))
        with pytest.raises(TemporaryError, match="clock"):
            wix.speak().create_order(ahead, reference=REFERENCE)
        wix.world.advance(31)
        assert wix.speak().create_order(ahead, reference=REFERENCE)

    def test_that_changed_its_currency_says_so(self, wix: Place) -> None:
        wix.control("settings", currency="EUR")
        with pytest.raises(UnsupportedFeature, match="currency"):
            wix.create()
        assert wix.orders() == []

    def test_says_what_it_refuses_in_an_address(self, wix: Place) -> None:
        for changes in ({"country_code": "USA"}, {"phone": "call me"}):
            draft = wix.draft()
            with pytest.raises(PermanentError) as caught:
                wix.speak().create_order(replace(draft, address=replace(JANE, **changes)), reference=REFERENCE)
            assert caught.value.reason == "ADDRESS_INVALID", caught.value.message
        assert wix.orders() == []

    def test_of_three_hundred_lines_is_taken_whole(self, wix: Place) -> None:
        draft = wix.draft()
        lines = tuple(replace(draft.lines[1], unit_price=place) for place in range(300))
        many = replace(draft, lines=lines, discount=0, taxes=(), charges=(replace(draft.charges[0], amount=0),))
        wix.speak().create_order(replace(many, total=sum(range(300))), reference=REFERENCE)
        assert len(wix.order()["lines"]) == 300

    def test_that_does_not_know_our_app_says_so(self, wix: Place) -> None:
        stranger = wix.speak()
        stranger.config = {**wix.config, "APP_SECRET": "wrong"}
        with pytest.raises(AuthorizationError, match="id or secret"):
            stranger.refresh()

    def test_with_an_order_of_another_app_is_not_sent_a_second(self, wix: Place) -> None:
        wix.create()
        wix.world.advance(10)
        stranger = wix.speak()
        stranger.config = {**wix.config, "APP_ID": "another"}
        with pytest.raises(PermanentError) as caught:
            stranger.find_order(REFERENCE, since=wix.now())
        assert caught.value.reason == "DUPLICATE_FOUND"

    def test_may_count_in_numbers(self, wix: Place) -> None:
        wix.control("settings", number_as_integer=True)
        assert wix.create().name == "#10001"


class TestSquarespace:
    def test_reads_through_every_page_of_recent_orders(self, squarespace: Place) -> None:
        squarespace.control("settings", page_size=1)
        draft, before = squarespace.draft(), squarespace.now()
        for reference in ("1", REFERENCE, "3"):
            squarespace.speak().create_order(draft, reference=reference)
            squarespace.world.advance(1)
        assert squarespace.speak().find_order(REFERENCE, since=before - timedelta(hours=1)).reference == REFERENCE

    def test_is_told_of_a_key_that_was_used_otherwise(self, squarespace: Place) -> None:
        squarespace.create()
        with pytest.raises(PermanentError) as caught:
            squarespace.speak().create_order(replace(squarespace.draft(), email=""), reference=REFERENCE)
        assert caught.value.reason == "DUPLICATE_FOUND"

    def test_with_an_order_of_another_app_is_not_sent_a_second(self, squarespace: Place) -> None:
        body, _ = mapping.order_create(squarespace.draft(), REFERENCE, inventory="SKIP")
        assert squarespace.credentials is not None
        headers = {"Authorization": f"Bearer {squarespace.credentials.access_token}", "Idempotency-Key": "another"}
        requests.post(
            f"{squarespace.config['API_URL']}/1.0/commerce/orders",
            json={**body, "channelName": "TikTok by another app"},
            headers={**headers, "User-Agent": "Another app"},
            timeout=10,
        ).raise_for_status()
        squarespace.world.advance(10)
        with pytest.raises(PermanentError, match="another app") as caught:
            squarespace.speak().find_order(REFERENCE, since=squarespace.now() - timedelta(hours=1))
        assert caught.value.reason == "DUPLICATE_FOUND"

    def test_takes_three_hundred_and_one_lines(self, squarespace: Place) -> None:
        """No limit is documented: nothing is cut, and nothing refused by us."""
        draft = squarespace.draft()
        many = replace(draft, lines=tuple(replace(draft.lines[0], quantity=1) for _ in range(301)), discount=0)
        squarespace.speak().create_order(many, reference=REFERENCE)
        assert len(squarespace.order()["lines"]) == 301

    def test_finds_a_long_sku_with_spaces(self, squarespace: Place) -> None:
        sku = "FIG & CEDAR  8 OZ " + "X" * 42
        squarespace.control("add_variant", sku=sku, title="Fig")
        found = squarespace.speak().find_variants([f" {sku.lower()} "])
        assert [variant.sku for variant in found[f" {sku.lower()} "]] == [sku]

    def test_whose_plan_lacks_the_api_is_told_by_name(self, squarespace: Place) -> None:
        squarespace.fault("status", "orders.create", status=402)
        with pytest.raises(PermanentError, match="plan") as caught:
            squarespace.create()
        assert caught.value.reason == "NOT_SUPPORTED"

    def test_over_the_pace_is_left_alone_for_a_minute(self, squarespace: Place) -> None:
        squarespace.control("settings", calls_per_minute=1)
        squarespace.world.advance(61)
        squarespace.speak().list_stores()
        with pytest.raises(RateLimited) as caught:
            squarespace.speak().list_stores()
        assert caught.value.retry_after == 60.0

    def test_deducts_stock_only_if_the_merchant_wants_it(self, squarespace: Place) -> None:
        draft = squarespace.draft()
        squarespace.control("set_stock", sku="CND-FIG-08", quantity=1)
        with pytest.raises(PermanentError) as caught:
            squarespace.speak(inventory="DEDUCT").create_order(draft, reference=REFERENCE)
        assert caught.value.reason == "OUT_OF_STOCK"
        assert squarespace.speak(inventory="SKIP").create_order(draft, reference=REFERENCE)

    def test_may_write_null_for_an_empty_list(self, squarespace: Place) -> None:
        squarespace.control("settings", null_arrays=True)
        assert squarespace.speak().find_order(REFERENCE, since=squarespace.now()) is None
        made = squarespace.create()
        assert squarespace.speak().shipments_of(made.external_id) == []

    def test_whose_webhook_secret_was_lost_gets_a_new_one(self, squarespace: Place) -> None:
        address = "http://127.0.0.1:9/webhooks/squarespace/"
        assert squarespace.speak().ensure_webhooks(address).secret == ""
        squarespace.credentials = replace(squarespace.credentials, extra={})
        assert squarespace.speak().ensure_webhooks(address).secret

    def test_is_left_without_our_subscription(self, squarespace: Place) -> None:
        address = "http://127.0.0.1:9/webhooks/squarespace/"
        assert squarespace.speak().leave(address) is False
        assert squarespace.speak().ensure_webhooks(address).made
