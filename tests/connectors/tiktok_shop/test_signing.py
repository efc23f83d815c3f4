"""The signature vectors of the contract."""

from __future__ import annotations

import pytest

from connectors.platforms.tiktok_shop.signing import is_webhook_signed, request_signature, webhook_signature

SECRET = "verisync_test_secret_0123456789abcdef"
QUERY = {"app_key": "6vstestkey01", "timestamp": "1767225600", "shop_cipher": "ROW_TESTCIPHERabc123"}
OFFICIAL = (
    b'{"type":1,"tts_notification_id":"7380066284010030890","shop_id":"7495540735365777507","timestamp":1718305585,'
    b'"data":{"is_on_hold_order":true,"order_id":"576653688135258178","order_status":"UNPAID","update_time":1718305585}}'
)
CANCELLATION = (
    b'{"type":11,"tts_notification_id":"7327112393057371911","shop_id":"7494049642642441621","timestamp":1767225600,'
    b'"data":{"order_id":"576486316948490001","cancellations_role":"BUYER",'
    b'"cancel_status":"CANCELLATION_REQUEST_PENDING","cancel_id":"4035318504086604100","create_time":1767225590}}'
)


class TestRequestSignature:
    @pytest.mark.parametrize(
        ("path", "query", "body", "secret", "signature"),
        [
            (
                "/authorization/202309/shops",
                {"app_key": "29a39d", "timestamp": "1623812664"},
                b"",
                "e59af819cc",
                "b596b73e0cc6de07ac26f036364178ab16b0a907af13d43f0a0cd2345f582dc8",
            ),
            (
                "/order/202507/orders",
                {
                    **QUERY,
                    "ids": "577958834469439754,576461413038785752",
                    "sign": "STALE",
                    "access_token": "must_not_be_signed",
                },
                b"",
                SECRET,
                "594ad68c75cb67b947234cfe084502596f73b7bd9b7b664021bdd95c4c16ec61",
            ),
            (
                "/order/202309/orders/search",
                {**QUERY, "page_size": "50", "sort_field": "update_time", "sort_order": "ASC"},
                b'{"update_time_ge":1767222000,"update_time_lt":1767225600}',
                SECRET,
                "d9757537188f1e1f307c2faff7f74005b3c5c54362416014b3dc6777334fa3be",
            ),
            (
                "/fulfillment/202309/orders/577958834469439754/packages",
                QUERY,
                b'{"order_line_item_ids":["577958834469570826"],"tracking_number":"1Z999AA10123456784",'
                b'"shipping_provider_id":"7117858858072016686"}',
                SECRET,
                "1a278f7626e6053c64bc9cf147eb002f6664541b553aafdbdf7b4400031eb56a",
            ),
            (
                "/event/202309/webhooks",
                {
                    "app_key": "68xu9ks5p4i8",
                    "timestamp": "1696909648",
                    "shop_cipher": "ROW_xkMbgAAAeVAQra0eZWebFQq5aIK",
                },
                b'{"address":"https://partner.tiktokshop.com","event_type":"PACKAGE_UPDATE"}',
                "e59af819cc",
                "cd0d6268252f4ba293bf7ea4c0a2873bf9beec600d22530638564ab301435f7a",
            ),
            (
                "/test-api",
                {"foo": "bar"},
                b"",
                "app_secret",
                "d3cb7fe11ecae942802ceeca67e7cf10120cc12f1517d45fbc1c8cfe5413c80f",
            ),
        ],
    )
    def test_is_the_documented_one(
        self, path: str, query: dict[str, str], body: bytes, secret: str, signature: str
    ) -> None:
        assert request_signature(path=path, query=query, body=body, secret=secret) == signature


class TestWebhookSignature:
    def test_is_the_official_one(self) -> None:
        signature = "5dec0f11ec2f6783b8deee53c9ffbf8d024302f7c7e7fa55a35d17629031ac05"
        assert webhook_signature(body=OFFICIAL, app_key="abcdef", secret="123") == signature

    def test_is_checked_over_the_raw_bytes(self) -> None:
        header = "66079d4d2e62eb1715703d5d89440ab2ebed481eeb03357b179185b4b428ba0f"
        assert is_webhook_signed(body=CANCELLATION, header=header, app_key="6vstestkey01", secret=SECRET)
        assert not is_webhook_signed(body=CANCELLATION + b" ", header=header, app_key="6vstestkey01", secret=SECRET)

    @pytest.mark.parametrize("header", ["", "0" * 64, "é", "Bearer x"])
    def test_refuses_any_other(self, header: str) -> None:
        assert not is_webhook_signed(body=OFFICIAL, header=header, app_key="abcdef", secret="123")
