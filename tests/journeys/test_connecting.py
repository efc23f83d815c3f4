"""Connecting stores through the platforms' consent pages, and everything that can go wrong on the way."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.db import connection

from accounts.access import all_merchants
from connectors import oauth, registry
from connectors.base.errors import AuthorizationError
from connectors.models import ConnectedStore, StoreState
from connectors.speaking import StoreWaits, TokenRenewed, speaking_to_destination
from demo.browser import Browser
from demo.processes import DemoFailed
from tests.journeys.conftest import SHOPIFY_SHOP, Journey


def sign_up(journey: Journey, name: str) -> Browser:
    person = Browser()
    person.open(f"{journey.site}/accounts/signup/")
    person.submit(
        holding="email",
        business_name=f"{name}'s Business",
        name=name,
        email=f"{name.lower()}@example.com",
        password1="candle-light-42",
        password2="candle-light-42",
    )
    return person


def consent_url(journey: Journey, person: Browser, platform: str, **filled: str) -> str:
    """Where our connect page sends the browser."""
    page = person.open(f"{journey.site}/connect/{platform}/")
    token = person.session.cookies["csrftoken"]
    answer = person.session.post(
        page.url,
        data={"csrfmiddlewaretoken": token, **filled},
        headers={"Referer": page.url},
        allow_redirects=False,
        timeout=10,
    )
    return answer.headers["Location"]


def answer_to(journey: Journey, url: str, **form: str) -> str:
    """The callback address that the TikTok consent page leads to."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    data = {"service_id": query["service_id"], "state": query["state"], "seller": "alice", "decision": "allow", **form}
    return requests.post(url.partition("?")[0], data=data, allow_redirects=False, timeout=10).headers["Location"]


def stores() -> list[tuple[str, str]]:
    with all_merchants("a test looks"):
        found = ConnectedStore.objects.exclude(state=StoreState.DISCONNECTED).order_by("id")
        return [(store.platform, store.merchant.name) for store in found.select_related("merchant")]


class TestConnecting:
    def test_makes_one_store_per_shop_and_keeps_tokens_encrypted(self, journey: Journey) -> None:
        assert len([each for each in stores() if each[0] == "tiktok_shop"]) == 3
        store = journey.store("shopify")
        assert store.credentials is not None
        assert store.credentials.access_token.startswith("shpat_")
        with all_merchants("a test looks"), connection.cursor() as cursor:
            cursor.execute("select credentials_text from connectors_connectedstore where id = %s", [store.pk])
            assert "shpat_" not in cursor.fetchone()[0]

    def test_subscribes_to_webhooks_once(self, journey: Journey) -> None:
        before = len(journey.world.halves["shopify"].state.shops[SHOPIFY_SHOP].subscriptions)  # type: ignore[attr-defined]
        journey.connect("shopify")
        after = len(journey.world.halves["shopify"].state.shops[SHOPIFY_SHOP].subscriptions)  # type: ignore[attr-defined]
        assert before == after > 0

    def test_refused_by_the_user_connects_nothing(self, journey: Journey) -> None:
        person = sign_up(journey, "Charlie")
        back = answer_to(journey, consent_url(journey, person, "tiktok_shop"), decision="refuse")
        assert "code=null" in back
        with pytest.raises(DemoFailed, match="access was refused"):
            person.open(back)
        assert ("tiktok_shop", "Charlie's Business") not in stores()

    def test_spends_its_state_once(self, journey: Journey) -> None:
        back = answer_to(journey, consent_url(journey, journey.person, "tiktok_shop"))
        journey.person.open(back)
        with pytest.raises(DemoFailed, match="used before"):
            journey.person.open(back)

    def test_refuses_the_state_of_another_merchant(self, journey: Journey) -> None:
        person = sign_up(journey, "Charlie")
        back = answer_to(journey, consent_url(journey, journey.person, "tiktok_shop"))
        with pytest.raises(DemoFailed, match="does not belong to a connection that you started"):
            person.open(back)

    def test_refuses_a_made_up_state(self, journey: Journey) -> None:
        with pytest.raises(DemoFailed, match="does not belong"):
            journey.person.open(f"{journey.site}/connect/tiktok_shop/callback/?code=x&state={'0' * 48}")

    def test_refuses_a_shop_of_another_merchant(self, journey: Journey) -> None:
        person = sign_up(journey, "Charlie")
        back = answer_to(journey, consent_url(journey, person, "tiktok_shop"))
        with pytest.raises(DemoFailed, match="already connected by another merchant"):
            person.open(back)

    def test_without_a_session_asks_to_log_in_first(self, journey: Journey) -> None:
        back = answer_to(journey, consent_url(journey, journey.person, "tiktok_shop"))
        assert "/accounts/login/" in Browser().open(back).url

    @pytest.mark.parametrize(
        "shop", ["", "x", "a.b.myshopify.com", "x.myshopify.com.evil.com", "https://x.myshopify.com", "127.0.0.1"]
    )
    def test_refuses_a_domain_that_is_no_shop(self, journey: Journey, shop: str) -> None:
        journey.person.open(f"{journey.site}/connect/shopify/")
        with pytest.raises(DemoFailed, match="answers 400"):
            journey.person.submit(holding="shop", shop=shop)

    def test_refuses_an_answer_that_shopify_did_not_sign(self, journey: Journey) -> None:
        url = f"{journey.site}/connect/shopify/callback/?code=1&shop={SHOPIFY_SHOP}&state=x&timestamp=1&hmac=0"
        with pytest.raises(DemoFailed, match="did not sign this answer"):
            journey.person.open(url)


class TestInstallBegunAtThePlatform:
    def test_from_tiktoks_app_store_asks_for_the_merchant(self, journey: Journey) -> None:
        url = consent_url(journey, journey.person, "tiktok_shop")
        back = answer_to(journey, url, state="")
        page = journey.person.open(back)
        assert "/connect/tiktok_shop/confirm/" in page.url
        journey.person.submit(holding="/confirm/", merchant=str(journey.store("tiktok_shop").merchant_id))
        assert journey.person.page is not None
        assert journey.person.page.url.endswith("/stores/")

    def test_cannot_be_confirmed_for_another_merchant(self, journey: Journey) -> None:
        person = sign_up(journey, "Charlie")
        back = answer_to(journey, consent_url(journey, person, "tiktok_shop"), state="")
        person.open(back)
        with pytest.raises(DemoFailed, match="Choose a business that you own"):
            person.submit(holding="/confirm/", merchant=str(journey.store("tiktok_shop").merchant_id))

    def test_from_shopify_goes_straight_to_consent(self, journey: Journey) -> None:
        link = journey.control("shopify/install_link", shop=SHOPIFY_SHOP)["url"]
        answer = journey.person.session.get(link, allow_redirects=False, timeout=10)
        assert f"/shopify/{SHOPIFY_SHOP}/admin/oauth/authorize" in answer.headers["Location"]

    def test_from_shopify_is_not_believed_unsigned(self, journey: Journey) -> None:
        answer = journey.person.session.get(
            f"{journey.site}/connect/shopify/?shop={SHOPIFY_SHOP}&timestamp=1&hmac=00", timeout=10
        )
        assert answer.status_code == 400


class TestDisconnecting:
    def test_forgets_the_tokens_at_once(self, journey: Journey) -> None:
        store = journey.store("shopify")
        journey.person.open(f"{journey.site}/stores/")
        journey.person.submit(holding=f"/connect/shopify/disconnect/{store.pk}/")
        store = journey.store("shopify")
        assert (store.state, store.credentials_text) == (StoreState.DISCONNECTED, "")

    def test_ends_the_access_at_shopify_and_says_so(self, journey: Journey) -> None:
        before = journey.store("shopify")
        journey.person.open(f"{journey.site}/stores/")
        page = journey.person.submit(holding=f"/connect/shopify/disconnect/{before.pk}/")
        assert "Shopify took the permission back." in page.text
        old = registry.build("shopify", clock=journey.now, store=before)
        with pytest.raises(AuthorizationError):
            old.list_stores()
        journey.settle()
        journey.connect("shopify")
        journey.settle()
        assert journey.store("shopify").state == StoreState.CONNECTED

    @pytest.mark.parametrize("platform", ["tiktok_shop", "shopify"])
    def test_succeeds_here_though_the_platform_does_not_answer(self, journey: Journey, platform: str) -> None:
        store = journey.store(platform)
        journey.fault(platform, "*", "reset_before", times=-1)
        journey.person.open(f"{journey.site}/stores/")
        page = journey.person.submit(holding=f"/connect/{platform}/disconnect/{store.pk}/")
        assert "Remove the app in" in page.text
        assert journey.store(platform).credentials_text == ""

    def test_lets_another_merchant_connect_the_shop(self, journey: Journey) -> None:
        store = journey.store("shopify")
        journey.person.open(f"{journey.site}/stores/")
        journey.person.submit(holding=f"/connect/shopify/disconnect/{store.pk}/")
        person = sign_up(journey, "Charlie")
        person.open(f"{journey.site}/connect/shopify/")
        person.submit(holding="shop", shop=SHOPIFY_SHOP)
        person.submit(holding="state", press=("decision", "allow"))
        assert ("shopify", "Charlie's Business") in stores()


class TestRenewing:
    def test_is_done_once_for_all_shops_of_an_authorization(self, journey: Journey) -> None:
        journey.control("tiktok_shop/expire_tokens")
        journey.wait(200)
        with all_merchants("a test looks"):
            shops = list(ConnectedStore.objects.filter(platform="tiktok_shop"))
        assert {shop.state for shop in shops} == {StoreState.CONNECTED}
        assert len({shop.credentials.access_token for shop in shops if shop.credentials}) == 1

    def test_survives_a_lost_answer(self, journey: Journey, settings: Any) -> None:
        journey.control("shopify/expire_tokens", shop=SHOPIFY_SHOP)
        journey.control("shopify/lose_refresh_answer")
        for _ in range(3):
            journey.wait(130)
        assert journey.store("shopify").state == StoreState.CONNECTED

    def renew(self, journey: Journey) -> ConnectedStore:
        """The sweep renews Shopify's token; the store as it is then."""
        oauth.refresh_if_needed(store=journey.store("shopify"), now=journey.now(), force=True)
        return journey.store("shopify")

    def test_twice_in_a_moment_does_not_lose_the_store_of_a_call_that_was_under_way(self, journey: Journey) -> None:
        before = self.renew(journey)
        self.renew(journey)
        with pytest.raises(TokenRenewed), speaking_to_destination(before, clock=journey.now) as shop:
            shop.find_variants(["CND-FIG-08"])
        assert journey.store("shopify").state == StoreState.CONNECTED

    def test_is_given_up_where_a_fresh_token_is_refused(self, journey: Journey) -> None:
        fresh = self.renew(journey)
        journey.control("shopify/expire_tokens", shop=SHOPIFY_SHOP)
        with pytest.raises(StoreWaits), speaking_to_destination(fresh, clock=journey.now) as shop:
            shop.find_variants(["CND-FIG-08"])
        assert journey.store("shopify").state == StoreState.RECONNECT
