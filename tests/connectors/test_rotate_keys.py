"""A key of CREDENTIAL_KEYS is replaced while everything runs."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.access import all_merchants
from connectors.crypto import UnreadableSecret
from connectors.models import ConnectedStore
from tests.factories import StoreFactory

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture
def store(db: None, settings: Any) -> ConnectedStore:
    settings.CREDENTIAL_KEYS = [OLD]
    with all_merchants("a test"):
        return StoreFactory(credentials_text='{"access_token": "shpat_1"}')


def text_of(store: ConnectedStore) -> str:
    with all_merchants("a test"):
        return ConnectedStore.objects.get(pk=store.pk).credentials_text


def kept_of(store: ConnectedStore) -> str:
    with all_merchants("a test"), connection.cursor() as cursor:
        cursor.execute("select credentials_text from connectors_connectedstore where id = %s", [store.pk])
        return str(cursor.fetchone()[0])


class TestRotateKeys:
    def test_puts_every_secret_under_the_first_key(self, store: ConnectedStore, settings: Any) -> None:
        settings.CREDENTIAL_KEYS = [NEW, OLD]
        call_command("rotate_keys")
        settings.CREDENTIAL_KEYS = [NEW]
        assert text_of(store) == '{"access_token": "shpat_1"}'
        settings.CREDENTIAL_KEYS = [OLD]
        with pytest.raises(UnreadableSecret):
            text_of(store)

    def test_may_be_repeated(self, store: ConnectedStore, settings: Any) -> None:
        settings.CREDENTIAL_KEYS = [NEW, OLD]
        call_command("rotate_keys")
        call_command("rotate_keys")
        assert text_of(store) == '{"access_token": "shpat_1"}'

    def test_leaves_a_secret_that_no_key_opens_as_it_is(self, store: ConnectedStore, settings: Any) -> None:
        before = kept_of(store)
        settings.CREDENTIAL_KEYS = [OTHER]
        with pytest.raises(CommandError, match=r"connectors_connectedstore\.credentials_text opens with no key"):
            call_command("rotate_keys")
        assert kept_of(store) == before
