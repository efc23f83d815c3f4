"""People and merchants in the staff admin."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts.models import Membership, Merchant, User


class ReadOnlyAdmin(ModelAdmin):
    """To look at, not to change: rows have owners in the product who change them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "name", "is_staff", "is_active", "date_joined", "last_login")
    search_fields = ("email", "name")
    list_filter = ("is_staff", "is_active")
    fields = ("email", "name", "is_staff", "is_superuser", "is_active", "date_joined", "last_login")


@admin.register(Merchant)
class MerchantAdmin(ReadOnlyAdmin):
    list_display = ("name", "time_zone", "created_at")
    search_fields = ("name",)


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("merchant", "user", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("merchant", "user")
    search_fields = ("merchant__name", "user__email")
