"""Every save is a version, and any of them comes back."""

from __future__ import annotations

import pytest

from accounts.access import merchant_rows
from accounts.models import Merchant
from orders import shipping, versions
from orders.models import Concern, Route, SettingsVersion, ShippingMapping
from orders.rules import Email, Filter, FilterBy, RouteRules
from tests.factories import MerchantFactory, StoreFactory
from tests.orders.builders import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Merchant:
    merchant: Merchant = MerchantFactory()
    return merchant


def save_method(store, title: str) -> None:  # type: ignore[no-untyped-def]
    with (
        merchant_rows(store.merchant_id),
        versions.saving(
            merchant_id=store.merchant_id, concern=Concern.SHIPPING, about=str(store.pk), author="Alice", now=NOON
        ),
    ):
        shipping.save_mapping(store=store, option_id="7", name="Standard", to=(title, title.upper()))


class TestSaving:
    def test_is_a_version_with_what_changed(self, alice: Merchant) -> None:
        store = StoreFactory(merchant=alice, shopify=True)
        save_method(store, "Ground")
        save_method(store, "Express")
        with merchant_rows(alice.pk):
            first, second = SettingsVersion.objects.order_by("number")
        assert (first.number, second.number, second.author) == (1, 2, "Alice")
        changed = {tuple(each["what"]): (each["before"], each["after"]) for each in second.changes}
        assert changed == {("7", "title"): ("Ground", "Express"), ("7", "code"): ("GROUND", "EXPRESS")}

    def test_of_the_same_is_none(self, alice: Merchant) -> None:
        store = StoreFactory(merchant=alice, shopify=True)
        save_method(store, "Ground")
        save_method(store, "Ground")
        with merchant_rows(alice.pk):
            assert SettingsVersion.objects.count() == 1


class TestRestore:
    def test_brings_the_state_back_as_a_new_version(self, alice: Merchant) -> None:
        store = StoreFactory(merchant=alice, shopify=True)
        save_method(store, "Ground")
        save_method(store, "Express")
        with merchant_rows(alice.pk):
            first = SettingsVersion.objects.get(number=1)
            versions.restore(version=first, author="Bob", now=NOON)
            assert ShippingMapping.objects.get(store=store).title == "Ground"
            newest = SettingsVersion.objects.get(number=3)
        assert (newest.restores, newest.author, newest.document) == (1, "Bob", first.document)

    def test_brings_routes_back_that_were_removed(self, alice: Merchant) -> None:
        shop, store = StoreFactory(merchant=alice), StoreFactory(merchant=alice, shopify=True)

        def saving() -> object:
            return versions.saving(
                merchant_id=alice.pk, concern=Concern.ROUTES, about=str(shop.pk), author="Alice", now=NOON
            )

        with merchant_rows(alice.pk):
            with saving():  # type: ignore[attr-defined]
                Route.objects.create(merchant=alice, source_store=shop, destination_store=store, position=3)
            with saving():  # type: ignore[attr-defined]
                Route.objects.all().delete()
            versions.restore(version=SettingsVersion.objects.get(number=1), author="Alice", now=NOON)
            assert Route.objects.get().position == 3

    def test_says_what_is_no_more(self, alice: Merchant) -> None:
        shop, store = StoreFactory(merchant=alice), StoreFactory(merchant=alice, shopify=True)
        version = SettingsVersion(
            merchant_id=alice.pk,
            number=1,
            concern=Concern.RULES,
            about=versions.about_route(shop.pk, store.pk),
            document={},
        )
        with merchant_rows(alice.pk), pytest.raises(versions.CannotRestore, match="route is no more"):
            versions.restore(version=version, author="Alice", now=NOON)


class TestRules:
    def test_are_kept_as_what_differs_and_come_back_whole(self) -> None:
        rules = RouteRules(
            tags=("gift",), email=Email.NONE, filters=(Filter("No candles", FilterBy.SKU, "CND-*"),), combine_hours=2.5
        )
        kept = rules.to_json()
        assert set(kept) == {"tags", "email", "filters", "combine_hours"}
        assert RouteRules.from_json(kept) == rules
        assert RouteRules.from_json({}) == RouteRules()

    def test_of_another_version_of_the_program_are_read(self) -> None:
        assert RouteRules.from_json({"not_known": 1, "number_prefix": "TT-"}).number_prefix == "TT-"
