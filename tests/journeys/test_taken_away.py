"""A platform says that access was taken away: at once, late, or after the store was connected again."""

from __future__ import annotations

import pytest

from accounts.access import all_merchants
from connectors.models import StoreState, WebhookDelivery
from tests.journeys.conftest import SHOPIFY_SHOP, Journey

TAKEN = {
    "shopify": ("shopify/uninstall", "app/uninstalled", {"shop": SHOPIFY_SHOP}),
    "wix": ("wix/uninstall", "AppRemoved", {}),
    "tiktok_shop": ("tiktok_shop/deauthorize", "SELLER_DEAUTHORIZATION", {}),
}


@pytest.fixture(params=list(TAKEN))
def platform(request: pytest.FixtureRequest, journey: Journey) -> str:
    if request.param == "wix":
        journey.connect("wix")
        journey.settle()
    return str(request.param)


def take_away(journey: Journey, platform: str) -> None:
    path, _, body = TAKEN[platform]
    journey.control(path, **body)


def connect_again(journey: Journey, platform: str) -> None:
    if platform == "tiktok_shop":
        journey.connect_tiktok()
    else:
        journey.connect(platform)


def outcomes(journey: Journey, platform: str) -> list[str]:
    with all_merchants("a test looks"):
        told = WebhookDelivery.objects.filter(store=journey.store(platform)).exclude(processed_at=None)
        return list(told.order_by("id").values_list("outcome", flat=True))


class TestAccessTakenAway:
    def test_is_believed_right_after_connecting(self, journey: Journey, platform: str) -> None:
        take_away(journey, platform)
        journey.settle()
        assert journey.store(platform).state == StoreState.RECONNECT

    def test_is_believed_without_asking_once_the_connection_is_older(self, journey: Journey, platform: str) -> None:
        journey.wait(600)
        take_away(journey, platform)
        asked = len(list(journey.world.journal))
        journey.settle()
        assert journey.store(platform).state == StoreState.RECONNECT
        later = list(journey.world.journal)[asked:]
        calls = {entry["operation"] for entry in later if entry["platform"] == platform}
        # Wix does not say when it was, so the token is tried.
        assert bool(calls & {"shop", "shops.list", "instance.get", "token"}) == (platform == "wix")

    def test_is_not_believed_once_the_store_is_connected_again(self, journey: Journey, platform: str) -> None:
        """The message had come, and was not read yet."""
        take_away(journey, platform)
        journey.world.outgoing.drain()
        connect_again(journey, platform)
        journey.settle()
        assert (journey.store(platform).state, journey.store(platform).state_reason) == (StoreState.CONNECTED, "")
        assert any("still works" in outcome for outcome in outcomes(journey, platform))

    def test_is_not_believed_when_it_comes_late(self, journey: Journey, platform: str) -> None:
        _, event, _ = TAKEN[platform]
        journey.fault(platform, event, "webhook_delay", seconds=30)
        take_away(journey, platform)
        connect_again(journey, platform)
        journey.wait(60)
        assert (journey.store(platform).state, journey.store(platform).state_reason) == (StoreState.CONNECTED, "")
        order_id = journey.buy_released()
        assert journey.shopify_orders(order_id)

    def test_waits_unread_while_the_platform_cannot_be_asked(self, journey: Journey, platform: str) -> None:
        take_away(journey, platform)
        connect_again(journey, platform)
        operation = {"shopify": "shop", "wix": "instance.get", "tiktok_shop": "shops.list"}[platform]
        journey.fault(platform, operation, "status", status=500, times=2)
        journey.settle()
        assert (journey.store(platform).state, journey.store(platform).state_reason) == (StoreState.CONNECTED, "")
        for _ in range(3):
            journey.wait(30)
        assert (journey.store(platform).state, journey.store(platform).state_reason) == (StoreState.CONNECTED, "")
