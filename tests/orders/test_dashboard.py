"""The dashboard, its checklist's buttons, and the dry run of many orders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access import merchant_rows
from accounts.models import Membership, Role, User
from connectors.base.types import AddressState, Shipper
from connectors.models import ConnectedStore
from orders import rehearsal, routing
from orders.models import Order, ProductLink, Route, SetAside, Setup, ShippingMapping
from orders.queries.dashboard import dashboard_context
from orders.rehearsal import Outcome
from tests.factories import OrderFactory, UserFactory
from tests.orders.builders import NOON, line


def shown(shop: ConnectedStore, **changes: Any) -> dict[str, Any]:
    asked = {"can_manage": True, "is_owner": True, "now": NOON, **changes}
    return dashboard_context(merchant_id=shop.merchant_id, **asked)


@pytest.fixture
def off(tiktok: ConnectedStore) -> ConnectedStore:
    """The shop before it is switched on."""
    with merchant_rows(tiktok.merchant_id):
        Setup.objects.filter(store=tiktok).update(switched_on_at=None)
    return tiktok


class TestLedger:
    def test_puts_every_order_into_one_part(self, tiktok: ConnectedStore) -> None:
        at = NOON - timedelta(hours=2)
        for trait in ("mirrored", "completed", "ready", "skipped", "cancelled", "unlinked"):
            OrderFactory(source_store=tiktok, ordered_at=at, **{trait: True})
        OrderFactory(source_store=tiktok, ordered_at=at)
        OrderFactory(source_store=tiktok, ordered_at=NOON - timedelta(days=2))
        ledger = shown(tiktok)["ledger"]
        assert ledger["total"] == 7
        assert [part["count"] for part in ledger["parts"]] == [2, 1, 1, 1, 1, 1]
        assert ledger["missing"] == 0

    def test_misses_what_could_not_be_kept(self, tiktok: ConnectedStore) -> None:
        with merchant_rows(tiktok.merchant_id):
            SetAside.objects.create(
                merchant=tiktok.merchant, source_store=tiktok, external_id="1", reason="", not_before=NOON,
                set_aside_at=NOON,
            )  # fmt: skip
        ledger = shown(tiktok)["ledger"]
        assert (ledger["total"], ledger["missing"]) == (1, 1)

    def test_draws_no_part_too_thin_to_see(self, tiktok: ConnectedStore) -> None:
        OrderFactory(source_store=tiktok, ordered_at=NOON, mirrored=True)
        OrderFactory(source_store=tiktok, ordered_at=NOON)
        bar = shown(tiktok)["ledger"]["bar"]
        assert all(part["width"] >= 8 for part in bar)
        assert round(bar[-1]["x"] + bar[-1]["width"]) == 1000


class TestTiles:
    def test_count_what_presses(self, tiktok: ConnectedStore) -> None:
        OrderFactory(source_store=tiktok, mirrored=True, ship_by=NOON + timedelta(hours=3))
        OrderFactory(source_store=tiktok, mirrored=True, ship_by=NOON - timedelta(hours=3))
        OrderFactory(source_store=tiktok, in_transit=True, ship_by=NOON - timedelta(hours=3))
        OrderFactory(source_store=tiktok, mirrored=True, ship_by=None, cancel_requested_at=NOON)
        OrderFactory(source_store=tiktok, unlinked=True, ship_by=None)
        tiles = {tile["label"]: (tile["count"], tile["due"]) for tile in shown(tiktok)["tiles"]}
        assert tiles["Ship within 24 h"] == ("2", NOON + timedelta(hours=3))
        assert tiles["Overdue"] == ("1", NOON - timedelta(hours=3))
        assert tiles["Cancellation requested"] == ("1", NOON + timedelta(hours=24))
        assert tiles["Needs attention"][0] == "1"
        assert tiles["Auto-cancel within 24 h"] == ("0", None)

    def test_count_what_tiktok_will_cancel(self, alice: Client, tiktok: ConnectedStore) -> None:
        soon = {"ship_by": NOON - timedelta(hours=1), "auto_cancel_at": NOON + timedelta(hours=5)}
        doomed = OrderFactory(source_store=tiktok, mirrored=True, **soon)
        OrderFactory(source_store=tiktok, mirrored=True, ship_by=None, auto_cancel_at=NOON + timedelta(hours=7))
        OrderFactory(source_store=tiktok, mirrored=True, **{**soon, "auto_cancel_at": NOON + timedelta(hours=25)})
        OrderFactory(source_store=tiktok, in_transit=True, **soon)
        OrderFactory(source_store=tiktok, cancelled=True, **soon)
        tile = next(tile for tile in shown(tiktok)["tiles"] if tile["label"] == "Auto-cancel within 24 h")
        assert (tile["count"], tile["due"]) == ("2", NOON + timedelta(hours=5))
        page = alice.get(tile["url"])
        assert doomed.external_id[-6:] in page.content.decode()
        assert len(page.context["page"]["rows"]) == 3  # all of them long past on today's clock


class TestHours:
    def at(self, shop: ConnectedStore, moment: datetime) -> None:
        OrderFactory(source_store=shop, ordered_at=moment)

    def hours(self, shop: ConnectedStore) -> dict[str, Any]:
        with timezone.override(ZoneInfo("America/Los_Angeles")):
            return shown(shop)["hours"]

    def test_are_those_of_the_merchants_day_beside_the_same_day_a_week_before(self, tiktok: ConnectedStore) -> None:
        midnight = datetime(2026, 11, 24, 8, tzinfo=UTC)
        assert midnight < NOON < midnight + timedelta(days=1)
        for moment in (midnight, midnight + timedelta(minutes=59), midnight - timedelta(minutes=1)):
            self.at(tiktok, moment)
            self.at(tiktok, moment - timedelta(days=7))
        hours = self.hours(tiktok)
        assert (hours["today"], hours["before"], hours["day"]) == (2, 2, "Tuesday")
        assert hours["rows"] == [{"hour": "12 AM", "today": 2, "before": 2}]
        assert [step["count"] for step in hours["steps"]] == [0, 1, 2]

    def test_mark_the_one_that_is_not_over(self, tiktok: ConnectedStore) -> None:
        self.at(tiktok, NOON)
        hours = self.hours(tiktok)
        assert [bar["is_open"] for bar in hours["bars"]] == [True]
        assert (hours["peak"], hours["so_far"]["count"]) == (None, 1)

    def test_stay_inside_their_plot(self, tiktok: ConnectedStore) -> None:
        for _ in range(7):
            self.at(tiktok, NOON - timedelta(hours=2))
        hours = self.hours(tiktok)
        (bar,) = hours["bars"]
        assert bar["y"] + bar["height"] == hours["height"]
        assert hours["peak"]["count"] == 7
        assert [step["count"] for step in hours["steps"]] == [0, 5, 10]

    def test_without_orders_are_a_sentence(self, alice: Client, tiktok: ConnectedStore) -> None:
        assert "No order today, and none last" in alice.get("/dashboard/").content.decode()


class TestDashboard:
    def test_costs_the_same_whatever_there_is(
        self, tiktok: ConnectedStore, shopify: ConnectedStore, django_assert_max_num_queries: Any
    ) -> None:
        for _ in range(30):
            OrderFactory(source_store=tiktok, ordered_at=NOON, mirrored=True)
        with django_assert_max_num_queries(32):
            shown(tiktok)

    def test_shows_a_newcomer_where_to_begin(self, client: Client, alices: Any) -> None:
        client.force_login(User.objects.get(email="alice@example.com"))
        page = client.get("/dashboard/").content.decode()
        assert "Set up your TikTok shop" in page
        assert "Not ready: step 1" in page
        assert "Every order accounted for" not in page

    def test_is_where_one_arrives(self, alice: Client) -> None:
        assert alice.get("/")["Location"] == "/dashboard/"

    def test_says_the_step_in_the_frame_of_every_page(self, alice: Client, off: ConnectedStore) -> None:
        alice.get("/dashboard/")
        assert "Not ready: step 1" in alice.get("/orders/").content.decode()

    def test_warns_on_every_page_when_tiktok_ships(self, alice: Client, tiktok: ConnectedStore) -> None:
        OrderFactory(source_store=tiktok, changes={"shipper": Shipper.PLATFORM})
        with merchant_rows(tiktok.merchant_id):
            Setup.objects.update(shipping={"ships": "PLATFORM"})
        assert "is not on Seller Shipping" in alice.get("/stores/").content.decode()

    def test_offers_a_viewer_no_button(self, client: Client, off: ConnectedStore) -> None:
        bob = UserFactory(email="bob@example.com")
        with merchant_rows(off.merchant_id):
            Membership.objects.create(merchant_id=off.merchant_id, user=bob, role=Role.VIEWER)
        client.force_login(bob)
        page = client.get("/dashboard/").content.decode()
        assert "vouch-" not in page
        assert client.post(f"/dashboard/{off.pk}/vouch/", {"step": "ACCOUNT"}).status_code == 403
        assert client.post(f"/dashboard/{off.pk}/switch/", {"to": "on"}).status_code == 403


class TestButtons:
    def test_keep_the_merchants_word_and_give_it_back(self, alice: Client, off: ConnectedStore) -> None:
        url = f"/dashboard/{off.pk}/vouch/"
        alice.get("/dashboard/")
        for answer, kept in (("yes", ["ACCOUNT"]), ("no", [])):
            alice.post(url, {"step": "ACCOUNT", "answer": answer})
            with merchant_rows(off.merchant_id):
                assert list(Setup.objects.get().confirmed) == kept
        alice.post(url, {"step": "NONSENSE"})

    def test_switch_on_only_when_it_may(self, alice: Client, off: ConnectedStore) -> None:
        page = alice.get(f"/dashboard/{off.pk}/switch/").content.decode()
        assert "Not yet." in page
        answer = alice.post(f"/dashboard/{off.pk}/switch/", {"to": "on"}, follow=True).content.decode()
        assert "Not switched on. Step 1 is not done" in answer

    def test_switch_off_at_once(self, alice: Client, tiktok: ConnectedStore) -> None:
        alice.post(f"/dashboard/{tiktok.pk}/switch/", {"to": "off"})
        with merchant_rows(tiktok.merchant_id):
            assert Setup.objects.get().switched_on_at is None


def rehearsed(shop: ConnectedStore) -> tuple[rehearsal.Rehearsed, ...]:
    """The last orders, tried in one step."""
    return rehearsal.go_on(shop=shop, run=rehearsal.begin(shop=shop, size=10), clock=lambda: NOON).done


def map_method(order: Order, store: ConnectedStore) -> None:
    with merchant_rows(store.merchant_id):
        ShippingMapping.objects.create(
            merchant_id=store.merchant_id, store=store, delivery_option_id=order.snapshot["delivery_option_id"],
            title="Ground", code="GROUND",
        )  # fmt: skip


class TestDryRunOfMany:
    @pytest.fixture
    def linked(self, tiktok: ConnectedStore, shopify: ConnectedStore) -> ConnectedStore:
        """A store in which the fig candle is linked."""
        with merchant_rows(tiktok.merchant_id):
            ProductLink.objects.create(
                merchant=tiktok.merchant, store=shopify, sku="cnd-fig-08", variant_id="gid://fig",
                checked_at=timezone.now(),
            )  # fmt: skip
        return shopify

    def test_takes_the_newest_that_are_neither_unpaid_nor_cancelled(self, tiktok: ConnectedStore) -> None:
        old = OrderFactory(source_store=tiktok, ready=True, ordered_at=NOON - timedelta(days=3))
        new = OrderFactory(source_store=tiktok, ready=True, ordered_at=NOON)
        OrderFactory(source_store=tiktok, cancelled=True)
        assert rehearsal.begin(shop=tiktok, size=50).todo == (new.pk, old.pk)
        assert rehearsal.begin(shop=tiktok, size=1).todo == (new.pk,)

    def test_goes_on_by_a_few_and_is_then_looked_at(self, tiktok: ConnectedStore) -> None:
        for _ in range(rehearsal.STEP + 1):
            OrderFactory(source_store=tiktok, ready=True)
        run = rehearsal.begin(shop=tiktok, size=50)
        run = rehearsal.go_on(shop=tiktok, run=run, clock=lambda: NOON)
        assert (len(run.done), len(run.todo)) == (rehearsal.STEP, 1)
        assert rehearsal.found(shop=tiktok, key=run.key) == run
        with merchant_rows(tiktok.merchant_id):
            assert Setup.objects.get().dry_run_seen_at is None
        run = rehearsal.go_on(shop=tiktok, run=run, clock=lambda: NOON)
        assert run.todo == ()
        with merchant_rows(tiktok.merchant_id):
            assert Setup.objects.get().dry_run_seen_at == NOON

    def test_compares_what_would_be_sent_with_what_was_paid(
        self, tiktok: ConnectedStore, linked: ConnectedStore
    ) -> None:
        order = OrderFactory(source_store=tiktok, ready=True)
        map_method(order, linked)
        (done,) = rehearsed(tiktok)
        assert done.words == ()
        assert (done.outcome, done.total, done.sent_total, done.stores) == (Outcome.SAME, 2400, 2400, ("Shopify",))

    def test_takes_an_order_without_a_method_of_its_own_for_no_equal(
        self, tiktok: ConnectedStore, linked: ConnectedStore
    ) -> None:
        OrderFactory(source_store=tiktok, ready=True)
        (done,) = rehearsed(tiktok)
        assert done.outcome is Outcome.DIFFERS
        assert done.words == ("Standard shipping has no method of its own in Shopify",)

    def test_takes_what_the_store_cannot_do_for_no_equal(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        order = OrderFactory(source_store=tiktok, ready=True)
        map_method(order, linked)
        with merchant_rows(tiktok.merchant_id):
            routing.chosen_routes(tiktok)
            ConnectedStore.objects.filter(pk=linked.pk).update(platform="squarespace")
            ProductLink.objects.update(variant_id="p1|v1")
            Route.objects.update(rules={"note": "For you"})
        (done,) = rehearsed(tiktok)
        assert done.outcome is Outcome.DIFFERS
        assert any("note" in words for words in done.words)

    def test_says_that_an_address_stood_in(self, alice: Client, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        order = OrderFactory(source_store=tiktok, ready=True)
        gone = OrderFactory(
            source_store=tiktok, ready=True, changes={"address": None, "address_state": AddressState.MISSING}
        )
        map_method(order, linked)
        found = {done.order_id: (done.outcome, done.has_stand_in) for done in rehearsed(tiktok)}
        assert found == {order.pk: (Outcome.SAME, False), gone.pk: (Outcome.SAME, True)}
        page = alice.post(f"/dry-runs/{tiktok.pk}/", {"size": "10"}, follow=True).content.decode()
        assert "1 order</b> shows no address now, and was tried with one in Beverly Hills, CA 90210." in page
        alone = alice.get(f"/orders/{gone.pk}/dry-run/").content.decode()
        assert "It is tried with a stand-in in Beverly Hills, CA 90210." in alone
        assert "stand-in" not in alice.get(f"/orders/{order.pk}/dry-run/").content.decode()

    def test_names_what_blocks(self, tiktok: ConnectedStore) -> None:
        OrderFactory(source_store=tiktok, ready=True)
        run = rehearsal.go_on(shop=tiktok, run=rehearsal.begin(shop=tiktok, size=10), clock=lambda: NOON)
        assert run.counts == {Outcome.BLOCKED: 1}
        assert run.done[0].words == ("There is no store to send it to",)

    def test_names_the_rule_that_skips(self, tiktok: ConnectedStore, linked: ConnectedStore) -> None:
        OrderFactory(source_store=tiktok, ready=True, changes={"shipper": Shipper.PLATFORM_WAREHOUSE})
        run = rehearsal.go_on(shop=tiktok, run=rehearsal.begin(shop=tiktok, size=10), clock=lambda: NOON)
        assert run.counts == {Outcome.BLOCKED: 1}
        assert run.done[0].words == ("Skipped: TikTok's warehouse ships it",)

    def test_is_of_no_other_shop(self, tiktok: ConnectedStore) -> None:
        run = rehearsal.begin(shop=tiktok, size=10)
        tiktok.merchant_id += 1
        assert rehearsal.found(shop=tiktok, key=run.key) is None

    def test_opens_the_lists_of_its_counts(self, alice: Client, tiktok: ConnectedStore) -> None:
        order = OrderFactory(source_store=tiktok, ready=True, changes={"lines": (line(),)})
        page = alice.post(f"/dry-runs/{tiktok.pk}/", {"size": "10"}, follow=True)
        assert order.external_id[-6:] in page.content.decode()
        key = page.redirect_chain[-1][0].partition("run=")[2]
        only = alice.get(f"/dry-runs/{tiktok.pk}/?run={key}&only=SAME").content.decode()
        assert order.external_id[-6:] not in only

    def test_begins_at_the_only_shop(self, alice: Client, tiktok: ConnectedStore) -> None:
        assert alice.get("/dry-runs/")["Location"] == f"/dry-runs/{tiktok.pk}/"
