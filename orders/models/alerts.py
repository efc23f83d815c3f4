"""What a merchant is told about: what is wrong now, what was said of it, and whom it reached."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Merchant
from connectors.crypto import EncryptedTextField


class AlertKind(models.TextChoices):
    """What an alert is about."""

    AUTHORIZATION = "AUTHORIZATION", "Authorization"
    CANCEL_REQUEST = "CANCEL_REQUEST", "Requests to cancel"
    DEADLINE = "DEADLINE", "Deadlines"
    ATTENTION = "ATTENTION", "Needs attention"
    MONEY = "MONEY", "Money does not balance"
    LEDGER_GAP = "LEDGER_GAP", "Orders not accounted for"
    SILENCE = "SILENCE", "No webhooks"
    RATE_LIMIT = "RATE_LIMIT", "Platform's limit"


class AlertWord(models.TextChoices):
    """What a message says of its alert."""

    OPENED = "OPENED", "New"
    WORSE = "WORSE", "More"
    STILL = "STILL", "Still open"
    RESOLVED = "RESOLVED", "Resolved"
    TEST = "TEST", "Test"


class AlertChannel(models.TextChoices):
    """How a message leaves the app. In the app it is shown by its row."""

    EMAIL = "EMAIL", "E-mail"
    WEBHOOK = "WEBHOOK", "Webhook"


class DeliveryState(models.TextChoices):
    """Where a message stands on its way."""

    PENDING = "PENDING", "To be sent at or after not_before"
    SENT = "SENT", "Taken by the other side"
    GIVEN_UP = "GIVEN_UP", "Refused or unreachable too often"


class Alert(models.Model):
    """Something that is wrong from `opened_at` to `resolved_at`. At most one is open of a kind and subject, whatever
    it is made of: a hundred late orders are one alert."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, db_index=False, related_name="+")
    kind = models.CharField(max_length=16, choices=AlertKind.choices)
    subject = models.CharField(max_length=40, blank=True)  # the id of the store that it is about, if it is about one
    facts = models.JSONField(default=dict)  # how it stands now, for orders/alert_words.py
    marks = models.JSONField(default=dict)  # what was said last, for orders/alerts.py
    opened_at = models.DateTimeField()
    said_at = models.DateTimeField()
    clear_since = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merchant", "kind", "subject"], condition=Q(resolved_at=None), name="alert_open_once"
            ),
            models.CheckConstraint(condition=Q(kind__in=AlertKind.values), name="alert_kind_known"),
        ]
        indexes: ClassVar = [models.Index(fields=["resolved_at"], name="alert_age")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip()


class AlertMessage(models.Model):
    """What was said of an alert at one moment. The row comes first; whom it reaches is AlertDelivery's."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, db_index=False, related_name="+")
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, null=True, blank=True, related_name="messages")
    kind = models.CharField(max_length=16, choices=AlertKind.choices, blank=True)
    word = models.CharField(max_length=10, choices=AlertWord.choices)
    facts = models.JSONField(default=dict)
    is_shown = models.BooleanField(default=True)  # counts at the bell: in the app, and not muted
    is_muted = models.BooleanField(default=False)
    said_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["merchant", "-id"], name="message_newest"),
            models.Index(
                fields=["merchant", "-said_at"],
                condition=Q(is_shown=True) & ~Q(word__in=["RESOLVED", "TEST"]),
                name="message_at_the_bell",
            ),
            models.Index(fields=["said_at"], name="message_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.word}"


class AlertAddress(models.Model):
    """A web address that a merchant named for its messages. Rules, versions and deliveries name it by `mark`
    (orders/alert_addresses.py): whoever reads those learns its host alone."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, db_index=False, related_name="+")
    mark = models.CharField(max_length=300)
    url = EncryptedTextField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["merchant", "mark"], name="alert_address_once")]
        verbose_name_plural = "alert addresses"

    def __str__(self) -> str:
        return self.mark


class AlertDelivery(models.Model):
    """One message on its way to one address, which of a webhook is its mark. It may arrive twice, never not at all
    without saying so here."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(AlertMessage, on_delete=models.CASCADE, db_index=False, related_name="deliveries")
    channel = models.CharField(max_length=8, choices=AlertChannel.choices)
    address = models.CharField(max_length=500)
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "channel", "address"], name="alert_delivery_once"),
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="alert_delivery_state_known"),
        ]
        indexes: ClassVar = [models.Index(fields=["not_before"], condition=Q(state="PENDING"), name="alert_due")]
        verbose_name_plural = "alert deliveries"

    def __str__(self) -> str:
        return f"{self.channel} {self.state}"
