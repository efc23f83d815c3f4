"""Alice's shop, and the store she fulfills from."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from accounts.access import merchant_rows, open_merchant
from accounts.models import Merchant, User
from connectors.models import ConnectedStore, StorePart
from tests.factories import UserFactory, switch_on
from tests.orders.builders import NOON


@pytest.fixture
def alices(db: None) -> Merchant:
    return open_merchant(name="Alice's Candles", owner=UserFactory(email="alice@example.com"))


@pytest.fixture
def tiktok(alices: Merchant) -> ConnectedStore:
    with merchant_rows(alices.pk):
        store = ConnectedStore.objects.create(
            merchant=alices,
            platform="tiktok_shop",
            part=StorePart.SOURCE,
            external_id="7495123456789012345",
            name="Alice's Candles",
            region="US",
            currency="USD",
            connected_at=NOON - timedelta(days=1),
        )
    switch_on(store)
    return store


@pytest.fixture
def shopify(alices: Merchant) -> ConnectedStore:
    with merchant_rows(alices.pk):
        return ConnectedStore.objects.create(
            merchant=alices,
            platform="shopify",
            part=StorePart.DESTINATION,
            external_id="alices-candles.myshopify.com",
            name="alices-candles",
            currency="USD",
            domain="alices-candles.myshopify.com",
            connected_at=NOON - timedelta(days=1),
        )


@pytest.fixture
def alice(client: Client, tiktok: ConnectedStore) -> Client:
    client.force_login(User.objects.get(email="alice@example.com"))
    return client
