"""Orders, their mirrors and the outbox in the staff admin. Buyers' addresses are not among the fields."""

from __future__ import annotations

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin
from orders.models import (
    AlertDelivery,
    AlertMessage,
    Fulfillment,
    Mirror,
    Order,
    OrderEvent,
    OutboxItem,
    Route,
    SetAside,
)


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = (
        "external_id",
        "merchant",
        "source_status",
        "state",
        "attention",
        "ordered_at",
        "release_at",
        "check_at",
    )
    list_filter = ("state", "attention", "source_status")
    list_select_related = ("merchant",)
    search_fields = ("external_id",)
    exclude = ("snapshot", "search_text", "buyer_name", "buyer_place")
    show_full_result_count = False


@admin.register(OrderEvent)
class OrderEventAdmin(ReadOnlyAdmin):
    list_display = ("happened_at", "order", "kind", "reason", "from_state", "to_state", "by")
    list_select_related = ("order",)
    search_fields = ("order__external_id",)
    show_full_result_count = False


@admin.register(Mirror)
class MirrorAdmin(ReadOnlyAdmin):
    list_display = ("reference", "name", "store", "state", "created_at")
    list_filter = ("state",)
    list_select_related = ("store",)
    search_fields = ("reference", "name", "external_id")
    show_full_result_count = False


@admin.register(OutboxItem)
class OutboxItemAdmin(ReadOnlyAdmin):
    list_display = (
        "reference", "kind", "store", "status", "attempts", "is_doubtful", "not_before", "give_up_reason", "last_error",
    )  # fmt: skip
    list_filter = ("kind", "status", "give_up_reason")
    list_select_related = ("store",)
    search_fields = ("reference",)
    show_full_result_count = False


@admin.register(Fulfillment)
class FulfillmentAdmin(ReadOnlyAdmin):
    list_display = ("tracking_number", "order", "state", "carrier_text", "sent_at", "accepted_at", "warning")
    list_filter = ("state",)
    list_select_related = ("order",)
    search_fields = ("tracking_number", "order__external_id")
    show_full_result_count = False


@admin.register(Route)
class RouteAdmin(ReadOnlyAdmin):
    list_display = ("source_store", "destination_store", "hold_mode", "extra_hold_hours", "is_on")
    list_select_related = ("source_store", "destination_store")


@admin.register(SetAside)
class SetAsideAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "source_store", "reason", "attempts", "not_before", "set_aside_at")
    list_select_related = ("source_store",)
    search_fields = ("external_id",)


@admin.register(AlertMessage)
class AlertMessageAdmin(ReadOnlyAdmin):
    list_display = ("said_at", "merchant", "kind", "word", "is_shown", "is_muted")
    list_filter = ("kind", "word")
    list_select_related = ("merchant",)
    show_full_result_count = False


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("message", "merchant", "channel", "state", "attempts", "not_before", "last_error", "sent_at")
    list_filter = ("channel", "state")
    list_select_related = ("merchant", "message")
    exclude = ("address",)
    show_full_result_count = False
