"""The dashboard, and the buttons of its checklist: each calls one step and goes back."""

from __future__ import annotations

from datetime import datetime, time

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import member_required, merchant_rows
from accounts.models import Membership, Role
from connectors.models import ConnectedStore, StorePart, StoreState
from orders import link_check, readiness, seller_shipping
from orders.checklist import StepKey
from orders.queries.dashboard import dashboard_context
from orders.queries.setup import switch_context
from orders.views.pages import membership_of, shop_time, zone_name


@require_safe
@never_cache
@member_required()
def page(request: HttpRequest) -> HttpResponse:
    """What is missing, what presses, and whether every order is accounted for."""
    membership = membership_of(request)
    with shop_time(membership):
        context = dashboard_context(
            merchant_id=membership.merchant_id,
            can_manage=membership.role in (Role.OWNER, Role.MANAGER),
            is_owner=membership.role == Role.OWNER,
            now=timezone.now(),
            opened=request.GET.get("shop", ""),
        )
        request.frame = context.pop("frame")  # type: ignore[attr-defined]
        return render(request, "dashboard/page.html", {**context, "zone_name": zone_name(membership)})


@require_POST
@member_required(at_least=Role.MANAGER)
def check(request: HttpRequest, store_id: int) -> HttpResponse:
    """Ask the platforms now about a step that is judged from what they say. Changes nothing there."""
    shop = shop_of(request, store_id)
    if request.POST.get("step") == StepKey.PRODUCTS:
        problem = link_check.look_for_links(shop=shop, clock=timezone.now)
        if problem:
            messages.error(request, problem)
    else:
        seller_shipping.check(shop=shop, clock=timezone.now)
    return _back(shop)


@require_POST
@member_required(at_least=Role.MANAGER)
def vouch(request: HttpRequest, store_id: int) -> HttpResponse:
    """The merchant's word for a step, or that word taken back."""
    shop = shop_of(request, store_id)
    key = request.POST.get("step", "")
    if key in set(StepKey):
        with merchant_rows(shop.merchant_id):
            is_so = request.POST.get("answer") != "no"
            readiness.vouch(shop=shop, key=StepKey(key), is_so=is_so, now=timezone.now())
            readiness.look(shop)
    return _back(shop)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required(at_least=Role.MANAGER)
def switch(request: HttpRequest, store_id: int) -> HttpResponse:
    """Switch a shop on or off; the page says first what becomes of the orders that wait."""
    membership, shop = membership_of(request), shop_of(request, store_id)
    now = timezone.now()
    if request.method != "POST":
        with shop_time(membership):
            context = switch_context(shop=shop, now=now)
            return render(request, "dashboard/switch.html", {**context, "zone_name": zone_name(membership)})
    by = membership.user.name or membership.user.email
    if request.POST.get("to") == "off":
        with merchant_rows(shop.merchant_id):
            readiness.switch_off(shop=shop, by=by, now=now)
        messages.success(request, f"{shop.name} is switched off. Orders are captured and wait.")
        return _back(shop)
    try:
        before = _leave_out_before(request, membership)
        with merchant_rows(shop.merchant_id):
            done = readiness.switch_on(shop=shop, by=by, now=now, leave_out_before=before)
    except readiness.NotReady as error:
        messages.error(request, f"Not switched on. {error}")
        return _back(shop)
    messages.success(request, _said(shop, done))
    return redirect("orders" if done.planned else "dashboard")


def shop_of(request: HttpRequest, store_id: int) -> ConnectedStore:
    """This merchant's TikTok shop with that id, or 404."""
    with merchant_rows(membership_of(request).merchant_id):
        shops = ConnectedStore.objects.filter(part=StorePart.SOURCE).exclude(state=StoreState.DISCONNECTED)
        shop = shops.filter(pk=store_id).first()
    if shop is None:
        raise Http404
    return shop


def _leave_out_before(request: HttpRequest, membership: Membership) -> datetime | None:
    """The start of the chosen day by the merchant's clock; None where all waiting orders are wanted."""
    if request.POST.get("old") != "leave":
        return None
    try:
        day = parse_date(request.POST.get("before", ""))
    except ValueError:
        day = None
    if day is None:
        return None
    with shop_time(membership):
        return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())


def _said(shop: ConnectedStore, done: readiness.SwitchedOn) -> str:
    words = [f"{shop.name} is switched on."]
    if done.planned:
        what = "waiting order is" if done.planned == 1 else "waiting orders are"
        words.append(f"{done.planned:,} {what} created{' now, the rest within minutes' if done.has_more else ''}.")
    if done.left_out:
        words.append(f"{done.left_out:,} left out: see Skipped.")
    return " ".join(words)


def _back(shop: ConnectedStore) -> HttpResponse:
    return redirect(f"{reverse('dashboard')}?shop={shop.pk}#setup-{shop.pk}")
