from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from sandbox.tiktok_shop.signing import sign_request
from sandbox.world import World

APP = {
    "app_key": "6vstestkey01",
    "app_secret": "verisync_test_secret_0123456789abcdef",
    "service_id": "svc1",
    "redirect_url": "http://127.0.0.1:9/back",
}
UPS = "7117859084333745966"
CARRIERS = (UPS, "7212608507307099397", "7397023498302113541")  # of the US, the UK and Japan
Answer = dict[str, Any]


class Client:
    """Speaks to the sandbox as an app would, with its own little signer."""

    def __init__(self, url: str, world: World) -> None:
        self.url, self.world = url, world
        self.control("app", **APP)
        self.token, self.cipher, self.shop = "", "", ""

    def control(self, verb: str, **body: Any) -> Answer:
        answer = requests.post(f"{self.url}/_sandbox/tiktok_shop/{verb}", json=body, timeout=5)
        content: Answer = answer.json()
        assert answer.ok, content
        return content

    def refused(self, verb: str, **body: Any) -> str:
        answer = requests.post(f"{self.url}/_sandbox/tiktok_shop/{verb}", json=body, timeout=5)
        assert answer.status_code == 400, answer.text
        error: str = answer.json()["error"]
        return error

    def at(self, region: str) -> Client:
        """In the seller's shop of that market; Vietnam's is opened for it."""
        if region == "VN":
            self.control("add_shop", name="Alice Hanoi", region="VN")
            self.connect()
        shops = self.call("GET", "/authorization/202309/shops", cipher=None)["data"]["shops"]
        shop = next(shop for shop in shops if shop["region"] == region)
        self.cipher, self.shop = shop["cipher"], shop["id"]
        return self

    def allow(self, seller: str = "alice", **more: str) -> dict[str, list[str]]:
        form = {"service_id": "svc1", "state": "s1", "decision": "allow", "seller": seller, **more}
        page = f"{self.url}/tiktok_shop/services/open/authorize"
        answer = requests.post(page, data=form, timeout=5, allow_redirects=False)
        return parse_qs(urlsplit(answer.headers["Location"]).query)

    def tokens(self, path: str, **query: str) -> Answer:
        query = {"app_key": APP["app_key"], "app_secret": APP["app_secret"], **query}
        content: Answer = requests.get(
            f"{self.url}/tiktok_shop/auth/api/v2/token/{path}", params=query, timeout=5
        ).json()
        return content

    def connect(self) -> Client:
        code = self.allow()["code"][0]
        self.token = self.tokens("get", auth_code=code, grant_type="authorized_code")["data"]["access_token"]
        shops = self.call("GET", "/authorization/202309/shops", cipher=None)["data"]["shops"]
        self.cipher = shops[0]["cipher"]
        return self

    def call(
        self,
        method: str,
        path: str,
        body: Answer | None = None,
        status: int | None = None,
        cipher: str | None = "",
        **query: str,
    ) -> Answer:
        query = {"app_key": APP["app_key"], "timestamp": str(int(self.world.now())), **query}
        if cipher is not None:
            query["shop_cipher"] = cipher or self.cipher
        raw = b"" if body is None else json.dumps(body).encode()
        query.setdefault("sign", sign_request(APP["app_secret"], path, query, raw))
        headers = {"x-tts-access-token": self.token, "content-type": "application/json"}
        answer = requests.request(
            method, f"{self.url}/tiktok_shop/api{path}", params=query, data=raw, headers=headers, timeout=5
        )
        assert status in (None, answer.status_code), answer.text
        content: Answer = answer.json()
        return content

    def buy(self, **body: Any) -> str:
        order_id: str = self.control("buy", **{"shop": self.shop, **body})["order_id"]
        return order_id

    def order(self, order_id: str) -> Answer:
        found: Answer = self.call("GET", "/order/202507/orders", ids=order_id)["data"]["orders"][0]
        return found

    def two_lines(self, **body: Any) -> tuple[str, list[str]]:
        """An order to be shipped of two pieces of the same, and its lines."""
        default = {"shop": self.shop, "hold": False, "lines": [{"sku": "CND-FIG-08", "quantity": 2}]}
        order = self.control("buy", **{**default, **body})["order"]
        return order["id"], [line["id"] for line in order["line_items"]]

    def delivered(self, **body: Any) -> str:
        """An order of two pieces that arrived at the buyer's."""
        order_id, _ = self.two_lines(**body)
        for carrier in CARRIERS:
            parcel = {"order_id": order_id, "tracking_number": f"PK{order_id[-9:]}", "shipping_provider_id": carrier}
            if requests.post(f"{self.url}/_sandbox/tiktok_shop/seller_ship", json=parcel, timeout=5).ok:
                break
        self.control("deliver", order_id=order_id)
        return order_id

    def row(self, kind: str, version: str = "202309", **body: Any) -> Answer:
        """The only cancellation ("cancellations") or return ("returns") that the search finds."""
        name = "return_orders" if kind == "returns" else kind
        rows: list[Answer] = self.call("POST", f"/return_refund/{version}/{kind}/search", body, 200)["data"][name]
        assert len(rows) == 1
        return rows[0]

    def ship(self, order_id: str, number: str = "1Z999AA10123456784", **more: Any) -> Answer:
        body = {"tracking_number": number, "shipping_provider_id": UPS, **more}
        return self.call("POST", f"/fulfillment/202309/orders/{order_id}/packages", body)
