"""The pages that show."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import member_required, merchant_rows
from accounts.models import Membership, Role
from connectors.models import ConnectedStore, StorePart
from orders.models import Order
from orders.queries import detail, lists, stores
from orders.queries.dryrun import dry_run_context

MOST_ROWS = 200


@require_safe
def start(_request: HttpRequest) -> HttpResponse:
    """The start page is the dashboard."""
    return redirect("dashboard")


@require_safe
@never_cache
@member_required()
def order_list(request: HttpRequest) -> HttpResponse:
    """Orders on TikTok Shop."""
    membership = membership_of(request)
    with shop_time(membership):
        context = lists.order_page(
            merchant_id=membership.merchant_id,
            query=request.GET.dict(),
            is_owner=membership.role == Role.OWNER,
            now=timezone.now(),
        )
        request.frame = context.pop("frame")  # type: ignore[attr-defined]
        more = {"zone_name": zone_name(membership), "can_pick": may_change(membership)}
        return render(request, "orders/list.html", {**context, **more})


@require_safe
@never_cache
@member_required()
def order_rows(request: HttpRequest) -> HttpResponse:
    """The rows of a list that changed since they were drawn; 204 when none did."""
    membership = membership_of(request)
    pairs = re.findall(r"([0-9]{1,18}):([0-9]{1,9})", request.GET.get("rows", ""))[:MOST_ROWS]
    newest = request.GET.get("newest", "")
    context = lists.changed_rows(
        merchant_id=membership.merchant_id,
        query=request.GET.dict(),
        shown={int(pk): int(version) for pk, version in pairs},
        newest=int(newest) if newest.isdigit() and len(newest) < 19 else 0,
        now=timezone.now(),
    )
    if context is None:
        return HttpResponse(status=204)
    with shop_time(membership):
        return render(request, "orders/_poll.html", {**context, "can_pick": may_change(membership)})


@require_safe
@never_cache
@member_required()
def order_detail(request: HttpRequest, order_id: int) -> HttpResponse:
    """One order's page."""
    membership = membership_of(request)
    with shop_time(membership):
        return render(request, "orders/detail.html", _order_context(membership, order_id))


@require_safe
@never_cache
@member_required(at_least=Role.MANAGER)
def order_dry_run(request: HttpRequest, order_id: int) -> HttpResponse:
    """What each store would get of this order. Asks the stores, sends nothing."""
    membership = membership_of(request)
    with merchant_rows(membership.merchant_id):
        order = Order.objects.select_related("source_store").filter(pk=order_id).first()
    if order is None:
        raise Http404
    context = dry_run_context(order, clock=timezone.now)
    with shop_time(membership):
        return render(request, "orders/dry_run.html", {"order": order, **context})


@require_safe
@never_cache
@member_required()
def order_poll(request: HttpRequest, order_id: int) -> HttpResponse:
    """The parts of an order's page, when the order changed since they were drawn; 204 when it did not."""
    membership = membership_of(request)
    version = detail.order_version(merchant_id=membership.merchant_id, order_id=order_id)
    if version is None:
        raise Http404
    if request.GET.get("rows", "") == f"{order_id}:{version}":
        return HttpResponse(status=204)
    with shop_time(membership):
        return render(request, "orders/_detail_poll.html", _order_context(membership, order_id))


@require_safe
@never_cache
@member_required()
def store_list(request: HttpRequest) -> HttpResponse:
    """Connections: what is connected, for how long, and what can be."""
    membership = membership_of(request)
    with shop_time(membership):
        context = stores.stores_context(
            merchant_id=membership.merchant_id,
            is_owner=membership.role == Role.OWNER,
            can_manage=may_change(membership),
            now=timezone.now(),
        )
        return render(request, "stores/list.html", context)


def membership_of(request: HttpRequest) -> Membership:
    """The membership that `member_required` has made sure of."""
    membership: Membership = request.membership  # type: ignore[attr-defined]
    return membership


def may_change(membership: Membership) -> bool:
    """Whether this person decides: answers, cancels, saves settings. A viewer only reads."""
    return membership.role in (Role.OWNER, Role.MANAGER)


def store_or_404(store_id: int, part: StorePart) -> ConnectedStore:
    """This merchant's store, in the caller's transaction."""
    found = ConnectedStore.objects.filter(pk=store_id, part=part).first()
    if found is None:
        raise Http404
    return found


def shop_time(membership: Membership) -> Any:
    """Times as the merchant's clock shows them."""
    return timezone.override(_zone(membership))


def zone_name(membership: Membership) -> str:
    """The zone's name, said once a page: Los Angeles time."""
    return f"{str(_zone(membership)).rpartition('/')[2].replace('_', ' ')} time"


def _zone(membership: Membership) -> ZoneInfo:
    try:
        return ZoneInfo(membership.merchant.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _order_context(membership: Membership, order_id: int) -> dict[str, Any]:
    now: datetime = timezone.now()
    can_act = may_change(membership)
    context = detail.order_context(merchant_id=membership.merchant_id, order_id=order_id, can_act=can_act, now=now)
    if context is None:
        raise Http404
    return {**context, "zone_name": zone_name(membership)}
