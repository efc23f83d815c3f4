"""What one store alone does after a sale, and the sandbox can be told to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.base.aftersales import GoodsBack, Refund
from connectors.base.errors import PermanentError, ScopeMissing
from connectors.base.events import EventKind, PlatformEvent
from connectors.base.types import RawRequest
from sandbox.world import World
from tests.contracts.conftest import SITE, Place
from tests.contracts.test_aftersales import FIRST, GOODS, SECOND, events


@pytest.fixture
def shopify(world: World) -> Place:
    return Place("shopify", world).connect()


@pytest.fixture
def wix(world: World) -> Place:
    return Place("wix", world).connect()


@pytest.fixture
def amazon(world: World) -> Place:
    return Place("amazon", world).connect()


def stock(place: Place) -> int:
    (found,) = place.speak().find_variants(["CND-FIG-08"])["CND-FIG-08"]
    return int(found.stock)


def news_of(place: Place) -> list[PlatformEvent]:
    """What its webhooks tell from now on."""
    told: list[PlatformEvent] = []

    def catch(platform: str, url: str, headers: dict[str, str], body: bytes, *_: str) -> None:
        if platform == place.platform and url.startswith(SITE):
            request = RawRequest(body=body, headers={name.lower(): value for name, value in headers.items()})
            told.extend(place.speak().parse_webhook(request))

    place.world.outgoing.send = catch  # type: ignore[method-assign]  # the network is not the subject here
    return told


class TestShopify:
    def test_puts_cancelled_items_back_into_stock_and_says_so(self, shopify: Place) -> None:
        made = shopify.create()
        before = stock(shopify)
        done = shopify.speak().cancel_lines(
            made.external_id, {FIRST: 1}, reason="Out of stock", restock=False, reference="c1"
        )
        shopify.world.advance(10)
        assert (stock(shopify), "back into its stock" in done.detail) == (before + 1, True)

    @pytest.mark.parametrize(("restock", "more"), [(True, 1), (False, 0)])
    def test_puts_returned_goods_into_stock_only_if_asked(self, shopify: Place, restock: bool, more: int) -> None:
        made = shopify.create()
        shopify.ship(tracking_number="94001")
        shopify.world.advance(10)
        before = stock(shopify)
        opened = shopify.speak().record_return(made.external_id, GOODS, reference="r1")
        for _ in range(2):
            closed = shopify.speak().close_return(
                made.external_id, opened.external_id, has_arrived=True, restock=restock
            )
        shopify.world.advance(10)
        assert (stock(shopify), closed.detail) == (before + more, "")

    def test_moves_no_money_whatever_is_recorded(self, shopify: Place) -> None:
        made = shopify.create()
        shopify.ship(lines={"CND-FIG-08": 1}, tracking_number="94001")
        speaker = shopify.speak()
        speaker.record_refund(made.external_id, Refund(2899, "USD", {FIRST: 1}, "Late", shipping=499), reference="f1")
        speaker.cancel_lines(made.external_id, {SECOND: 1}, reason="Gone", restock=True, reference="c1")
        document = "query Money($id: ID!) { order(id: $id) { totalRefundedSet { shopMoney { amount } } } }"
        told = speaker._ask("order.money", document, {"id": made.external_id})["order"]
        assert float(told["totalRefundedSet"]["shopMoney"]["amount"]) == 0
        assert len(events(shopify, "refund.created")) == 2

    def test_that_did_not_allow_returns_says_so_and_goes_on_with_the_rest(self, shopify: Place) -> None:
        made = shopify.create()
        shopify.ship(tracking_number="94001")
        shop = shopify.world.halves["shopify"].state.shop(shopify.store.external_id)  # type: ignore
        shop.install = replace(shop.install, scopes=tuple(each for each in shop.install.scopes if "return" not in each))
        with pytest.raises(ScopeMissing):
            shopify.speak().record_return(made.external_id, GOODS, reference="r1")
        shopify.credentials = replace(shopify.credentials, scopes=("write_orders",))
        shopify.speak().record_refund(made.external_id, Refund(2400, "USD", {FIRST: 1}, "Late"), reference="f1")
        assert len(events(shopify, "refund.created")) == 1


class TestWix:
    def test_tells_of_a_refund_by_hand_and_of_none_of_ours(self, wix: Place) -> None:
        made = wix.create()
        told = news_of(wix)
        wix.speak().record_refund(made.external_id, Refund(2400, "USD", {FIRST: 1}, "Damaged"), reference="r1")
        assert [event.kind for event in told if event.kind is EventKind.REFUND_CHANGED] == []
        wix.control("refund", order=made.name.removeprefix("#"), lines={"CND-FIG-08": 1}, amount="24.00")
        found = [event for event in told if event.kind is EventKind.REFUND_CHANGED]
        assert {event.external_id for event in found} == {made.external_id}

    def test_takes_no_more_than_was_paid(self, wix: Place) -> None:
        made = wix.create()
        more = Refund(9900, "USD", {FIRST: 1, SECOND: 1}, "Late", shipping=499)
        wix.speak().record_refund(made.external_id, more, reference="r1")
        with pytest.raises(PermanentError):
            wix.speak().record_refund(made.external_id, Refund(100, "USD", {}, "Late"), reference="r2")
        (entry,) = events(wix, "refund.created")
        assert "52.20" in str(entry)


class TestAmazon:
    def speak(self, amazon: Place) -> Any:
        return amazon.speak(returns_to="amazon")

    def test_records_nothing_of_goods_that_come_back_to_the_merchant(self, amazon: Place) -> None:
        made = amazon.create()
        amazon.ship(tracking_number="TBA303000000001")
        found = amazon.speak().record_return(made.external_id, GOODS, reference="r1")
        assert (found.external_id, bool(found.detail)) == ("", True)

    def test_tells_later_in_which_condition_the_goods_arrived(self, amazon: Place) -> None:
        made = amazon.create()
        amazon.ship(tracking_number="TBA303000000001")
        opened = self.speak(amazon).record_return(made.external_id, GOODS, reference="r1")
        assert opened.name
        first = self.speak(amazon).close_return(made.external_id, "r1", has_arrived=True, restock=True)
        assert first.detail == ""
        amazon.control("receive_return", order=made.name, condition="CustomerDamaged")
        later = self.speak(amazon).close_return(made.external_id, "r1", has_arrived=True, restock=True)
        assert later.detail == "Amazon received 1 of 1: 1 CustomerDamaged"

    def test_takes_units_out_of_several_shipments(self, amazon: Place) -> None:
        made = amazon.create()
        amazon.ship(tracking_number="TBA303000000001", lines={"CND-FIG-08": 1})
        amazon.ship(tracking_number="TBA303000000002", lines={"CND-FIG-08": 1, "GFT-MTC-01": 1})
        both = GoodsBack({FIRST: 1, SECOND: 1}, "Doesn't match the description")
        assert self.speak(amazon).record_return(made.external_id, both, reference="r1").external_id == "r1"

    def test_may_shout_and_write_numbers_as_text(self, amazon: Place) -> None:
        amazon.control("settings", upper_case_statuses=True, string_integers=True)
        made = amazon.create()
        amazon.ship(tracking_number="TBA303000000001")
        assert self.speak(amazon).record_return(made.external_id, GOODS, reference="r1").external_id == "r1"
