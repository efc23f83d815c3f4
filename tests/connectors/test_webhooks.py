"""The one endpoint for webhooks: whatever arrives, a clear answer and at most one row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.access import all_merchants
from connectors.models import ConnectedStore, WebhookDelivery
from connectors.platforms.shopify.signing import webhook_signature as shopify_signature
from connectors.platforms.tiktok_shop.signing import webhook_signature
from tests.orders.conftest import alices, shopify, tiktok

__all__ = ["alices", "shopify", "tiktok"]

KEY, SECRET = "6vwebhookkey", "webhook-secret-0123456789"
NEWS = {
    "type": 1,
    "tts_notification_id": "7380066284010030890",
    "shop_id": "7495123456789012345",
    "timestamp": 1767225600,
    "data": {"order_id": "576461413038785751", "order_status": "ON_HOLD", "update_time": 1767225600},
}


@pytest.fixture(autouse=True)
def _app(settings: Any) -> None:
    settings.PLATFORM_VALUES = {
        "TIKTOK_SHOP_APP_KEY": KEY,
        "TIKTOK_SHOP_APP_SECRET": SECRET,
        "SHOPIFY_CLIENT_SECRET": SECRET,
    }


def post(client: Client, body: bytes, *, secret: str = SECRET) -> int:
    signature = webhook_signature(body=body, app_key=KEY, secret=secret)
    headers = {"authorization": signature}
    answer = client.post("/webhooks/tiktok_shop/", body, content_type="application/json", headers=headers)
    return answer.status_code


def rows() -> int:
    with all_merchants("a test looks"):
        return WebhookDelivery.objects.count()


class TestWebhook:
    def test_is_kept_once_however_often_it_comes(self, client: Client, tiktok: ConnectedStore) -> None:
        body = json.dumps(NEWS).encode()
        assert [post(client, body) for _ in range(3)] == [200, 200, 200]
        assert rows() == 1

    @pytest.mark.parametrize(
        "changes",
        [
            {"shop_id": 7495123456789012345},
            {"tts_notification_id": 7380066284010030890},
            {"type": 999},
            {"type": "1"},
            {"data": {}},
            {"data": None},
            {"tts_notification_id": None},
        ],
    )
    def test_of_an_odd_but_signed_shape_is_kept(
        self, client: Client, tiktok: ConnectedStore, changes: dict[str, Any]
    ) -> None:
        assert post(client, json.dumps({**NEWS, **changes}).encode()) == 200
        assert rows() == 1

    def test_of_an_unknown_shop_is_acknowledged_and_forgotten(self, client: Client, tiktok: ConnectedStore) -> None:
        assert post(client, json.dumps({**NEWS, "shop_id": "1"}).encode()) == 200
        assert rows() == 0

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"", 400),
            (b"not json", 400),
            (b"[]", 400),
            (b"null", 400),
            (b'"text"', 400),
            (b'{"shop_id": {"a": 1}}', 400),
            (b'{"shop_id": null}', 400),
            (b'{"shop_id": true}', 400),
            (b"\xff\xfe\x00", 400),
            (b'{"shop_id": "7495123456789012345", "x": "\\u0000"}', 200),
            (b"[" * 100_000, 400),
            (b"x" * 10_000_000, 413),
        ],
    )
    def test_of_a_bad_shape_gets_a_clear_answer(
        self, client: Client, tiktok: ConnectedStore, body: bytes, status: int
    ) -> None:
        assert post(client, body) == status

    @pytest.mark.parametrize("secret", ["", "another", SECRET + " "])
    def test_with_a_wrong_signature_is_refused(self, client: Client, tiktok: ConnectedStore, secret: str) -> None:
        assert post(client, json.dumps(NEWS).encode(), secret=secret) == 401
        assert rows() == 0

    def test_with_the_signature_of_another_body_is_refused(self, client: Client, tiktok: ConnectedStore) -> None:
        signature = webhook_signature(body=b"{}", app_key=KEY, secret=SECRET)
        answer = client.post(
            "/webhooks/tiktok_shop/",
            json.dumps(NEWS),
            content_type="application/json",
            headers={"authorization": signature},
        )
        assert answer.status_code == 401

    def test_without_any_signature_is_refused(self, client: Client, tiktok: ConnectedStore) -> None:
        assert client.post("/webhooks/tiktok_shop/", b"", content_type="application/json").status_code == 401

    def test_of_an_unknown_platform_is_not_there(self, client: Client, db: None) -> None:
        assert client.post("/webhooks/etsy/", b"{}", content_type="application/json").status_code == 404

    def test_asked_for_by_get_is_refused(self, client: Client, db: None) -> None:
        assert client.get("/webhooks/tiktok_shop/").status_code == 405

    @hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
    @given(body=st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
    def test_never_fails_on_our_side(self, client: Client, tiktok: ConnectedStore, body: bytes) -> None:
        assert post(client, body) in (200, 400)

    def test_from_shopify_is_kept_by_its_own_id(self, client: Client, shopify: ConnectedStore) -> None:
        body = b'{"id": 820982911946154508}'
        headers = {
            "x-shopify-hmac-sha256": shopify_signature(body, SECRET),
            "x-shopify-shop-domain": shopify.external_id,
            "x-shopify-topic": "orders/updated",
            "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        }
        for _ in range(2):
            answer = client.post("/webhooks/shopify/", body, content_type="application/json", headers=headers)
            assert answer.status_code == 200
        assert rows() == 1
