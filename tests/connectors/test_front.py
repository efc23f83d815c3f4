"""The front door says of every webhook what the view says, and lets everything else through."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.test import Client

from accounts.access import all_merchants
from connectors.front import with_webhooks_in_front
from connectors.models import ConnectedStore, WebhookDelivery
from connectors.platforms.tiktok_shop.signing import webhook_signature
from tests.orders.conftest import alices, shopify, tiktok

__all__ = ["alices", "shopify", "tiktok"]

KEY, SECRET = "6vwebhookkey", "webhook-secret-0123456789"
NEWS = json.dumps({"type": 1, "tts_notification_id": "738", "shop_id": "7495123456789012345", "data": {}}).encode()


@pytest.fixture(autouse=True)
def _app(settings: Any) -> None:
    settings.PLATFORM_VALUES = {"TIKTOK_SHOP_APP_KEY": KEY, "TIKTOK_SHOP_APP_SECRET": SECRET}
    settings.SECURE_SSL_REDIRECT = False


def ask(path: str, body: bytes, **changes: Any) -> str:
    """The status line; "passed on" when Django would have been asked."""
    said: list[str] = []
    environ = {
        "PATH_INFO": path,
        "REQUEST_METHOD": "POST",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        "HTTP_AUTHORIZATION": webhook_signature(body=body, app_key=KEY, secret=SECRET),
        **changes,
    }
    door = with_webhooks_in_front(lambda environ, start: [b"passed on"])
    parts = b"".join(door(environ, lambda status, headers: said.append(status)))
    return parts.decode() or said[0]


class TestFrontDoor:
    def test_keeps_a_signed_webhook_once(self, tiktok: ConnectedStore) -> None:
        assert [ask("/webhooks/tiktok_shop/", NEWS) for _ in range(2)] == ["200 OK", "200 OK"]
        with all_merchants("a test looks"):
            assert WebhookDelivery.objects.get().store_id == tiktok.pk

    @pytest.mark.parametrize(
        ("body", "changes"),
        [
            (NEWS, {"HTTP_AUTHORIZATION": "wrong"}),
            (NEWS, {"HTTP_AUTHORIZATION": ""}),
            (b"", {}),
            (b"[1, 2", {}),
            (b"\xff\xfe\x00", {}),
            (b'{"shop_id": null}', {}),
            (b"[" * 100_000, {}),
            (b'{"shop_id": "7", "x": "\x00"}', {}),
            (b"x" * 2_100_000, {}),
        ],
    )
    def test_answers_what_the_view_answers(
        self, client: Client, tiktok: ConnectedStore, body: bytes, changes: dict[str, str]
    ) -> None:
        signature = changes.get("HTTP_AUTHORIZATION", webhook_signature(body=body, app_key=KEY, secret=SECRET))
        headers = {"authorization": signature}
        answer = client.post("/webhooks/tiktok_shop/", body, content_type="application/json", headers=headers)
        assert ask("/webhooks/tiktok_shop/", body, **changes).split()[0] == str(answer.status_code)

    @pytest.mark.parametrize(
        ("path", "changes", "status"),
        [
            ("/webhooks/etsy/", {}, "404 Not Found"),
            ("/webhooks/tiktok_shop/x/", {}, "404 Not Found"),
            ("/webhooks/tiktok_shop/", {"CONTENT_LENGTH": "many"}, "400 Bad Request"),
            ("/webhooks/tiktok_shop/", {"REQUEST_METHOD": "GET"}, "passed on"),
            ("/orders/", {}, "passed on"),
        ],
    )
    def test_takes_webhooks_only(self, db: None, path: str, changes: dict[str, str], status: str) -> None:
        assert ask(path, NEWS, **changes) == status

    @pytest.mark.parametrize(("scheme", "status"), [("", "passed on"), ("https", "200 OK")])
    def test_leaves_plain_http_to_be_sent_on(
        self, tiktok: ConnectedStore, settings: Any, scheme: str, status: str
    ) -> None:
        settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, ("HTTP_X_FORWARDED_PROTO", "https")
        assert ask("/webhooks/tiktok_shop/", NEWS, HTTP_X_FORWARDED_PROTO=scheme) == status
