"""The pages of routes: which store gets which orders of a shop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import member_required, merchant_rows
from accounts.models import Role
from connectors.models import ConnectedStore, StorePart
from orders import routing, saving
from orders.forms import RouteForm
from orders.models import Route, RouteRule
from orders.queries import settings as queries
from orders.route_effect import route_effect
from orders.views.draft import author_of
from orders.views.outlook import Outlook, outlook_on_ways
from orders.views.pages import membership_of, shop_time


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required(at_least=Role.MANAGER)
def new_route(request: HttpRequest, store_id: int) -> HttpResponse:
    """Add a route from a TikTok shop."""
    merchant_id = membership_of(request).merchant_id
    with merchant_rows(merchant_id):
        source = ConnectedStore.objects.filter(pk=store_id, part=StorePart.SOURCE).first()
    if source is None:
        raise Http404
    return _route(request, Route(merchant_id=merchant_id, source_store=source))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required(at_least=Role.MANAGER)
def route(request: HttpRequest, route_id: int) -> HttpResponse:
    """Change a route."""
    with merchant_rows(membership_of(request).merchant_id):
        found = Route.objects.select_related("source_store", "destination_store").filter(pk=route_id).first()
    if found is None:
        raise Http404
    return _route(request, found)


@require_POST
@member_required(at_least=Role.MANAGER)
def remove_route(request: HttpRequest, route_id: int) -> HttpResponse:
    """Take a route away. Orders that were planned over it go on."""
    with merchant_rows(membership_of(request).merchant_id):
        found = Route.objects.filter(pk=route_id).first()
        if found is None:
            raise Http404
        saving.remove_route(route=found, by=author_of(membership_of(request)))
    messages.success(request, "Removed. Orders that are on their way over it go on.")
    return redirect("stores")


def _route(request: HttpRequest, shown: Route) -> HttpResponse:
    membership, data = membership_of(request), request.POST if request.method == "POST" else None
    with merchant_rows(shown.merchant_id):
        stores = list(ConnectedStore.objects.filter(part=StorePart.DESTINATION).order_by("name"))
        warehouses = queries.warehouses_of(shown.source_store)
    if not stores:
        messages.error(request, "Connect a store first: then orders can go there.")
        return redirect("stores")
    form = RouteForm(
        data,
        initial=_initial(shown),
        stores=[(store.pk, queries.store_label(store)) for store in stores],
        warehouses=warehouses,
    )
    outlook = None
    if data is not None and form.is_valid():
        _fill_in(shown, form, stores)
        if not _is_look(data):
            if _saved(request, form, shown):
                return redirect("stores")
        else:
            outlook = _outlook(shown, stores)
            if data.get("step") == "csv":
                return outlook.table("route")
    with shop_time(membership):
        context = {
            "route": shown,
            "form": form,
            "is_new": shown.pk is None,
            "effect": outlook.context(request.POST) if outlook else None,
            "page_url": request.path,
        }
        return render(request, "stores/route.html", context, status=400 if form.errors else 200)


def _is_look(data: Mapping[str, str]) -> bool:
    """Whether what was filled in is only to be looked at."""
    return data.get("step") in ("look", "csv") or "list" in data or "preview" in data


def _outlook(proposed: Route, stores: list[ConnectedStore]) -> Outlook:
    with merchant_rows(proposed.merchant_id):
        rerouted = route_effect(source_store=proposed.source_store, proposed=proposed, now=timezone.now())
    return outlook_on_ways(rerouted, stores)


def _initial(shown: Route) -> dict[str, Any]:
    is_first = shown.pk is None
    return {
        "destination": shown.destination_store_id,
        "rule": RouteRule.SKU if is_first else shown.rule,
        "skus": "\n".join(shown.skus),
        "warehouse_ids": "\n".join(shown.warehouse_ids),
        "least_share": shown.least_share,
        "takes_part": shown.takes_part,
        "leaves_rest": shown.leaves_rest,
        "position": shown.position or 1,
    }


def _fill_in(shown: Route, form: RouteForm, stores: list[ConnectedStore]) -> None:
    """The route as the valid form says it; nothing is kept."""
    said = form.cleaned_data
    shown.destination_store = next(store for store in stores if str(store.pk) == said["destination"])
    for name in ("rule", "position", "takes_part", "leaves_rest", "skus", "warehouse_ids", "least_share"):
        setattr(shown, name, said[name])


def _saved(request: HttpRequest, form: RouteForm, shown: Route) -> bool:
    """Whether the route could be kept; else the form says why not."""
    try:
        with merchant_rows(shown.merchant_id):
            saving.save_route(route=shown, by=author_of(membership_of(request)))
    except routing.RouteRefused as error:
        form.add_error(None, str(error))
        return False
    except IntegrityError:
        form.add_error(None, "Somebody changed the routes at this moment. Look at them and save again.")
        return False
    messages.success(request, "Saved. It counts for orders released from now on.")
    return True
