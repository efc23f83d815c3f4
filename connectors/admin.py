"""Stores, deliveries and calls in the staff admin. Tokens are not among the fields."""

from __future__ import annotations

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin
from connectors.models import ApiCall, ConnectedStore, WebhookDelivery


@admin.register(ConnectedStore)
class ConnectedStoreAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "platform",
        "part",
        "merchant",
        "state",
        "authorized_until",
        "polled_until",
        "last_webhook_at",
    )
    list_filter = ("platform", "part", "state")
    list_select_related = ("merchant",)
    search_fields = ("name", "external_id", "merchant__name")
    exclude = ("credentials_text",)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("delivery_key", "platform", "store", "received_at", "processed_at", "attempts", "outcome")
    list_filter = ("platform",)
    list_select_related = ("store",)
    search_fields = ("delivery_key",)
    exclude = ("body", "headers")
    show_full_result_count = False


@admin.register(ApiCall)
class ApiCallAdmin(ReadOnlyAdmin):
    list_display = ("called_at", "store", "operation", "status", "milliseconds", "subject", "error")
    list_filter = ("operation",)
    list_select_related = ("store",)
    search_fields = ("subject", "request_id")
    show_full_result_count = False
