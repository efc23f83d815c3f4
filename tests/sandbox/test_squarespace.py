"""The Squarespace half refuses what Squarespace refuses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox.world import World

APP = {"client_id": "sq-client", "client_secret": "sq-secret", "redirect_urls": ["http://127.0.0.1:9/back"]}
SCOPES = "website.orders,website.orders.read,website.products.read"
AGENT = "Tests (nobody@example.com)"
PAYLOADS = Path(__file__).resolve().parents[1] / "payloads/squarespace"


class Client:
    """Speaks to the half as an extension would."""

    def __init__(self, url: str, world: World) -> None:
        self.url, self.world = url, world
        self.control("app", **APP)
        self.tokens = self.token(
            grant_type="authorization_code", code=self.code(), redirect_uri=APP["redirect_urls"][0]
        )

    def control(self, verb: str, status: int = 200, **body: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.url}/_sandbox/squarespace/{verb}", json=body, timeout=5)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def consent(self, **changes: str) -> requests.Response:
        form = {
            "client_id": APP["client_id"],
            "redirect_uri": APP["redirect_urls"][0],
            "scope": SCOPES,
            "state": "s1",
            "access_type": "offline",
            "decision": "allow",
            **changes,
        }
        page = f"{self.url}/squarespace/login/api/1/login/oauth/provider/authorize"
        return requests.post(page, data=form, timeout=5, allow_redirects=False)

    def code(self, **changes: str) -> str:
        return parse_qs(urlsplit(self.consent(**changes).headers["Location"]).query)["code"][0]

    def ask_token(self, *, agent: str | None = AGENT, **body: Any) -> requests.Response:
        pair = base64.b64encode(b"sq-client:sq-secret").decode()
        headers = {"Authorization": f"Basic {pair}", "User-Agent": agent}
        page = f"{self.url}/squarespace/login/api/1/login/oauth/provider/tokens"
        return requests.post(page, json=body, headers=headers, timeout=5)

    def token(self, **body: Any) -> dict[str, Any]:
        answer = self.ask_token(**body)
        assert answer.ok, answer.text
        return dict(answer.json())

    def call(self, method: str, path: str, body: Any = None, status: int | None = 200, **headers: str) -> Any:
        sent = {"Authorization": f"Bearer {self.tokens['access_token']}", "User-Agent": AGENT, **headers}
        answer = requests.request(method, f"{self.url}/squarespace/api{path}", json=body, headers=sent, timeout=5)
        assert status in (None, answer.status_code), answer.text
        return answer.json() if answer.content else None

    def order(self, **changes: Any) -> dict[str, Any]:
        variants = requests.get(f"{self.url}/_sandbox/squarespace", timeout=5).json()["variants"]
        line = {
            "lineItemType": "PHYSICAL_PRODUCT",
            "variantId": variants[0]["id"],
            "quantity": 2,
            "unitPricePaid": {"currency": "USD", "value": "24.00"},
        }
        made = {
            "channelName": "TikTok Shop",
            "externalOrderReference": "576461413038785751",
            "createdOn": "2026-01-01T00:00:00.000Z",
            "lineItems": [line],
            "grandTotal": {"currency": "USD", "value": "48.00"},
            "priceTaxInterpretation": "EXCLUSIVE",
            "fulfillments": [],
            **changes,
        }
        return {name: value for name, value in made.items() if value is not ...}

    def create(self, status: int = 201, key: str = "k1", **changes: Any) -> dict[str, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        return dict(self.call("POST", "/1.0/commerce/orders", self.order(**changes), status=status, **headers))


@pytest.fixture
def site(url: str, world: World) -> Client:
    return Client(url, world)


def query(world: World, seconds: float = 3600) -> str:
    from datetime import UTC, datetime

    after, before = (datetime.fromtimestamp(world.now() + shift, UTC).isoformat() for shift in (-seconds, 60))
    return f"/1.0/commerce/orders?modifiedAfter={after.replace('+', '%2B')}&modifiedBefore={before.replace('+', '%2B')}"


class TestTokens:
    def test_of_a_code_work_once(self, site: Client) -> None:
        code = site.code()
        body = {"grant_type": "authorization_code", "code": code, "redirect_uri": APP["redirect_urls"][0]}
        assert site.ask_token(**body).ok
        assert site.ask_token(**body).json() == {"error": "invalid_grant"}

    def test_of_a_code_lapse_after_two_minutes(self, site: Client, world: World) -> None:
        code = site.code()
        world.advance(121)
        answer = site.ask_token(grant_type="authorization_code", code=code, redirect_uri=APP["redirect_urls"][0])
        assert answer.status_code == 400

    def test_tell_their_end_as_a_text_of_fractional_seconds(self, site: Client, world: World) -> None:
        assert site.tokens["access_token_expires_at"] == f"{world.now() + 1800:.3f}"
        assert "expires_in" not in site.tokens

    def test_come_without_a_refresh_token_unless_access_is_offline(self, site: Client) -> None:
        code = site.code(access_type="")
        made = site.token(grant_type="authorization_code", code=code, redirect_uri=APP["redirect_urls"][0])
        assert "refresh_token" not in made

    def test_rotate_and_the_old_one_dies_when_the_new_pair_is_used(self, site: Client) -> None:
        old = site.tokens["refresh_token"]
        site.tokens = site.token(grant_type="refresh_token", refresh_token=old)
        assert site.ask_token(grant_type="refresh_token", refresh_token=old).ok
        site.tokens = site.token(grant_type="refresh_token", refresh_token=old)
        site.call("GET", "/1.0/authorization/website")
        assert site.ask_token(grant_type="refresh_token", refresh_token=old).status_code == 400

    def test_lapse_after_half_an_hour(self, site: Client, world: World) -> None:
        world.advance(1801)
        assert site.call("GET", "/1.0/authorization/website", status=401)["type"] == "AUTHORIZATION_ERROR"

    def test_are_refused_without_a_user_agent(self, site: Client) -> None:
        answer = site.ask_token(agent="", grant_type="refresh_token", refresh_token=site.tokens["refresh_token"])
        assert (answer.status_code, answer.json()["error_description"]) == (400, "SEC-43")

    def test_are_refused_to_a_client_without_the_secret(self, site: Client) -> None:
        page = f"{site.url}/squarespace/login/api/1/login/oauth/provider/tokens"
        assert requests.post(page, json={}, headers={"User-Agent": AGENT}, timeout=5).status_code == 401


class TestConsent:
    def test_that_is_refused_says_so_with_the_state(self, site: Client) -> None:
        location = site.consent(decision="refuse").headers["Location"]
        assert parse_qs(urlsplit(location).query) == {"error": ["access_denied"], "state": ["s1"]}

    def test_is_for_the_site_that_the_landing_named(self, site: Client) -> None:
        website_id = "5f3c3d55ac435e1a051f77c4"
        code = site.code(website_id=website_id)
        site.tokens = site.token(grant_type="authorization_code", code=code, redirect_uri=APP["redirect_urls"][0])
        assert site.call("GET", "/1.0/authorization/website")["id"] == website_id

    @pytest.mark.parametrize(
        "changes", [{"client_id": "x"}, {"redirect_uri": "http://evil.example"}, {"scope": "website.everything"}]
    )
    def test_is_not_asked_for_a_stranger(self, site: Client, changes: dict[str, str]) -> None:
        assert site.consent(**changes).status_code == 400


class TestCall:
    def test_without_a_user_agent_of_its_own_is_refused(self, site: Client) -> None:
        said = site.call("GET", "/1.0/authorization/website", status=400, **{"User-Agent": "python-requests/2"})
        assert set(said) == {"type", "subtype", "message", "details", "contextId"}

    def test_outside_its_scope_is_refused(self, site: Client) -> None:
        site.call("GET", "/1.0/commerce/transactions", status=403)

    def test_over_the_pace_cools_down_for_a_minute(self, site: Client, world: World) -> None:
        site.control("settings", calls_per_minute=3)
        for _ in range(3):
            site.call("GET", "/1.0/authorization/website")
        site.call("GET", "/1.0/authorization/website", status=429)
        world.advance(59)
        site.call("GET", "/1.0/authorization/website", status=429)
        world.advance(2)
        site.call("GET", "/1.0/authorization/website")


class TestCreate:
    def test_makes_an_order_paid_elsewhere(self, site: Client) -> None:
        order = site.create()
        assert (order["channel"], order["paymentState"], order["orderNumber"]) == ("external", "PAID", "1")
        assert order["externalOrderReference"] == "576461413038785751"
        assert order["lineItems"][0]["sku"] == "CND-FIG-08"

    @pytest.mark.parametrize(
        "name",
        [
            "channelName",
            "externalOrderReference",
            "createdOn",
            "lineItems",
            "grandTotal",
            "priceTaxInterpretation",
            "fulfillments",
        ],
    )
    def test_needs_its_required_fields(self, site: Client, name: str) -> None:
        assert site.create(400, **{name: ...})["subtype"] == "MISSING_ARGUMENT"

    @pytest.mark.parametrize(
        "changes",
        [
            {"channelName": "x" * 31},
            {"externalOrderReference": "x" * 201},
            {"priceTaxInterpretation": "MAYBE"},
            {"fulfillmentStatus": "CANCELED"},
            {"grandTotal": {"currency": "USD", "value": 48}},
            {"grandTotal": {"currency": "USD", "value": "48.001"}},
            {"grandTotal": {"currency": "JPY", "value": "48.5"}},
            {"createdOn": "yesterday"},
            {"tags": ["x"]},
            {"shippingAddress": {"street": "x"}},
            {"lineItems": []},
        ],
    )
    def test_refuses_what_is_wrong(self, site: Client, changes: dict[str, Any]) -> None:
        site.create(400, **changes)

    @pytest.mark.parametrize(
        "changes",
        [{"title": "Candle"}, {"variantId": "nobody"}, {"variantId": None}, {"quantity": 0}, {"quantity": "1"}],
    )
    def test_refuses_a_line_that_is_wrong(self, site: Client, changes: dict[str, Any]) -> None:
        line = {**site.order()["lineItems"][0], **changes}
        site.create(400, lineItems=[line])

    def test_of_the_hundred_and_first_in_an_hour_is_refused_to_an_api_key(self, site: Client, world: World) -> None:
        site.control("settings", creates_per_hour=2)
        for number in range(2):
            site.create(key=f"k{number}")
        site.create(429, key="k2")
        world.advance(3601)
        site.tokens = site.token(grant_type="refresh_token", refresh_token=site.tokens["refresh_token"])
        site.create(key="k2")

    def test_fails_when_it_should_deduct_what_is_not_there(self, site: Client) -> None:
        site.control("set_stock", sku="CND-FIG-08", quantity=1)
        site.create(409, inventoryBehavior="DEDUCT")
        assert site.create(inventoryBehavior="SKIP")["id"]


class TestKey:
    def test_is_needed(self, site: Client) -> None:
        site.create(400, key="")
        site.create(400, key="x" * 65)

    def test_that_is_repeated_brings_the_same_order(self, site: Client) -> None:
        assert site.create()["id"] == site.create()["id"]

    def test_with_another_body_is_a_conflict(self, site: Client) -> None:
        site.create()
        site.create(409, channelName="Other")

    def test_is_forgotten_after_a_day(self, site: Client, world: World) -> None:
        first = site.create()["id"]
        world.advance(86_401)
        site.tokens = site.token(grant_type="refresh_token", refresh_token=site.tokens["refresh_token"])
        assert site.create()["id"] != first


class TestList:
    def test_pages_newest_change_first(self, site: Client, world: World) -> None:
        site.control("settings", page_size=2)
        for number in range(3):
            site.create(key=f"k{number}", externalOrderReference=f"r{number}")
            world.advance(1)
        page = site.call("GET", query(world))
        assert [order["externalOrderReference"] for order in page["result"]] == ["r2", "r1"]
        rest = site.call("GET", f"/1.0/commerce/orders?cursor={page['pagination']['nextPageCursor']}")
        assert [order["externalOrderReference"] for order in rest["result"]] == ["r0"]
        assert rest["pagination"]["hasNextPage"] is False

    def test_refuses_a_cursor_beside_dates_and_one_date_alone(self, site: Client, world: World) -> None:
        site.call("GET", f"{query(world)}&cursor=00", status=400)
        site.call("GET", "/1.0/commerce/orders?modifiedAfter=2026-01-01T00:00:00Z", status=400)

    def test_may_tell_empty_arrays_as_null(self, site: Client) -> None:
        site.control("settings", null_arrays=True)
        assert site.call("GET", "/1.0/commerce/orders")["result"] is None
        assert site.create()["fulfillments"] is None


class TestPanel:
    def test_ships_the_whole_order_in_two_parcels(self, site: Client) -> None:
        order = site.create()
        for number in ("1", "2"):
            site.control("ship", order="#1", tracking_number=number, carrier="USPS")
        told = site.call("GET", f"/1.0/commerce/orders/{order['id']}")
        assert told["fulfillmentStatus"] == "FULFILLED"
        assert [parcel["trackingNumber"] for parcel in told["fulfillments"]] == ["1", "2"]

    def test_may_mark_it_fulfilled_without_a_parcel(self, site: Client) -> None:
        order = site.create()
        site.control("mark_fulfilled", order="#1")
        told = site.call("GET", f"/1.0/commerce/orders/{order['id']}")
        assert (told["fulfillmentStatus"], told["fulfillments"]) == ("FULFILLED", [])
        assert told["fulfilledOn"]

    def test_cancels_what_no_call_can(self, site: Client) -> None:
        order = site.create()
        site.call("POST", f"/1.0/commerce/orders/{order['id']}/cancel", status=404)
        site.control("cancel", order="1")
        assert site.call("GET", f"/1.0/commerce/orders/{order['id']}")["fulfillmentStatus"] == "CANCELED"


class TestWebhook:
    def subscribe(self, site: Client, address: str) -> dict[str, Any]:
        body = {"endpointUrl": address, "topics": ["order.create", "order.update"]}
        return dict(site.call("POST", "/1.0/webhook_subscriptions", body, status=201))

    def test_is_signed_with_the_bytes_of_the_secret(self, site: Client, world: World, receiver: Any) -> None:
        address, got, _ = receiver
        secret = self.subscribe(site, address)["secret"]
        order = site.create()
        world.outgoing.drain()
        headers, body = got[0]
        assert headers["Squarespace-Signature"] == hmac.new(bytes.fromhex(secret), body, hashlib.sha256).hexdigest()
        said = json.loads(body)
        assert (said["topic"], said["data"]) == ("order.create", {"orderId": order["id"]})
        assert said["createdOn"].count(":") == 2  # hours, minutes, and the zone's

    def test_secret_is_told_only_on_create_and_rotate(self, site: Client) -> None:
        made = self.subscribe(site, "http://127.0.0.1:9/w")
        listed = site.call("GET", "/1.0/webhook_subscriptions")["webhookSubscriptions"]
        assert "secret" not in listed[0]
        rotated = site.call("POST", f"/1.0/webhook_subscriptions/{made['id']}/actions/rotateSecret")
        assert rotated["secret"] != made["secret"]

    def test_subscription_is_deleted_after_failures(self, site: Client, world: World, receiver: Any) -> None:
        address, _, statuses = receiver
        statuses[:] = [500]
        site.control("settings", drop_after=2)
        self.subscribe(site, address)
        site.create()
        world.outgoing.drain()
        world.advance(61)
        world.outgoing.drain()
        assert site.call("GET", "/1.0/webhook_subscriptions")["webhookSubscriptions"] == []

    def test_topics_are_known_ones(self, site: Client) -> None:
        body = {"endpointUrl": "http://127.0.0.1:9/w", "topics": ["inventory.update"]}
        site.call("POST", "/1.0/webhook_subscriptions", body, status=400)


class TestShape:
    @pytest.mark.parametrize("name", ["order_fulfilled.json", "orders_made_over_the_api.json"])
    def test_of_an_order_has_every_field_that_was_captured(self, site: Client, name: str) -> None:
        captured = json.loads((PAYLOADS / name).read_text())
        captured = captured["result"][0] if "result" in captured else captured
        made = site.create(**{each: captured[each] for each in ("shippingLines", "discountLines") if each in captured})
        assert set(captured) <= set(made)
        assert set(captured["lineItems"][0]) <= set(made["lineItems"][0])
        site.control("ship", order="#1", tracking_number="1", carrier="USPS")
        told = site.call("GET", f"/1.0/commerce/orders/{made['id']}")
        for parcel in captured.get("fulfillments", []):
            assert set(parcel) == set(told["fulfillments"][0])

    def test_of_a_page_is_the_captured_one(self, site: Client) -> None:
        captured = json.loads((PAYLOADS / "orders_made_over_the_api.json").read_text())
        told = site.call("GET", "/1.0/commerce/orders")
        assert (set(told), set(told["pagination"])) == (set(captured), set(captured["pagination"]))

    def test_of_a_webhook_is_the_documented_one(self, site: Client, world: World, receiver: Any) -> None:
        address, got, _ = receiver
        body = {"endpointUrl": address, "topics": ["order.create"]}
        site.call("POST", "/1.0/webhook_subscriptions", body, status=201)
        site.create()
        world.outgoing.drain()
        documented = json.loads((PAYLOADS / "webhook_order_create.json").read_text())
        told = json.loads(got[0][1])
        assert (list(told), list(told["data"])) == (list(documented), list(documented["data"]))
        assert len(told["createdOn"]) == len(documented["createdOn"])


class TestProducts:
    def test_page_through_the_catalog(self, site: Client) -> None:
        site.control("settings", page_size=8)
        page = site.call("GET", "/v2/commerce/products?type=PHYSICAL")
        rest = site.call("GET", f"/v2/commerce/products?cursor={page['pagination']['nextPageCursor']}")
        skus = [variant["sku"] for product in page["products"] + rest["products"] for variant in product["variants"]]
        assert len(skus) == len(set(skus)) == 10


class TestLedger:
    def test_tells_what_happened(self, site: Client, world: World) -> None:
        site.create()
        (made,) = [entry for entry in world.ledger if entry["event"] == "order.created"]
        assert (made["reference"], made["total"], made["lines"]) == ("576461413038785751", "48.00", {"CND-FIG-08": 2})
