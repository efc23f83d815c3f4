"""Text that is encrypted at rest. Keys come from CREDENTIAL_KEYS: the first encrypts, all decrypt."""

from __future__ import annotations

from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


class UnreadableSecret(Exception):
    """A stored secret was made with a key that is no longer in CREDENTIAL_KEYS."""


@cache
def _keyring(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            "CREDENTIAL_KEYS must hold at least one Fernet key (44 characters of URL-safe base64)"
        ) from error


def keyring() -> MultiFernet:
    """The keys in force. Raises ImproperlyConfigured when there is none."""
    return _keyring(tuple(settings.CREDENTIAL_KEYS))


def encrypt(text: str) -> str:
    """Ciphertext of `text` under the first key."""
    return keyring().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The text behind a ciphertext. Raises UnreadableSecret."""
    try:
        return keyring().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise UnreadableSecret("No key in CREDENTIAL_KEYS opens this secret") from error


def rotate(token: str) -> str:
    """The same secret under the first key. Raises UnreadableSecret."""
    try:
        return keyring().rotate(token.encode()).decode()
    except InvalidToken as error:
        raise UnreadableSecret("No key in CREDENTIAL_KEYS opens this secret") from error


class EncryptedTextField(models.TextField):
    """A text column that holds ciphertext; code sees the plain text. Empty stays empty. It cannot be searched."""

    def get_prep_value(self, value: Any) -> Any:
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        return decrypt(value) if value else value
