from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.access import (
    AccessDenied,
    all_merchants,
    membership_for,
    memberships_of,
    merchant_rows,
    open_merchant,
)
from accounts.models import Membership, Merchant, Role
from tests.factories import MerchantFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return UserFactory(email="alice@example.com", name="Alice")


@pytest.fixture
def charlie():
    return UserFactory(email="charlie@example.com", name="Charlie")


@pytest.fixture
def candles(alice):
    return open_merchant(name="Alice's Candles", owner=alice)


@pytest.fixture
def cards(charlie):
    return open_merchant(name="Charlie's Cards", owner=charlie)


class TestRowLevelSecurity:
    def test_acts_as_neither_superuser_nor_owner(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "select current_user, (select rolsuper or rolbypassrls from pg_roles where rolname = current_user),"
                " (select count(*) from pg_tables where schemaname = 'public' and tableowner = current_user)"
            )
            assert cursor.fetchone() == ("verisync_app", False, 0)

    def test_shows_nothing_while_no_merchant_is_named(self, candles, cards):
        assert Membership.objects.count() == 0
        assert Merchant.objects.count() == 0

    def test_shows_one_merchant_even_to_a_query_without_a_filter(self, candles, cards):
        with merchant_rows(candles.pk):
            assert [m.merchant_id for m in Membership.objects.all()] == [candles.pk]
            assert list(Merchant.objects.all()) == [candles]

    def test_refuses_to_write_into_another_merchant(self, candles, cards, alice):
        with pytest.raises(DatabaseError, match="row-level security"), merchant_rows(candles.pk):
            Membership.objects.create(merchant=cards, user=alice, role=Role.OWNER)

    def test_forgets_the_merchant_when_the_block_ends(self, candles):
        with transaction.atomic():
            with merchant_rows(candles.pk):
                assert Membership.objects.count() == 1
            assert Membership.objects.count() == 0

    def test_forgets_the_merchant_when_the_block_fails(self, candles):
        with pytest.raises(RuntimeError), merchant_rows(candles.pk):
            raise RuntimeError
        assert Membership.objects.count() == 0

    def test_crosses_tenants_only_when_that_is_spelled_out(self, candles, cards):
        with all_merchants("this test"):
            assert Membership.objects.count() == 2
        assert Membership.objects.count() == 0

    def test_covers_every_table_that_names_a_merchant(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
                " where n.nspname = 'public' and c.relkind = 'r' and not (c.relrowsecurity and c.relforcerowsecurity)"
                " and exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'merchant_id')"
            )
            assert cursor.fetchall() == []


class TestMembership:
    def test_lets_the_owner_in(self, alice, candles):
        assert membership_for(user=alice, merchant_id=candles.pk, at_least=Role.OWNER).merchant == candles

    def test_keeps_the_other_merchants_owner_out(self, charlie, candles, cards):
        with pytest.raises(AccessDenied):
            membership_for(user=charlie, merchant_id=candles.pk)

    def test_keeps_a_viewer_from_an_owners_work(self, candles):
        bob = UserFactory(email="bob@example.com")
        with merchant_rows(candles.pk):
            Membership.objects.create(merchant=candles, user=bob, role=Role.VIEWER)
        with pytest.raises(AccessDenied, match="owner"):
            membership_for(user=bob, merchant_id=candles.pk, at_least=Role.OWNER)

    def test_lists_a_persons_merchants(self, alice, candles, cards):
        assert [m.merchant.name for m in memberships_of(alice)] == ["Alice's Candles"]


class TestNestedDoors:
    def test_the_inner_one_leaves_the_outer_open(self, db: None) -> None:
        open_merchant(name="Alice's Candles", owner=UserFactory())
        with all_merchants("outer"):
            with all_merchants("inner"):
                pass
            assert Merchant.objects.count() == 1
        assert Merchant.objects.count() == 0


@pytest.mark.django_db(transaction=True)
class TestScopeOfThreads:
    def test_is_each_threads_own(self) -> None:
        """What one thread has set says nothing of another's connection."""
        first, second = MerchantFactory(), MerchantFactory()
        is_inside, may_leave, seen = threading.Event(), threading.Event(), []

        def other() -> None:
            with merchant_rows(second.pk):
                is_inside.set()
                may_leave.wait(10)
                seen.append(list(Merchant.objects.values_list("pk", flat=True)))
            connection.close()

        thread = threading.Thread(target=other)
        with merchant_rows(first.pk):
            thread.start()
            assert is_inside.wait(10)
            with merchant_rows(first.pk):
                assert list(Merchant.objects.values_list("pk", flat=True)) == [first.pk]
            may_leave.set()
            thread.join()
            assert list(Merchant.objects.values_list("pk", flat=True)) == [first.pk]
        assert seen == [[second.pk]]
