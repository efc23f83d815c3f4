"""Every route, tried by Charlie of another merchant and by nobody. A new route with a parameter needs a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.access import merchant_rows, open_merchant
from accounts.models import Membership, Role, User
from connectors.base.types import Credentials, SourceStatus
from connectors.models import ConnectedStore
from orders import beats, requests, returns, saving
from orders.ingest import store_order
from orders.models import Cancellation, Order, Return, Route
from tests.factories import UserFactory
from tests.orders.aftersale_builders import cancellation, returned
from tests.orders.builders import NOON, seen
from tests.orders.conftest import alices, shopify, tiktok

__all__ = ["alices", "shopify", "tiktok"]

# Routes of packages, whose own rules hold; and those that are for everybody, or carry their own proof.
LEFT_OUT = ("accounts/", "staff/")
OPEN_TO_ALL = {"health/live", "health/ready", "metrics", "webhooks/<slug:platform>/", ""}
SECRETS = ("Jane Doe", "Fig &amp; Cedar", "CND-FIG-08", "Alice", "alices-candles")


def routes(patterns: list[Any] | None = None, before: str = "") -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if not route.startswith(LEFT_OUT):
                yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


@pytest.fixture
def alices_order(tiktok: ConnectedStore, shopify: ConnectedStore) -> Order:
    with merchant_rows(shopify.merchant_id):
        saving.save_options(store=shopify, options={"any": "choice"}, by=saving.Author(name="Alice", now=NOON))
    order = store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT), store=tiktok, now=NOON)
    with merchant_rows(order.merchant_id):
        requests.keep(order=order, seen=[cancellation()], now=NOON)
        returns.keep(order=order, seen=[returned()], now=NOON)
        return Order.objects.select_related("source_store").get(pk=order.pk)


@pytest.fixture
def charlie(client: Client, db: None) -> Client:
    user = UserFactory(email="charlie@example.com")
    open_merchant(name="Charlie's Cards", owner=user)
    beats.begin(name="north", now=timezone.now())  # without a worker the site is not ready, and says so with 503
    client.force_login(user)
    return client


def address(route: str, order: Order, store: ConnectedStore) -> str:
    recipes = {"<int:order_id>": str(order.pk), "<slug:platform>": "shopify", "<int:store_id>": str(store.pk)}
    recipes |= {"<slug:group>": "samples", "<int:number>": "1"}
    recipes |= {"<int:record_id>": "1", "<str:decision>": "APPROVE_RETURN"}
    with merchant_rows(order.merchant_id):
        recipes["<int:cancellation_id>"] = str(Cancellation.objects.get(order=order).pk)
        recipes["<int:return_id>"] = str(Return.objects.get(order=order).pk)
    recipes["<int:route_id>"] = str(Route.objects.values_list("pk", flat=True).first() or 1)
    for parameter, value in recipes.items():
        route = route.replace(parameter, value)
    assert "<" not in route, f"no recipe for {route}: add one, so that Charlie tries it"
    return f"/{route}"


class TestEveryRoute:
    @pytest.mark.parametrize("route", sorted(routes()))
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_tells_charlie_nothing_of_alices(
        self, charlie: Client, alices_order: Order, shopify: ConnectedStore, route: str, method: str
    ) -> None:
        data = {"merchant": str(alices_order.merchant_id)} if method == "post" else {"q": ""}
        answer = getattr(charlie, method)(address(route, alices_order, shopify), data)
        assert answer.status_code < 500
        page = answer.content.decode()
        assert not [secret for secret in SECRETS if secret in page]
        if "<int:" in route:
            assert answer.status_code in (404, 405)

    @pytest.mark.parametrize("route", sorted(set(routes()) - OPEN_TO_ALL))
    def test_sends_nobody_to_log_in(
        self, client: Client, alices_order: Order, shopify: ConnectedStore, route: str
    ) -> None:
        answer = client.get(address(route, alices_order, shopify))
        if answer.status_code != 405:
            assert answer["Location"].startswith("/accounts/login/")

    def test_changes_nothing_of_alices_for_charlie(
        self, charlie: Client, alices_order: Order, shopify: ConnectedStore
    ) -> None:
        with merchant_rows(alices_order.merchant_id):
            before = Order.objects.get(pk=alices_order.pk)
        for route in routes():
            charlie.post(address(route, alices_order, shopify), {"merchant": str(alices_order.merchant_id)})
        with merchant_rows(alices_order.merchant_id):
            kept = Order.objects.get(pk=alices_order.pk)
            assert (kept.version, kept.state) == (before.version, before.state)
            assert ConnectedStore.objects.get(pk=shopify.pk).state == "CONNECTED"


class TestRole:
    @pytest.mark.parametrize("route", [route for route in sorted(routes()) if "<int:order_id>" in route])
    def test_of_a_viewer_changes_no_order(
        self, client: Client, alices_order: Order, shopify: ConnectedStore, route: str
    ) -> None:
        bob = UserFactory(email="bob@example.com")
        with merchant_rows(alices_order.merchant_id):
            Membership.objects.create(merchant_id=alices_order.merchant_id, user=bob, role=Role.VIEWER)
        client.force_login(bob)
        assert client.post(address(route, alices_order, shopify)).status_code in (403, 405)

    def test_of_somebody_removed_ends_at_once(self, client: Client, alices_order: Order) -> None:
        client.force_login(User.objects.get(email="alice@example.com"))
        assert client.get(f"/orders/{alices_order.pk}/").status_code == 200
        with merchant_rows(alices_order.merchant_id):
            Membership.objects.all().delete()
        assert client.get(f"/orders/{alices_order.pk}/").status_code == 403


class TestStaffAdmin:
    def test_shows_every_merchant_and_no_secret(
        self, client: Client, alices_order: Order, shopify: ConnectedStore
    ) -> None:
        with merchant_rows(shopify.merchant_id):
            shopify.credentials = Credentials(access_token="shpat_canary", refresh_token="shprt_canary")
            shopify.save()
        client.force_login(UserFactory(email="staff@example.com", is_staff=True, is_superuser=True))
        models = ("order", "orderevent", "mirror", "outboxitem", "fulfillment", "route", "setaside")
        for url in (
            *(f"/staff/orders/{model}/" for model in models),
            *(f"/staff/connectors/{model}/" for model in ("connectedstore", "webhookdelivery", "apicall")),
            *(f"/staff/accounts/{model}/" for model in ("user", "merchant", "membership")),
            f"/staff/connectors/connectedstore/{shopify.pk}/change/",
            f"/staff/orders/order/{alices_order.pk}/change/",
        ):
            answer = client.get(url)
            assert answer.status_code == 200, url
            page = answer.content.decode()
            assert "canary" not in page
            assert shopify.credentials_text not in page
            assert "Harbor Street" not in page
        assert alices_order.external_id in client.get("/staff/orders/order/").content.decode()

    def test_is_shut_to_merchants(self, charlie: Client) -> None:
        assert charlie.get("/staff/orders/order/").status_code == 302
