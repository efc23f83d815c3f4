"""The Connections page: what may be connected, how each store stands, and which store gets what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from accounts.access import merchant_rows
from connectors import registry
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore, WebhookDelivery
from demo import apps
from orders.ingest import store_order
from orders.models import Setup
from tests.orders.builders import NOON, seen


class TestStores:
    def test_offers_to_connect(self, alice: Client, tiktok: ConnectedStore, settings: Any) -> None:
        settings.PLATFORM_VALUES = {"SHOPIFY_CLIENT_ID": "c", "SHOPIFY_CLIENT_SECRET": "s"}
        page = alice.get("/stores/").content.decode()
        assert 'href="/connect/shopify/"' in page
        assert "Not set up on this installation" in page
        assert "Alice&#x27;s Candles" in page

    def test_offers_all_five_platforms_with_what_each_needs(self, alice: Client, settings: Any) -> None:
        settings.PLATFORM_VALUES = apps.settings_of(apps.make_keys(), sandbox="http://127.0.0.1:9")
        answer = alice.get("/stores/")
        page = answer.content.decode()
        for platform in registry.PLATFORMS:
            kind = registry.connector_class(platform)
            assert f'href="/connect/{platform}/"' in page
            assert kind.needs
            for need in kind.needs:
                assert escape(need) in page
        assert "Not set up on this installation" not in page

    @pytest.mark.parametrize("platform", registry.PLATFORMS)
    def test_of_a_platform_without_an_app_here_are_not_connected(
        self, alice: Client, settings: Any, platform: str
    ) -> None:
        settings.PLATFORM_VALUES = {}
        page = alice.get("/stores/").content.decode()
        assert page.count("Not set up on this installation") == len(registry.PLATFORMS)
        for answer in (alice.get(f"/connect/{platform}/"), alice.post(f"/connect/{platform}/", {"shop": "x"})):
            assert answer.status_code == 400
            assert "is not set up on this installation" in answer.content.decode()

    def test_say_which_permissions_were_granted_and_which_are_missing(
        self, alice: Client, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        wanted = registry.connector_class("shopify").scopes
        with merchant_rows(tiktok.merchant_id):
            ConnectedStore.objects.filter(pk=shopify.pk).update(scopes=list(wanted[1:]))
        answer = alice.get("/stores/")
        (store,) = answer.context["destinations"]
        assert [each["scope"] for each in store["permissions"] if each["is_missing"]] == [wanted[0]]
        page = answer.content.decode()
        assert f"Not granted: {wanted[0]}." in page
        assert "Connect again and leave every box ticked." in page
        (source,) = answer.context["sources"]
        assert "does not tell what was granted" in page
        assert not source["are_permissions_known"]

    def test_tell_how_many_webhooks_came_and_when_they_were_asked(
        self, alice: Client, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        now = timezone.now()
        with merchant_rows(tiktok.merchant_id):
            for hours in (0, 1, 30):
                WebhookDelivery.objects.create(
                    merchant_id=tiktok.merchant_id,
                    store=tiktok,
                    platform="tiktok_shop",
                    delivery_key=f"key-{hours}",
                    body="{}",
                    received_at=now - timedelta(hours=hours, minutes=1),
                    not_before=now,
                )
            ConnectedStore.objects.filter(pk=tiktok.pk).update(polled_until=now)
        answer = alice.get("/stores/")
        (source,), (destination,) = answer.context["sources"], answer.context["destinations"]
        assert (source["webhooks_text"], sum(bar["is_on"] for bar in source["bars"])) == ("2 received", 2)
        assert destination["webhooks_text"] == "0 received"
        page = answer.content.decode()
        assert "Asked for changes" in page
        assert "Not asked for changes yet" in page

    def test_can_be_tested_and_disconnected_by_their_owner(
        self, alice: Client, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        page = alice.get("/stores/").content.decode()
        for store in (tiktok, shopify):
            assert f'action="/connect/{store.platform}/test/{store.pk}/"' in page
            assert f'action="/connect/{store.platform}/disconnect/{store.pk}/"' in page

    def test_of_another_currency_get_no_route_and_that_is_said(
        self, alice: Client, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        with merchant_rows(tiktok.merchant_id):
            ConnectedStore.objects.filter(pk=shopify.pk).update(currency="EUR")
        assert "None of your stores works in USD" in alice.get("/stores/").content.decode()
        said = {"destination": str(shopify.pk), "rule": "DEFAULT", "least_share": "100", "position": "1"}
        answer = alice.post(f"/stores/{tiktok.pk}/routes/new/", said)
        assert answer.status_code == 400
        assert "Nothing is converted" in answer.content.decode()

    def test_of_another_currency_are_named_before_anything_is_sent(
        self, alice: Client, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        """The one store of a shop gets its route by itself, when the first order is released."""
        with merchant_rows(tiktok.merchant_id):
            ConnectedStore.objects.filter(pk=shopify.pk).update(currency="EUR")
        words = "sells in USD, Shopify: alices-candles works in EUR: nothing will be sent"
        assert words in alice.get("/stores/").content.decode()
        store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        answer = alice.get("/stores/")
        ((route,),) = [shop["routes"] for shop in answer.context["shops"]]
        assert words in route["warning"]
        assert words in answer.content.decode()

    def test_of_the_same_currency_are_not_warned_of(
        self, alice: Client, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        assert "nothing will be sent" not in alice.get("/stores/").content.decode()
        store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT), store=tiktok, now=NOON)
        assert "nothing will be sent" not in alice.get("/stores/").content.decode()

    @pytest.mark.parametrize(
        ("rule", "kept"),
        [
            ({"rule": "SKU", "skus": "CND-*\nTIN-LAV-04"}, {"skus": ["CND-*", "TIN-LAV-04"]}),
            ({"rule": "WAREHOUSE", "warehouse_ids": "7000714532876273420"}, {"warehouse_ids": ["7000714532876273420"]}),
            ({"rule": "FOUND", "least_share": "60"}, {"least_share": 60}),
            ({"rule": "DEFAULT"}, {"rule": "DEFAULT"}),
        ],
    )
    def test_get_routes_by_every_rule(
        self,
        alice: Client,
        tiktok: ConnectedStore,
        shopify: ConnectedStore,
        rule: dict[str, str],
        kept: dict[str, Any],
    ) -> None:
        said = {"destination": str(shopify.pk), "least_share": "100", "position": "1", **rule}
        assert alice.post(f"/stores/{tiktok.pk}/routes/new/", said).status_code == 302
        with merchant_rows(tiktok.merchant_id):
            route = tiktok.routes_from.get()
        assert {name: getattr(route, name) for name in kept} == kept

    def test_get_a_route_that_leaves_the_rest_to_the_merchant(
        self, alice: Client, tiktok: ConnectedStore, shopify: ConnectedStore
    ) -> None:
        url = f"/stores/{tiktok.pk}/routes/new/"
        page = alice.get(url).content.decode()
        assert "the rest is yours to ship by hand" in page
        assert "Example: the candle is in Amazon&#x27;s warehouse" in page
        assert 'name="leaves_rest"' in page
        said = {"destination": str(shopify.pk), "rule": "FOUND", "position": "1", "leaves_rest": "on"}
        answer = alice.post(url, {**said, "least_share": "100"})
        assert (answer.status_code, "100 leaves no rest" in answer.content.decode()) == (400, True)
        assert alice.post(url, {**said, "least_share": "1"}).status_code == 302
        with merchant_rows(tiktok.merchant_id):
            route = tiktok.routes_from.get()
        assert (route.leaves_rest, route.takes_part) == (True, False)
        page = alice.get("/stores/").content.decode()
        assert "what no route takes of such an order is yours to ship by hand" in page
        assert "Orders of which no route takes anything wait" in page
        assert "checked" in alice.get(f"/routes/{route.pk}/").content.decode()

    def test_lead_back_to_the_checklist_until_the_shop_is_on(self, alice: Client, tiktok: ConnectedStore) -> None:
        assert "Go on with the checklist" not in alice.get("/stores/").content.decode()
        with merchant_rows(tiktok.merchant_id):
            Setup.objects.update(switched_on_at=None)
        page = alice.get("/stores/").content.decode()
        assert "is not switched on yet." in page
        assert f'href="/dashboard/?shop={tiktok.pk}#setup-{tiktok.pk}"' in page
        assert "Next is step 1 of 10: Seller Center account and region." in page

    def test_that_were_lost_are_said_on_every_page(self, alice: Client, tiktok: ConnectedStore) -> None:
        with merchant_rows(tiktok.merchant_id):
            ConnectedStore.objects.update(state="RECONNECT", state_reason="The token was refused")
        for url in ("/orders/", "/stores/"):
            assert "has to be reconnected" in alice.get(url).content.decode()
