"""The buttons: each calls one step and goes back to the order's page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

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
from orders.states import AlreadyMoved, IllegalTransition, NotPossible
from orders.views.pages import membership_of

Step = Callable[..., object]  # keyword-only: order, by, now, and what the form says
View = Callable[..., HttpResponse]


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
            step(order=order, by=membership.user.name or membership.user.email, now=now)
        messages.success(request, said)
    except NotPossible as error:
        messages.error(request, str(error))
    except (AlreadyMoved, IllegalTransition):
        messages.error(request, "The order moved on meanwhile. Nothing was changed.")
    return redirect("order", order_id)


def button(step: Step, said: str, *, reads: Callable[[HttpRequest], Mapping[str, Any]] | None = None) -> View:
    """The view of a button that takes one step, with what `reads` finds in its form."""

    @require_POST
    @member_required(at_least=Role.MANAGER)
    def press(request: HttpRequest, order_id: int) -> HttpResponse:
        return act(request, order_id, partial(step, **(reads(request) if reads else {})), said)

    return press


retry = button(attention.retry, "Tried again at once. The page shows what comes of it.")
dismiss = button(attention.dismiss, "Marked as settled.")
skip = button(attention.skip, "Skipped. Nothing is created.")
create = button(attention.create_anyway, "It is created now. The page shows what comes of it.")


@require_POST
@member_required(at_least=Role.MANAGER)
def carrier(request: HttpRequest, order_id: int) -> HttpResponse:
    """Say which carrier the store's word means."""
    step = partial(parcels.choose_carrier, carrier_id=request.POST.get("carrier", ""))
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
