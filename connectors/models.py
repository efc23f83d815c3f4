"""A merchant's stores, the webhooks they sent, and the calls we made to them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Merchant, User
from connectors.base.types import Credentials, StoreIdentity
from connectors.crypto import EncryptedTextField


class StoreState(models.TextChoices):
    """Whether we may speak for the store."""

    CONNECTED = "CONNECTED", "Connected"
    RECONNECT = "RECONNECT", "Reconnect"
    DISCONNECTED = "DISCONNECTED", "Not connected"


class StorePart(models.TextChoices):
    """A store is where buyers order, or where the merchant fulfills."""

    SOURCE = "SOURCE", "Orders come from"
    DESTINATION = "DESTINATION", "Orders go to"


class ConnectedStore(models.Model):
    """A merchant's authorised account on a platform: a TikTok shop or a storefront."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="stores")
    platform = models.CharField(max_length=20)
    part = models.CharField(max_length=12, choices=StorePart.choices)
    external_id = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    region = models.CharField(max_length=8, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    domain = models.CharField(max_length=200, blank=True)
    extra = models.JSONField(default=dict, blank=True)
    options = models.JSONField(default=dict, blank=True)  # what the merchant chose, by the connector's StoreOptions
    state = models.CharField(max_length=12, choices=StoreState.choices, default=StoreState.CONNECTED)
    state_reason = models.CharField(max_length=300, blank=True)
    credentials_text = EncryptedTextField(blank=True, default="")
    # One authorization may cover several shops, which then share their tokens: it is refreshed for all of them.
    authorization_id = models.CharField(max_length=200, blank=True)
    credentials_version = models.PositiveIntegerField(default=0)
    access_expires_at = models.DateTimeField(null=True, blank=True)
    authorized_until = models.DateTimeField(null=True, blank=True)
    scopes = models.JSONField(default=list, blank=True)
    refresh_lease_until = models.DateTimeField(null=True, blank=True)
    connected_at = models.DateTimeField(default=timezone.now)
    refreshed_at = models.DateTimeField(null=True, blank=True)
    webhooks_checked_at = models.DateTimeField(null=True, blank=True)
    last_webhook_at = models.DateTimeField(null=True, blank=True)
    polled_until = models.DateTimeField(null=True, blank=True)
    last_test = models.JSONField(default=dict, blank=True)  # what connectors/testing.py found, and who asked

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["merchant", "platform", "external_id"], name="store_once_per_merchant"),
            models.UniqueConstraint(
                fields=["platform", "external_id"],
                condition=~Q(state=StoreState.DISCONNECTED),
                name="store_has_one_merchant",
            ),
            models.CheckConstraint(condition=Q(state__in=StoreState.values), name="store_state_known"),
            models.CheckConstraint(condition=Q(part__in=StorePart.values), name="store_part_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.platform})"

    @property
    def identity(self) -> StoreIdentity:
        """The store as its connector wants it."""
        return StoreIdentity(
            external_id=self.external_id,
            name=self.name,
            region=self.region,
            currency=self.currency,
            domain=self.domain,
            extra=self.extra,
            options=self.options,
        )

    @property
    def credentials(self) -> Credentials | None:
        """The tokens, decrypted; None when there are none."""
        return read_credentials(self.credentials_text) if self.credentials_text else None

    @credentials.setter
    def credentials(self, value: Credentials | None) -> None:
        self.credentials_text = write_credentials(value) if value else ""
        self.access_expires_at = value.access_expires_at if value else None
        self.authorized_until = value.refresh_expires_at if value else None
        self.scopes = list(value.scopes) if value else []
        self.authorization_id = value.extra.get("open_id", "")[:200] if value else ""

    CREDENTIAL_FIELDS: ClassVar = [
        "credentials_text",
        "access_expires_at",
        "authorized_until",
        "scopes",
        "authorization_id",
    ]


class WebhookDelivery(models.Model):
    """One webhook received: the inbox. Kept raw until it is processed, scrubbed of buyers' data after."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(ConnectedStore, on_delete=models.CASCADE, related_name="deliveries")
    platform = models.CharField(max_length=20)
    delivery_key = models.CharField(max_length=200)
    headers = models.JSONField(default=dict)
    body = models.TextField()
    received_at = models.DateTimeField()
    not_before = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    processed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["platform", "delivery_key"], name="delivery_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["store", "not_before"], condition=Q(processed_at=None), name="delivery_unread"),
            models.Index(
                fields=["not_before"], include=["store"], condition=Q(processed_at=None), name="delivery_when"
            ),
            models.Index(fields=["received_at"], condition=Q(processed_at=None), name="delivery_oldest"),
            models.Index(fields=["store", "received_at"], name="delivery_history"),
        ]
        verbose_name_plural = "webhook deliveries"

    def __str__(self) -> str:
        return f"{self.platform} {self.delivery_key}"


class ApiCall(models.Model):
    """One call made to a platform, scrubbed before it was stored. `subject` is the order's id at the source."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(ConnectedStore, on_delete=models.CASCADE, related_name="calls")
    subject = models.CharField(max_length=64, blank=True)
    operation = models.CharField(max_length=60)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=300)
    status = models.PositiveSmallIntegerField()
    milliseconds = models.PositiveIntegerField()
    request = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    error = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=100, blank=True)
    called_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["merchant", "subject", "called_at"], condition=~Q(subject=""), name="call_of_order"),
            models.Index(fields=["called_at"], name="call_age"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


class AuthorizationAttempt(models.Model):
    """An OAuth journey under way: its state is bound to one session, person and merchant, and works once."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    platform = models.CharField(max_length=20)
    shop = models.CharField(max_length=200, blank=True)
    state_digest = models.CharField(max_length=64, unique=True)
    session_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.platform} for {self.merchant_id}"


def write_credentials(value: Credentials) -> str:
    """Credentials as JSON text, to be encrypted."""
    return json.dumps(
        {
            "access_token": value.access_token,
            "access_expires_at": value.access_expires_at and value.access_expires_at.isoformat(),
            "refresh_token": value.refresh_token,
            "refresh_expires_at": value.refresh_expires_at and value.refresh_expires_at.isoformat(),
            "scopes": list(value.scopes),
            "extra": dict(value.extra),
        }
    )


def read_credentials(text: str) -> Credentials:
    """The reverse of write_credentials."""
    parts: dict[str, Any] = json.loads(text)

    def moment(name: str) -> datetime | None:
        return datetime.fromisoformat(parts[name]) if parts.get(name) else None

    return Credentials(
        access_token=parts["access_token"],
        access_expires_at=moment("access_expires_at"),
        refresh_token=parts.get("refresh_token", ""),
        refresh_expires_at=moment("refresh_expires_at"),
        scopes=tuple(parts.get("scopes", [])),
        extra=parts.get("extra", {}),
    )
