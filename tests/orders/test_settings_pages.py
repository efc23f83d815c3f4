"""The pages of settings: each choice in words, looked at before it is saved, kept as a version, and brought back."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access import merchant_rows
from accounts.models import Membership, Role, User
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore
from orders.ingest import store_order
from orders.models import (
    Attention,
    CarrierMapping,
    Concern,
    Order,
    OutboxItem,
    OutboxKind,
    OutboxStatus,
    ProductLink,
    Route,
    SettingsVersion,
    Setup,
    ShippingMapping,
)
from orders.rules import Discounts, Email, Filter, FilterBy, RouteRules, Samples, Unmapped
from orders.rules_forms import GROUPS, HoldForm
from orders.states import ask_for_attention
from tests.factories import FulfillmentFactory, MirrorFactory, OrderFactory, StoreFactory, UserFactory
from tests.orders.builders import line, seen


@pytest.fixture
def order(tiktok: ConnectedStore, shopify: ConnectedStore) -> Order:
    """A released order of today, over the one route there is."""
    now = timezone.now()
    fresh = {"created_at": now, "updated_at": now, "paid_at": now}
    return store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT, **fresh), store=tiktok, now=now)


@pytest.fixture
def route(order: Order) -> Route:
    with merchant_rows(order.merchant_id):
        return Route.objects.select_related("source_store", "destination_store").get()


@pytest.fixture
def bob(client: Client, order: Order) -> Client:
    """A viewer of Alice's."""
    user = UserFactory(email="bob@example.com", name="Bob")
    with merchant_rows(order.merchant_id):
        Membership.objects.create(merchant_id=order.merchant_id, user=user, role=Role.VIEWER)
    client.force_login(user)
    return client


def fields_of(page: str) -> dict[str, str]:
    """What the page's form holds, as a browser would send it."""
    form = page[page.index('<form method="post" data-busy="Working"') :]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        given = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        is_open = given.get("type") not in ("radio", "checkbox") or " checked" in tag
        if given.get("name") and is_open and not re.search(r"\sdisabled", tag):
            is_ticked = given.get("type") in ("radio", "checkbox")
            found[given["name"]] = unescape(given.get("value", "on" if is_ticked else ""))
    for name, inside in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)"[^>]*selected', inside) or re.search(r'value="([^"]*)"', inside)
        found[name] = chosen[1] if chosen else ""
    for name, inside in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\s*(.*?)</textarea>', form, re.DOTALL):
        found[name] = unescape(inside)
    return found


def save(client: Client, url: str, **said: str) -> Any:
    """Fill in, look first, save. Returns what the look showed."""
    looked = client.post(url, {**fields_of(client.get(url).content.decode()), **said, "step": "look"})
    assert looked.status_code == 200, looked.content.decode()[:3000]
    answer = client.post(url, {**fields_of(looked.content.decode()), **said, "step": "save"})
    assert answer.status_code == 302
    return looked


def first_row(client: Client, url: str) -> Any:
    """The first word of the page of carriers."""
    return client.get(url).context["rows"][0]["row"]


def rules_url(route: Route, group: str) -> str:
    return f"/routes/{route.pk}/rules/{group}/"


def rules_of(route: Route) -> RouteRules:
    with merchant_rows(route.merchant_id):
        return RouteRules.from_json(Route.objects.get(pk=route.pk).rules)


class TestRules:
    @pytest.mark.parametrize("group", GROUPS)
    def test_have_a_sentence_and_a_default_for_each_choice(self, alice: Client, route: Route, group: str) -> None:
        answer = alice.get(rules_url(route, group))
        page = answer.content.decode()
        assert answer.status_code == 200
        for row in answer.context["rows"]:
            assert row.bound.help_text
            assert sum(card.is_default for card in row.cards) == (1 if row.cards else 0)
            assert all(card.choice.sentence and card.choice.example for card in row.cards)
        assert "Default" in page
        assert "Applies to new orders only" in page

    def test_are_saved_only_after_they_were_looked_at(self, alice: Client, route: Route) -> None:
        url = rules_url(route, "order")
        filled = {**fields_of(alice.get(url).content.decode()), "tags": "gift\nmarketplace", "email": "NONE"}
        assert alice.post(url, {**filled, "step": "save"}).status_code == 200
        assert rules_of(route) == RouteRules()
        looked = alice.post(url, {**filled, "step": "look"})
        page = looked.content.decode()
        assert "2 unsaved changes." in page
        assert "Save version 1" in page
        assert rules_of(route) == RouteRules()
        assert [(each.what, each.before, each.after) for each in looked.context["look"].changes] == [
            ("Tags", "None", "gift, marketplace"),
            ("E-mail address", "TikTok's relay address", "None"),
        ]
        assert alice.post(url, {**filled, "seen": looked.context["look"].digest, "step": "save"}).status_code == 302
        assert rules_of(route) == RouteRules(tags=("gift", "marketplace"), email=Email.NONE)

    def test_that_were_changed_after_the_look_are_shown_again(self, alice: Client, route: Route) -> None:
        url = rules_url(route, "money")
        looked = alice.post(url, {"discounts": "SELLER_RECEIVES", "tax": "AS_GIVEN", "step": "look"})
        digest = looked.context["look"].digest
        answer = alice.post(url, {"discounts": "SELLER_RECEIVES", "tax": "NONE", "seen": digest, "step": "save"})
        assert "Something changed since you looked" in answer.content.decode()
        assert rules_of(route) == RouteRules()

    def test_that_somebody_else_saved_meanwhile_are_shown_again(self, alice: Client, route: Route) -> None:
        url = rules_url(route, "money")
        said = {"discounts": "SELLER_RECEIVES", "tax": "AS_GIVEN"}
        digest = alice.post(url, {**said, "step": "look"}).context["look"].digest
        save(alice, rules_url(route, "samples"), samples="SKIP")
        answer = alice.post(url, {**said, "seen": digest, "step": "save"})
        assert "Something changed since you looked" in answer.content.decode()
        assert rules_of(route).discounts == Discounts.BUYER_PAID

    def test_of_one_page_leave_those_of_the_others(self, alice: Client, route: Route) -> None:
        save(alice, rules_url(route, "samples"), samples="COMBINE", combine_hours="2.5")
        save(alice, rules_url(route, "order"), number_prefix="TT-", note="TikTok {order_id}")
        save(alice, rules_url(route, "stock"), **{"locations-0-location": "gid://1", "default_location": "gid://2"})
        rules = rules_of(route)
        assert (rules.samples, rules.combine_hours) == (Samples.COMBINE, 2.5)
        assert (rules.number_prefix, rules.note) == ("TT-", "TikTok {order_id}")
        assert (dict(rules.locations), rules.default_location) == ({"7000714532876273420": "gid://1"}, "gid://2")

    def test_filter_by_sku_tag_and_total(self, alice: Client, route: Route) -> None:
        url = rules_url(route, "filters")
        rows = [("No gift cards", "SKU", "GIFT-*"), ("Small", "TOTAL_BELOW", "1.50")]
        said = {
            f"filters-{number}-{name}": value
            for number, row in enumerate(rows)
            for name, value in zip(("name", "by", "value"), row, strict=True)
        }
        looked = save(alice, url, **said)
        assert ("Filter “Small”", "—", "Total below 1.50") in [
            (each.what, each.before, each.after) for each in looked.context["look"].changes
        ]
        assert rules_of(route).filters == (
            Filter("No gift cards", FilterBy.SKU, "GIFT-*"),
            Filter("Small", FilterBy.TOTAL_BELOW, "150"),
        )
        assert 'value="1.50"' in alice.get(url).content.decode()
        save(alice, url, **{"filters-0-name": "", "filters-0-value": ""})
        assert [each.name for each in rules_of(route).filters] == ["Small"]

    @pytest.mark.parametrize(
        ("group", "said", "why"),
        [
            ("samples", {"combine_hours": "25"}, "less than or equal to 24"),
            ("order", {"email": "FIXED"}, "Name the address"),
            ("order", {"note": "for {whom}"}, "{whom} is not known"),
            ("filters", {"filters-0-name": "Small", "filters-0-by": "TOTAL_BELOW", "filters-0-value": "much"}, "Row 1"),
            ("filters", {"filters-0-name": "Nameless", "filters-0-value": ""}, "give the filter a name and a value"),
            ("hold", {"hold_mode": "EXTRA_HOLD", "extra_hold_hours": "0"}, "Say how many hours"),
            ("hold", {"hold_mode": "EXTRA_HOLD", "extra_hold_hours": "73"}, "less than or equal to 72"),
        ],
    )
    def test_that_make_no_sense_are_not_saved(
        self, alice: Client, route: Route, group: str, said: dict[str, str], why: str
    ) -> None:
        url = rules_url(route, group)
        answer = alice.post(url, {**fields_of(alice.get(url).content.decode()), **said, "step": "look"})
        assert answer.status_code == 400
        assert why in answer.content.decode()
        assert "Nothing was saved." in answer.content.decode()

    def test_that_the_store_cannot_follow_are_said_and_refused(self, alice: Client, route: Route) -> None:
        with merchant_rows(route.merchant_id):
            ConnectedStore.objects.filter(pk=route.destination_store_id).update(platform="amazon")
        page = alice.get(rules_url(route, "money")).content.decode()
        assert "Not available on this store:" in page
        assert "A fulfillment order has no prices" in page
        answer = alice.post(rules_url(route, "products"), {"unlinked": "CUSTOM_LINE", "step": "look"})
        assert answer.status_code == 400
        assert "Only items in Amazon&#x27;s stock can be ordered" in answer.content.decode()

    def test_let_a_manager_choose_an_extra_hold(self, alice: Client, route: Route) -> None:
        looked = save(alice, rules_url(route, "hold"), hold_mode="EXTRA_HOLD", extra_hold_hours="5")
        assert ("Shopify: alices-candles: Extra hours", "0", "5") in [
            (each.what, each.before, each.after) for each in looked.context["look"].changes
        ]
        with merchant_rows(route.merchant_id):
            kept = Route.objects.get(pk=route.pk)
            version = SettingsVersion.objects.get()
        assert (kept.hold_mode, kept.extra_hold_hours) == ("EXTRA_HOLD", 5)
        assert (version.concern, version.about) == (Concern.ROUTES, str(route.source_store_id))
        save(alice, rules_url(route, "hold"), hold_mode="AFTER_HOLD")
        with merchant_rows(route.merchant_id):
            assert Route.objects.get(pk=route.pk).extra_hold_hours == 0

    def test_are_read_but_not_changed_by_a_viewer(self, bob: Client, route: Route) -> None:
        for group in GROUPS:
            page = bob.get(rules_url(route, group)).content.decode()
            assert "You can read these settings." in page
            assert "Look first" not in page
            assert bob.post(rules_url(route, group), {"step": "look"}).status_code == 403
        for url in ("/settings/", "/settings/history/", f"/mapping/shipping/{route.destination_store_id}/"):
            assert bob.get(url).status_code == 200
        with merchant_rows(route.merchant_id):
            assert not SettingsVersion.objects.exists()

    def test_are_all_at_a_glance(self, alice: Client, route: Route) -> None:
        save(alice, rules_url(route, "samples"), samples="SKIP")
        page = alice.get("/settings/").content.decode()
        assert "Free samples: Do not send" in page
        for group in GROUPS:
            assert rules_url(route, group) in page
        assert f"/mapping/shipping/{route.destination_store_id}/" in page
        assert alice.get("/settings/rules/money/")["Location"] == rules_url(route, "money")


class TestShippingMethods:
    OPTION = "7091146663229654785"

    def test_are_mapped_by_what_buyers_chose(self, alice: Client, order: Order, shopify: ConnectedStore) -> None:
        url = f"/mapping/shipping/{shopify.pk}/"
        page = alice.get(url).content.decode()
        assert "Standard shipping" in page
        assert "Unmapped" in page
        looked = save(alice, url, **{f"method-{self.OPTION}-title": "Ground", f"method-{self.OPTION}-code": "GROUND"})
        assert [(each.what, each.before, each.after) for each in looked.context["look"].changes] == [
            ("Standard shipping", "—", "Ground (GROUND)")
        ]
        with merchant_rows(shopify.merchant_id):
            kept = ShippingMapping.objects.get()
            version = SettingsVersion.objects.get()
        assert (kept.delivery_option_id, kept.title, kept.code) == (self.OPTION, "Ground", "GROUND")
        assert (version.author, version.concern, version.about) == ("A person", Concern.SHIPPING, str(shopify.pk))

    def test_say_what_becomes_of_an_unmapped_option(self, alice: Client, route: Route) -> None:
        url = f"/mapping/shipping/{route.destination_store_id}/"
        looked = save(alice, url, **{f"route-{route.pk}-unmapped_shipping": "BLOCK"})
        assert "Wait until you map it" in looked.content.decode()
        assert rules_of(route).unmapped_shipping == Unmapped.BLOCK

    def test_of_amazon_are_its_speeds(self, alice: Client, order: Order, shopify: ConnectedStore) -> None:
        with merchant_rows(shopify.merchant_id):
            ConnectedStore.objects.filter(pk=shopify.pk).update(platform="amazon")
        url = f"/mapping/shipping/{shopify.pk}/"
        page = alice.get(url).content.decode()
        assert "Expedited" in page
        assert f'name="method-{self.OPTION}-title"' not in page
        save(alice, url, **{f"method-{self.OPTION}-code": "Expedited"})
        with merchant_rows(shopify.merchant_id):
            assert ShippingMapping.objects.get().title == "Expedited"

    def test_let_orders_go_on_that_waited_for_one(self, alice: Client, order: Order, shopify: ConnectedStore) -> None:
        park(order, OutboxKind.CREATE_ORDER, Attention.SHIPPING_UNMAPPED)
        save(
            alice,
            f"/mapping/shipping/{shopify.pk}/",
            **{f"method-{self.OPTION}-title": "Ground", f"method-{self.OPTION}-code": "GROUND"},
        )
        assert is_going_on(order)


class TestCarriers:
    @pytest.fixture
    def parcel(self, order: Order, shopify: ConnectedStore) -> Order:
        """A parcel whose carrier TikTok Shop calls otherwise, waiting."""
        mirror = MirrorFactory(order=OrderFactory(source_store=order.source_store, mirrored=True), store=shopify)
        sent = FulfillmentFactory(mirror=mirror, carrier_text="DHL Paket", state="QUEUED")
        park(mirror.order, OutboxKind.PUSH_TRACKING, Attention.CARRIER_UNMAPPED, subject=str(sent.pk))
        return mirror.order

    @pytest.fixture(autouse=True)
    def list_of_tiktok(self, tiktok: ConnectedStore) -> None:
        """TikTok's list, as it was read within the last hours."""
        from django.core.cache import cache

        option = TestShippingMethods.OPTION
        cache.set(f"carriers:{tiktok.pk}:{option}", [("7001", "DHL"), ("7002", "USPS")], 60)

    def test_show_what_real_parcels_said(self, alice: Client, parcel: Order, tiktok: ConnectedStore) -> None:
        answer = alice.get(f"/mapping/carriers/{tiktok.pk}/")
        row, form = answer.context["rows"][0]["row"], answer.context["rows"][0]["form"]
        assert (row.text, row.parcels, row.carrier_id) == ("DHL Paket", 1, "")
        assert ("7001", "DHL") in dict(form.fields["carrier"].choices)["TikTok Shop's list"]
        assert "Unmapped" in answer.content.decode()

    def test_that_are_saved_let_the_parcels_go_on(self, alice: Client, parcel: Order, tiktok: ConnectedStore) -> None:
        url = f"/mapping/carriers/{tiktok.pk}/"
        looked = save(alice, url, **{f"carrier-{first_row(alice, url).key}-carrier": "7001"})
        assert [(each.what, each.before, each.after) for each in looked.context["look"].changes] == [
            ("“DHL Paket”", "—", "DHL")
        ]
        with merchant_rows(tiktok.merchant_id):
            kept = CarrierMapping.objects.get()
            version = SettingsVersion.objects.get()
        assert (kept.carrier_text, kept.delivery_option_id, kept.carrier_name) == ("DHL Paket", "", "DHL")
        assert version.concern == Concern.CARRIERS
        assert is_going_on(parcel)

    def test_are_mapped_for_one_delivery_option_too(self, alice: Client, order: Order, tiktok: ConnectedStore) -> None:
        url = f"/mapping/carriers/{tiktok.pk}/"
        said = {"new-text": "Hauspost", "new-option": TestShippingMethods.OPTION, "new-carrier": "7002"}
        assert alice.post(url, {**said, "new-carrier": ""}).status_code == 400
        save(alice, url, **said)
        row = first_row(alice, url)
        assert (row.text, row.option_name, row.carrier_name) == ("Hauspost", "Standard shipping", "USPS")
        save(alice, url, **{f"carrier-{row.key}-carrier": ""})
        with merchant_rows(tiktok.merchant_id):
            assert not CarrierMapping.objects.exists()

    def test_are_kept_when_a_page_without_them_is_sent(
        self, alice: Client, order: Order, tiktok: ConnectedStore
    ) -> None:
        url = f"/mapping/carriers/{tiktok.pk}/"
        for said in ({"new-text": "Hauspost", "new-carrier": "7002"}, {"new-text": "Bote", "new-carrier": "7001"}):
            digest = alice.post(url, said).context["look"].digest
            alice.post(url, {**said, "seen": digest, "step": "save"})
        with merchant_rows(tiktok.merchant_id):
            assert CarrierMapping.objects.count() == 2

    def test_show_which_parcels_would_be_told_otherwise(
        self, alice: Client, parcel: Order, tiktok: ConnectedStore
    ) -> None:
        url = f"/mapping/carriers/{tiktok.pk}/"
        with merchant_rows(tiktok.merchant_id):
            store = parcel.mirrors.get().store
        now = timezone.now()
        other = MirrorFactory(order=OrderFactory(source_store=tiktok, mirrored=True, ordered_at=now), store=store)
        FulfillmentFactory(mirror=other, carrier_text="USPS")
        with merchant_rows(tiktok.merchant_id):
            Order.objects.filter(pk=parcel.pk).update(ordered_at=timezone.now())
        said = {f"carrier-{first_row(alice, url).key}-carrier": "7001", "step": "look"}
        effect = alice.post(url, {**fields_of(alice.get(url).content.decode()), **said}).context["effect"]
        assert (effect["same"], effect["differ"], effect["blocked"]) == (1, 1, 0)
        (row,) = effect["rows"]
        assert (row["shown"].external_id, row["shown"].first.after) == (parcel.external_id, "DHL")
        stored, saved, would = effect["preview"]["columns"]
        assert stored["rows"][2] == {"label": "Carrier", "value": "DHL Paket"}
        assert saved["rows"][0]["value"] == "None: it waits for you to say which"
        assert would["rows"][0] == {"label": "Carrier", "value": "DHL", "is_changed": True}


class TestEffectOnThePage:
    """What a draft would do, beside it: lists, one order beside itself, and all of it as a file."""

    @pytest.fixture
    def url(self, route: Route, tiktok: ConnectedStore) -> str:
        with merchant_rows(route.merchant_id):
            for place in range(3):
                ProductLink.objects.create(
                    merchant_id=route.merchant_id, store=route.destination_store, sku=f"sku-{place}",
                    variant_id=f"gid://{place}", checked_at=timezone.now(),
                )  # fmt: skip
        for place in range(12):
            changes = {"lines": (line(sku=f"SKU-{place % 3}"),), "buyer_message": "=1+1"}
            OrderFactory(source_store=tiktok, ready=True, ordered_at=timezone.now(), changes=changes)
        return rules_url(route, "order")

    def look(self, alice: Client, url: str, **said: str) -> Any:
        filled = {"email": "RELAY", "tags": "=gift", "note": "{buyer_message}", **said}
        return alice.post(url, filled)

    def test_opens_on_what_differs_with_the_first_beside_itself(self, alice: Client, url: str) -> None:
        answer = self.look(alice, url)
        effect = answer.context["effect"]
        assert (effect["same"], effect["differ"], effect["blocked"]) == (0, 12, 0)
        assert [each["label"] for each in effect["lists"] if each["is_current"]] == ["Differ"]
        assert (len(effect["rows"]), effect["more"], effect["rows"][0]["is_current"]) == (8, 4, True)
        preview = effect["preview"]
        assert (preview["place"], preview["previous"]) == ("1 of 12 that differ", "")
        received, saved, would = preview["columns"]
        assert received["rows"][0]["value"] == preview["external_id"]
        assert saved["remark"] == "defaults"
        changed = {row["label"]: row["value"] for row in would["rows"] if row["is_changed"]}
        assert changed == {"Tags": "TikTok Shop, =gift", "Note": "=1+1"}
        assert {row["label"] for row in saved["rows"] if row["is_changed"]} == {"Tags", "Note"}
        assert would["badge"]["label"] == "Balances"
        assert ["orderCreate" in each["text"] for each in preview["requests"]] == [True, True]

    def test_walks_from_order_to_order_and_keeps_what_was_filled_in(self, alice: Client, url: str) -> None:
        first = self.look(alice, url).context["effect"]["preview"]
        answer = self.look(alice, url, preview=first["next"])
        second = answer.context["effect"]["preview"]
        assert (second["place"], second["external_id"] != first["external_id"]) == ("2 of 12 that differ", True)
        assert "{buyer_message}</textarea>" in answer.content.decode()
        last = answer
        for _ in range(10):
            last = self.look(alice, url, preview=last.context["effect"]["preview"]["next"])
        shown = last.context["effect"]
        assert (shown["preview"]["place"], shown["preview"]["next"]) == ("12 of 12 that differ", "")
        assert [row["is_current"] for row in shown["rows"]] == [False, False, False, True]

    def test_opens_another_list_and_ignores_nonsense(self, alice: Client, url: str) -> None:
        effect = self.look(alice, url, list="SAME").context["effect"]
        assert (effect["rows"], effect["preview"]) == ([], None)
        assert self.look(alice, url, list="NONE", preview="7").context["effect"]["preview"]["place"].startswith("1 of")

    def test_is_downloaded_whole_and_has_no_formulas(self, alice: Client, url: str) -> None:
        answer = self.look(alice, url, step="csv")
        assert answer["Content-Disposition"] == 'attachment; filename="effect-order.csv"'
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert rows[0] == ["tiktok_order", "store", "outcome", "what", "before", "after"]
        assert len(rows) == 1 + 12 * 2
        said = [row[1:] for row in rows[1:3]]
        assert said[0] == ["Shopify: alices-candles", "Differ", "Tags", "TikTok Shop", "TikTok Shop, =gift"]
        assert (said[1][2], said[1][4]) == ("Note", "'=1+1")

    def test_says_what_the_change_cannot_concern(
        self, alice: Client, url: str, route: Route, tiktok: ConnectedStore
    ) -> None:
        OrderFactory(
            source_store=tiktok, ready=True, ordered_at=timezone.now(),
            changes={"delivery_option_id": "2", "delivery_option_name": "Express", "lines": (line(sku="SKU-1"),)},
        )  # fmt: skip
        there = f"/mapping/shipping/{route.destination_store_id}/"
        said = {"method-2-title": "Fast", "method-2-code": "FAST", "step": "look"}
        effect = alice.post(there, {**fields_of(alice.get(there).content.decode()), **said}).context["effect"]
        assert (effect["same"], effect["differ"]) == (0, 1)
        assert "The other 13 orders are not touched by it." in " ".join(effect["notes"])
        assert (effect["rows"][0]["shown"].first.after, effect["rows"][0]["shown"].more) == ("Fast", 1)

    def test_of_a_stores_own_choice_is_told_by_its_request(
        self, alice: Client, url: str, route: Route, tiktok: ConnectedStore
    ) -> None:
        store = route.destination_store_id
        with merchant_rows(tiktok.merchant_id):
            ConnectedStore.objects.filter(pk=store).update(platform="squarespace")
        answer = alice.post(f"/stores/{store}/", {"inventory": "DEDUCT", "step": "look"})
        effect = answer.context["effect"]
        assert (effect["same"], effect["differ"]) == (0, 12)
        first = effect["rows"][0]["shown"].first
        assert (first.what, first.before, first.after) == ("inventoryBehavior", "SKIP", "DEDUCT")
        would = effect["preview"]["columns"][2]["rows"][-1]
        assert would == {"label": "inventoryBehavior", "value": "DEDUCT", "is_changed": True}
        assert alice.post(f"/stores/{store}/", {"inventory": "SKIP", "step": "look"}).context["look"].changes == []

    def test_of_a_hold_is_none(self, alice: Client, route: Route) -> None:
        looked = save(alice, rules_url(route, "hold"), hold_mode="EXTRA_HOLD", extra_hold_hours="5")
        assert looked.context["effect"] is None


class TestFirstPage:
    """Pages that stand for one shop or store open on the shop that is switched on."""

    def test_is_that_of_the_shop_that_is_switched_on(self, alice: Client, route: Route, tiktok: ConnectedStore) -> None:
        first = StoreFactory(merchant=tiktok.merchant, name="A shop that is not on")
        unused = StoreFactory(shopify=True, merchant=tiktok.merchant, name="a-first-store")
        with merchant_rows(tiktok.merchant_id):
            Setup.objects.filter(store=first).update(switched_on_at=None)
        store = route.destination_store_id
        assert alice.get("/mapping/carriers/")["Location"] == f"/mapping/carriers/{tiktok.pk}/"
        assert alice.get("/dry-runs/")["Location"] == f"/dry-runs/{tiktok.pk}/"
        assert alice.get("/settings/rules/money/")["Location"] == rules_url(route, "money")
        assert alice.get("/mapping/shipping/")["Location"] == f"/mapping/shipping/{store}/"
        assert alice.get("/products/")["Location"] == f"/products/{store}/"
        page = alice.get(f"/mapping/shipping/{unused.pk}/")
        assert [(text, is_current) for text, _, is_current in page.context["picks"]] == [
            ("Shopify: alices-candles", False), ("Shopify: a-first-store", True),
        ]  # fmt: skip


class TestHistory:
    def test_says_who_changed_what_from_what_to_what(self, alice: Client, route: Route) -> None:
        save(alice, rules_url(route, "samples"), samples="SKIP")
        save(alice, rules_url(route, "samples"), samples="COMBINE")
        answer = alice.get("/settings/history/")
        newest = answer.context["versions"][0]
        assert (newest["number"], newest["author"]) == (2, "A person")
        assert newest["about"] == "Rules: TikTok Shop: Alice's Candles › Shopify: alices-candles"
        (change,) = newest["changes"]
        assert (change.what, change.before, change.after) == (
            "Free samples", "Do not send", "Combine one creator's samples",
        )  # fmt: skip

    def test_of_one_page_has_only_its_own(self, alice: Client, route: Route) -> None:
        save(alice, rules_url(route, "samples"), samples="SKIP")
        save(alice, rules_url(route, "hold"), hold_mode="EXTRA_HOLD", extra_hold_hours="1")
        page = alice.get(rules_url(route, "samples"))
        assert page.context["latest"]["number"] == 1
        answer = alice.get(page.context["history_url"])
        assert [each["number"] for each in answer.context["versions"]] == [1]
        for nonsense in ("?concern=RULES&about=x", "?concern=NONE&about=1", "?before=x", "?before=1"):
            assert alice.get(f"/settings/history/{nonsense}").status_code == 200

    def test_brings_a_version_back_after_saying_what_that_changes(self, alice: Client, route: Route) -> None:
        save(alice, rules_url(route, "samples"), samples="SKIP")
        save(alice, rules_url(route, "samples"), samples="COMBINE")
        looked = alice.get("/settings/history/1/")
        (change,) = looked.context["would_change"]
        assert (change.before, change.after) == ("Combine one creator's samples", "Do not send")
        answer = alice.post("/settings/history/1/restore/", {"seen": looked.context["seen"]})
        assert answer.status_code == 302
        assert rules_of(route).samples == Samples.SKIP
        with merchant_rows(route.merchant_id):
            newest = SettingsVersion.objects.get(number=3)
        assert (newest.restores, newest.author) == (1, "A person")
        assert "brings version 1 back" in alice.get("/settings/history/").content.decode()
        assert "Nothing: this is what counts now." in alice.get("/settings/history/3/").content.decode()

    def test_offers_beside_each_version_to_bring_it_back(self, alice: Client, bob: Client, route: Route) -> None:
        alice.force_login(User.objects.get(email="alice@example.com"))
        save(alice, rules_url(route, "samples"), samples="SKIP")
        save(alice, rules_url(route, "samples"), samples="COMBINE")
        newest, first = alice.get("/settings/history/").context["versions"]
        assert newest["restore"] is None
        assert first["restore"]["text"] == (
            "Free samples: Combine one creator's samples becomes Do not send. It becomes a version of its own."
        )
        answer = alice.post(first["restore"]["url"], {"seen": first["restore"]["seen"]})
        assert (answer.status_code, rules_of(route).samples) == (302, Samples.SKIP)
        bob.force_login(User.objects.get(email="bob@example.com"))
        assert {each["restore"] for each in bob.get("/settings/history/").context["versions"]} == {None}

    def test_restores_nothing_that_was_not_shown(self, alice: Client, route: Route) -> None:
        save(alice, rules_url(route, "samples"), samples="SKIP")
        seen_before = alice.get("/settings/history/1/").context["seen"]
        save(alice, rules_url(route, "samples"), samples="COMBINE")
        assert alice.post("/settings/history/1/restore/", {"seen": seen_before})["Location"] == "/settings/history/1/"
        assert rules_of(route).samples == Samples.COMBINE

    def test_is_read_but_not_restored_by_a_viewer(self, alice: Client, route: Route) -> None:
        save(alice, rules_url(route, "samples"), samples="SKIP")
        save(alice, rules_url(route, "samples"), samples="COMBINE")
        user = UserFactory(email="bob@example.com")
        with merchant_rows(route.merchant_id):
            Membership.objects.create(merchant_id=route.merchant_id, user=user, role=Role.VIEWER)
        alice.force_login(user)
        page = alice.get("/settings/history/1/").content.decode()
        assert "Do not send" in page
        assert "Restore version" not in page
        assert alice.post("/settings/history/1/restore/").status_code == 403

    def test_has_the_saves_of_every_page(self, alice: Client, route: Route, tiktok: ConnectedStore) -> None:
        save(alice, rules_url(route, "samples"), samples="SKIP")
        said = {
            "destination": str(route.destination_store_id),
            "rule": "DEFAULT",
            "least_share": "100",
            "position": "2",
        }
        assert alice.post(f"/routes/{route.pk}/", {**said, "position": "2"}).status_code == 302
        with merchant_rows(tiktok.merchant_id):
            ConnectedStore.objects.filter(pk=route.destination_store_id).update(platform="squarespace")
        save(alice, f"/stores/{route.destination_store_id}/", inventory="DEDUCT")
        assert alice.post(f"/routes/{route.pk}/remove/").status_code == 302
        found = {each["number"]: each for each in alice.get("/settings/history/").context["versions"]}
        said_of = {number: [(c.what, c.before, c.after) for c in each["changes"]] for number, each in found.items()}
        assert said_of[2] == [("Squarespace: alices-candles: Asked as number", "0", "2")]
        assert said_of[3] == [("Stock", "Leave Squarespace's stock alone", "Deduct it in Squarespace")]
        assert said_of[4] == [
            ("Route to Squarespace: alices-candles", "Whatever no other route takes", "No route"),
        ]

    def test_is_linked_from_the_order_that_a_version_made(self, alice: Client, route: Route, order: Order) -> None:
        save(alice, rules_url(route, "samples"), samples="SKIP")
        with merchant_rows(order.merchant_id):
            order.mirrors.update(state="CREATED", external_id="gid://1", name="#1001", settings_number=1)
        page = alice.get(f"/orders/{order.pk}/").content.decode()
        assert 'href="/settings/history/1/"' in page

    def test_is_said_of_an_order_that_was_made_before_any_version(self, alice: Client, order: Order) -> None:
        page = f"/orders/{order.pk}/"
        assert "Defaults, before the first version" not in alice.get(page).content.decode()
        with merchant_rows(order.merchant_id):
            order.mirrors.update(state="CREATED", external_id="gid://1", name="#1001", sent={"total": 2400})
        assert "Defaults, before the first version" in alice.get(page).content.decode()


class TestHoldForm:
    def test_names_fields_of_the_route(self) -> None:
        assert {name for name in HoldForm.base_fields if hasattr(Route, name)} == {"hold_mode", "extra_hold_hours"}


def park(order: Order, kind: OutboxKind, code: Attention, subject: str = "") -> None:
    """The order waits for a person."""
    now = timezone.now()
    with merchant_rows(order.merchant_id):
        OutboxItem.objects.update_or_create(
            order=order,
            store_id=order.mirrors.get().store_id if kind == OutboxKind.CREATE_ORDER else order.source_store_id,
            kind=kind,
            subject=subject,
            defaults={
                "merchant_id": order.merchant_id,
                "status": OutboxStatus.PARKED,
                "reference": order.external_id,
                "not_before": now,
                "created_at": now,
            },
        )
        ask_for_attention(order=order, code=code, now=now)


def is_going_on(order: Order) -> bool:
    with merchant_rows(order.merchant_id):
        attention = Order.objects.get(pk=order.pk).attention
        return attention == "" and order.outbox.filter(status=OutboxStatus.PENDING).exists()
