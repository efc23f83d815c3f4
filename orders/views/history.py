"""Every version of the settings: who saved what, and the way back."""

from __future__ import annotations

import re

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import member_required, merchant_rows
from accounts.models import Role
from orders import saving
from orders.models import SettingsVersion
from orders.queries import history as queries
from orders.versions import CannotRestore
from orders.views.draft import author_of
from orders.views.pages import may_change, membership_of, shop_time, zone_name


@require_safe
@never_cache
@member_required()
def settings_history(request: HttpRequest) -> HttpResponse:
    """All versions, or those of one page of settings."""
    membership, asked = membership_of(request), request.GET
    about = asked.get("about", "") if re.fullmatch(r"\d{1,18}(-\d{1,18})?", asked.get("about", "")) else ""
    before = int(asked["before"]) if re.fullmatch(r"\d{1,9}", asked.get("before", "")) else 0
    with merchant_rows(membership.merchant_id), shop_time(membership):
        context = queries.history_context(
            merchant_id=membership.merchant_id,
            concern=asked.get("concern", ""),
            about=about,
            before=before,
            can_change=may_change(membership),
            now=timezone.now(),
        )
        return render(request, "settings/history.html", {**context, "zone_name": zone_name(membership)})


@require_safe
@never_cache
@member_required()
def settings_version(request: HttpRequest, number: int) -> HttpResponse:
    """One version: what it changed, and what bringing it back would change now."""
    membership = membership_of(request)
    with merchant_rows(membership.merchant_id), shop_time(membership):
        context = queries.version_context(_version(number), now=timezone.now())
        more = {
            "can_change": may_change(membership),
            "zone_name": zone_name(membership),
            "seen": queries.digest_of(context["would_change"]),
        }
        return render(request, "settings/version.html", {**context, **more})


@require_POST
@member_required(at_least=Role.MANAGER)
def restore_version(request: HttpRequest, number: int) -> HttpResponse:
    """Bring a version back, as a new one; only if that changes what the page said it would."""
    membership = membership_of(request)
    by = author_of(membership)
    with merchant_rows(membership.merchant_id):
        version = _version(number)
        names = queries.names_of(merchant_id=membership.merchant_id, now=by.now)
        if request.POST.get("seen") != queries.digest_of(queries.would_change(version, names)):
            messages.error(request, "The settings changed meanwhile. Look at what a restore changes now.")
            return redirect("settings_version", number)
    try:
        with merchant_rows(membership.merchant_id):
            made = saving.restore(version=version, by=by)
    except CannotRestore as error:
        messages.error(request, f"{error} Nothing was changed.")
        return redirect("settings_version", number)
    messages.success(request, f"Version {number} is back, as version {made.number}.")
    return redirect("settings_history")


def _version(number: int) -> SettingsVersion:
    found = SettingsVersion.objects.filter(number=number).first()
    if found is None:
        raise Http404
    return found
