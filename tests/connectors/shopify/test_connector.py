"""Single edges of the Shopify connector, over real HTTP."""

import json
from datetime import UTC, datetime

import pytest

from connectors.base.connector import AuthorizationRequest
from connectors.base.errors import (
    AuthorizationError,
    InvalidSignature,
    OutcomeUnknown,
    PermanentError,
    RateLimited,
    ScopeMissing,
    TemporaryError,
)
from connectors.base.types import Credentials, RawRequest, StoreIdentity
from connectors.http import HttpClient
from connectors.platforms.shopify import signing
from connectors.platforms.shopify.connector import Shopify
from tests.connectors.shopify.test_mapping import draft

SHOP = "alices-candles.myshopify.com"
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
PATH = f"/shopify/{SHOP}/admin/api/2026-07/graphql.json"
PLACED = {
    "id": "gid://shopify/Order/7",
    "legacyResourceId": "7",
    "name": "#1001",
    "sourceIdentifier": "5764",
    "totalPriceSet": {"shopMoney": {"amount": "33.9", "currencyCode": "USD"}},
}


@pytest.fixture
def shopify(httpserver):
    return Shopify(
        config={
            "CLIENT_ID": "id",
            "CLIENT_SECRET": "new, old",
            "API_VERSION": "2026-07",
            "BASE_URL": httpserver.url_for("/shopify/{shop}"),
        },
        http=HttpClient(),
        clock=lambda: NOW,
        store=StoreIdentity(SHOP, "Alice's Candles"),
        credentials=Credentials("token", refresh_token="r1"),
    )


def signed(secret="old", **query):
    query = {"shop": SHOP, "timestamp": str(int(NOW.timestamp())), **query}
    return RawRequest(b"", {}, {**query, "hmac": signing.query_signature(signing.query_messages(query)[0], secret)})


class TestCallback:
    def test_reads_a_landing_without_code_signed_by_the_older_secret(self, shopify):
        answer = shopify.read_callback(signed())
        assert (answer.code, answer.state, answer.shop) == ("", "", SHOP)

    @pytest.mark.parametrize("query", [{"timestamp": "1"}, {"timestamp": "²"}, {"shop": "evil.com"}])
    def test_refuses_the_late_and_the_foreign(self, shopify, query):
        with pytest.raises(InvalidSignature):
            shopify.read_callback(signed(code="c", state="s", **query))

    def test_builds_no_address_for_another_host(self, shopify):
        with pytest.raises(PermanentError):
            shopify.authorize_url(AuthorizationRequest("s", "https://us.example/cb", shop="evil.com"))

    def test_keeps_both_tokens_and_what_was_granted(self, shopify, httpserver):
        body = {"access_token": "a", "expires_in": 3600, "refresh_token": "r2", "scope": "write_orders,read_products"}
        httpserver.expect_request(f"/shopify/{SHOP}/admin/oauth/access_token").respond_with_json(body)
        fresh = shopify.refresh()
        assert (fresh.refresh_token, fresh.scopes) == ("r2", ("write_orders", "read_products"))
        assert fresh.access_expires_at == datetime(2026, 11, 2, 13, tzinfo=UTC)


class TestCreate:
    def create(self, shopify):
        return shopify.create_order(draft(), reference="5764")

    def test_answers_shopifys_own_total_and_a_link(self, shopify, httpserver):
        httpserver.expect_request(PATH).respond_with_json(
            {"data": {"orderCreate": {"order": PLACED, "userErrors": []}}}
        )
        placed = self.create(shopify)
        assert (placed.total, placed.currency, placed.reference) == (3390, "USD", "5764")
        assert placed.url.endswith(f"{SHOP}/admin/orders/7")

    def test_waits_as_long_as_the_bucket_needs(self, shopify, httpserver):
        cost = {
            "requestedQueryCost": 112,
            "actualQueryCost": None,
            "throttleStatus": {"currentlyAvailable": 12, "restoreRate": 50.0},
        }
        errors = [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
        httpserver.expect_request(PATH).respond_with_json({"errors": errors, "extensions": {"cost": cost}})
        with pytest.raises(RateLimited) as caught:
            self.create(shopify)
        assert caught.value.retry_after == 2.0

    @pytest.mark.parametrize(
        ("status", "body", "kind"),
        [
            (401, {"errors": "[API] Invalid API key"}, AuthorizationError),
            (402, {}, TemporaryError),
            (404, {}, PermanentError),
            (500, {}, OutcomeUnknown),
            (503, {}, OutcomeUnknown),
            (200, "no json", OutcomeUnknown),
            (200, {"data": {"orderCreate": None}}, OutcomeUnknown),
            (200, {"errors": [{"extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}, OutcomeUnknown),
            (200, {"errors": [{"extensions": {"code": "ACCESS_DENIED"}}]}, ScopeMissing),
            (200, {"errors": [{"extensions": {"code": "INVALID_VARIABLE"}}]}, PermanentError),
        ],
    )
    def test_sorts_failures(self, shopify, httpserver, status, body, kind):
        text = body if isinstance(body, str) else json.dumps(body)
        httpserver.expect_request(PATH).respond_with_data(text, status=status)
        with pytest.raises(kind) as caught:
            self.create(shopify)
        assert type(caught.value) is kind


class TestFind:
    def test_compares_exactly_and_never_takes_a_failure_as_absent(self, shopify, httpserver):
        near = {**PLACED, "sourceIdentifier": "57640"}
        page = {"orders": {"nodes": [near], "pageInfo": {"hasNextPage": False}}}
        httpserver.expect_ordered_request(PATH).respond_with_json({"data": {"orderByIdentifier": None}})
        httpserver.expect_ordered_request(PATH).respond_with_json({"data": page})
        assert shopify.find_order("5764", since=NOW) is None
        httpserver.expect_ordered_request(PATH).respond_with_json({"data": {"orderByIdentifier": None}})
        httpserver.expect_ordered_request(PATH).respond_with_json(
            {"errors": [{"message": "x"}], "data": {"orders": None}}
        )
        with pytest.raises(TemporaryError):
            shopify.find_order("5764", since=NOW)

    def test_keys_variants_by_the_asked_sku(self, shopify, httpserver):
        nodes = [{"id": "v1", "sku": "cnd-1 "}, {"id": "v2", "sku": "CND-10"}]
        page = {"productVariants": {"nodes": nodes, "pageInfo": None}}
        httpserver.expect_request(PATH).respond_with_json({"data": page})
        found = shopify.find_variants(["CND-1", "X"])
        assert [hit.external_id for hit in found["CND-1"]] == ["v1"]
        assert found["X"] == []


class TestSeveralCalls:
    def answer(self, httpserver, *datas):
        for data in datas:
            httpserver.expect_ordered_request(PATH).respond_with_json({"data": data})

    def test_a_cancel_is_done_only_when_the_order_says_so(self, shopify, httpserver):
        self.answer(
            httpserver,
            {"orderCancel": {"job": {"id": "j", "done": False}, "orderCancelUserErrors": []}},
            {"job": {"id": "j", "done": True}},
            {"order": PLACED},
        )
        assert not shopify.cancel_order("gid://shopify/Order/7", reason="x", restock=True).is_cancelled

    def test_only_missing_topics_are_subscribed(self, shopify, httpserver):
        topics = ["ORDERS_CANCELLED", "ORDERS_DELETE", "FULFILLMENTS_CREATE", "FULFILLMENTS_UPDATE", "REFUNDS_CREATE"]
        nodes = [{"topic": topic, "uri": "https://us.example/w"} for topic in [*topics, "APP_UNINSTALLED"]]
        self.answer(
            httpserver,
            {"metafieldDefinitionCreate": {"userErrors": [{"code": "TAKEN", "message": "taken"}]}},
            {"webhookSubscriptions": {"nodes": nodes, "pageInfo": {"hasNextPage": False}}},
            {"webhookSubscriptionCreate": {"webhookSubscription": {"id": "w"}, "userErrors": []}},
        )
        assert shopify.ensure_webhooks("https://us.example/w").made == ("ORDERS_UPDATED",)

    def test_lines_of_a_long_fulfillment_are_paged(self, shopify, httpserver):
        def page(sku, more):
            info = {"hasNextPage": more, "endCursor": "c"}
            return {"fulfillmentLineItems": {"nodes": [{"quantity": 1, "lineItem": {"sku": sku}}], "pageInfo": info}}

        node = {"id": "gid://shopify/Fulfillment/1", "status": "SUCCESS", **page("A", True)}
        self.answer(httpserver, {"order": {"fulfillments": [node]}}, {"fulfillment": page("B", False)})
        (shipment,) = shopify.shipments_of("gid://shopify/Order/7")
        assert [line.sku for line in shipment.lines] == ["A", "B"]
