"""The buttons: each calls one step and goes back to the order's page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import member_required, merchant_rows
from accounts.models import Role
from connectors.models import ConnectedStore
from orders import attention, linking, parcels, versions
from orders.components import Component, sku_key
from orders.models import Mirror, Order
from orders.states import AlreadyMoved, IllegalTransition
from orders.views.pages import membership_of

Step = Callable[[Order, str, datetime], None]


def act(request: HttpRequest, order_id: int, step: Step, said: str) -> HttpResponse:
    """Take a step on a locked order of this merchant, and say what came of it."""
    membership = membership_of(request)
    now = timezone.now()
    try:
        with merchant_rows(membership.merchant_id):
            locked = Order.objects.select_for_update(of=("self",)).select_related("source_store")
            order = locked.filter(pk=order_id).first()
            if order is None:
                raise Http404
            step(order, membership.user.name or membership.user.email, now)
        messages.success(request, said)
    except attention.NotPossible as error:
        messages.error(request, str(error))
    except (AlreadyMoved, IllegalTransition):
        messages.error(request, "The order moved on meanwhile. Nothing was changed.")
    return redirect("order", order_id)


@require_POST
@member_required(at_least=Role.MANAGER)
def retry(request: HttpRequest, order_id: int) -> HttpResponse:
    """Try again now."""
    return act(request, order_id, _retry, "Tried again at once. The page shows what comes of it.")


@require_POST
@member_required(at_least=Role.MANAGER)
def dismiss(request: HttpRequest, order_id: int) -> HttpResponse:
    """A person settled it elsewhere."""
    return act(request, order_id, _dismiss, "Marked as settled.")


@require_POST
@member_required(at_least=Role.MANAGER)
def skip(request: HttpRequest, order_id: int) -> HttpResponse:
    """Do not create this order."""
    return act(request, order_id, _skip, "Skipped. Nothing is created.")


@require_POST
@member_required(at_least=Role.MANAGER)
def create(request: HttpRequest, order_id: int) -> HttpResponse:
    """Create an order that was skipped."""
    return act(request, order_id, _create, "It is created now. The page shows what comes of it.")


@require_POST
@member_required(at_least=Role.MANAGER)
def carrier(request: HttpRequest, order_id: int) -> HttpResponse:
    """Say which carrier the store's word means."""
    chosen = request.POST.get("carrier", "")

    def step(order: Order, by: str, now: datetime) -> None:
        parcels.choose_carrier(order=order, carrier_id=chosen, by=by, now=now)

    merchant_id = membership_of(request).merchant_id
    with merchant_rows(merchant_id):
        versions.take_turn(merchant_id)
        return act(request, order_id, step, "Remembered. What waited for it goes to TikTok Shop now.")


@require_POST
@member_required(at_least=Role.MANAGER)
def link(request: HttpRequest, order_id: int) -> HttpResponse:
    """Link an item to a variant of the store, chosen from its catalog or named by its SKU there; every order that waits
    for the same item goes on."""
    with merchant_rows(membership_of(request).merchant_id):
        order = Order.objects.filter(pk=order_id).first()
        mirrors = Mirror.objects.select_related("store").filter(order=order_id).order_by("id")
        asking = order.attention_detail.get("store_id") if order else None
        mirror = mirrors.filter(store_id=asking).first() or mirrors.first()
    if order is None:
        raise Http404
    if mirror is None:
        messages.error(request, "The order goes to no store yet. Connect one first.")
        return redirect("order", order_id)
    sku = request.POST.get("sku", "")[:200]
    try:
        if sku_key(sku) not in {sku_key(line["sku"]) for line in order.snapshot["lines"]}:
            raise linking.LinkRefused("This order has no item with that SKU.")
        parts, count = _link_now(request, mirror.store, sku)
    except linking.LinkRefused as error:
        messages.error(request, str(error))
        return redirect("order", order_id)
    messages.success(request, f"{sku} is linked to {linking.title_of(parts)}. {linking.orders_go_on(count)}")
    return redirect("order", order_id)


def _link_now(request: HttpRequest, store: ConnectedStore, sku: str) -> tuple[list[Component], int]:
    membership = membership_of(request)
    variant_id, named = request.POST.get("variant_id", "")[:100], request.POST.get("variant", "")[:200]
    if variant_id:
        with merchant_rows(store.merchant_id):
            parts = linking.chosen(store=store, wanted=[(variant_id, 1)])
    else:
        parts = [linking.ask_store(store=store, sku=named, clock=timezone.now)]
    by = membership.user.name or membership.user.email
    return parts, linking.link_now(store=store, links={sku: parts}, by=by, now=timezone.now())


def _retry(order: Order, by: str, now: datetime) -> None:
    attention.retry(order=order, by=by, now=now)


def _dismiss(order: Order, by: str, now: datetime) -> None:
    attention.dismiss(order=order, by=by, now=now)


def _skip(order: Order, by: str, now: datetime) -> None:
    attention.skip(order=order, by=by, now=now)


def _create(order: Order, by: str, now: datetime) -> None:
    attention.create_anyway(order=order, by=by, now=now)
